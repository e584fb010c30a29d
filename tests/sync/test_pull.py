"""Pull: a device holds what its scope says, soon gives up what it may not hold, and survives lost messages."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from model_device import Laptop, Lost
from records_world import PRINCIPALS, World, create, delete, update
from saddlebag.kernel.errors import DEVICE_DISABLED, INVALID_CURSOR, SCOPE_CAPPED, UNKNOWN_DEVICE, SaddlebagError
from saddlebag.model.builtin import BUILTIN
from saddlebag.store.tables import Device, ManifestSlot, PendingPage, Pin, ScopeRuleRow
from saddlebag.sync.defaults import DEFAULT
from saddlebag.sync.page import Reason
from saddlebag.sync.rules import write_scope


def write_row(hub: World, row: object) -> None:
    hub.run(lambda tx: tx.rows.put(row))


def rule_text(**changes: object) -> str:
    """The default scope's first rule with changes, as JSON."""
    return write_scope(replace(DEFAULT, rules=(replace(DEFAULT.rules[0], **changes),)), BUILTIN)  # type: ignore[arg-type]


def refusal(work: object) -> SaddlebagError:
    with pytest.raises(SaddlebagError) as caught:
        work()  # type: ignore[operator]
    return caught.value


def test_a_first_sync_brings_what_closes_this_week_and_what_is_needed_for_it(laptop: Laptop) -> None:
    assert {key for key in laptop.rows if key[0] != "Deal"} == {
        ("Customer", "c-rita"),
        ("Contact", "k-rita"),
        ("DealLine", "l-rita"),
        ("Product", "p1"),
        ("StockLevel", "s1"),
        ("StockLevel", "s2"),
        ("Warehouse", "w1"),
        ("Warehouse", "w2"),
    }
    assert laptop.ids("Deal") == {"d-rita"}


def test_what_others_refer_to_comes_first(laptop: Laptop) -> None:
    order = [entity for entity, _ in laptop.received]
    below = {"Contact": "Customer", "Deal": "Customer", "DealLine": "Deal", "StockLevel": "Product"}
    for child, parent in below.items():
        assert order.index(parent) < order.index(child)


def test_what_deals_need_comes_before_people_and_these_before_history(hub: World) -> None:
    hub.write("rita", create("Activity", "a-rita", customer="c-rita", kind="note", subject="x"))
    order = [entity for entity, _ in received(hub)]
    for first, later in (("DealLine", "Contact"), ("Contact", "Activity"), ("StockLevel", "Activity")):
        assert order.index(first) < order.index(later)


def received(hub: World) -> list[tuple[str, str]]:
    """What a new device of rita's gets, in order."""
    laptop = Laptop.registered(hub, "rita")
    laptop.sync()
    return laptop.received


def test_a_larger_customer_arrives_before_its_part_and_leaves_after_it(hub: World, laptop: Laptop) -> None:
    """Whatever their ids: the part's comes first."""
    hub.write("adam", create("Customer", "x-parent", name="Group", owner="rita"))
    hub.write("adam", update("Customer", "c-rita", parent="x-parent"))
    for each in ("c-rita", "x-parent"):
        write_row(hub, Pin("rita", "Customer", each))
    order = received(hub)
    assert order.index(("Customer", "x-parent")) < order.index(("Customer", "c-rita"))
    laptop.sync()
    hub.run(lambda tx: tx.rows.delete(Pin, user="rita"))
    hub.write("adam", update("Deal", "d-rita", owner="sam"))
    laptop.sync()
    gone = [each.id for each in laptop.evicted if each.entity == "Customer"]
    assert gone == ["c-rita", "x-parent"]


def test_nothing_new_is_the_same_cursor_and_writes_nothing(hub: World, laptop: Laptop) -> None:
    laptop.sync()
    cursor = laptop.cursor
    with hub.statements() as seen:
        answer = laptop.pull()
    assert (answer.cursor, answer.more, answer.puts, answer.evicts) == (cursor, False, {}, ())
    assert not [each for each in seen if not each.lstrip().upper().startswith(("SELECT", "BEGIN"))]


def test_a_lost_page_is_sent_again_and_only_that_page(hub: World) -> None:
    laptop = Laptop.registered(hub, "rita")
    with pytest.raises(Lost):
        laptop.pull(lose_answer=True)
    laptop.sync()
    assert len(laptop.received) == len(set(laptop.received)) == len(laptop.rows)


