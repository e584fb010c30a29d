"""Settled operations: what the hub still knows of an operation once its device has stored the result.

Belongs here: letting go of results in bounded steps, and recognising an operation that was done. May not know: how an
operation is done.

A device says up to which sequence it has stored every result, so it will not ask for those again, unless it is restored
from an older image: then it may send what is done already, and it may give numbers that are used to new operations.
Both are told apart by the payload hash, which is therefore kept for good, with the status, in 19 bytes an operation:

    the same payload     done before, under whatever incarnation: RESULT_FORGOTTEN with the status, never done again
    another payload      OPERATION_MISMATCH under the incarnation that used the number; done under any later one

    part     sequence // 1024 of one incarnation of a device; a row each
    entries  2 bytes sequence within the part, 1 byte status, 16 bytes payload hash; big-endian, by sequence

What a record waits for (a parked rejection) is not let go of.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from typing import Final

from saddlebag.kernel.errors import RESULT_FORGOTTEN
from saddlebag.kernel.limits import RESULTS_FORGOTTEN
from saddlebag.kernel.ops import OpResult, OpStatus
from saddlebag.store.base import Transaction
from saddlebag.store.tables import OperationResult, Settled
from saddlebag.sync.results import read_status, write_result

_PART: Final = 1024
_ENTRY: Final = struct.Struct(">HB16s")
_STATUSES: Final = tuple(OpStatus)
"""Their places are stored: a new status goes to the end."""

_Entries = dict[int, tuple[int, bytes]]


def let_go(tx: Transaction, device: str, acknowledged: int, parked: Collection[int]) -> None:
    """Let go of results that the device has stored, the oldest first, of so many at most that a push stays short."""
    rows = tx.rows.select(
        OperationResult,
        device=device,
        before={"sequence": acknowledged + 1},
        order=("sequence",),
        limit=RESULTS_FORGOTTEN + len(parked),
    )
    stored = [each for each in rows if each.sequence not in parked]
    parts: dict[tuple[int, int], _Entries] = {}
    for each in stored:
        key = (each.incarnation, each.sequence // _PART)
        if key not in parts:
            row = tx.rows.get(Settled, device, *key)
            parts[key] = _unpacked(row.entries) if row else {}
        status = _STATUSES.index(read_status(each.result))
        parts[key][each.sequence % _PART] = (status, each.payload_hash)
    tx.rows.put_all([Settled(device, *key, _packed(entries)) for key, entries in parts.items()])
    tx.rows.delete_all(stored)


def known(tx: Transaction, device: str, sequences: Collection[int]) -> Iterator[OperationResult]:
    """The settled operations of these sequences, of every incarnation, each with what is left of its result."""
    parts = {each // _PART for each in sequences}
    if not parts:
        return
    for row in tx.rows.select(Settled, device=device, after={"part": min(parts) - 1}, before={"part": max(parts) + 1}):
        entries = _unpacked(row.entries) if row.part in parts else {}
        for offset, (status, hashed) in entries.items():
            sequence = row.part * _PART + offset
            if sequence in sequences:
                result = write_result(_left_of(sequence, _STATUSES[status]))
                yield OperationResult(device, row.incarnation, sequence, hashed, result)


def _left_of(sequence: int, status: OpStatus) -> OpResult:
    kind = RESULT_FORGOTTEN
    return OpResult(sequence, status, code=kind.code, message=kind.cause, retryable=False)


def _packed(entries: _Entries) -> bytes:
    return b"".join([_ENTRY.pack(offset, *entries[offset]) for offset in sorted(entries)])


def _unpacked(data: bytes) -> _Entries:
    return {offset: (status, hashed) for offset, status, hashed in _ENTRY.iter_unpack(data)}
