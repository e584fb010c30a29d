"""The fleet: devices as those see them who answer for their users.

Belongs here: who may list, disable, enable and remove which device. May not know: pages, SOAP. What a disabled device
still gets (its evictions, then refusals) is decided where it calls: `records.access`, `devices`.

    anybody         her own devices: to list and to disable, as when a laptop was stolen
    manager         those of the users in her territories; never to enable her own
    administrator   all of the tenant
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from saddlebag.kernel.errors import BUSY, NOT_ALLOWED, UNKNOWN_DEVICE, SaddlebagError
from saddlebag.model.condition import ALWAYS, Compare, Condition, Op, both, either, eq
from saddlebag.records.access import holds_records
from saddlebag.security.principal import Principal, Role
from saddlebag.store.base import Transaction
from saddlebag.store.tables import (
    Device,
    ManifestSlot,
    OperationResult,
    Parked,
    PendingPage,
    Session,
    Settled,
    WrappingKey,
)
from saddlebag.sync.devices import ATTEMPTS, swap
from saddlebag.sync.keys import leased_until

_CHIEFS: Final = (Role.ADMIN, Role.SYSTEM)


@dataclass(frozen=True, slots=True)
class Known:
    """A device, whether it holds records as far as the hub knows, and until when it can open an encrypted file."""

    device: Device
    holds: bool
    leased_until: datetime | None


def listed(
    tx: Transaction, principal: Principal, *, user: str | None = None, after: str = "", limit: int
) -> list[Known]:
    """The devices that the caller may see, of one user or all, in the order of their ids."""
    if principal.role in _CHIEFS:
        where: dict[str, Any] = {} if user is None else {"user": user}
        rows = tx.rows.select(Device, order=("device",), after={"device": after}, limit=limit, **where)
    else:
        wanted = _users(principal) if user is None else both(eq("id", user), _users(principal))
        owners = [each.id for each in tx.stamps("User", wanted)]
        found = [row for owner in owners for row in tx.rows.select(Device, user=owner, after={"device": after})]
        rows = sorted(found, key=lambda row: row.device)[:limit]
    return [_known(tx, row) for row in rows]


def set_enabled(tx: Transaction, principal: Principal, device: str, *, enabled: bool) -> Known:
    """Disable or enable a device; raises UNKNOWN_DEVICE for one that the caller may not see, NOT_ALLOWED, BUSY."""
    for _ in range(ATTEMPTS):
        before = _seen(tx, principal, device)
        if enabled:
            _check_chief(principal, before)
        if before.enabled == enabled or swap(tx, before, replace(before, enabled=enabled)):
            return _known(tx, replace(before, enabled=enabled))
    raise SaddlebagError(BUSY, "Requests of the device keep coming first.", retry_after=1)


def remove(tx: Transaction, principal: Principal, device: str) -> None:
    """Forget a device with all that is known of it: it is not emptied any more, and a file that it encrypted stays shut
    once its lease ends. Raises as `set_enabled`.
    """
    _check_chief(principal, _seen(tx, principal, device))
    for kind in (Session, PendingPage, ManifestSlot, Parked, OperationResult, Settled, WrappingKey, Device):
        tx.rows.delete(kind, device=device)


def _known(tx: Transaction, row: Device) -> Known:
    return Known(row, holds_records(tx, row.device), leased_until(tx, row.device))


def _users(principal: Principal) -> Condition:
    """What holds of exactly the users whom the caller answers for."""
    if principal.role in _CHIEFS:
        return ALWAYS
    herself = eq("id", principal.user)
    if principal.role is not Role.MANAGER or not principal.territories:
        return herself
    return either(herself, Compare("territory", Op.IN, tuple(sorted(principal.territories))))


def _seen(tx: Transaction, principal: Principal, device: str) -> Device:
    row = tx.rows.get(Device, device)
    if row is None:
        raise SaddlebagError(UNKNOWN_DEVICE)
    mine = row.user == principal.user or principal.role in _CHIEFS
    if not mine and not tx.stamps("User", both(eq("id", row.user), _users(principal))):
        raise SaddlebagError(UNKNOWN_DEVICE)
    return row


def _check_chief(principal: Principal, row: Device) -> None:
    chief = principal.role in _CHIEFS or (principal.role is Role.MANAGER and row.user != principal.user)
    if not chief:
        raise SaddlebagError(NOT_ALLOWED, "Ask the tenant's administrator to enable or remove the device.")
