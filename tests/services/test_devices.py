"""Devices over SOAP: who lists, disables, enables and removes whose; and a disabled one, page by page, on any store."""

from __future__ import annotations

from typing import Any

import pytest

from records_world import create
from saddlebag.kernel import errors
from saddlebag.kernel.errors import SaddlebagError
from saddlebag.records import access
from saddlebag.security.principal import Principal, Role
from saddlebag.store.tables import ManifestSlot

NEW = {"name": "laptop", "platform": "test", "clientVersion": "1"}


def register(desk: Any, who: str) -> dict[str, Any]:
    """A device of this user, as RegisterDevice gives it."""
    return dict(desk.ask(who, "sync.RegisterDevice", NEW))


def listed(desk: Any, who: str, **request: Any) -> list[str]:
    """The users whose devices this one sees."""
    return sorted(each["user"] for each in desk.ask(who, "device.ListDevices", request)["device"])


def pulled(desk: Any, who: Any, cursor: str, most: int = 4096) -> list[dict[str, Any]]:
    """The pages from a cursor on, to the last."""
    pages = []
    while True:
        page = desk.ask(who, "sync.Pull", {"cursor": cursor, "maxBytes": most})
        pages.append(page)
        cursor = page["cursor"]
        if not page["more"]:
            return pages


def caller(desk: Any, device: dict[str, Any]) -> Principal:
    """Whom the hub takes the device for, when it logs in with its key."""
    log_in = desk.world.run(
        lambda tx: access.log_in_device(tx, device["device"], device["deviceKey"], desk.world.now, desk.world.new_id)
    )
    return log_in.principal


def test_everybody_sees_her_own_a_manager_her_territories_and_an_administrator_all(desk: Any) -> None:
    for who in ("rita", "sam", "mona"):
        register(desk, who)
    assert listed(desk, "rita") == ["rita"]
    assert listed(desk, "mona") == ["mona", "rita"]
    assert listed(desk, "adam") == ["mona", "rita", "sam"]
    assert listed(desk, "mona", user="sam") == []
    assert listed(desk, "adam", user="sam") == ["sam"]


def test_devices_come_page_by_page(desk: Any) -> None:
    made = {register(desk, who)["device"] for who in ("rita", "sam", "mona", "rita", "sam")}
    found, locator = [], None
    while True:
        page = desk.ask("adam", "device.ListDevices", {"limit": 2, "locator": locator})
        found += [each["device"] for each in page["device"]]
        locator = page["locator"]
        if locator is None:
            break
    assert (sorted(found), len(found)) == (sorted(made), 5)
    first = desk.ask("adam", "device.ListDevices", {"limit": 2})["locator"]
    assert desk.refusal("mona", "device.ListDevices", {"locator": first}).kind is errors.INVALID_LOCATOR


@pytest.mark.parametrize("who", ["rita", "mona", "adam"])
def test_who_answers_for_a_device_disables_it(desk: Any, who: str) -> None:
    device = register(desk, "rita")["device"]
    told = desk.ask(who, "device.DisableDevice", {"device": device})["device"]
    assert (told["enabled"], told["holdsRecords"]) == (False, False)


@pytest.mark.parametrize("operation", ["DisableDevice", "EnableDevice", "RemoveDevice"])
def test_a_device_of_another_is_one_that_is_not_there(desk: Any, operation: str) -> None:
    device = register(desk, "rita")["device"]
    for who, name in (("sam", device), ("inga", device), ("adam", "no-such-device")):
        assert desk.refusal(who, f"device.{operation}", {"device": name}).kind is errors.UNKNOWN_DEVICE


