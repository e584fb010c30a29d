"""Reparenting: everything that refers to a record which is merged away comes to refer to the one that stays.

Belongs here: finding those records, and what is kept of a record outside its own row. May not know: who merges, or
whether she may. What refers to a record follows from the schema: references, parts, and records that are about it.

The moves of one call are counted before any of them is read: writers of the tenant wait while a merge is under way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from saddlebag.kernel import limits
from saddlebag.kernel.errors import TOO_MANY_REFERENCES, SaddlebagError
from saddlebag.model.condition import Compare, Condition, Op, both, eq
from saddlebag.model.entities import Entity, Schema
from saddlebag.model.fields import Value
from saddlebag.records.draft import Draft, Drafts, chunks
from saddlebag.store.base import Transaction
from saddlebag.store.tables import Binding, Conflict, Pin


@dataclass(frozen=True, slots=True)
class Link:
    """A field by which records of `child` refer to others; `about` names the field that says of which entity."""

    child: Entity
    field: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """A record that refers to a loser: the fields that change, and its values afterwards, derived ones apart."""

    draft: Draft
    fields: tuple[str, ...]
    values: dict[str, Value]


def links(schema: Schema, entity: Entity) -> Iterator[Link]:
    """Every field by which a record may refer to one of `entity`."""
    for child in schema.entities:
        for reference in child.references:
            if reference.target == entity.name and not reference.derived:
                yield Link(child, reference.name)
        if child.about and entity.customer and not entity.about:
            yield Link(child, child.about[1], child.about[0])


class Reparenting:
    """What refers to the losers of one call."""

    def __init__(self, tx: Transaction, drafts: Drafts) -> None:
        self._tx = tx
        self._drafts = drafts
        self._count = 0
        self._announced: set[tuple[str, str]] = set()

    def announce(self, entity: Entity, losers: Collection[str]) -> list[Draft]:
        """Have at hand what refers to these records, unless it is more than one call may move."""
        listed = sorted(losers)
        self._announced.update((entity.name, each) for each in listed)
        for link in links(self._tx.schema, entity):
            for part in chunks(listed):
                self._count += self._tx.count(link.child.name, _refers(link, entity, part))
        if self._count > limits.MERGE_REFERENCES:
            return []
        found: list[Draft] = []
        for link in links(self._tx.schema, entity):
            self._drafts.load_children(link.child, link.field, listed)
            found += self._children(link, entity, frozenset(listed))
        return found

    def moves(self, entity: Entity, master: Draft, losers: frozenset[str]) -> list[Move]:
        """Every live record, the merged ones apart, that refers to one of the losers; raises TOO_MANY_REFERENCES."""
        late = [each for each in losers if (entity.name, each) not in self._announced]
        if late:  # an earlier write of the call has brought them into the caller's sight
            self.announce(entity, late)
        if self._count > limits.MERGE_REFERENCES:
            sentence = (
                f"{self._count} records refer to those that the call merges; it may move {limits.MERGE_REFERENCES}."
            )
            raise SaddlebagError(TOO_MANY_REFERENCES, sentence, count=self._count, limit=limits.MERGE_REFERENCES)
        together = losers | {master.id}
        fields: dict[tuple[str, str], list[str]] = {}
        drafts: dict[tuple[str, str], Draft] = {}
        for link in links(self._tx.schema, entity):
            for draft in self._children(link, entity, losers):
                if link.child.name == entity.name and draft.id in together:
                    continue
                key = (link.child.name, draft.id)
                drafts[key] = draft
                fields.setdefault(key, []).append(link.field)
        return [
            Move(draft, tuple(fields[key]), {**draft.values, **dict.fromkeys(fields[key], master.id)})
            for key, draft in drafts.items()
        ]

    def _children(self, link: Link, entity: Entity, ids: frozenset[str]) -> list[Draft]:
        held = self._drafts.children(link.child, link.field, ids)
        return [each for each in held if not link.about or each.values.get(link.about) == entity.name]


def _refers(link: Link, entity: Entity, ids: Sequence[str]) -> Condition:
    there = Compare(link.field, Op.IN, tuple(ids))
    return both(there, eq(link.about, entity.name)) if link.about else there


def hand_over(tx: Transaction, entity: str, loser: str, master: str) -> None:
    """What is kept of the loser outside its row becomes the master's: outside ids, pins, and conflicts that wait."""
    bindings = tx.rows.select(Binding, entity=entity, record=loser)
    tx.rows.put_all([replace(each, record=master) for each in bindings])
    pins = tx.rows.select(Pin, entity=entity, record=loser)
    tx.rows.put_all([replace(each, record=master) for each in pins])
    if pins:
        tx.rows.delete(Pin, entity=entity, record=loser)
    waiting = tx.rows.select(Conflict, entity=entity, record=loser, resolved_at=None)
    tx.rows.put_all([replace(each, record=master) for each in waiting])
