"""Edits that become operations: merged while nobody has seen them, settled by the hub's word, never lost."""

from __future__ import annotations

from saddlebag_client import outbox
from saddlebag_client.outbox import CONFLICT, PARKED, SENT, UNSENT


def operations(laptop, *statuses):
    file = laptop.file()
    found = outbox.operations(file, *(statuses or (UNSENT, SENT, PARKED, CONFLICT)))
    file.close()
    return found


def refuse_amount(entity, record_id, fields):
    return "The amount is too high." if fields.get("amount") == ("999.00",) else ""


def test_edits_of_one_record_go_out_as_one_operation_with_the_first_old_values(synced):
    synced.good("edit", "deal", "d-one", "amount=150")
    synced.good("edit", "deal", "d-one", "amount=200", "probability=50")
    (operation,) = operations(synced)
    assert operation.fields == {"amount": ("100.00", "200.00"), "probability": (None, "50")}
    assert operation.base == synced.held()["Deal", "d-one"][0]


def test_an_edit_taken_back_leaves_nothing_to_send(synced):
    synced.good("edit", "deal", "d-one", "amount=150")
    synced.good("edit", "deal", "d-one", "amount=100")
    assert operations(synced) == []
    assert synced.good("show", "deal", "d-one")["unsent"] == []


def test_an_edit_to_what_stands_there_is_no_edit(synced):
    assert synced.good("edit", "deal", "d-one", "amount=100.00")["changed"] == []
    assert operations(synced) == []


def test_an_edit_of_a_new_record_joins_its_creation(synced):
    made = synced.good("new", "deal", "title=First", "customer=c1")["id"]
    synced.good("edit", "deal", made, "amount=5")
    (operation,) = operations(synced)
    assert operation.kind == "create"
    assert operation.fields["amount"] == (None, "5.00")


def test_an_edit_that_names_a_record_made_later_goes_out_after_it(synced):
    synced.good("log", "visit", "c1", "Met")
    deal = synced.good("new", "deal", "title=Second", "customer=c1")["id"]
    synced.good("edit", "activity", "Met", f"deal={deal}")
    assert [(each.kind, each.entity) for each in operations(synced)] == [
        ("create", "Activity"),
        ("create", "Deal"),
        ("update", "Activity"),
    ]
    assert {each["status"] for each in synced.good("sync")["sent"]} == {"applied"}


def test_what_was_sent_is_never_changed_a_later_edit_follows_it(synced):
    synced.good("edit", "deal", "d-one", "amount=150")
    synced.hub.weather = lambda: "answer lost"
    synced.run("sync")
    synced.good("edit", "deal", "d-one", "amount=160")
    first, second = operations(synced)
    assert (first.status, first.fields) == (SENT, {"amount": ("100.00", "150.00")})
    assert (second.status, second.fields) == (UNSENT, {"amount": ("150.00", "160.00")})
    synced.hub.weather = lambda: "calm"
    assert [each["status"] for each in synced.good("sync")["sent"]] == ["applied", "applied"]
    assert [fields["amount"] for _, fields in synced.hub.applied] == [("150.00",), ("160.00",)]


def test_between_push_and_pull_the_reader_sees_her_own_value(synced):
    weather = iter(["calm", "request lost"])
    synced.good("edit", "deal", "d-one", "amount=150")
    synced.hub.weather = lambda: next(weather, "calm")
    assert synced.run("sync")[0] == 3
    shown = synced.good("show", "deal", "d-one")
    assert shown["fields"]["amount"] == "150.00"
    assert shown["unsent"] == []
    synced.good("edit", "deal", "d-one", "amount=160")
    assert synced.good("sync")["sent"][0]["status"] == "applied"


def test_a_conflict_keeps_both_values_until_it_was_read(synced):
    synced.hub.hub_wins = frozenset({"amount"})
    synced.hub.write("Deal", "d-one", amount="700.00")
    synced.good("edit", "deal", "d-one", "amount=150", "stage=won")
    _, _, text = synced.run("sync")
    assert "one value lost" in text
    assert synced.good("show", "deal", "d-one")["fields"]["amount"] == "700.00"
    _, (conflict,), text = synced.run("conflicts")
    assert conflict["conflicts"][0]["mine"] == "150.00"
    assert "yours '150.00', theirs '700.00'; theirs was kept" in text
    synced.good("conflicts", "--discard", str(conflict["id"]))
    assert synced.good("conflicts") == []
    assert synced.good("show", "deal", "d-one")["fields"]["stage"] == "won"


def test_a_lost_value_can_be_sent_again(synced):
    synced.hub.hub_wins = frozenset({"amount"})
    synced.hub.write("Deal", "d-one", amount="700.00")
    synced.good("edit", "deal", "d-one", "amount=150")
    synced.good("sync")
    (conflict,) = synced.good("conflicts")
    synced.good("conflicts", "--retry", str(conflict["id"]))
    synced.good("sync")
    assert synced.hub.records["Deal", "d-one"].fields["amount"] == ("150.00",)
    assert synced.good("conflicts") == []


