"""The commands as a person types them, against a hub in memory."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from memory_hub import MemoryHub
from saddlebag.kernel import errors
from saddlebag.kernel.errors import SaddlebagError


def test_login_registers_the_device_and_keeps_no_password(laptop):
    laptop.login()
    content = laptop.path.read_bytes()
    assert b"secret" not in content
    assert laptop.file().get("device") == "d1"
    assert stat.S_IMODE(os.stat(laptop.path).st_mode) == 0o600


def test_a_wrong_password_says_so_and_exits_4(laptop):
    laptop.password = "wrong"
    code, data, text = laptop.run("login", "https://hub", "--tenant", "acme", "--user", "rep")
    assert code == 4
    assert data["error"]["code"] == errors.INVALID_CREDENTIALS.code
    assert "wrong" in text


def test_a_file_stays_with_its_user(synced):
    code, _, text = synced.run("login", "https://hub", "--tenant", "acme", "--user", "other")
    assert code == 4
    assert "belongs to rep of acme" in text


@pytest.mark.parametrize("command", ["sync", "status", "list Deal", "conflicts", "upgrade"])
def test_before_login_every_command_asks_for_it(laptop, command):
    code, data, _ = laptop.run(*command.split())
    assert code in (1, 4)
    assert "login" in data["error"]["cure"] or command == "upgrade"


def test_first_sync_receives_everything_and_says_what(laptop):
    laptop.login()
    code, data, text = laptop.run("sync")
    assert code == 0
    assert data["received"] == {"User": 1, "Customer": 1, "Deal": 2}
    assert "Received 4 records: 1 Customer, 2 Deal, 1 User." in text
    assert data["bytes_up"] > 0
    assert data["bytes_down"] > 0
    assert laptop.said


def test_a_second_sync_with_nothing_new_is_one_request(synced):
    data = synced.good("sync")
    assert data["requests"] == 1
    assert data["received"] == {}
    assert data["removed"] == []
    assert [step["name"] for step in data["steps"]] == ["pull"]
    assert 0 < data["body_bytes"] < 600


def test_list_shows_filters_and_names_references(synced):
    _, data, text = synced.run("list", "deals", "--filter", "pump")
    assert [each["id"] for each in data["records"]] == ["d-one"]
    assert "Pumps" in text
    assert synced.good("list", "Deal", "--filter", "söhne")["records"][0]["fields"]["customer"] == "c1"


def test_show_finds_a_record_by_name_and_by_beginning_of_id(synced):
    assert synced.good("show", "deal", "Pumps")["id"] == "d-one"
    assert synced.good("show", "deal", "d-tw")["id"] == "d-two"
    _, _, text = synced.run("show", "customer", "acme")
    assert "Acme & Söhne" in text
    assert "credit limit  500.00" in text
    assert "Rita Rep" in text


def test_a_name_that_fits_several_records_lists_them(synced):
    synced.hub.write("Deal", "d-three", title="Pumps again", customer="c1")
    synced.hub.write("Deal", "d-four", title="More pumps", customer="c1")
    synced.good("sync")
    code, data, text = synced.run("show", "deal", "pump")
    assert code == 1
    assert data["error"]["code"] == errors.AMBIGUOUS_NAME.code
    assert "d-three" in text


def test_an_edit_shows_at_once_and_goes_out_with_the_next_sync(synced):
    synced.good("edit", "deal", "Pumps", "amount=250", "stage=WON", "closeDate=2026-04-01")
    shown = synced.good("show", "deal", "Pumps")
    assert shown["fields"]["amount"] == "250.00"
    assert shown["unsent"] == ["amount", "closeDate", "stage"]
    assert synced.good("status")["unsent"] == 1
    sent = synced.good("sync")["sent"]
    assert [each["status"] for each in sent] == ["applied"]
    assert synced.hub.records["Deal", "d-one"].fields["stage"] == ("won",)
    after = synced.good("show", "deal", "Pumps")
    assert after["unsent"] == []
    assert after["fields"]["amount"] == "250.00"


@pytest.mark.parametrize(
    ("assignment", "code"),
    [
        ("price=3", errors.UNKNOWN_FIELD),
        ("amount=much", errors.INVALID_VALUE),
        ("amount=-1", errors.INVALID_VALUE),
        ("amount=1.234", errors.INVALID_VALUE),
        ("amount=1234567.00", errors.INVALID_VALUE),
        ("probability=101", errors.INVALID_VALUE),
        ("stage=sold", errors.INVALID_VALUE),
        ("closeDate=2026-02-30", errors.INVALID_VALUE),
        ("title=", errors.REQUIRED_FIELD),
        ("customer=nobody", errors.NOT_FOUND),
        ("title", errors.INVALID_VALUE),
        ("title=" + "x" * 41, errors.INVALID_VALUE),
    ],
)
def test_a_bad_edit_is_refused_at_the_keyboard(synced, assignment, code):
    before = synced.held()
    exit_code, data, _ = synced.run("edit", "deal", "Pumps", assignment)
    assert exit_code == 1
    assert data["error"]["code"] == code.code
    assert synced.good("status")["unsent"] == 0
    assert synced.held() == before


def test_what_the_office_keeps_cannot_be_edited(synced):
    _, data, text = synced.run("edit", "customer", "c1", "creditLimit=9")
    assert data["error"]["code"] == errors.READ_ONLY_FIELD.code
    assert "credit limit" in text


def test_a_field_that_stays_at_the_hub_is_unknown_here(synced):
    _, data, _ = synced.run("edit", "customer", "c1", "taxNumber=9")
    assert data["error"]["code"] == errors.UNKNOWN_FIELD.code


def test_new_records_refer_to_one_another_offline(synced):
    customer = synced.good("new", "customer", "name=Nova", "segments=b, a")["id"]
    deal = synced.good("new", "deal", "title=First", "customer=Nova")["id"]
    assert synced.good("show", "deal", "First")["fields"]["customer"] == customer
    assert synced.good("show", "customer", "Nova")["fields"]["owner"] == "u1"
    synced.good("sync")
    assert synced.hub.records["Customer", customer].fields["segments"] == ("a", "b")
    assert synced.hub.records["Deal", deal].fields["customer"] == (customer,)
    assert synced.good("show", "deal", "First")["version"] > 0


def test_a_new_record_needs_its_required_fields(synced):
    _, data, text = synced.run("new", "deal", "title=Lonely")
    assert data["error"]["code"] == errors.REQUIRED_FIELD.code
    assert "customer" in text


def test_a_visit_is_logged_with_its_customer_deal_and_time(synced):
    made = synced.good("log", "visit", "Acme", "Saw the plant", "--body", "Old pumps.", "--deal", "Pumps")["id"]
    synced.good("sync")
    fields = synced.hub.records["Activity", made].fields
    assert fields["kind"] == ("visit",)
    assert fields["customer"] == ("c1",)
    assert fields["deal"] == ("d-one",)
    assert fields["body"] == ("Old pumps.",)
    assert fields["startsAt"][0].startswith("2026-03-02T12:")


def test_a_record_that_leaves_is_removed_and_the_reason_is_said(synced):
    synced.hub.outside.add(("Deal", "d-two"))
    synced.hub.delete("Deal", "d-one")
    _, data, text = synced.run("sync")
    reasons = {each["id"]: (each["reason"], each["label"]) for each in data["removed"]}
    assert reasons == {"d-two": ("left-scope", "Valves"), "d-one": ("deleted", "Pumps")}
    assert "Removed Deal Valves: no longer part of your work." in text
    assert synced.good("list", "deal")["records"] == []


def test_without_a_connection_sync_says_so_exits_3_and_loses_nothing(synced):
    synced.good("edit", "deal", "Pumps", "amount=7")
    synced.hub.weather = lambda: "request lost"
    code, data, text = synced.run("sync")
    assert code == 3
    assert data["error"]["code"] == errors.NO_CONNECTION.code
    assert "1 changes wait here" in text
    synced.hub.weather = lambda: "calm"
    synced.good("sync")
    assert synced.hub.records["Deal", "d-one"].fields["amount"] == ("7.00",)


def test_an_expired_session_is_renewed_with_the_device_key(synced):
    synced.hub.tokens.clear()
    synced.good("sync")
    assert synced.hub.calls[-3:] == ["Pull", "LoginDevice", "Pull"]


def test_a_busy_hub_is_asked_again_after_the_time_it_gives(synced, monkeypatch):
    answers = iter([SaddlebagError(errors.BUSY, retry_after=2)])
    honest = MemoryHub._pull

    def busy_once(self, request):
        for error in answers:
            raise error
        return honest(self, request)

    monkeypatch.setattr(MemoryHub, "_pull", busy_once)
    assert synced.good("sync")["requests"] == 2
    assert synced.pauses == [2]


def test_status_counts_what_is_held_and_what_waits(synced):
    synced.good("edit", "deal", "Pumps", "amount=7")
    data = synced.good("status")
    assert data["records"] == {"Customer": 1, "Deal": 2, "User": 1}
    assert (data["unsent"], data["parked"], data["conflicts"], data["damaged"]) == (1, 0, 0, 0)
    assert data["last_sync"].startswith("2026-03-02")
    assert data["size"] == synced.path.stat().st_size


def test_a_second_sync_of_one_file_is_kept_out(synced):
    from saddlebag_client.local import only_sync

    with only_sync(synced.path):
        code, data, _ = synced.run("sync")
    assert code == 1
    assert data["error"]["code"] == errors.FILE_IN_USE.code
    synced.good("sync")


def test_a_file_of_another_program_is_not_touched(laptop):
    Path(laptop.path).write_text("letter to a customer, long enough to be no database at all" * 20)
    code, _, text = laptop.run("status")
    assert code == 4
    assert "not a file of this program" in text
    assert Path(laptop.path).read_text().startswith("letter")
