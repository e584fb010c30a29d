"""Duplicate rules as a tenant's administrator keeps them: listing, setting, removing, and preparing their index.

Belongs here: who may set a rule, whether it fits the schema, and the index of what was there before it. May not know:
how records are compared (`duplicates`), SOAP.

A rule counts only when every record is in its index. Preparing it is done in bounded steps, one a call of `save`, each
in a transaction of its own: writers of the tenant wait while a step is under way. Records written meanwhile are indexed
by their own writes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from saddlebag.kernel import limits
from saddlebag.kernel.errors import (
    INVALID_DUPLICATE_RULE,
    NOT_ALLOWED,
    NOT_FOUND,
    STALE_VERSION,
    TOO_MANY_RECORDS,
    SaddlebagError,
)
from saddlebag.model.condition import ALWAYS, Compare, Op
from saddlebag.model.entities import Entity
from saddlebag.model.fields import Kind
from saddlebag.records.duplicates import How, Rule, Term, index, rule_of
from saddlebag.security import policy
from saddlebag.security.principal import Principal, Role
from saddlebag.store.base import ChangeKind, RecordWrite, Transaction
from saddlebag.store.tables import DuplicateEntry, DuplicateRuleRow

_ADMINISTRATORS: Final = frozenset({Role.ADMIN, Role.SYSTEM})
_PART: Final = 500
_NEVER: Final = frozenset({Kind.TEXT, Kind.TAGS})


def listed(tx: Transaction) -> list[Rule]:
    """The tenant's rules by name."""
    return [rule_of(each) for each in tx.rows.select(DuplicateRuleRow, order=("name",))]


def save(
    tx: Transaction, principal: Principal, name: str, entity: str, terms: Sequence[tuple[str, str]], version: int
) -> Rule:
    """Set a rule that replaces the one of this version (0 for none), or go on preparing it where it is the same.

    Raises NOT_ALLOWED, UNKNOWN_ENTITY, INVALID_DUPLICATE_RULE, TOO_MANY_RECORDS and STALE_VERSION.
    """
    _check_administrator(principal)
    declared = tx.schema.entity(entity)
    checked = _checked(declared, terms)
    tx.allocate(1)  # no record is written between being read here and being indexed
    kept = tx.rows.get(DuplicateRuleRow, name)
    if (kept.version if kept is not None else 0) != version:
        raise SaddlebagError(STALE_VERSION, "The rule has changed since the version given.")
    text = json.dumps([[each.field, str(each.how)] for each in checked])
    if kept is None or (kept.entity, kept.terms) != (declared.name, text):
        _check_count(tx, kept)
        tx.rows.delete(DuplicateEntry, rule=name)
        kept = DuplicateRuleRow(name, declared.name, version + 1, text, "", False)
    return rule_of(_prepared(tx, kept))


def delete(tx: Transaction, principal: Principal, name: str, version: int) -> None:
    """Remove a rule and its index; raises NOT_ALLOWED, NOT_FOUND and STALE_VERSION."""
    _check_administrator(principal)
    kept = tx.rows.get(DuplicateRuleRow, name)
    if kept is None:
        raise SaddlebagError(NOT_FOUND, "There is no such duplicate rule.", rule=name)
    if not tx.rows.delete(DuplicateRuleRow, name=name, version=version):
        raise SaddlebagError(STALE_VERSION, "The rule has changed since the version given.")
    tx.rows.delete(DuplicateEntry, rule=name)


def _prepared(tx: Transaction, row: DuplicateRuleRow) -> DuplicateRuleRow:
    """The rule with the next records in its index."""
    rule, after, read = rule_of(row), row.indexed_to, 0
    while not row.ready and read < limits.DUPLICATE_STEP:
        records = tx.find(row.entity, Compare("id", Op.GT, after) if after else ALWAYS, limit=_PART)
        index(tx, {row.entity: [rule]}, [RecordWrite(each, ChangeKind.UPDATE, ()) for each in records])
        read += len(records)
        after = records[-1].id if records else after
        row = replace(row, indexed_to=after, ready=len(records) < _PART)
    tx.rows.put(row)
    return row


def _check_administrator(principal: Principal) -> None:
    if principal.role not in _ADMINISTRATORS:
        raise SaddlebagError(NOT_ALLOWED, "Duplicate rules are set by administrators.")


def _check_count(tx: Transaction, kept: DuplicateRuleRow | None) -> None:
    count = len(tx.rows.select(DuplicateRuleRow)) + (kept is None)
    if count > limits.DUPLICATE_RULES:
        raise SaddlebagError(TOO_MANY_RECORDS, "The tenant has as many duplicate rules as it may.", count=count,
                             limit=limits.DUPLICATE_RULES)  # fmt: skip


def _checked(entity: Entity, terms: Sequence[tuple[str, str]]) -> list[Term]:
    names = [name for name, _ in terms]
    if not 0 < len(names) <= limits.DUPLICATE_FIELDS or len(set(names)) < len(names):
        raise _bad(entity, f"A rule compares 1 to {limits.DUPLICATE_FIELDS} different fields.")
    if entity.name in policy.PRIVATE:
        raise _bad(entity, f"Records of {entity.name} are not told apart by rules.")
    for name, how in terms:
        if not entity.has(name):
            raise _bad(entity, f"{entity.name} has no field {name}.", name)
        kind = entity.field(name).kind
        if kind in _NEVER or (how != How.EXACT and kind is not Kind.STRING):
            raise _bad(entity, f"{name} cannot be compared by {how}.", name)
    return [Term(name, How(how)) for name, how in terms]


def _bad(entity: Entity, sentence: str, field: str | None = None) -> SaddlebagError:
    return SaddlebagError(INVALID_DUPLICATE_RULE, sentence, entity=entity.name, field=field)
