"""One batch applied in one transaction: map, bind, decide whose value counts, write, remember.

Belongs here: what happens between an adapter's items and the records path. May not know: connections, retries, clocks;
`now` and `new_id` come as arguments. All of it may run again after a lost race or a crash: an item whose mapped content
is the one last applied is left alone, so applying twice is one effect.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from saddlebag.bridge import letters, mapping, mastership, plain
from saddlebag.bridge.identity import Candidate, Identities, bound, follow_merges, recognise
from saddlebag.bridge.mastership import Decision, Text
from saddlebag.bridge.port import Item, Unreadable
from saddlebag.bridge.rules import StreamMapping
from saddlebag.contract.codec import EntityCodec, codec_for
from saddlebag.kernel.errors import ADAPTER_RECORD, BROKEN_REFERENCE, NOT_FOUND, SaddlebagError
from saddlebag.kernel.ids import IdSource
from saddlebag.model.condition import Compare, Op
from saddlebag.model.fields import Value
from saddlebag.records.base import Outcome, Status, Verb, Write
from saddlebag.records.path import Records
from saddlebag.security.principal import Principal, Role
from saddlebag.store.base import StoredRecord, Transaction
from saddlebag.store.tables import Binding, Conflict, DeadLetter

UNSETTLED = b""
"""The content hash of a binding that must be applied again: a reference was left open."""


@dataclass
class Counts:
    """What came of items."""

    read: int = 0
    created: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    failed: int = 0

    def add(self, other: Counts) -> None:
        """Add another's counts to these."""
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass
class _Taken:
    """An item on its way: what it was mapped to, and which record it is for."""

    item: Item
    values: dict[str, Value]
    references: tuple[mapping.Pending, ...]
    content: bytes
    texts: dict[str, Text] = field(default_factory=dict)
    binding: Binding | None = None
    record: StoredRecord | None = None
    unsettled: bool = False


def principal_of(tenant: str, system: str) -> Principal:
    """Whom the bridge writes as: the system itself, so that its own changes are not sent back to it."""
    return Principal(tenant, f"system:{system}", Role.SYSTEM, origin=f"system:{system}")


