"""Carry: which fields of a record go on a device, where its rules do not carry it whole.

Belongs here: the union over the rules that claim a record, the shorter fragment and its hash. May not know: pages.

A claim names the fields that it carries; the record's identity, required fields and references go along always, so that
what arrives is valid and an absent reference never means an unknown one. A record that several claims hold carries all
that any of them does. Its hash is over what is carried, so that device, manifest and digest agree on that alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, Protocol

from saddlebag.kernel.digest import record_hash
from saddlebag.kernel.fragment import pick
from saddlebag.model.condition import Condition, either
from saddlebag.model.entities import Entity
from saddlebag.store.base import Rendering, Stamp, Transaction
from saddlebag.sync.plan import Key
from saddlebag.sync.scope import Claim

Names = frozenset[str]
_IDS: Final = 500


class Bound(Protocol):
    """A claim with its bound condition (`target.BoundClaim`)."""

    @property
    def claim(self) -> Claim: ...

    @property
    def where(self) -> Condition: ...


@dataclass(frozen=True, slots=True)
class Carried:
    """What of each record is carried, where it is not carried whole; `widest` is what all claims of an entity carry
    together, for what stays although none of them claims it any more.
    """

    fields: Mapping[Key, Names]
    widest: Mapping[str, Names]
    mixed: frozenset[str] = field(default=frozenset())
    """Entities whose claims do not all carry the same."""

    @property
    def shape(self) -> int:
        """A number that two targets share only where each entity not mixed is carried with the same fields; not 0."""
        if not self.widest and not self.mixed:
            return 1
        carried = [(entity, sorted(names)) for entity, names in sorted(self.widest.items())]
        told = repr((carried, sorted(self.mixed))).encode()
        return int.from_bytes(blake2b(told, digest_size=4).digest(), "big") or 1

    def cut(self, entity: str, found: Mapping[str, Rendering]) -> Mapping[str, Rendering]:
        """The renderings as they go on the device."""
        if not self.fields:
            return found
        return {each.id: _cut(each, self.fields.get((entity, each.id))) for each in found.values()}


WHOLE: Final = Carried({}, {})
"""Every record is carried whole."""


def _cut(rendering: Rendering, names: Names | None) -> Rendering:
    return rendering if names is None else rendering._replace(fragment=pick(rendering.fragment, names))


def names_of(entity: Entity, claim: Claim) -> Names | None:
    """The elements of a record that the claim carries, None for all."""
    if not claim.fields:
        return None
    always = (each.name for each in entity.device_fields if each.required or each in entity.references)
    return frozenset(("id", "version", *claim.fields, *always))


def widest(entity: Entity, listed: Sequence[Bound]) -> Names | None:
    """What the claims carry together, None for all."""
    names = [names_of(entity, each.claim) for each in listed]
    known = [each for each in names if each is not None]
    return frozenset().union(*known) if len(known) == len(names) else None


def is_mixed(entity: Entity, listed: Sequence[Bound]) -> bool:
    """Whether the claims carry different fields, so that what one of its records carries depends on who claims it."""
    return len({names_of(entity, each.claim) for each in listed}) > 1


def fields_of(tx: Transaction, entity: str, listed: Sequence[Bound], found: Sequence[Stamp]) -> dict[Key, Names]:
    """The fields of those among the records found that no claim carries whole."""
    wheres: dict[Names | None, list[Condition]] = {}
    for bound in listed:
        wheres.setdefault(names_of(tx.schema.entity(entity), bound.claim), []).append(bound.where)
    if wheres.keys() == {None}:
        return {}
    if len(wheres) == 1:
        (names,) = wheres
        return {(entity, each.id): names for each in found if names is not None}
    carried: dict[Key, Names] = {}
    whole: set[Key] = set()
    for names, conditions in wheres.items():
        for each in tx.stamps(entity, either(*conditions)):
            key = (entity, each.id)
            if names is None:
                whole.add(key)
            else:
                carried[key] = carried.get(key, frozenset()) | names
    return {key: names for key, names in carried.items() if key not in whole}


def stamped(tx: Transaction, entity: str, found: Sequence[Stamp], fields: Mapping[Key, Names]) -> list[Stamp]:
    """The stamps with the hashes of what is carried."""
    short = [each.id for each in found if (entity, each.id) in fields]
    hashes: dict[str, int] = {}
    versions = {each.id: each.version for each in found}
    for start in range(0, len(short), _IDS):
        for each in tx.renderings_of(entity, short[start : start + _IDS]).values():
            text = pick(each.fragment, fields[entity, each.id])
            hashes[each.id] = record_hash(entity, each.id, versions[each.id], text)
    return [each._replace(hash=hashes[each.id]) if each.id in hashes else each for each in found]
