"""Keys of encrypted laptops: what the hub keeps for each, and how long a laptop may open its file without asking.

Belongs here: making, leasing and resealing wrapping keys. May not know: SOAP, files, how a laptop's file is encrypted.

    file key       made on the laptop, which encrypts its file under it; never leaves the laptop
    wrapping key   made here, one a device, sealed under the hub's master key; the file key is kept wrapped under it
    lease          the wrapping key, given to an enabled device of its user for as long as the tenant allows

A device that is disabled or whose user has lost her rights gets no lease, and one that is removed has no key any more:
its file stays shut for good.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from saddlebag.kernel import limits
from saddlebag.kernel.errors import BUSY, INVALID_VALUE, NOT_ALLOWED, SaddlebagError
from saddlebag.records.access import NewSecret
from saddlebag.security.masterkeys import MasterKeys, nonce_of
from saddlebag.security.principal import Principal, Role
from saddlebag.store.base import Transaction
from saddlebag.store.tables import TenantSetting, WrappingKey
from saddlebag.sync.devices import find

_SETTING: Final = "key-lease-hours"
_CHIEFS: Final = (Role.ADMIN, Role.SYSTEM)


@dataclass(frozen=True, slots=True)
class Lease:
    """A wrapping key and until when the device may keep it."""

    key: bytes
    until: datetime


def lease(
    tx: Transaction, principal: Principal, device: str, masters: MasterKeys, now: datetime, new_secret: NewSecret
) -> Lease:
    """The device's key, made when it is first asked for; raises UNKNOWN_DEVICE, DEVICE_DISABLED, MASTER_KEY, BUSY."""
    find(tx, principal, device)
    kept = tx.rows.get(WrappingKey, device) or _made(tx, device, masters, now, new_secret)
    key = masters.open(kept.sealed, _context(tx, device))
    until = now + timedelta(hours=hours(tx))
    tx.rows.put(replace(kept, leased_until=until))
    return Lease(key, until)


def leased_until(tx: Transaction, device: str) -> datetime | None:
    """Until when the device can open its file without the hub; None for one that was never given a key."""
    kept = tx.rows.get(WrappingKey, device)
    return kept.leased_until if kept else None


def hours(tx: Transaction) -> int:
    """How long a lease of this tenant lasts, in hours."""
    row = tx.rows.get(TenantSetting, _SETTING)
    return int(row.value) if row else limits.KEY_LEASE_HOURS


def set_hours(tx: Transaction, principal: Principal, wanted: int) -> None:
    """Let leases from now on last so many hours; raises NOT_ALLOWED to all but administrators, INVALID_VALUE."""
    if principal.role not in _CHIEFS:
        raise SaddlebagError(NOT_ALLOWED)
    if not 1 <= wanted <= limits.KEY_LEASE_HOURS_MAX:
        raise SaddlebagError(INVALID_VALUE, f"A lease lasts 1 to {limits.KEY_LEASE_HOURS_MAX} hours.", field="hours")
    tx.rows.put(TenantSetting(_SETTING, str(wanted)))


def reseal(tx: Transaction, masters: MasterKeys, new_secret: NewSecret, after: str, limit: int) -> str | None:
    """Seal the next keys under the newest master key; the device to go on after, None at the end."""
    page = tx.rows.select(WrappingKey, order=("device",), after={"device": after}, limit=limit)
    for each in page:
        if not masters.current(each.sealed):
            key = masters.open(each.sealed, _context(tx, each.device))
            tx.rows.put(replace(each, sealed=masters.seal(key, _context(tx, each.device), nonce_of(new_secret()))))
    return page[-1].device if len(page) == limit else None


def _made(tx: Transaction, device: str, masters: MasterKeys, now: datetime, new_secret: NewSecret) -> WrappingKey:
    key = hashlib.sha256(new_secret().encode()).digest()
    made = WrappingKey(device, masters.seal(key, _context(tx, device), nonce_of(new_secret())), now, now)
    if tx.rows.add(made):
        return made
    first = tx.rows.get(WrappingKey, device)  # two first requests of the device at once: there is one key
    if first is None:
        raise SaddlebagError(BUSY, "Another request of this device came first.", retry_after=1)
    return first


def _context(tx: Transaction, device: str) -> str:
    return f"wrapping-key/{tx.tenant.name}/{device}"
