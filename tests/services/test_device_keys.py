"""Leases of devices' keys over SOAP: to whom, for how long, and what is kept of them, on any store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from saddlebag.kernel import errors, limits
from saddlebag.records import access
from saddlebag.security.masterkeys import MasterKeys
from saddlebag.security.principal import Role
from saddlebag.store.tables import WrappingKey

NEW = {"name": "laptop", "platform": "test", "clientVersion": "1"}


def device_of(desk: Any, who: str) -> str:
    """A registered device of this user."""
    return str(desk.ask(who, "sync.RegisterDevice", NEW)["device"])


def lease(desk: Any, who: Any, device: str) -> Any:
    """A lease of its key."""
    return desk.ask(who, "device.LeaseKey", {"device": device})


def refused(desk: Any, who: Any, device: str) -> errors.ErrorKind:
    """Why there is no lease."""
    return desk.refusal(who, "device.LeaseKey", {"device": device}).kind  # type: ignore[no-any-return]


def kept(desk: Any, device: str) -> WrappingKey | None:
    """What the store has of it."""
    return desk.world.run(lambda tx: tx.rows.get(WrappingKey, device), read_only=True)  # type: ignore[no-any-return]


def test_a_device_gets_the_same_key_each_time_and_no_other_has_it(desk: Any) -> None:
    hers, other = device_of(desk, "rita"), device_of(desk, "rita")
    first = lease(desk, "rita", hers)
    assert len(first["key"]) == 32
    itself = replace(desk.world.principal("rita"), device=hers)
    assert lease(desk, itself, hers)["key"] == first["key"]
    assert lease(desk, "rita", other)["key"] != first["key"]
    assert refused(desk, itself, other) is errors.UNKNOWN_DEVICE


def test_a_lease_lasts_as_long_as_the_tenant_says_and_shows_in_the_list(desk: Any) -> None:
    device = device_of(desk, "rita")
    assert desk.ask("adam", "device.ListDevices")["device"][0]["leasedUntil"] is None
    assert lease(desk, "rita", device)["seconds"] == limits.KEY_LEASE_HOURS * 3600
    assert desk.ask("adam", "device.SetKeyLease", {"hours": 2}) == {"hours": 2}
    given = lease(desk, "rita", device)
    assert given["seconds"] == 2 * 3600
    assert given["leasedUntil"] == desk.world.now + timedelta(hours=2)
    assert desk.ask("adam", "device.ListDevices")["device"][0]["leasedUntil"] == given["leasedUntil"]


@pytest.mark.parametrize("hours", [0, -1, limits.KEY_LEASE_HOURS_MAX + 1])
def test_a_time_out_of_bounds_is_refused(desk: Any, hours: int) -> None:
    assert desk.refusal("adam", "device.SetKeyLease", {"hours": hours}).kind is errors.INVALID_VALUE


@pytest.mark.parametrize("who", ["rita", "mona", "inga"])
def test_nobody_but_an_administrator_sets_the_time(desk: Any, who: str) -> None:
    assert desk.refusal(who, "device.SetKeyLease", {"hours": 1}).kind is errors.NOT_ALLOWED


@pytest.mark.parametrize("who", ["sam", "mona", "adam", "inga"])
def test_a_device_of_another_is_one_that_is_not_there(desk: Any, who: str) -> None:
    device = device_of(desk, "rita")
    assert refused(desk, who, device) is errors.UNKNOWN_DEVICE
    assert kept(desk, device) is None


def test_a_disabled_device_and_one_whose_user_lost_her_rights_get_none(desk: Any) -> None:
    device = device_of(desk, "rita")
    lease(desk, "rita", device)
    leaving = replace(desk.world.principal("rita"), role=Role.REVOKED, device=device)
    assert refused(desk, leaving, device) is errors.DEVICE_DISABLED
    desk.ask("adam", "device.DisableDevice", {"device": device})
    assert refused(desk, "rita", device) is errors.DEVICE_DISABLED
    before = kept(desk, device)
    desk.ask("adam", "device.EnableDevice", {"device": device})
    assert before is not None
    assert lease(desk, "rita", device)["key"] == desk.masters.open(
        before.sealed, f"wrapping-key/{desk.world.tenant}/{device}"
    )


def test_a_removed_devices_key_is_gone(desk: Any) -> None:
    device = device_of(desk, "rita")
    lease(desk, "rita", device)
    desk.ask("adam", "device.RemoveDevice", {"device": device})
    assert kept(desk, device) is None
    assert refused(desk, "rita", device) is errors.UNKNOWN_DEVICE


def test_what_is_kept_is_sealed(desk: Any) -> None:
    device = device_of(desk, "rita")
    key = lease(desk, "rita", device)["key"]
    row = kept(desk, device)
    assert row is not None
    assert key not in row.sealed
    desk.masters = MasterKeys([b"x" * 32])
    assert refused(desk, "rita", device) is errors.MASTER_KEY


def test_a_session_of_the_device_itself_renews_its_lease(desk: Any) -> None:
    made = desk.ask("rita", "sync.RegisterDevice", NEW)
    granted = desk.world.run(
        lambda tx: access.log_in_device(tx, made["device"], made["deviceKey"], desk.world.now, desk.world.new_id)
    )
    assert lease(desk, granted.principal, made["device"])["key"] == lease(desk, "rita", made["device"])["key"]
