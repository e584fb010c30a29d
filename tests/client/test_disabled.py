"""A device that was disabled gives up what it holds, and is refused from then on; its pushes are refused at once."""

from __future__ import annotations

from typing import Any

import pytest

from front_transport import FrontTransport
from real_office import Rita, office, rita, stored
from records_world import TENANT, update
from saddlebag.kernel.errors import DEVICE_DISABLED
from saddlebag.sync import fleet

__all__ = ["office", "rita"]


def enable(office: Any, rita: Any, *, enabled: bool) -> None:
    """What an administrator does with her laptop."""
    file = rita.file()
    device = file.need("device")
    file.close()
    office.run(lambda tx: fleet.set_enabled(tx, office.principal("adam"), device, enabled=enabled))


def until_refused(rita: Any) -> list[Any]:
    """Sync until the hub refuses it; what each sync told."""
    told = []
    for _ in range(4):
        code, data, _ = rita.run("sync")
        told.append(data)
        if code:
            assert (code, data["error"]["code"]) == (1, DEVICE_DISABLED.code)
            return told
    raise AssertionError("a disabled device was never refused")


def test_it_gives_up_everything_and_is_refused_then(office, rita):
    before = set(rita.held())
    enable(office, rita, enabled=False)
    first, *rest = until_refused(rita)
    assert {(each["entity"], each["id"]) for each in first["removed"]} == before
    assert {each["reason"] for each in first["removed"]} == {"revoked"}
    assert rita.held() == {}
    assert len(rest) <= 2
    assert first["received"] == {}


def test_its_pushes_are_refused_and_the_edits_stay_its_users(office, rita):
    rita.good("edit", "deal", "d-1", "nextStep=Too late")
    enable(office, rita, enabled=False)
    until_refused(rita)
    assert rita.held() == {}
    assert office.stored("Deal", "d-1").values["nextStep"] is None
    assert rita.good("status")["unsent"] == 1


@pytest.mark.parametrize("weather", ["request lost", "answer lost", "sent twice"])
@pytest.mark.parametrize("place", range(3))
def test_whatever_is_lost_on_the_way_it_ends_empty(office, rita, weather, place):
    enable(office, rita, enabled=False)
    rita.hub.weather = iter(["calm"] * place + [weather] + ["calm"] * 99).__next__
    for _ in range(3):
        rita.run("sync")
    until_refused(rita)
    assert rita.held() == {}


def test_a_session_that_ended_is_no_way_to_keep_the_records(office, rita):
    enable(office, rita, enabled=False)
    office.tick(days=2)
    rita.good("sync")
    assert rita.held() == {}


def test_an_image_from_before_is_emptied_too_while_the_hub_knows_of_records(office, rita, tmp_path):
    image = rita.copy_to(tmp_path / "image.sqlite")
    office.write("hub", update("Deal", "d-1", title="Moved on"))
    rita.good("sync")
    rita.good("sync")
    enable(office, rita, enabled=False)
    image.run("sync")
    assert image.held() == {}


def test_nothing_but_its_emptying_is_open_to_it(office, rita):
    enable(office, rita, enabled=False)
    hub = rita.file()
    token = hub.need("token")
    hub.close()
    transport = FrontTransport(office)
    for service, operation, members in (
        ("session", "GetUserInfo", ""),
        ("metadata", "DescribeEntities", ""),
        ("conflict", "ListConflicts", ""),
        ("customer", "SearchCustomers", ""),
        ("device", "ListDevices", ""),
    ):
        body = (
            '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="urn:saddlebag:types:v1">'
            f"<e:Header><t:Session><t:token>{token}</t:token></t:Session></e:Header><e:Body>"
            f'<{operation} xmlns="urn:saddlebag:{service}:v1">{members}</{operation}></e:Body></e:Envelope>'
        )
        answer = transport.post(f"/{TENANT}/{service}/v1", f"urn:x/{operation}", body.encode(), safe=True)
        assert DEVICE_DISABLED.code.encode() in answer, operation


def test_the_laptop_of_a_user_who_was_disabled_is_emptied(office, rita):
    office.write("hub", update("User", "rita", active=False))
    rita.good("sync")
    assert rita.held() == {}
    for _ in range(2):
        code = rita.run("sync")[0]
    assert code != 0


def test_a_device_that_is_enabled_again_gets_its_records_back(office, rita):
    before = rita.held()
    enable(office, rita, enabled=False)
    until_refused(rita)
    enable(office, rita, enabled=True)
    rita.good("sync")
    assert rita.held() == before == stored(office, rita)


def test_another_laptop_of_hers_is_not_touched(office, rita, tmp_path):
    other = Rita(tmp_path / "other.sqlite", rita.hub, now=office.now)
    other.login()
    other.good("sync")
    enable(office, rita, enabled=False)
    until_refused(rita)
    other.good("sync")
    assert other.held() == stored(office, other)
