"""Offers: what a page may send of each record, whole or as a patch.

Belongs here: when the hub knows the version that a device holds well enough to send only what changed since. May not
know: pages, cursors. The decision is made from values alone: what is held, what changed at which version, what is
carried.

    a patch    the device says that it merges, the hub knows which version and which fields of it the device holds
               (`Carried.shape` of the cursor is that of now), and that version is older than the record
    whole      in every other case: a new record, carried fields that changed, after healing or registering again
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from saddlebag.kernel import patch
from saddlebag.kernel.fragment import pick
from saddlebag.kernel.manifest import Held
from saddlebag.kernel.patch import Patch
from saddlebag.model.entities import Entity
from saddlebag.store.base import StoredRecord, Transaction
from saddlebag.sync.carry import Carried, Names
from saddlebag.sync.page import Offer
from saddlebag.sync.plan import Key


@dataclass(frozen=True, slots=True)
class Whole:
    """Offers for a device that gets every record whole."""

    tx: Transaction
    carried: Carried

    def __call__(self, entity: str, ids: Sequence[str]) -> Mapping[str, Offer]:
        found = self.carried.cut(entity, self.tx.renderings_of(entity, ids))
        return {each.id: Offer(each.fragment) for each in found.values()}


@dataclass(frozen=True, slots=True)
class Changed:
    """Offers for a device of which the hub knows what it holds."""

    tx: Transaction
    carried: Carried
    held: Mapping[Key, Held]

    def __call__(self, entity: str, ids: Sequence[str]) -> Mapping[str, Offer]:
        """Records that the device holds are read with their fields' versions, the others as they are rendered."""
        versions = {} if entity in self.carried.mixed else self._versions(entity, ids)
        offers = dict(Whole(self.tx, self.carried)(entity, [each for each in ids if each not in versions]))
        for each in self.tx.get(entity, versions).values() if versions else ():
            names = self.carried.fields.get((entity, each.id))
            text = each.fragment if names is None else pick(each.fragment, names)
            made = patch_of(each, self.tx.schema.entity(entity), versions[each.id], text, names)
            offers[each.id] = Offer(text, made)
        return offers

    def _versions(self, entity: str, ids: Sequence[str]) -> dict[str, int]:
        """The versions held; 0 is a version that the device only claims."""
        known = ((each, self.held.get((entity, each))) for each in ids)
        return {each: mine.version for each, mine in known if mine is not None and mine.version}


def patch_of(record: StoredRecord, entity: Entity, since: int, text: str, names: Names | None) -> Patch | None:
    """What changed in a record since a version, `text` being what is carried of it; None where nothing could have."""
    if not record.born <= since < record.version:
        return None
    listed = [
        each.name
        for each in entity.device_fields
        if record.field_version(each.name) > since and (names is None or each.name in names)
    ]
    return patch.make(text, listed)
