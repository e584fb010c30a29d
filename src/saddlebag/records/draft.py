"""Drafts: records as a batch of writes is about to leave them, over what the store holds.

Belongs here: the batch's view of records and keys. May not know: who writes, what is allowed.
Nothing reaches the store before the whole batch is decided, so that AllOrNone can refuse it without a rollback, and a
later write of a batch sees what an earlier one of it did.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from saddlebag.model.condition import Compare, Condition, Op, either, eq
from saddlebag.model.entities import Entity
from saddlebag.model.fields import Value
from saddlebag.store.base import StoredRecord, Transaction

T = TypeVar("T")
_CHUNK = 500
"""Values in one IN list: SQLite allows 32,766 variables, planners like fewer."""


@dataclass(slots=True)
class Draft:
    """One record: as `stored` (None for a new one) and as the batch has it so far."""

    entity: Entity
    id: str
    stored: StoredRecord | None
    values: dict[str, Value] = field(default_factory=dict)
    deleted: bool = False
    touched: bool = False
    merged_into: str | None = None

    @classmethod
    def of(cls, entity: Entity, stored: StoredRecord) -> Draft:
        """The draft of a stored record, not yet touched."""
        return cls(entity, stored.id, stored, present(stored.values), stored.deleted, merged_into=stored.merged_into)

    @property
    def live(self) -> bool:
        """Whether there is such a record now, in the batch's eyes."""
        return not self.deleted and (self.stored is not None or self.touched)

    def facts(self) -> dict[str, Value]:
        """The values with the id, as conditions want them."""
        return {**self.values, "id": self.id}

    def changed(self) -> tuple[str, ...]:
        """The declared fields whose value differs from the stored one."""
        before, after = self.stored.values if self.stored else {}, self.values
        return tuple([each.name for each in self.entity.fields if before.get(each.name) != after.get(each.name)])

    def differs(self, name: str) -> bool:
        """Whether this field's value differs from the stored one."""
        return (self.stored.values if self.stored else {}).get(name) != self.values.get(name)


def present(values: Mapping[str, Value]) -> dict[str, Value]:
    """Values without those that are no value: None and the empty list."""
    return {name: value for name, value in values.items() if value is not None and value != ()}


