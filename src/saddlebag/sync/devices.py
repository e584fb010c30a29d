"""Devices: who they belong to, what their cursors say, and how two requests of one device are kept apart.

Belongs here: the life of a device row. May not know: scopes, pages, operations.

`swap` compares and sets a device row by delete and insert: on PostgreSQL the second of two transactions waits for the
first and then finds its row gone, on SQLite there is one writer. Nothing else may change a device's checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from saddlebag.kernel.cursor import Cursor, read_cursor, write_cursor
from saddlebag.kernel.errors import (
    BUSY,
    DEVICE_DISABLED,
    INVALID_CURSOR,
    UNKNOWN_DEVICE,
    ErrorKind,
    SaddlebagError,
)
from saddlebag.kernel.ids import IdSource
from saddlebag.security.principal import Principal, Role
from saddlebag.security.tokens import token_hash
from saddlebag.store.base import Transaction
from saddlebag.store.tables import Device, PendingPage

ATTEMPTS: Final = 5
"""How often a request starts anew because another request of the same device came first."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What a device gets when it is registered; `key` is given out once and only its hash is kept."""

    device: str
    key: str
    incarnation: int
    cursor: str
    user: str
    time_zone: str


def register(
    tx: Transaction,
    principal: Principal,
    *,
    name: str,
    platform: str,
    device: str | None,
    scope_version: int,
    now: datetime,
    new_id: IdSource,
    new_secret: Callable[[], str],
) -> Registration:
    """Register a new device, or the same one again under the next incarnation; what it holds stays remembered.

    Raises UNKNOWN_DEVICE for a device that is not the caller's, DEVICE_DISABLED.
    """
    key = new_secret()
    if device is None:
        row = Device(new_id(), principal.user, name, platform, token_hash(key), 1, 0, 0, True, now, now)
        tx.rows.put(row)
    else:
        _, row = hold(
            tx,
            principal,
            device,
            lambda before: replace(
                before,
                name=name,
                platform=platform,
                key_hash=token_hash(key),
                seen_at=now,
                incarnation=before.incarnation + 1,
                pending_checkpoint=before.pending_checkpoint + 1,
            ),
        )
        tx.rows.delete(PendingPage, device=device)
    # The number just taken stands for no page: who registers again may hold anything, so its first pull is told to
    # reconcile. For a new device it is 0, the empty holding.
    cursor = cursor_of(tx, row, row.pending_checkpoint, scope_version)
    return Registration(row.device, key, row.incarnation, cursor, principal.user, tx.tenant.time_zone)


def find(
    tx: Transaction, principal: Principal, device: str, unknown: ErrorKind = UNKNOWN_DEVICE, *, leaving: bool = False
) -> Device:
    """The caller's device; `unknown` is raised alike for a foreign one and for none, then DEVICE_DISABLED.

    A caller whose rights were revoked finds it only where it is to be emptied (`leaving`).
    """
    row = tx.rows.get(Device, device)
    if row is None or row.user != principal.user or principal.device not in ("", device):
        raise SaddlebagError(unknown)
    revoked = principal.role is Role.REVOKED
    if (revoked or not row.enabled) and not (leaving and revoked):
        raise SaddlebagError(DEVICE_DISABLED)
    return row


def open_cursor(tx: Transaction, principal: Principal, text: str) -> tuple[Cursor, Device]:
    """What a cursor says and whose device it is; raises INVALID_CURSOR, DEVICE_DISABLED."""
    cursor = read_cursor(text, tx.tenant.name, tx.tenant.secret)
    return cursor, find(tx, principal, cursor.device, INVALID_CURSOR, leaving=True)


def cursor_of(tx: Transaction, device: Device, checkpoint: int, scope_version: int, shape: int = 0) -> str:
    """The signed cursor of a checkpoint."""
    cursor = Cursor(device.device, device.incarnation, checkpoint, scope_version, tx.schema.fingerprint, shape)
    return write_cursor(cursor, tx.tenant.name, tx.tenant.secret)


def swap(tx: Transaction, before: Device, after: Device) -> bool:
    """Replace the row unless another request has moved it since `before` was read; whether it was replaced."""
    taken = tx.rows.delete(
        Device,
        device=before.device,
        user=before.user,
        incarnation=before.incarnation,
        checkpoint=before.checkpoint,
        pending_checkpoint=before.pending_checkpoint,
        enabled=before.enabled,
    )
    return taken == 1 and tx.rows.add(after)


def hold(
    tx: Transaction, principal: Principal, device: str, change: Callable[[Device], Device], *, leaving: bool = False
) -> tuple[Device, Device]:
    """The row before and after `change`; other requests of the device wait until this transaction ends."""
    for _ in range(ATTEMPTS):
        before = find(tx, principal, device, leaving=leaving)
        after = change(before)
        if swap(tx, before, after):
            return before, after
    raise SaddlebagError(BUSY, "Other requests of this device keep coming first.", retry_after=1)
