"""Healing: when what a device holds and what the hub thinks it holds may differ.

Belongs here: the comparison by shards and the new incarnation. May not know: why they differ; a restored image, a
flipped bit, a half-applied crash, a lost manifest and a year offline are all one case.

    1. the device sends 256 sums over what it really holds; the hub names the shards whose sums differ from its own
    2. the device lists its entries in those shards; the hub believes them, under the next incarnation
    3. the next pull is the difference between that and the target

Nothing is discarded, and the bytes sent grow with the difference only. Entries that the hub had no knowledge of are
kept as version 0: believed enough to be taken away, not enough to be answered for (`target.reasons`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from saddlebag.kernel.errors import INVALID_ID, SCHEMA_INVALID, TOO_MANY_RECORDS, SaddlebagError
from saddlebag.kernel.ids import check_id
from saddlebag.kernel.limits import SCOPE_RECORDS
from saddlebag.kernel.manifest import Held, differing, in_shards, shard_sums, unpack, unpack_sums
from saddlebag.security.principal import Principal
from saddlebag.store.base import Transaction
from saddlebag.store.tables import Device, PendingPage
from saddlebag.sync.devices import cursor_of, find, hold
from saddlebag.sync.holding import Holding
from saddlebag.sync.plan import Key
from saddlebag.sync.target import scope_of


@dataclass(frozen=True, slots=True)
class Healing:
    """The hub's answer: `shards` are those whose keys it wants, none when all is known; then the cursor is good."""

    incarnation: int
    cursor: str
    shards: Sequence[int] = ()


def reconcile(
    tx: Transaction, principal: Principal, device: str, incarnation: int, sums: bytes, keys: bytes | None, now: datetime
) -> Healing:
    """Compare sums, or take the listed entries over.

    Raises UNKNOWN_DEVICE, DEVICE_DISABLED, SCHEMA_INVALID for bytes that are no sums or no entries of the asked shards.
    """
    theirs = _sums(sums)
    row = find(tx, principal, device, leaving=True)
    held = Holding.load(tx, device).entries()
    wanted = differing(shard_sums(held.values()), theirs)
    if wanted and keys is None:
        version = scope_of(tx, principal).version
        return Healing(row.incarnation, cursor_of(tx, row, row.checkpoint, version), wanted)
    listed = _believed(held, _entries(keys, wanted, theirs)) if wanted else []
    return _healed(tx, principal, row, incarnation, wanted, listed, now)


def _healed(
    tx: Transaction,
    principal: Principal,
    row: Device,
    incarnation: int,
    wanted: Sequence[int],
    listed: Sequence[Held],
    now: datetime,
) -> Healing:
    """Take over the listed shards under an incarnation that neither side has used."""

    def next_life(before: Device) -> Device:
        checkpoint = before.pending_checkpoint + 1
        return replace(
            before,
            incarnation=max(before.incarnation, incarnation) + 1,
            checkpoint=checkpoint,
            pending_checkpoint=checkpoint,
            seen_at=now,
        )

    _, after = hold(tx, principal, row.device, next_life, leaving=True)
    tx.rows.delete(PendingPage, device=row.device)
    holding = Holding.load(tx, row.device)
    held = holding.entries()
    replaced = {(each.entity, each.id) for each in in_shards(held.values(), wanted)}
    kept = [each for key, each in held.items() if key not in replaced]
    holding.replaced([*kept, *listed]).write(tx, row.device)
    return Healing(after.incarnation, cursor_of(tx, after, after.checkpoint, scope_of(tx, principal).version))


def _sums(data: bytes) -> list[int]:
    try:
        return unpack_sums(data)
    except ValueError as problem:
        raise SaddlebagError(SCHEMA_INVALID, f"shards: {problem}.", field="shards") from None


def _entries(data: bytes | None, wanted: Sequence[int], sums: Sequence[int]) -> list[Held]:
    """The device's entries; they must be of the asked shards and add up to its own sums."""
    try:
        entries = unpack(data or b"")
        for each in entries:
            check_id(each.id)
    except (ValueError, UnicodeDecodeError):
        raise SaddlebagError(SCHEMA_INVALID, "keys: not packed entries.", field="keys") from None
    except SaddlebagError:
        raise SaddlebagError(INVALID_ID, field="keys") from None
    if len(entries) > SCOPE_RECORDS:
        raise SaddlebagError(TOO_MANY_RECORDS, count=len(entries), limit=SCOPE_RECORDS)
    distinct = {(each.entity, each.id) for each in entries}
    stated = shard_sums(entries)
    outside = len(in_shards(entries, wanted)) != len(entries)
    if outside or len(distinct) != len(entries) or any(stated[shard] != sums[shard] for shard in wanted):
        raise SaddlebagError(SCHEMA_INVALID, "keys: not the entries that the sums were made from.", field="keys")
    return entries


def _believed(held: dict[Key, Held], listed: Sequence[Held]) -> list[Held]:
    return [
        each if (each.entity, each.id) in held and held[each.entity, each.id].version else each._replace(version=0)
        for each in listed
    ]
