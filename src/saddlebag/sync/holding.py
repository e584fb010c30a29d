"""Holdings: what a device has proved that it holds, packed into a few rows.

Belongs here: the slots of a manifest, the page that waits for its acknowledgement, their rows. May not know: scopes.

The 256 shards of `kernel.digest` are spread over 1, 2, 4 ... 256 slots, more as the holding grows; a slot's number is
fan-out + index (1; 2, 3; 4 to 7; ...), so that rows of two fan-outs never mix unseen. Slot 0 tells since when records
that have left the scope are out of it (`grace`); it is there only while there are such records. The others begin with
their count and sum, so that a pull with nothing new adds up a few numbers and unpacks nothing.
Only slots that change are written.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from saddlebag.kernel.digest import Digest, shard_of
from saddlebag.kernel.limits import SHARDS
from saddlebag.kernel.manifest import Held, pack, unmatched, unpack
from saddlebag.store.base import Transaction
from saddlebag.store.tables import ManifestSlot, PendingPage
from saddlebag.sync.plan import Key

_HEAD: Final = struct.Struct(">IQ")
_LENGTH: Final = struct.Struct(">I")
_LEFT: Final = 0
_EMPTY: Final = -1
"""The slot of a holding without records: a row must say so, or it could not be told from a holding that was lost."""
_AIM: Final = 256
"""Entries in a slot when a fan-out is chosen."""
_MOST: Final = 512
_LEAST: Final = 32
"""Entries in a slot on average beyond which another fan-out is chosen; far apart, or it would change to and fro."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a page does to a holding once it is acknowledged."""

    removed: Sequence[Held] = ()
    added: Sequence[Held] = ()

    def packed(self) -> bytes:
        """The effect as bytes."""
        removed = pack(self.removed)
        return _LENGTH.pack(len(removed)) + removed + pack(self.added)

    @classmethod
    def unpacked(cls, data: bytes) -> Effect:
        """The effect that `packed` made."""
        end = _LENGTH.size + _LENGTH.unpack_from(data)[0]
        return cls(unpack(data[_LENGTH.size : end]), unpack(data[end:]))

    @property
    def digest(self) -> Digest:
        """By how much the effect moves a holding's digest."""
        return Digest.of(each.hash for each in self.added) - Digest.of(each.hash for each in self.removed)


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Rows to write and slots to delete that turn one holding into another."""

    put: Sequence[ManifestSlot] = ()
    delete: Sequence[int] = ()

    def __add__(self, other: Rewrite) -> Rewrite:
        return Rewrite((*self.put, *other.put), (*self.delete, *other.delete))

    def write(self, tx: Transaction, device: str) -> None:
        """Carry it out."""
        for slot in self.delete:
            tx.rows.delete(ManifestSlot, device=device, slot=slot)
        tx.rows.put_all(self.put)


@dataclass(frozen=True, slots=True)
class Holding:
    """A device's manifest as read from its rows."""

    device: str
    slots: Mapping[int, bytes]
    left: Mapping[Key, int] = field(default_factory=dict)
    """Since when, in seconds of the epoch, records that stay by grace are out of the scope."""
    empty: bool = False
    """Whether a row says that nothing is held."""

    @classmethod
    def load(cls, tx: Transaction, device: str) -> Holding:
        """The holding that is stored; an unknown device holds nothing."""
        slots = {row.slot: row.entries for row in tx.rows.select(ManifestSlot, device=device)}
        left = {(each.entity, each.id): each.version for each in unpack(slots.pop(_LEFT, b""))}
        return cls(device, slots, left, slots.pop(_EMPTY, None) is not None)

    @property
    def lost(self) -> bool:
        """Whether no row tells what a device holds that has proved anything."""
        return not self.slots and not self.empty

    @property
    def digest(self) -> Digest:
        """Count and sum of everything held, from the slots' heads alone."""
        return sum((Digest(*_HEAD.unpack_from(entries)) for entries in self.slots.values()), Digest())

    @property
    def fan(self) -> int:
        """The fan-out of the stored slots, 0 where there is none."""
        return 1 << (max(self.slots).bit_length() - 1) if self.slots else 0

    def entries(self) -> dict[Key, Held]:
        """Everything held, by key."""
        return {(each.entity, each.id): each for data in self.slots.values() for each in unpack(data[_HEAD.size :])}

    def unmatched(self, effect: Effect, wanted: set[int]) -> dict[Key, Held]:
        """What is held after the effect under other hashes than those wanted, from which those held are taken out."""
        removed = frozenset(each.hash for each in effect.removed)
        left = [each for data in self.slots.values() for each in unmatched(data[_HEAD.size :], wanted, removed)]
        for each in effect.added:
            if each.hash in wanted:
                wanted.remove(each.hash)
            else:
                left.append(each)
        return {(each.entity, each.id): each for each in left}

    def rewritten(self, effect: Effect) -> Rewrite:
        """The rows that change when the effect comes true."""
        count = (self.digest + effect.digest).count
        fan = _fan_for(count, self.fan)
        if fan != self.fan:
            return self.replaced(apply(self.entries(), effect).values())
        touched: dict[int, tuple[list[Held], list[Held]]] = {}
        for place, listed in enumerate((effect.removed, effect.added)):
            for each in listed:
                touched.setdefault(_slot(fan, each), ([], []))[place].append(each)
        return self._rewrite((slot, self._after(slot, Effect(*parts))) for slot, parts in touched.items())

    def _after(self, slot: int, effect: Effect) -> Collection[Held]:
        """The entries of one slot after an effect on it alone."""
        held = unpack(self.slots[slot][_HEAD.size :]) if slot in self.slots else []
        return apply({(each.entity, each.id): each for each in held}, effect).values()

    def leaves(self, left: Mapping[Key, int]) -> Rewrite:
        """The row that changes when other records stay by grace."""
        if left == self.left:
            return Rewrite()
        if not left:
            return Rewrite(delete=[_LEFT])
        entries = pack(Held(entity, record_id, since, 0) for (entity, record_id), since in left.items())
        return Rewrite([ManifestSlot(self.device, _LEFT, entries)])

    def replaced(self, entries: Iterable[Held]) -> Rewrite:
        """The rows that make `entries` the whole holding."""
        listed = list(entries)
        fan = _fan_for(len(listed), self.fan)
        by_slot: dict[int, list[Held]] = {slot: [] for slot in self.slots}
        for each in listed:
            by_slot.setdefault(_slot(fan, each), []).append(each)
        return self._rewrite(by_slot.items())

    def _rewrite(self, slots: Iterable[tuple[int, Collection[Held]]]) -> Rewrite:
        """The rows that change; the slots' entries are taken and packed one slot after the other."""
        put: list[ManifestSlot] = []
        gone: list[int] = []
        left, filled = set(self.slots), False
        for slot, held in slots:
            left.discard(slot)
            filled = filled or bool(held)
            row = ManifestSlot(self.device, slot, _packed(held)) if held else None
            if row is None:
                gone += [slot] if slot in self.slots else []
            elif self.slots.get(slot) != row.entries:
                put.append(row)
        empty = not filled and not left
        if empty and not self.empty:
            put.append(ManifestSlot(self.device, _EMPTY, b""))
        elif self.empty and not empty:
            gone.append(_EMPTY)
        return Rewrite(put, gone)


def apply(held: dict[Key, Held], effect: Effect) -> dict[Key, Held]:
    """The entries after the effect; `held` is changed."""
    for each in effect.removed:
        held.pop((each.entity, each.id), None)
    for each in effect.added:
        held[each.entity, each.id] = each
    return held


def _packed(entries: Iterable[Held]) -> bytes:
    listed = list(entries)
    digest = Digest.of(each.hash for each in listed)
    return _HEAD.pack(digest.count, digest.sum) + pack(listed)


def _slot(fan: int, held: Held) -> int:
    return fan + shard_of(held.entity, held.id) * fan // SHARDS


def _fan_for(count: int, current: int) -> int:
    if current and count <= current * _MOST and (current == 1 or count >= current * _LEAST):
        return current
    fan = 1
    while fan < SHARDS and count > fan * _AIM:
        fan *= 2
    return fan


def pending_of(tx: Transaction, device: str) -> tuple[int, Effect] | None:
    """Checkpoint and effect of the page that waits for its acknowledgement."""
    row = tx.rows.get(PendingPage, device)
    return None if row is None else (row.checkpoint, Effect.unpacked(row.entries))
