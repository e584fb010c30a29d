"""Entities and schemas: fields that belong together, and all entities of one tenant as one value.

Belongs here: `Entity`, `Schema` and what follows from them alone (order by reference, fingerprint). May not know: how
anything is stored, rendered or shown. A tenant's own fields make another `Schema` value; no mechanism changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from types import MappingProxyType

from saddlebag.kernel.errors import UNKNOWN_ENTITY, UNKNOWN_FIELD, SaddlebagError
from saddlebag.model.fields import Field, Kind, SyncClass, Urgency


@dataclass(frozen=True)
class Entity:
    """One kind of record.

    `keys` are fields whose value is unique in a tenant: any of them serves Upsert. `customer` names the field that
    leads to the customer ("" for catalogue data, "id" for the customer itself), `owner` the field that names the
    responsible user, `label` the field that people know a record by, `order` the fields it is listed by. `part_of`
    names the required reference to the record that this one is a part of: a part is deleted with its whole.
    `about` names two fields, an entity's name and an id, of the record that this one is a part of where that may be
    any that leads to a customer; the `customer` is derived from it ("record.customer" where `record` is the id).
    `urgency` says what devices get first.
    `merges` says that people enter the same thing twice, so that two records may have to become one.
    """

    name: str
    plural: str
    doc: str
    fields: tuple[Field, ...]
    keys: tuple[str, ...] = ()
    customer: str = ""
    owner: str = ""
    label: str = "name"
    part_of: str = ""
    about: tuple[str, str] | None = None
    merges: bool = False
    urgency: Urgency = Urgency.SOON
    _by_name: Mapping[str, Field] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name = {each.name: each for each in self.fields}
        if len(by_name) != len(self.fields):
            raise ValueError(f"entity {self.name} declares a field twice")
        if by_name.keys() & SYSTEM_FIELDS:
            raise ValueError(f"entity {self.name} declares a system field")
        hub_only = [each.sync is SyncClass.HUB for each in self.fields]
        if hub_only != sorted(hub_only):
            raise ValueError(f"entity {self.name}: fields that stay at the hub come last")
        for named in (
            *self.keys,
            *filter(None, (self.owner, self.label, self.part_of, *(self.about or ()))),
            *([self.customer] if self.customer != "id" else []),
        ):
            if named and named not in by_name:
                raise ValueError(f"entity {self.name} names an unknown field {named}")
        object.__setattr__(self, "_by_name", MappingProxyType(by_name))

    def field(self, name: str) -> Field:
        """The field of this name; raises UNKNOWN_FIELD."""
        try:
            return self._by_name[name]
        except KeyError:
            raise SaddlebagError(UNKNOWN_FIELD, entity=self.name, field=name) from None

    def has(self, name: str) -> bool:
        """Whether a field of this name is declared."""
        return name in self._by_name

    @cached_property
    def references(self) -> tuple[Field, ...]:
        """The fields that refer to other records."""
        return tuple(each for each in self.fields if each.kind is Kind.REFERENCE)

    @cached_property
    def nested_by(self) -> tuple[str, ...]:
        """Names of the fields that refer to another record of the same entity."""
        return tuple(each.name for each in self.references if each.target == self.name)

    @cached_property
    def lists(self) -> frozenset[str]:
        """Names of the fields whose element may repeat."""
        return frozenset(each.name for each in self.fields if each.is_list)

    @cached_property
    def device_fields(self) -> tuple[Field, ...]:
        """The fields that devices get, in order."""
        return tuple(each for each in self.fields if each.sync is SyncClass.DEVICE)

    @property
    def element(self) -> str:
        """The entity's element name: lowerCamelCase."""
        return self.name[0].lower() + self.name[1:]

    def with_fields(self, *added: Field) -> Entity:
        """A copy with more fields: those for devices go before those that stay at the hub."""
        fields = (*self.fields, *added)
        return replace(self, fields=tuple(sorted(fields, key=lambda each: each.sync is SyncClass.HUB)))


SYSTEM_FIELDS = frozenset({"id", "version", "createdAt", "modifiedAt"})
"""What every record has besides its declared fields: id and version travel to devices, the two times stay at the
hub.
"""


@dataclass(frozen=True)
class Schema:
    """All entities of one tenant; equal schemas share tables, codecs and contracts."""

    entities: tuple[Entity, ...]

    def __post_init__(self) -> None:
        names = {each.name for each in self.entities}
        if len(names) != len(self.entities):
            raise ValueError("a schema declares an entity twice")
        for entity in self.entities:
            for reference in entity.references:
                if reference.target not in names:
                    raise ValueError(f"{entity.name}.{reference.name} refers to an unknown entity {reference.target}")

    @cached_property
    def _by_name(self) -> Mapping[str, Entity]:
        return {each.name: each for each in self.entities}

    def entity(self, name: str) -> Entity:
        """The entity of this name; raises UNKNOWN_ENTITY."""
        try:
            return self._by_name[name]
        except KeyError:
            raise SaddlebagError(UNKNOWN_ENTITY, entity=name) from None

    def has(self, name: str) -> bool:
        """Whether an entity of this name is declared."""
        return name in self._by_name

    @cached_property
    def ordered(self) -> tuple[Entity, ...]:
        """The entities with each after those that its required or derived references name; ties in declared order."""
        placed: dict[str, Entity] = {}
        waiting = list(self.entities)
        while waiting:
            ready = [each for each in waiting if all(name in placed for name in _needs(each))] or waiting[:1]
            for each in ready:
                placed[each.name] = each
            waiting = [each for each in waiting if each.name not in placed]
        return tuple(placed.values())

    @cached_property
    def urgent(self) -> tuple[Entity, ...]:
        """The entities in the order in which devices get them: the urgent first, none before one that it refers to."""
        ranks = {each.name: _URGENCIES.index(each.urgency) for each in self.entities}
        for _ in self.entities:
            for entity in self.entities:
                for name in _needs(entity):
                    ranks[name] = min(ranks[name], ranks[entity.name])
        return tuple(sorted(self.ordered, key=lambda each: ranks[each.name]))

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that differ whenever two schemas do."""
        return sha256(repr(self.entities).encode()).hexdigest()[:16]

    def with_fields(self, entity: str, *added: Field) -> Schema:
        """A copy in which `entity` has more fields."""
        self.entity(entity)
        return Schema(tuple(each.with_fields(*added) if each.name == entity else each for each in self.entities))

    def with_entities(self, *added: Entity) -> Schema:
        """A copy with more entities."""
        return Schema((*self.entities, *added))


_URGENCIES = tuple(Urgency)


def _needs(entity: Entity) -> set[str]:
    return {each.target for each in entity.references if each.target != entity.name}