def test_a_refused_edit_is_parked_with_its_reason_and_shown(synced):
    synced.hub.refuse = refuse_amount
    synced.good("edit", "deal", "d-one", "amount=999")
    _, _, text = synced.run("sync")
    assert "refused" in text
    assert "too high" in text
    (parked,) = synced.good("conflicts")
    assert parked["waiting"] == PARKED
    assert parked["fields"]["amount"] == {"old": "100.00", "new": "999.00"}
    assert synced.good("status")["parked"] == 1
    assert synced.good("show", "deal", "d-one")["fields"]["amount"] == "999.00"
    assert synced.good("sync")["sent"] == []


def test_a_parked_edit_is_mended_and_sent_in_its_place(synced):
    synced.hub.refuse = refuse_amount
    synced.good("edit", "deal", "d-one", "amount=999", "stage=won")
    synced.good("sync")
    (parked,) = synced.good("conflicts")
    synced.good("conflicts", "--retry", str(parked["id"]), "amount=900")
    assert [each["status"] for each in synced.good("sync")["sent"]] == ["applied"]
    assert synced.hub.records["Deal", "d-one"].fields["amount"] == ("900.00",)
    assert synced.hub.records["Deal", "d-one"].fields["stage"] == ("won",)
    assert synced.hub.parked == {}


def test_a_plain_edit_of_a_parked_record_takes_the_parked_one_along(synced):
    synced.hub.refuse = refuse_amount
    synced.good("edit", "deal", "d-one", "amount=999", "stage=won")
    synced.good("sync")
    synced.good("edit", "deal", "d-one", "amount=10")
    synced.good("sync")
    assert synced.hub.records["Deal", "d-one"].fields["stage"] == ("won",)
    assert synced.good("conflicts") == []


def test_a_discarded_edit_leaves_the_hubs_value_and_frees_the_record(synced):
    synced.hub.refuse = refuse_amount
    synced.good("edit", "deal", "d-one", "amount=999")
    synced.good("sync")
    (parked,) = synced.good("conflicts")
    synced.good("conflicts", "--discard", str(parked["id"]))
    assert synced.good("show", "deal", "d-one")["fields"]["amount"] == "100.00"
    synced.good("edit", "deal", "d-one", "amount=5")
    assert [each["status"] for each in synced.good("sync")["sent"]] == ["applied"]
    assert synced.hub.parked == {}
    assert synced.hub.records["Deal", "d-one"].fields["amount"] == ("5.00",)


def test_an_edit_that_waits_behind_a_refused_one_joins_it(synced):
    synced.hub.refuse = refuse_amount
    synced.good("edit", "deal", "d-one", "amount=999")
    synced.hub.weather = lambda: "answer lost"
    synced.run("sync")
    synced.good("edit", "deal", "d-one", "stage=won")
    synced.hub.weather = lambda: "calm"
    synced.good("sync")
    (parked,) = synced.good("conflicts")
    assert set(parked["fields"]) == {"amount", "stage"}
    synced.good("conflicts", "--retry", str(parked["id"]), "amount=1")
    synced.good("sync")
    assert synced.hub.records["Deal", "d-one"].fields["stage"] == ("won",)


def test_a_refused_new_record_stays_and_can_be_mended(synced):
    synced.hub.refuse = refuse_amount
    made = synced.good("new", "deal", "title=Big", "customer=c1", "amount=999")["id"]
    synced.good("sync")
    assert synced.good("show", "deal", "Big")["version"] == 0
    synced.good("edit", "deal", made, "amount=9")
    synced.good("sync")
    assert synced.hub.records["Deal", made].fields["title"] == ("Big",)
    assert synced.good("show", "deal", "Big")["version"] > 0


def test_a_discarded_new_record_is_gone(synced):
    synced.hub.refuse = refuse_amount
    synced.good("new", "deal", "title=Big", "customer=c1", "amount=999")
    synced.good("sync")
    (parked,) = synced.good("conflicts")
    synced.good("conflicts", "--discard", str(parked["id"]))
    assert synced.run("show", "deal", "Big")[0] == 1
    synced.good("sync")
    assert operations(synced) == []


def test_an_edit_of_a_record_that_left_the_hub_is_kept_to_be_read(synced):
    synced.good("edit", "deal", "d-one", "amount=150")
    synced.hub.delete("Deal", "d-one")
    synced.good("sync")
    (parked,) = synced.good("conflicts")
    assert parked["status"] == "gone"
    assert parked["fields"]["amount"]["new"] == "150.00"
    assert synced.run("conflicts", "--retry", str(parked["id"]))[0] == 1
    synced.good("conflicts", "--discard", str(parked["id"]))
    assert operations(synced) == []


def test_an_unsent_edit_of_an_evicted_record_is_still_sent(synced):
    weather = iter(["request lost"])
    synced.good("edit", "deal", "d-one", "amount=150")
    synced.hub.outside.add(("Deal", "d-one"))
    synced.hub.weather = lambda: next(weather, "calm")
    synced.run("sync")
    data = synced.good("sync")
    assert [each["status"] for each in data["sent"]] == ["applied"]
    assert [each["id"] for each in data["removed"]] == ["d-one"]
    assert synced.hub.records["Deal", "d-one"].fields["amount"] == ("150.00",)


def test_a_choice_that_is_none_is_refused(synced):
    code, data, _ = synced.run("conflicts", "--discard", "77")
    assert code == 1
    assert "no conflict 77" in data["error"]["message"]
