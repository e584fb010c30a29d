"""References between records: derived fields, parts that go with their whole, and records still in use.

Belongs here: what one record's change means for others. May not know: who changes it, or whether she may.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from saddlebag.kernel.errors import STILL_REFERENCED, SaddlebagError
from saddlebag.model.condition import ALWAYS, Compare, Not, Op, Within, both
from saddlebag.model.entities import Entity, Schema
from saddlebag.model.fields import Field, Value
from saddlebag.records.draft import Draft, Drafts, chunks
from saddlebag.store.base import Transaction


class References:
    """The relations of a schema as one batch sees them."""

    def __init__(self, schema: Schema, drafts: Drafts, tx: Transaction) -> None:
        self._schema = schema
        self._drafts = drafts
        self._tx = tx
        self._going: dict[str, set[str]] = {}
        self._uses: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
        self._derived: dict[str, list[tuple[str, Entity, Field]]] = {}

    def load_sources(self, entity: Entity, rows: Iterable[Mapping[str, Value]]) -> None:
        """Have at hand the records that derived fields of these rows come from."""
        listed = list(rows)
        for reference, target, _ in self._derivations(entity):
            self._drafts.load(target, [str(row[reference]) for row in listed if row.get(reference) is not None])
        for name, ids in abouts(entity, listed).items():
            if self._schema.has(name):
                self._drafts.load(self._schema.entity(name), ids)

    def derive(self, entity: Entity, values: dict[str, Value]) -> None:
        """Set the derived fields among `values` from what they are derived from."""
        for reference, target, field in self._derivations(entity):
            source = values.get(reference)
            draft = self._drafts.get(target, str(source)) if source is not None else None
            value = draft.values.get(_source(field)) if draft is not None and draft.live else None
            if value is None:
                values.pop(field.name, None)
            else:
                values[field.name] = value
        if entity.about:
            self._derive_about(entity, entity.about, values)

    def _derive_about(self, entity: Entity, about: tuple[str, str], values: dict[str, Value]) -> None:
        """Set the customer from the record that this one is about."""
        values.pop(entity.customer, None)
        name, record = values.get(about[0]), values.get(about[1])
        whole = self._schema.entity(str(name)) if self._schema.has(str(name)) else None
        draft = self._drafts.get(whole, str(record)) if whole is not None and record is not None else None
        if whole is not None and draft is not None and draft.live and whole.customer:
            customer = draft.facts().get(whole.customer)
            if customer is not None:
                values[entity.customer] = customer

    def cascade(self) -> None:
        """Recompute derived fields of records that refer to one whose source field the batch has changed."""
        waiting = [each for each in self._drafts.all_touched() if each.live]
        while waiting:
            waiting = [each for group in self._dependents(waiting) for each in self._rederive(*group)]

    def parts(self, whole: Draft) -> list[Draft]:
        """The live records that are parts of this one, and their parts."""
        found: list[Draft] = []
        for child in self._part_entities(whole.entity):
            self._drafts.load_children(child, child.part_of, [whole.id])
            for part in self._drafts.children(child, child.part_of, [whole.id]):
                found += [part, *self.parts(part)]
        for child, reference in self._attached(whole.entity):
            self._drafts.load_children(child, reference, [whole.id])
            found += self._about(child, whole)
        return found

    def gone_with(self, whole: Draft) -> list[Draft]:
        """The parts that were deleted together with this deleted record: at the very same time, in the same call."""
        at = whole.stored.modified_at if whole.stored is not None and whole.deleted else None
        if at is None:
            return []
        found: list[Draft] = []
        links = [(each, each.part_of) for each in self._part_entities(whole.entity)] + self._attached(whole.entity)
        for child, reference in links:
            parts = [each for each in self._deleted_at(child, at) if each.values.get(reference) == whole.id]
            if child.about and (child, reference) in self._attached(whole.entity):
                parts = [each for each in parts if each.values.get(child.about[0]) == whole.entity.name]
            for part in parts:
                found += [part, *self.gone_with(part)]
        return found

    def _deleted_at(self, entity: Entity, at: datetime) -> list[Draft]:
        until, after, found = at + timedelta(microseconds=1), "", []
        while ids := self._tx.changed_between(entity.name, at, until, deleted=True, after=after, limit=500):
            self._drafts.load(entity, [each for each, _ in ids])
            found += [self._drafts.get(entity, each) for each, _ in ids]
            after = ids[-1][0]
        return [each for each in found if each is not None and each.deleted and each.merged_into is None]

    def _about(self, child: Entity, whole: Draft) -> list[Draft]:
        """The live records of `child`, among those at hand, that are about `whole`: an id alone may be another's."""
        names = child.about or ("", "")
        held = self._drafts.children(child, names[1], [whole.id])
        return [each for each in held if each.values.get(names[0]) == whole.entity.name]

    def _attached(self, whole: Entity) -> list[tuple[Entity, str]]:
        """(entity, field of the id) of what may be about a record of `whole`."""
        if not whole.customer or whole.about:
            return []
        return [(each, each.about[1]) for each in self._schema.entities if each.about]

    def announce(self, entity: Entity, ids: Sequence[str]) -> None:
        """Say which records are to be deleted, so that one statement answers for all of them."""
        if not ids:
            return
        self._going.setdefault(entity.name, set()).update(ids)
        for child in self._part_entities(entity):
            self._drafts.load_children(child, child.part_of, ids)
            self.announce(child, [each.id for each in self._drafts.children(child, child.part_of, ids)])
        for child, reference in self._attached(entity):
            self._drafts.load_children(child, reference, ids)
            held = self._drafts.children(child, reference, ids)
            self._going.setdefault(child.name, set()).update(each.id for each in held)

    def check_unused(self, going: Sequence[Draft]) -> None:
        """Raise STILL_REFERENCED when a record that stays refers to one of those that go."""
        leaving = {(each.entity.name, each.id) for each in going}
        for entity in {each.entity.name: each.entity for each in going}.values():
            ids = {each.id for each in going if each.entity is entity}
            for child in self._schema.entities:
                for reference in child.references:
                    if reference.target == entity.name and not reference.derived:
                        self._check_unused_by(entity, child, reference, ids, leaving)

    def _check_unused_by(
        self, entity: Entity, child: Entity, reference: Field, ids: set[str], leaving: set[tuple[str, str]]
    ) -> None:
        held = self._drafts.children(child, reference.name, ids)
        stays = any((child.name, each.id) not in leaving for each in held)
        if stays or ids & self._used(entity, child, reference, ids):
            raise SaddlebagError(STILL_REFERENCED, f"Some {child.name} still refers to the record.")

    def _used(self, entity: Entity, child: Entity, reference: Field, ids: set[str]) -> set[str]:
        """Those of the records to which stored children refer that the batch does not have at hand."""
        asked, used = self._uses.setdefault((child.name, reference.name), (set(), set()))
        wanted = sorted((ids | self._going.get(entity.name, set())) - asked) if ids - asked else []
        held = tuple(sorted(each.id for each in self._drafts.of(child.name)))
        others = Not(Compare("id", Op.IN, held)) if held else ALWAYS
        for part in chunks(wanted):
            asked.update(part)
            where = both(Compare("id", Op.IN, tuple(part)), Within("id", child.name, others, select=reference.name))
            used.update(each.id for each in self._tx.stamps(entity.name, where))
        return used

    def _part_entities(self, whole: Entity) -> list[Entity]:
        return [
            each for each in self._schema.entities if each.part_of and each.field(each.part_of).target == whole.name
        ]

    def _derivations(self, entity: Entity) -> list[tuple[str, Entity, Field]]:
        """(reference, its target, derived field) for each derived field."""
        found = self._derived.get(entity.name)
        if found is not None:
            return found
        found = self._derived[entity.name] = []
        for field in entity.fields:
            reference = field.derived.partition(".")[0]
            if field.derived and not (entity.about and reference == entity.about[1]):
                found.append((reference, self._schema.entity(entity.field(reference).target), field))
        return found

    def _dependents(self, changed: Sequence[Draft]) -> Iterable[tuple[Entity, str, list[Draft]]]:
        """(child entity, its reference, changed sources) where a derived field may have to follow."""
        for child in self._schema.entities:
            for reference, target, field in self._derivations(child):
                sources = [each for each in changed if each.entity.name == target.name and each.differs(_source(field))]
                if sources:
                    yield child, reference, sources
            moved = [each for each in changed if _led_elsewhere(each)] if child.about else []
            if child.about and moved:
                yield child, child.about[1], moved

    def _rederive(self, child: Entity, reference: str, changed: list[Draft]) -> list[Draft]:
        moved = []
        self._drafts.load_children(child, reference, [each.id for each in changed if each.stored is not None])
        for draft in self._drafts.children(child, reference, [each.id for each in changed]):
            before = dict(draft.values)
            self.derive(child, draft.values)
            if draft.values != before:
                self._drafts.touch(draft)
                moved.append(draft)
        return moved


def abouts(entity: Entity, rows: Iterable[Mapping[str, Value]]) -> dict[str, list[str]]:
    """The ids of the records that these rows are about, by entity."""
    found: dict[str, list[str]] = {}
    if entity.about:
        for row in rows:
            name, record = row.get(entity.about[0]), row.get(entity.about[1])
            if name is not None and record is not None:
                found.setdefault(str(name), []).append(str(record))
    return found


def _led_elsewhere(draft: Draft) -> bool:
    """Whether a stored record leads to another customer than before."""
    field = draft.entity.customer
    return draft.stored is not None and draft.entity.has(field) and draft.differs(field)


def _source(field: Field) -> str:
    return field.derived.partition(".")[2]
