"""The laptop against the real hub: front, services, sync engine and store, joined in memory.

Every call goes through both ends' own code, so the hub in memory that other tests use cannot drift from it unseen.
"""

from __future__ import annotations

import pytest

from real_office import office, rita, stored
from records_world import delete, update
from saddlebag.kernel.errors import BROKEN_REFERENCE
from saddlebag.model.builtin import BUILTIN
from saddlebag.server.coding import dictionary_of
from saddlebag_client.agreed import packing_of

__all__ = ["office", "rita"]


def test_the_first_sync_brings_the_week_byte_for_byte(office, rita):
    held = rita.held()
    assert {("Deal", "d-1"), ("Deal", "d-2"), ("Customer", "c-rita"), ("Contact", "k-1"), ("DealLine", "l-1")} <= set(
        held
    )
    assert ("Customer", "c-sam") not in held
    assert held == stored(office, rita)
    assert rita.good("show", "deal", "d-1")["fields"]["title"] == "Pumps & more <1>"


def test_descriptions_come_from_the_declaration(rita):
    file = rita.file()
    told = {each["name"]: {field["name"] for field in each["fields"]} for each in file.get("entities")}
    file.close()
    declared = {each.name: {field.name for field in each.device_fields} for each in BUILTIN.entities}
    assert told == declared


def test_laptop_and_hub_derive_one_dictionary(rita):
    file = rita.file()
    known = packing_of(file).dictionary
    assert known is not None
    assert known.coding == dictionary_of(BUILTIN).coding
    file.close()


def test_a_file_from_before_there_were_dictionaries_gets_one(rita):
    file = rita.file()
    file.put(dictionary=None, agreed="sbd-000000000000")
    found = packing_of(file)
    assert found.dictionary is not None
    assert found.dictionary.coding == dictionary_of(BUILTIN).coding
    assert not found.agreed
    found.agree(True)
    assert packing_of(file).agreed
    packing_of(file).agree(False)
    assert not packing_of(file).agreed
    file.close()


def test_a_sync_with_nothing_new_is_one_request_and_small(rita):
    told = rita.good("sync")
    assert (told["requests"], told["received"], told["removed"]) == (1, {}, [])
    told = rita.good("sync")
    assert told["requests"] == 1
    assert told["body_bytes"] <= 400


def test_an_edit_here_and_one_there_both_stay(office, rita):
    rita.good("edit", "deal", "d-1", "nextStep=Bring samples", "probability=70")
    office.write("hub", update("Deal", "d-1", title="Pumps, larger"))
    told = rita.good("sync")
    assert [each["status"] for each in told["sent"]] in (["applied"], ["merged"])
    values = office.stored("Deal", "d-1").values
    assert (values["nextStep"], values["probability"], values["title"]) == ("Bring samples", 70, "Pumps, larger")
    assert rita.held() == stored(office, rita)


def test_records_made_offline_come_to_the_hub_with_their_ids(office, rita):
    deal = rita.good("new", "deal", "title=Spares", "customer=c-rita", "closeDate=2026-03-05", "stage=qualify")["id"]
    visit = rita.good("log", "visit", "c-rita", "Saw the plant", "--deal", deal, "--body", "Loud & old")["id"]
    told = rita.good("sync")
    assert [each["status"] for each in told["sent"]] == ["applied", "applied"]
    assert office.stored("Deal", deal).values["owner"] == "rita"
    assert office.stored("Activity", visit).values["deal"] == deal
    assert ("Activity", visit) in rita.held()
    assert rita.held() == stored(office, rita)


def test_what_hangs_on_a_deal_leaves_with_it_and_nothing_else(office, rita):
    office.write("hub", update("Deal", "d-1", owner="sam"))
    before = set(rita.held())
    told = rita.good("sync")
    left = {(each["entity"], each["id"]) for each in told["removed"]}
    assert {("Deal", "d-1"), ("DealLine", "l-1")} <= left
    assert ("Customer", "c-rita") not in left
    assert set(rita.held()) == before - left
    office.write("hub", delete("Deal", "d-2"))
    reasons = {each["id"]: each["reason"] for each in rita.good("sync")["removed"]}
    assert reasons["d-2"] == "deleted"