@pytest.mark.parametrize("operation", ["EnableDevice", "RemoveDevice"])
def test_nobody_but_a_chief_takes_a_decision_on_her_own_device_back(desk: Any, operation: str) -> None:
    hers, of_mona = register(desk, "rita")["device"], register(desk, "mona")["device"]
    assert desk.refusal("rita", f"device.{operation}", {"device": hers}).kind is errors.NOT_ALLOWED
    assert desk.refusal("mona", f"device.{operation}", {"device": of_mona}).kind is errors.NOT_ALLOWED
    desk.ask("mona", f"device.{operation}", {"device": hers})
    desk.ask("adam", f"device.{operation}", {"device": of_mona})


def test_a_removed_device_is_unknown(desk: Any) -> None:
    device = register(desk, "rita")
    pulled(desk, "rita", device["cursor"])
    desk.ask("adam", "device.RemoveDevice", {"device": device["device"]})
    assert listed(desk, "adam") == []
    assert desk.refusal("rita", "sync.Pull", {"cursor": device["cursor"]}).kind is errors.INVALID_CURSOR
    with pytest.raises(SaddlebagError, match="not known"):
        caller(desk, device)


def test_a_disabled_device_gets_evictions_page_by_page_and_then_refusals(desk: Any) -> None:
    desk.world.write("rita", *[create("Contact", f"k{n}", customer="c-rita", lastName=f"N{n}") for n in range(120)])
    device = register(desk, "rita")
    first = pulled(desk, "rita", device["cursor"])
    held, cursor = [each.id for page in first for each in _put(page)], first[-1]["cursor"]
    assert len(held) > 120
    desk.ask("adam", "device.DisableDevice", {"device": device["device"]})
    leaving = caller(desk, device)
    assert leaving.role is Role.REVOKED
    pages = pulled(desk, leaving, cursor)
    gone = [each for page in pages for each in page.get("evict", ())]
    assert len(pages) > 2
    assert {each["reason"] for each in gone} == {"revoked"}
    assert sorted(each["id"] for each in gone) == sorted(held)
    assert not any(_put(page) for page in pages)
    assert (pages[-1]["count"], pages[-1]["sum"]) == (0, "0" * 16)
    assert caller(desk, device).role is Role.REVOKED
    desk.ask(leaving, "sync.Pull", {"cursor": pages[-1]["cursor"]})
    slots = desk.world.run(lambda tx: [each.slot for each in tx.rows.select(ManifestSlot)], read_only=True)
    assert slots == [-1]  # the row that says: nothing is held
    with pytest.raises(SaddlebagError) as refused:
        caller(desk, device)
    assert refused.value.kind is errors.DEVICE_DISABLED


def test_a_disabled_device_pushes_nothing_and_registers_no_more(desk: Any) -> None:
    device = register(desk, "rita")
    pulled(desk, "rita", device["cursor"])
    desk.ask("adam", "device.DisableDevice", {"device": device["device"]})
    push = {"device": device["device"], "incarnation": device["incarnation"], "operation": []}
    for who in ("rita", caller(desk, device)):
        assert _refused(desk, who, "sync.Push", push) is errors.DEVICE_DISABLED
        assert _refused(desk, who, "sync.RegisterDevice", {**NEW, "device": device["device"]}) is errors.DEVICE_DISABLED


def test_a_leaving_device_sees_and_writes_no_record(desk: Any) -> None:
    device = register(desk, "rita")
    pulled(desk, "rita", device["cursor"])
    desk.ask("adam", "device.DisableDevice", {"device": device["device"]})
    leaving = caller(desk, device)
    assert desk.ask(leaving, "deal.SearchDeals")["deal"] == []
    (result,) = desk.ask(leaving, "deal.DeleteDeals", {"record": [{"id": "d-rita"}]})["result"]
    assert result["error"]["code"] == errors.NOT_FOUND.code


def _put(page: dict[str, Any]) -> list[Any]:
    return [each for records in page.get("put", {}).values() for each in records]


def _refused(desk: Any, who: Any, name: str, request: dict[str, Any]) -> errors.ErrorKind:
    return desk.refusal(who, name, request).kind  # type: ignore[no-any-return]
