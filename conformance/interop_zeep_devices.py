"""zeep on the device service: an administrator's program that takes a laptop out of use.

Belongs here: disabling, enabling and removing as a foreign program sees them. May not know: how a device is emptied.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.interop_zeep_sync import Device
from conformance.report import expect, same
from conformance.zeep_client import Zeep


def _known(z: Zeep, device: str) -> Any:
    """What ListDevices says of a device of the main user."""
    me, locator = z.call("session", "GetUserInfo").userId, None
    while True:
        page = z.call("device", "ListDevices", user=me, locator=locator)
        for each in page.device:
            same(each.user, me, "user of a listed device")
            if each.device == device:
                return each
        expect(page.more, "the device is not listed")
        locator = page.locator


def list_devices(z: Zeep) -> None:
    """A registered device is listed, with what it said of itself."""
    device = Device(z)
    known = _known(z, device.id)
    same((known.name, known.enabled, known.holdsRecords), ("zeep", True, False), "name, enabled, holdsRecords")
    expect(known.registeredAt.tzinfo is not None, "registeredAt has no zone")


def disable(z: Zeep) -> None:
    """A disabled device gives up what it holds, and is refused then."""
    device = Device(z)
    device.pull()
    told = z.call("device", "DisableDevice", device=device.id)
    same((told.enabled, told.holdsRecords), (False, True), "enabled, holdsRecords")
    same(device.pull().count, 0, "records after the last page")
    same(device.held, {}, "what the device holds")
    device.pull()
    fault = z.fault("sync", "Pull", headers=device.headers, cursor=device.cursor)
    same(fault["code"], "SB6003", "code for an emptied device")
    same(_known(z, device.id).holdsRecords, False, "holdsRecords afterwards")


def enable(z: Zeep) -> None:
    """A device that is enabled again gets its records back."""
    device = Device(z)
    device.pull()
    before = set(device.held)
    z.call("device", "DisableDevice", device=device.id)
    device.pull()
    same(z.call("device", "EnableDevice", device=device.id).enabled, True, "enabled")
    device.pull()
    same(set(device.held), before, "what the device holds")


def remove(z: Zeep) -> None:
    """A removed device is unknown, and its session is over."""
    device = Device(z)
    z.call("device", "RemoveDevice", device=device.id)
    same(z.fault("device", "EnableDevice", device=device.id)["code"], "SB6002", "code for a device that is not there")
    fault = z.fault("sync", "Pull", headers=device.headers, cursor=device.cursor)
    same(fault["code"], "SB2003", "code for its session")


def lease_key(z: Zeep) -> None:
    """A device gets 32 bytes, the same each time; one that is disabled gets none."""
    device = Device(z)
    lease = z.call("device", "LeaseKey", headers=device.headers, device=device.id)
    same(len(lease.key), 32, "bytes of the key")
    expect(lease.seconds > 0 and lease.leasedUntil.tzinfo is not None, "no seconds, or an end without a zone")
    same(z.call("device", "LeaseKey", device=device.id).key, lease.key, "the key in its user's own session")
    same(_known(z, device.id).leasedUntil is None, False, "whether the device's leasedUntil is absent")
    z.call("device", "DisableDevice", device=device.id)
    same(z.fault("device", "LeaseKey", device=device.id)["code"], "SB6003", "code for a disabled device")


def set_key_lease(z: Zeep) -> None:
    """The time of a lease is the tenant's; one out of bounds is refused."""
    device = Device(z)
    same(z.call("device", "SetKeyLease", hours=5), 5, "hours")
    same(z.call("device", "LeaseKey", device=device.id).seconds, 5 * 3600, "seconds of a lease")
    same(z.fault("device", "SetKeyLease", hours=0)["code"], "SB3005", "code for no time at all")
    z.call("device", "SetKeyLease", hours=72)


JUDGES: dict[tuple[str, str], Callable[[Zeep], None]] = {
    ("device", "ListDevices"): list_devices,
    ("device", "DisableDevice"): disable,
    ("device", "EnableDevice"): enable,
    ("device", "RemoveDevice"): remove,
    ("device", "LeaseKey"): lease_key,
    ("device", "SetKeyLease"): set_key_lease,
}