def test_pages_keep_to_the_budget_and_end_in_the_same_state(hub: World, laptop: Laptop) -> None:
    notes = [create("Activity", f"a{n}", customer="c-rita", kind="note", subject="x" * 150) for n in range(60)]
    hub.write("rita", *notes)
    small = Laptop.registered(hub, "rita")
    pages = 0
    while True:
        answer = small.pull(max_bytes=4096)
        size = sum(len(each.fragment) for records in answer.puts.values() for each in records)
        assert size <= 4096
        pages += 1
        if not answer.more:
            break
    laptop.sync()
    assert pages > 2
    assert small.rows == laptop.rows


def test_a_late_answer_of_a_repeated_pull_is_the_same_page(hub: World) -> None:
    """Two connections ask for the same page; whichever answer the device applies, its cursor is good."""
    one, other = Laptop.registered(hub, "rita"), Laptop(hub, "rita")
    other.device, other.cursor, other.incarnation = one.device, one.cursor, one.incarnation
    assert other.pull().cursor == one.pull().cursor


def test_a_page_that_comes_out_differently_cannot_be_taken_for_the_first(hub: World) -> None:
    laptop = Laptop.registered(hub, "rita")
    first = laptop.image()
    first.pull()
    hub.write("rita", update("Contact", "k-rita", title="Boss"))
    laptop.pull()
    assert laptop.cursor != first.cursor
    first.sync()
    assert first.rows == laptop.rows


