"""Touch: whether what was written since a target was evaluated can have changed it.

Belongs here: which fields a target depends on, and the judgement of change log entries against them. May not know:
devices, digests, memories.

A target is made of sets of records: what each claim puts on the device, and what each subquery in it selects. A set can
only change by a record that was in it, or is in it now. So a target is untouched when every changed record

    was in none of the sets    it is not on the device, or only fields changed that the sets do not look at
    is in none of them         by its own values where these decide, else by asking the store

A set is `bounded` when all its records are on the device: it is a claim, or a claim narrowed further. Of the others
(what a user may see by her own deals) nobody remembers who was in them: there a record was outside only if something
that must hold in the set fails by fields that did not change. In any doubt the target counts as touched. Each set is
judged with the sets inside it unchanged; were one of those changed, its own record would tell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from saddlebag.model.condition import (
    And,
    Compare,
    Condition,
    Missing,
    Not,
    Op,
    Or,
    Within,
    both,
    conjuncts,
    either,
    holds,
)
from saddlebag.model.fields import Value
from saddlebag.store.base import Change, ChangeKind, Transaction

_EVERY_WRITE: Final = frozenset({"version", "modifiedAt"})
"""Fields that each write changes without naming them."""

_NESTED: Final = 10
"""Levels of a condition that the store is asked about: SQLite's parser gives up at about fourteen."""

Holds = Callable[[str, str], bool]
"""Whether a record, by entity and id, may be among those of the target; it must not say no wrongly."""


@dataclass(frozen=True)
class Node:
    """One set of records: those of `entity` that meet `where`. `fields` are its own, not those of subqueries."""

    entity: str
    where: Condition
    select: str = "id"
    bounded: bool = True

    @cached_property
    def fields(self) -> frozenset[str]:
        """The fields of a record that decide whether it is in the set, and what the set says of it."""
        return frozenset(_fields(self.where)) | {self.select}

    @cached_property
    def nested(self) -> int:
        """How deep the condition goes."""
        return _nested(self.where)

    def looks_at(self, change: Entry) -> bool:
        """Whether the change may move the record into the set or out of it."""
        return change.created or bool(self.fields & (change.fields | _EVERY_WRITE))


@dataclass(slots=True)
class Entry:
    """All that happened to one record since."""

    entity: str
    id: str
    fields: set[str] = field(default_factory=set)
    created: bool = False
    deleted: bool = False
    undeleted: bool = False
    """Whether it came back: it may have been in any set before, and may be in any now."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What a target depends on, in short: fields by entity, and the entities with a set that is not bounded."""

    fields: Mapping[str, frozenset[str]]
    unbounded: frozenset[str]


def nodes(claims: Mapping[str, Sequence[Condition]]) -> list[Node]:
    """Every set that the claims are made of, each once; `claims` are bound conditions by entity."""
    tops = {entity: [conjuncts(where) for where in wheres] for entity, wheres in claims.items()}
    found: dict[Node, None] = {}
    for entity, wheres in claims.items():
        for where in wheres:
            found[Node(entity, where)] = None
            for inner in _subqueries(where):
                parts = conjuncts(inner.where)
                bounded = any(top <= parts for top in tops.get(inner.entity, ()))
                found[Node(inner.entity, inner.where, inner.select, bounded)] = None
    return list(found)


def watch(listed: Iterable[Node]) -> Watch:
    """The short form of nodes."""
    fields: dict[str, frozenset[str]] = {}
    for each in listed:
        fields[each.entity] = fields.get(each.entity, frozenset()) | each.fields
    return Watch(fields, frozenset(each.entity for each in listed if not each.bounded))


def suspects(changes: Iterable[Change], watched: Watch, held: Holds) -> list[Entry] | None:
    """The records that need a closer look, or None where one has surely touched the target."""
    left = []
    for each in _entries(changes):
        fields = watched.fields.get(each.entity)
        if fields is None:
            continue
        if each.undeleted or held(each.entity, each.id):
            return None
        if each.deleted:
            if each.entity in watched.unbounded and not each.created:
                left.append(each)
        elif each.created or fields & (each.fields | _EVERY_WRITE):
            left.append(each)
    return left