class BatchWork:
    """The application of one batch within one transaction."""

    def __init__(self, tx: Transaction, system: str, stream: StreamMapping, now: datetime, new_id: IdSource) -> None:
        self._tx = tx
        self._system = system
        self._mapping = stream
        self._now = now
        self._new_id = new_id
        self._entity = tx.schema.entity(stream.entity)
        self._codec: EntityCodec = codec_for(tx.schema)[stream.entity]
        self._identities = Identities(tx, system)
        self._records = Records(tx, principal_of(tx.tenant.name, system), now=now, new_id=new_id)
        # Letters are rare and large: as long as the stream has none, no item has to look for its own.
        self._has_letters = bool(letters.waiting(tx, system, stream.stream, limit=1))
        self.counts = Counts()

    def take(self, items: Sequence[Item], unreadable: Sequence[Unreadable] = ()) -> Counts:
        """Apply the items and keep a letter for each that was refused."""
        latest = {each.external_id: each for each in items}
        self.counts.read += len(latest) + len(unreadable)
        for each in unreadable:
            self._refuse(Item(each.external_id, each.payload), SaddlebagError(ADAPTER_RECORD, each.reason))
        mapped = [each for each in map(self._map, latest.values()) if each is not None]
        if mapped:
            # Writers of the tenant wait from here on: a record compared with what the hub holds must still be so when
            # it is written, or a user's edit made meanwhile would be lost, and two systems would create one customer.
            self._tx.allocate(1)
        resolved = self._resolve(mapped)
        self._write(self._identify(resolved))
        self._delete([each for each in latest.values() if each.data is None])
        return self.counts

    # --- map

    def _map(self, item: Item) -> _Taken | None:
        """The item mapped; None for a deletion, a refusal, or what is known already."""
        if item.data is None:
            return None
        try:
            made = mapping.apply(self._mapping, item.data)
            values = self._codec.check(made.values)
            texts: dict[str, Text] = {name: self._codec.text(name, value) for name, value in values.items()}
        except SaddlebagError as error:
            self._refuse(item, error)
            return None
        content = plain.digest([texts, [(each.rule.field.name, each.key) for each in made.references]])
        binding = self._identities.of(self._entity.name, item.external_id)
        if binding is not None and binding.content_hash == content:
            self.counts.unchanged += 1
            self._settle(item)
            return None
        return _Taken(item, dict(values), made.references, content, texts, binding)

    # --- references

    def _resolve(self, taken: Sequence[_Taken]) -> list[_Taken]:
        matches = self._matches(taken)
        return [each for each in taken if self._resolve_one(each, matches)]

    def _resolve_one(self, taken: _Taken, matches: Mapping[tuple[str, str, str], str]) -> bool:
        for pending in taken.references:
            rule = pending.rule
            if rule.match:
                found = matches.get((rule.field.target, rule.match, pending.key))
            else:
                binding = self._identities.of(rule.field.target, pending.key)
                found = binding.record if binding is not None else None
            if found is None and not rule.leave:
                self._refuse(
                    taken.item,
                    SaddlebagError(
                        BROKEN_REFERENCE,
                        f"The {rule.field.target} that {rule.field.name} refers to is not known yet.",
                        entity=self._entity.name,
                        field=rule.field.name,
                    ),
                )
                return False
            taken.unsettled = taken.unsettled or found is None
            taken.values[rule.field.name] = taken.texts[rule.field.name] = found
        return True

    def _matches(self, taken: Sequence[_Taken]) -> dict[tuple[str, str, str], str]:
        """Targets of references by match: (entity, field, text) to record id, where exactly one record has the text."""
        wanted: dict[tuple[str, str], set[str]] = {}
        for each in taken:
            for pending in each.references:
                if pending.rule.match:
                    wanted.setdefault((pending.rule.field.target, pending.rule.match), set()).add(pending.key)
        found: dict[tuple[str, str, str], list[str]] = {}
        for (entity, name), texts in wanted.items():
            for record in self._tx.find(entity, Compare(name, Op.IN, tuple(sorted(texts)))):
                found.setdefault((entity, name, str(record.values.get(name))), []).append(record.id)
        return {key: ids[0] for key, ids in found.items() if len(ids) == 1}

    # --- identity

    def _identify(self, taken: Sequence[_Taken]) -> list[_Taken]:
        """Give each item its record, and refuse those of which it is not known which record is meant."""
        known = follow_merges(self._tx, self._entity.name, [each.binding for each in taken if each.binding])
        strangers = [Candidate(each.item.external_id, each.values) for each in taken if each.binding is None]
        found, refused = recognise(self._tx, self._identities, self._entity.name, self._mapping.match, strangers)
        for each in taken:
            name = each.item.external_id
            each.record = known.get(name) or found.get(name)
            if name in refused:
                self._refuse(each.item, refused[name])
        return [each for each in taken if each.item.external_id not in refused]

    # --- write

    def _write(self, taken: Sequence[_Taken]) -> None:
        decisions = [(each, self._decide(each)) for each in taken]
        same = [(each, made) for each, made in decisions if each.record is not None and not made.values]
        differing = [(each, made) for each, made in decisions if each.record is None or made.values]
        outcomes = self._records.apply([self._write_of(each, made) for each, made in differing]) if differing else []
        kept: list[Binding] = []
        for each, made in same:
            self.counts.unchanged += 1
            kept.append(self._accepted(each, made, each.record.id if each.record else ""))
        for (each, made), outcome in zip(differing, outcomes, strict=True):
            if outcome.ok and outcome.id is not None:
                self._count(outcome)
                kept.append(self._accepted(each, made, outcome.id))
            else:
                self._refuse(each.item, outcome.error or SaddlebagError(ADAPTER_RECORD))
        self._identities.keep(kept)

    def _decide(self, taken: _Taken) -> Decision:
        if taken.record is None:
            return mastership.on_create(self._mapping, taken.values)
        held = taken.record.values
        hub: dict[str, Text] = {name: self._codec.text(name, held.get(name)) for name in taken.values}
        seen = None if taken.binding is None else _read_seen(taken.binding.seen)
        return mastership.on_update(self._mapping, taken.values, taken.texts, seen, hub)

    def _write_of(self, taken: _Taken, made: Decision) -> Write:
        if taken.record is None:
            return Write(Verb.CREATE, self._entity.name, id=self._new_id(), values=made.values)
        return Write(Verb.UPDATE, self._entity.name, id=taken.record.id, values=made.values)

    def _accepted(self, taken: _Taken, made: Decision, record: str) -> Binding:
        self._settle(taken.item)
        for each in made.disagreements:
            self._tx.rows.put(
                Conflict(
                    self._new_id(),
                    self._entity.name,
                    record,
                    each.field,
                    _flat(each.base),
                    _flat(each.system),
                    _flat(each.hub),
                    "theirs",
                    "master",
                    f"system:{self._system}",
                    "",
                    self._now,
                )
            )
        seen = json.dumps(mastership.seen_texts(self._mapping, taken.texts), ensure_ascii=False, sort_keys=True)
        content = UNSETTLED if taken.unsettled else taken.content
        item = taken.item
        return bound(self._system, self._entity.name, item.external_id, record, item.version, content, seen, self._now)

    def _count(self, outcome: Outcome) -> None:
        if outcome.status is Status.CREATED:
            self.counts.created += 1
        elif outcome.status is Status.UNCHANGED:
            self.counts.unchanged += 1
        else:
            self.counts.updated += 1

    # --- delete

    def _delete(self, gone: Sequence[Item]) -> None:
        writes: list[tuple[Item, Write]] = []
        for item in gone:
            binding = self._identities.of(self._entity.name, item.external_id)
            self._settle(item)
            if binding is None:
                self.counts.unchanged += 1
            elif self._identities.elsewhere(self._entity.name, binding.record, item.external_id):
                self._identities.forget(self._entity.name, item.external_id)
                self.counts.deleted += 1
            else:
                writes.append((item, Write(Verb.DELETE, self._entity.name, id=binding.record)))
        outcomes = self._records.apply([write for _, write in writes]) if writes else []
        for (item, _), outcome in zip(writes, outcomes, strict=True):
            missing = outcome.status is Status.GONE or (outcome.error is not None and outcome.error.kind is NOT_FOUND)
            if outcome.error is None or missing:
                self._identities.forget(self._entity.name, item.external_id)
                self.counts.deleted += 1
            else:
                self._refuse(item, outcome.error)

    # --- letters

    def _refuse(self, item: Item, error: SaddlebagError) -> None:
        letter: DeadLetter = letters.write(self._system, self._mapping.stream, item, error, self._now)
        self._tx.rows.put(letter)
        self._has_letters = True
        self.counts.failed += 1

    def _settle(self, item: Item) -> None:
        if self._has_letters:
            letters.discard(self._tx, letters.key(self._system, self._mapping.stream, item.external_id))


def _read_seen(text: str) -> dict[str, Text]:
    held: dict[str, str | list[str]] = json.loads(text or "{}")
    return {name: tuple(each) if isinstance(each, list) else each for name, each in held.items()}


def _flat(text: Text) -> str | None:
    return ", ".join(text) if isinstance(text, tuple) else text