CAUSES = {
    "owner": (update("Deal", "d-rita", owner="sam"), Reason.LEFT_SCOPE),
    "stage": (update("Deal", "d-rita", stage="won"), Reason.LEFT_SCOPE),
    "date": (
        update("Deal", "d-rita", closeDate=(World.__dataclass_fields__["now"].default + timedelta(days=7)).date()),
        Reason.LEFT_SCOPE,
    ),
    "deleted": (delete("Deal", "d-rita"), Reason.DELETED),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_what_no_rule_claims_any_more_leaves_at_the_next_pull(hub: World, laptop: Laptop, cause: str) -> None:
    write, reason = CAUSES[cause]
    hub.write("adam", write)
    laptop.sync()
    assert not laptop.rows
    assert laptop.left()["Deal", "d-rita"] is reason
    order = [each.entity for each in laptop.evicted]
    assert order.index("DealLine") < order.index("Deal") < order.index("Customer")


def test_a_day_that_passes_takes_a_deal_away_in_the_tenants_time_zone(hub: World, laptop: Laptop) -> None:
    """The deal closes on the 6th; at 22:30 UTC that day is still on in Berlin, at 23:30 UTC it is over."""
    hub.now = hub.now.replace(day=6, hour=22, minute=30)
    laptop.sync()
    assert laptop.ids("Deal") == {"d-rita"}
    hub.tick(hours=1)
    laptop.sync()
    assert not laptop.rows


def test_what_two_rules_claim_stays_until_the_last_lets_go(hub: World, laptop: Laptop) -> None:
    write_row(hub, Pin("rita", "Customer", "c-rita"))
    hub.write("adam", update("Deal", "d-rita", stage="lost"))
    laptop.sync()
    assert laptop.rows.keys() == {("Customer", "c-rita"), ("Contact", "k-rita")}
    hub.run(lambda tx: tx.rows.delete(Pin, user="rita"))
    laptop.sync()
    assert not laptop.rows


def test_a_pin_holds_no_record_that_its_user_may_not_see(hub: World, laptop: Laptop) -> None:
    write_row(hub, Pin("rita", "Customer", "c-sam"))
    before = dict(laptop.rows)
    laptop.sync()
    assert laptop.rows == before


def test_what_hangs_on_a_record_that_may_not_be_seen_does_not_tell_of_it(hub: World, laptop: Laptop) -> None:
    """Products are for everybody, but which of them are on another rep's deal is not."""
    hub.write("sam", create("DealLine", "l-sam", deal="d-sam", product="p2", quantity=Decimal(1)))
    write_row(hub, Pin("rita", "Deal", "d-sam"))
    before = dict(laptop.rows)
    laptop.sync()
    assert laptop.rows == before


def test_what_may_not_be_seen_any_more_is_revoked(hub: World, laptop: Laptop) -> None:
    hub.write("adam", update("Deal", "d-rita", owner="sam"), update("Customer", "c-rita", owner="sam"))
    laptop.sync()
    assert laptop.left()["Customer", "c-rita"] is Reason.REVOKED
    assert laptop.left()["Product", "p1"] is Reason.LEFT_SCOPE


def test_a_changed_rule_is_just_another_difference(hub: World, laptop: Laptop) -> None:
    write_row(hub, ScopeRuleRow("default", 1, rule_text(hops=())))
    laptop.sync()
    assert laptop.rows.keys() == {("Deal", "d-rita")}
    write_row(hub, ScopeRuleRow("role:rep", 1, rule_text()))
    laptop.sync()
    assert len(laptop.rows) == 9
    write_row(hub, ScopeRuleRow("user:rita", 1, rule_text(hops=DEFAULT.rules[0].hops[:1])))
    laptop.sync()
    assert laptop.rows.keys() == {("Deal", "d-rita"), ("Customer", "c-rita")}


def test_re_entry_brings_back_what_had_left(hub: World, laptop: Laptop) -> None:
    before = laptop.rows.keys()
    hub.write("adam", update("Deal", "d-rita", owner="sam"))
    laptop.sync()
    hub.write("adam", update("Deal", "d-rita", owner="rita"))
    laptop.sync()
    assert laptop.rows.keys() == before


def test_a_cap_that_bites_names_rule_count_and_limit(hub: World, laptop: Laptop) -> None:
    hops = tuple(replace(each, cap=1) if each.name == "stock" else each for each in DEFAULT.rules[0].hops)
    write_row(hub, ScopeRuleRow("default", 1, rule_text(hops=hops)))
    problem = refusal(laptop.pull)
    assert (problem.kind, problem.rule, problem.count, problem.limit) == (SCOPE_CAPPED, "closing/stock", 2, 1)


def test_a_holding_is_kept_in_few_rows_and_only_changed_ones_are_written(hub: World, laptop: Laptop) -> None:
    activities = [create("Activity", f"a{n}", customer="c-rita", kind="note", subject="x") for n in range(600)]
    for start in range(0, 600, 200):
        hub.write("rita", *activities[start : start + 200])
    laptop.sync()
    laptop.sync()
    rows = hub.run(lambda tx: tx.rows.select(ManifestSlot, device=laptop.device), read_only=True)
    assert 2 <= len(rows) <= 8
    hub.write("rita", update("Activity", "a7", subject="y"))
    laptop.sync()
    with hub.statements() as seen:
        laptop.pull()
    assert len([each for each in seen if "manifest" in each and each.startswith("INSERT")]) == 1
    after = hub.run(lambda tx: tx.rows.select(ManifestSlot, device=laptop.device), read_only=True)
    assert len([each for each in after if each not in rows]) == 1


def test_a_foreign_or_altered_cursor_gets_a_fault_and_no_data(hub: World, laptop: Laptop) -> None:
    thief = Laptop.registered(hub, "sam")
    mine, thief.cursor = thief.cursor, laptop.cursor
    assert refusal(thief.pull).kind is INVALID_CURSOR
    data = bytearray(base64.urlsafe_b64decode(mine + "=" * (-len(mine) % 4)))
    data[1] ^= 1
    thief.cursor = base64.urlsafe_b64encode(bytes(data)).decode().rstrip("=")
    assert refusal(thief.pull).kind is INVALID_CURSOR
    assert not thief.rows


def test_a_session_of_one_device_does_not_speak_for_another(
    hub: World, laptop: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PRINCIPALS, "rita", replace(PRINCIPALS["rita"], device="another"))
    assert refusal(laptop.pull).kind is INVALID_CURSOR
    laptop.create("Activity", "a1", customer="c-rita", kind="note", subject="x")
    assert refusal(laptop.push).kind is UNKNOWN_DEVICE


def test_a_disabled_device_gets_nothing(hub: World, laptop: Laptop) -> None:
    row = hub.run(lambda tx: tx.rows.get(Device, laptop.device), read_only=True)
    assert row is not None
    write_row(hub, replace(row, enabled=False))
    assert refusal(laptop.pull).kind is DEVICE_DISABLED
    assert refusal(laptop.register).kind is DEVICE_DISABLED


def test_another_users_device_cannot_be_registered_nor_told_from_none(hub: World, laptop: Laptop) -> None:
    thief = Laptop(hub, "sam", device=laptop.device)
    none = Laptop(hub, "sam", device="nothing")
    assert str(refusal(thief.register)) == str(refusal(none.register))
    assert refusal(thief.register).kind is UNKNOWN_DEVICE


def test_registering_again_keeps_what_is_held_and_begins_a_new_incarnation(hub: World, laptop: Laptop) -> None:
    laptop.sync()
    before = laptop.incarnation
    laptop.register()
    laptop.sync()
    assert laptop.incarnation > before
    assert not laptop.received


def test_an_acknowledged_page_is_forgotten_once_it_has_joined_the_holding(hub: World, laptop: Laptop) -> None:
    laptop.sync()
    assert hub.run(lambda tx: tx.rows.get(PendingPage, laptop.device), read_only=True) is None