class Drafts:
    """The drafts of one batch, loaded from the store many at a time."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._drafts: dict[str, dict[str, Draft]] = {}
        self._asked: set[tuple[str, str]] = set()
        self._keys: dict[tuple[str, str], dict[Value, str | None]] = {}
        self._touched: dict[tuple[str, str], Draft] = {}
        self._children: dict[tuple[str, str], set[str]] = {}
        self._taken: dict[tuple[str, str, Value], Draft] = {}

    def load(self, entity: Entity, ids: Iterable[str]) -> None:
        """Have these records, deleted ones too, at hand."""
        wanted = sorted({each for each in ids if (entity.name, each) not in self._asked})
        for part in chunks(wanted):
            self._asked.update((entity.name, each) for each in part)
            for stored in self._tx.get(entity.name, part, deleted=True).values():
                self._keep(entity, stored)

    def load_children(self, entity: Entity, reference: str, ids: Iterable[str]) -> None:
        """Have at hand the live records of `entity` whose `reference` is one of `ids`."""
        asked = self._children.setdefault((entity.name, reference), set())
        wanted = sorted(set(ids) - asked)
        for part in chunks(wanted):
            asked.update(part)
            for stored in self._tx.find(entity.name, Compare(reference, Op.IN, tuple(part))):
                self._keep(entity, stored)

    def children(self, entity: Entity, reference: str, ids: Iterable[str]) -> list[Draft]:
        """The live records of `entity`, among those at hand, whose `reference` is one of `ids`."""
        wanted = set(ids)
        return [each for each in self.of(entity.name) if each.live and each.values.get(reference) in wanted]

    def get(self, entity: Entity, record_id: str) -> Draft | None:
        """The record's draft, loaded if need be; None where neither store nor batch has it."""
        self.load(entity, [record_id])
        return self._drafts.get(entity.name, {}).get(record_id)

    def heir(self, entity: Entity, record_id: str) -> Draft | None:
        """The live record that a merged one has become part of; None where there is none, or it was not merged."""
        met: set[str] = set()
        draft = self.get(entity, record_id)
        while draft is not None and draft.deleted and draft.merged_into is not None and draft.id not in met:
            met.add(draft.id)
            draft = self.get(entity, draft.merged_into)
        return draft if draft is not None and draft.live and draft.id != record_id else None

    def touched(self, entity: str, record_id: str) -> Draft | None:
        """The record's draft if this batch has changed it."""
        draft = self._drafts.get(entity, {}).get(record_id)
        return draft if draft is not None and draft.touched else None

    def add(self, draft: Draft) -> None:
        """Take in the draft of a new record."""
        self._asked.add((draft.entity.name, draft.id))
        self._drafts.setdefault(draft.entity.name, {})[draft.id] = draft

    def of(self, entity: str) -> list[Draft]:
        """All drafts of an entity at hand."""
        return list(self._drafts.get(entity, {}).values())

    def all_touched(self) -> list[Draft]:
        """Every draft that the batch has changed, so ordered that a key is given up before it is taken.

        Records that exchange keys in a circle have no such order: the store then raises DUPLICATE_KEY for the call.
        """
        listed = sorted(self._touched.values(), key=lambda each: (not each.deleted, each.stored is None))
        given_up: dict[tuple[str, str, Value], Draft] = {}
        for each in listed:
            if each.stored is not None:
                given_up.update(dict.fromkeys(_keys(each, each.stored.values), each))
        ordered: list[Draft] = []
        met: set[int] = set()
        for each in listed:
            path = [each] if id(each) not in met else []
            while path:  # not by recursion: renumbering a whole call makes one long chain
                met.add(id(path[-1]))
                wanted = [] if path[-1].deleted else _keys(path[-1], path[-1].values)
                first = [given_up[key] for key in wanted if key in given_up and id(given_up[key]) not in met]
                if first:
                    path.append(first[0])
                else:
                    ordered.append(path.pop())
        return ordered

    def touch(self, draft: Draft) -> None:
        """Note that the batch has changed the draft."""
        draft.touched = True
        self._touched.setdefault((draft.entity.name, draft.id), draft)
        self._taken.update(dict.fromkeys(_keys(draft, draft.values), draft))

    def revive(self, draft: Draft) -> None:
        """Let a deleted draft be there again without taking its keys yet: `touch` does when they are found free."""
        draft.deleted, draft.touched = False, True
        self._touched.setdefault((draft.entity.name, draft.id), draft)

    def load_keys(self, entity: Entity, key: str, values: Iterable[Value]) -> None:
        """Have at hand which records hold these values of a declared key."""
        known = self._keys.setdefault((entity.name, key), {})
        wanted = sorted({each for each in values if each is not None and each not in known}, key=str)
        for part in chunks(wanted):
            known.update(dict.fromkeys(part))
            for stored in self._tx.find(entity.name, _any_of(key, part)):
                known[stored.values[key]] = stored.id
                self._keep(entity, stored)

    def holder(self, entity: Entity, key: str, value: Value) -> str | None:
        """The id of the live record that has this value of the key, in the batch's eyes."""
        taken = self._taken.get((entity.name, key, value))
        if taken is not None and taken.live and taken.values.get(key) == value:
            return taken.id
        self.load_keys(entity, key, [value])
        found = self._keys[entity.name, key].get(value)
        moved = found is not None and self.touched(entity.name, found) is not None
        return None if moved else found

    def _keep(self, entity: Entity, stored: StoredRecord) -> None:
        self._asked.add((entity.name, stored.id))
        self._drafts.setdefault(entity.name, {}).setdefault(stored.id, Draft.of(entity, stored))


def _keys(draft: Draft, values: Mapping[str, Value]) -> list[tuple[str, str, Value]]:
    """(entity, key, value) for each declared key that has a value."""
    name = draft.entity.name
    return [(name, each, value) for each in draft.entity.keys if (value := values.get(each)) is not None]


def _any_of(field: str, values: Sequence[Value]) -> Condition:
    texts = tuple(each for each in values if isinstance(each, str))
    if len(texts) == len(values):
        return Compare(field, Op.IN, texts)
    return either(*(eq(field, each) for each in values))


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values in parts that a statement can carry."""
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]
