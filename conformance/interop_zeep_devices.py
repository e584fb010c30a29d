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


JUDGES: dict[tuple[str, str], Callable[[Zeep], None]] = {
    ("device", "ListDevices"): list_devices,
    ("device", "DisableDevice"): disable,
    ("device", "EnableDevice"): enable,
    ("device", "RemoveDevice"): remove,
}