@pytest.mark.parametrize("weather", ["answer lost", "request lost", "sent twice"])
def test_whatever_the_weather_an_operation_takes_effect_once(office, rita, weather):
    coming = iter([weather, weather, weather])
    rita.good("edit", "customer", "c-rita", "notes=Called, no answer")
    rita.hub.weather = lambda: next(coming, "calm")
    for _ in range(4):
        rita.run("sync")
    assert str(office.stored("Customer", "c-rita").values["notes"]).count("Called, no answer") == 1
    assert rita.good("status")["unsent"] == 0
    assert rita.held() == stored(office, rita)


def test_a_refused_edit_is_parked_and_a_discard_frees_the_record(office, rita):
    rita.good("edit", "customer", "c-rita", "territory=south", "industry=Mining")
    (result,) = rita.good("sync")["sent"]
    assert result["status"] == "rejected"
    assert result["message"]
    (parked,) = rita.good("conflicts")
    rita.good("conflicts", "--discard", str(parked["id"]))
    rita.good("edit", "customer", "c-rita", "industry=Mining")
    assert {each["status"] for each in rita.good("sync")["sent"]} == {"applied"}
    assert office.stored("Customer", "c-rita").values["industry"] == "Mining"
    assert rita.good("conflicts") == []


def test_a_refused_edit_is_mended_in_its_place(office, rita):
    """The partner is unknown to the hub; nothing of it is on the laptop, so only the hub can tell."""
    rita.good("edit", "deal", "d-1", "partner=nobody", "nextStep=Call")
    (result,) = rita.good("sync")["sent"]
    assert (result["status"], result["code"], result["field"]) == ("rejected", BROKEN_REFERENCE.code, "partner")
    (parked,) = rita.good("conflicts")
    rita.good("conflicts", "--retry", str(parked["id"]), "partner=")
    assert [each["status"] for each in rita.good("sync")["sent"]] == ["applied"]
    assert office.stored("Deal", "d-1").values["nextStep"] == "Call"


def test_a_value_that_lost_can_be_read_back(office, rita):
    rita.good("edit", "deal", "d-1", "amount=100")
    office.tick(minutes=5)
    office.write("hub", update("Deal", "d-1", amount=900))
    (result,) = rita.good("sync")["sent"]
    assert result["status"] == "conflict"
    (conflict,) = rita.good("conflicts")
    assert conflict["conflicts"][0]["mine"] == "100.00"
    assert conflict["conflicts"][0]["theirs"] == "900.00"
    assert rita.held() == stored(office, rita)


def test_a_damaged_file_is_mended_with_the_difference_only(office, rita):
    before = rita.held()
    file = rita.file()
    file.db.execute("UPDATE rows SET fragment = replace(fragment, 'Valves', 'Walves') WHERE id = 'd-2'")
    file.close()
    assert rita.good("status")["damaged"] == 1
    told = rita.good("sync")
    assert told["healed"] > 0
    assert told["received"] == {"Deal": 1}
    assert rita.held() == before


def test_a_restored_image_reuses_its_counter_and_loses_nothing(office, rita, tmp_path):
    image = rita.copy_to(tmp_path / "image.sqlite")
    rita.good("edit", "deal", "d-1", "nextStep=From the laptop")
    rita.good("sync")
    image.good("edit", "deal", "d-2", "nextStep=From the image")
    told = image.good("sync")
    assert [each["status"] for each in told["sent"]] == ["applied"]
    assert office.stored("Deal", "d-1").values["nextStep"] == "From the laptop"
    assert office.stored("Deal", "d-2").values["nextStep"] == "From the image"
    assert image.held() == stored(office, image)


def test_a_session_that_ended_is_renewed_without_a_password(office, rita):
    office.tick(days=2)
    assert rita.good("sync")["requests"] == 3
    assert rita.hub.calls[-3:] == ["Pull", "LoginDevice", "Pull"]


def test_logging_in_again_keeps_the_file_and_its_unsent_work(office, rita):
    rita.good("edit", "deal", "d-1", "nextStep=Unsent")
    before = rita.held()
    rita.login()
    assert rita.held() == before
    told = rita.good("sync")
    assert [each["status"] for each in told["sent"]] == ["applied"]
    assert told["received"] == {"Deal": 1}
    assert rita.good("sync")["healed"] == 0


def test_the_page_for_downloads_gives_the_clients_version(rita):
    assert b"sha256" in rita.hub.get("/client/version.json")