def touched(tx: Transaction, entries: Sequence[Entry], listed: Sequence[Node], held: Holds) -> bool:
    """Whether one of the suspects was, or is, in one of the sets."""
    judge = _Judge(held, {(node.entity, node.where) for node in listed if node.bounded})
    by_entity: dict[str, list[Entry]] = defaultdict(list)
    for each in entries:
        by_entity[each.entity].append(each)
    return any(
        _moved(tx, entity, mine, [node for node in listed if node.entity == entity], judge)
        for entity, mine in by_entity.items()
    )


def _moved(tx: Transaction, entity: str, entries: Sequence[Entry], listed: Sequence[Node], judge: _Judge) -> bool:
    """Whether a record of the entity may have been in one of the sets, or is in one now."""
    asked: dict[str, None] = {}
    wheres: dict[Condition, None] = {}
    records = tx.get(entity, [each.id for each in entries], deleted=True)
    for each in entries:
        record = records.get(each.id)
        if record is None:
            return True
        values = {**record.values, "id": each.id}
        for node in listed:
            if not (each.deleted or node.looks_at(each)):
                continue
            if not (node.bounded or each.created) and not judge.was_outside(node, each, values):
                return True
            if not record.deleted and judge.says(node.where, values) is not False:
                if node.nested > _NESTED:
                    return True
                asked[each.id] = None
                wheres[node.where] = None
    if not asked:
        return False
    return bool(tx.stamps(entity, both(Compare("id", Op.IN, tuple(asked)), either(*wheres)), limit=1))


@dataclass(frozen=True, slots=True)
class _Judge:
    """Judges a record by its own values: True, False, or None where only the store can tell."""

    held: Holds
    bounded: set[tuple[str, Condition]]

    def was_outside(self, node: Node, entry: Entry, values: Mapping[str, Value]) -> bool:
        """Whether something that must hold in the set does not, and did not before, as its fields did not change."""
        changed = entry.fields | _EVERY_WRITE
        return any(
            changed.isdisjoint(_fields(part)) and self.says(part, values) is False for part in conjuncts(node.where)
        )

    def says(self, where: Condition, values: Mapping[str, Value]) -> bool | None:
        """Whether the condition holds now."""
        match where:
            case And(parts):
                return self._all(parts, values)
            case Or(parts):
                return _not(self._all(tuple(Not(each) for each in parts), values))
            case Not(part):
                return _not(self.says(part, values))
            case Within():
                return self._within(where, values.get(where.field))
            case _:
                return holds(where, values, _no_subquery)

    def _all(self, parts: Sequence[Condition], values: Mapping[str, Value]) -> bool | None:
        verdict: bool | None = True
        for each in parts:
            said = self.says(each, values)
            if said is False:
                return False
            verdict = None if said is None else verdict
        return verdict

    def _within(self, where: Within, value: Value) -> bool | None:
        if value is None:
            return False
        known = where.select == "id" and (where.entity, where.where) in self.bounded
        return False if known and not self.held(where.entity, str(value)) else None


def _no_subquery(within: Within) -> frozenset[Value]:
    raise ValueError(f"a comparison has no subquery, but one of {within.entity} was asked for")


def _not(said: bool | None) -> bool | None:
    return None if said is None else not said


def _entries(changes: Iterable[Change]) -> Iterable[Entry]:
    """Changes brought together by record; a deletion is the last that happens to one."""
    entries: dict[tuple[str, str], Entry] = {}
    for change in changes:
        entry = entries.setdefault((change.entity, change.id), Entry(change.entity, change.id))
        entry.fields.update(change.fields)
        entry.created |= change.kind is ChangeKind.CREATE
        entry.undeleted |= change.kind is ChangeKind.UNDELETE
        entry.deleted = change.kind is ChangeKind.DELETE
    return entries.values()


def _fields(where: Condition) -> Iterator[str]:
    match where:
        case And(parts) | Or(parts):
            for each in parts:
                yield from _fields(each)
        case Not(part):
            yield from _fields(part)
        case Compare(name) | Missing(name) | Within(name):
            yield name


def _subqueries(where: Condition) -> Iterator[Within]:
    match where:
        case And(parts) | Or(parts):
            for each in parts:
                yield from _subqueries(each)
        case Not(part):
            yield from _subqueries(part)
        case Within(_, _, inner):
            yield where
            yield from _subqueries(inner)


def _nested(where: Condition) -> int:
    match where:
        case And(parts) | Or(parts):
            return 1 + max(map(_nested, parts), default=0)
        case Not(part):
            return 1 + _nested(part)
        case Within(_, _, inner):
            return 1 + _nested(inner)
        case _:
            return 0
