"""Duplicates: which records a tenant's own rules hold to be the same, found by an index of what they compare.

Belongs here: what a rule says, the value by which it knows a record, and keeping and asking the index. May not know:
who sets rules (`duplicate_rules`), SOAP.

A rule compares a few fields; records are the same when all of them are, and a record that lacks one of them is like no
other. The index holds one entry for each rule and record: the hash of the compared values. So a question costs one
look-up by key, whatever the number of records, and a tenant without rules pays one small read a call.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final

from saddlebag.contract.codec import EntityCodec, codec_for
from saddlebag.kernel import limits
from saddlebag.model.entities import Entity
from saddlebag.model.fields import Value
from saddlebag.records.base import Match
from saddlebag.records.draft import Draft, Drafts
from saddlebag.store.base import RecordWrite, Transaction
from saddlebag.store.tables import DuplicateEntry, DuplicateRuleRow

Values = Mapping[str, Value]

_CANDIDATES: Final = 50
"""Entries of one value that are looked at: behind a switchboard's number there may be thousands."""
_PHONE_DIGITS: Final = 9
_NO_DIGIT: Final = re.compile(r"\D")


class How(StrEnum):
    """How two values of a field are compared."""

    EXACT = "exact"
    """As they are."""
    FOLDED = "folded"
    """Without regard to case, width of characters and white space (Unicode NFKC, full case folding)."""
    EMAIL = "email"
    """As e-mail addresses: the whole address without regard to case and white space."""
    PHONE = "phone"
    """As telephone numbers: by their last nine digits, so that +49 30 1234567 and 030/1234567 are one."""


@dataclass(frozen=True, slots=True)
class Term:
    """One field that a rule compares."""

    field: str
    how: How


@dataclass(frozen=True, slots=True)
class Rule:
    """A duplicate rule of the tenant; it counts once every record is in its index (`ready`)."""

    name: str
    entity: str
    terms: tuple[Term, ...]
    version: int
    ready: bool

    def key(self, codec: EntityCodec, values: Values) -> str | None:
        """What equal records have in common, None where the record lacks one of the fields."""
        parts = [_normal(each.how, _text(codec, each.field, values.get(each.field))) for each in self.terms]
        if not all(parts):
            return None
        return sha256(json.dumps(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def rule_of(row: DuplicateRuleRow) -> Rule:
    """The rule that a row keeps."""
    terms = tuple(Term(field, How(how)) for field, how in json.loads(row.terms))
    return Rule(row.name, row.entity, terms, row.version, row.ready)


def rules_of(tx: Transaction) -> dict[str, list[Rule]]:
    """The tenant's rules that fit its schema, by entity."""
    found: dict[str, list[Rule]] = {}
    for row in tx.rows.select(DuplicateRuleRow, order=("name",)):
        rule = rule_of(row)
        if tx.schema.has(rule.entity) and all(tx.schema.entity(rule.entity).has(each.field) for each in rule.terms):
            found.setdefault(rule.entity, []).append(rule)
    return found


class Duplicates:
    """The rules of a tenant, over what the store holds and what a batch is about to leave."""

    def __init__(self, tx: Transaction, drafts: Drafts) -> None:
        self._tx = tx
        self._drafts = drafts
        self.rules = rules_of(tx)
        self._taken: dict[tuple[str, str], list[Draft]] = {}

    def matches(self, draft: Draft, after: Values, sees: Callable[[Draft], bool]) -> tuple[Match, ...]:
        """Other records that the draft would equal with its new values, as far as the caller `sees` them."""
        entity, found = draft.entity, dict[str, Match]()
        for rule in self.rules.get(entity.name, ()):
            if not rule.ready:
                continue
            key = self._key(rule, after)
            if key is None or (draft.stored is not None and key == self._key(rule, draft.values)):
                continue
            for each in self._holders(rule, entity, key):
                if each.id != draft.id and len(found) < limits.DUPLICATE_MATCHES and sees(each):
                    found.setdefault(each.id, Match(rule.name, each.id))
        return tuple(found.values())

    def note(self, draft: Draft) -> None:
        """Let later writes of the batch meet this record as it is now."""
        for rule in self.rules.get(draft.entity.name, ()):
            if (key := self._key(rule, draft.values)) is not None:
                self._taken.setdefault((rule.name, key), []).append(draft)

    def _holders(self, rule: Rule, entity: Entity, key: str) -> list[Draft]:
        entries = self._tx.rows.select(DuplicateEntry, rule=rule.name, value=key, order=("record",), limit=_CANDIDATES)
        self._drafts.load(entity, [each.record for each in entries])
        stored = [self._drafts.get(entity, each.record) for each in entries]
        held = {each.id: each for each in (*stored, *self._taken.get((rule.name, key), ())) if each is not None}
        # What the batch has changed since may be like the record no more.
        return [each for each in held.values() if each.live and self._key(rule, each.values) == key]

    def _key(self, rule: Rule, values: Values) -> str | None:
        return rule.key(codec_for(self._tx.schema)[rule.entity], values)


def index(tx: Transaction, rules: Mapping[str, Sequence[Rule]], writes: Iterable[RecordWrite]) -> None:
    """Let the index say what it has to say of records that were written."""
    entries: list[object] = []
    for write in writes:
        record = write.record
        for rule in rules.get(record.entity, ()):
            key = None if record.deleted else rule.key(codec_for(tx.schema)[record.entity], record.values)
            if key is None:
                tx.rows.delete(DuplicateEntry, rule=rule.name, record=record.id)
            else:
                entries.append(DuplicateEntry(rule.name, record.id, key))
    tx.rows.put_all(entries)


def _text(codec: EntityCodec, field: str, value: Value) -> str:
    text = codec.text(field, value)
    return "" if text is None or isinstance(text, tuple) else text


def _normal(how: How, text: str) -> str:
    if how is How.EXACT:
        return text
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    if how is How.FOLDED:
        return " ".join(folded.split())
    if how is How.EMAIL:
        return "".join(folded.split())
    return _NO_DIGIT.sub("", _ascii_digits(folded).replace("(0)", ""))[-_PHONE_DIGITS:]


def _ascii_digits(text: str) -> str:
    return "".join(str(unicodedata.digit(each)) if each.isdigit() else each for each in text)
