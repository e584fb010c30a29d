"""The operations that every entity gets, shown on deals: reading, searching, writing, repeating."""

from __future__ import annotations

from typing import Any

import pytest

from records_world import create, update
from saddlebag.contract.spec import RecordInput
from saddlebag.kernel import errors, limits
from saddlebag.model.fields import Value
from saddlebag.records.base import Write


def record(entity: str, record_id: str | None = None, version: int | None = None, **values: Value) -> RecordInput:
    return RecordInput(entity, record_id, version, values)


def deals(*records: RecordInput, **more: Any) -> dict[str, Any]:
    return {"deal": list(records), **more}


def ids(answer: Any, member: str = "deal") -> list[str]:
    return [each.id for each in answer[member]]


def outcomes(answer: Any) -> list[tuple[str, str | None]]:
    return [(each["status"], each.get("error", {}).get("name")) for each in answer["result"]]


def fill(desk: Any, count: int) -> None:
    def deal(n: int) -> Write:
        return create("Deal", f"s{n:02d}", customer="c-rita", title=f"T{n % 3}", probability=n % 5 or None)

    desk.world.write("rita", *(deal(n) for n in range(count)))


def test_get_answers_in_the_order_asked_and_names_what_is_missing(desk: Any) -> None:
    fill(desk, 3)
    answer = desk.ask("rita", "deal.GetDeals", {"id": ["s02", "d-sam", "s00", "none", "s02"]})
    assert ids(answer) == ["s02", "s00"]
    assert answer["missing"] == ["d-sam", "none"]
    assert "<title>T2</title>" in desk.answers[-1]


def test_lines_are_also_got_by_their_deal(desk: Any) -> None:
    assert ids(desk.ask("rita", "deal.GetDealLines", {"deal": "d-rita"}), "dealLine") == ["l-rita"]
    assert ids(desk.ask("sam", "deal.GetDealLines", {"deal": "d-rita"}), "dealLine") == []


@pytest.mark.parametrize("order", [[], [("title", False)], [("title", True), ("probability", False)]])
def test_a_search_pages_through_everything_once(desk: Any, order: list[tuple[str, bool]]) -> None:
    """Also with ties and without values, and whatever was written between two pages."""
    fill(desk, 23)
    orders = [{"field": name, "descending": down} for name, down in order]
    whole = ids(desk.ask("rita", "deal.SearchDeals", {"order": orders, "limit": 200}))
    assert len(whole) == 24
    found, locator = [], None
    while True:
        answer = desk.ask("rita", "deal.SearchDeals", {"order": orders, "limit": 5, "locator": locator})
        found += ids(answer)
        locator = answer["locator"]
        assert answer["more"] == (locator is not None)
        if locator is None:
            break
    assert found == whole


def test_filters_of_every_kind_find_what_they_say(desk: Any) -> None:
    fill(desk, 9)

    def search(name: str, op: str, *values: str) -> set[str]:
        terms = [{"field": name, "op": op, "value": list(values)}, {"field": "id", "op": "prefix", "value": ["s"]}]
        return set(ids(desk.ask("rita", "deal.SearchDeals", {"filter": terms})))

    assert search("title", "eq", "T1") == {"s01", "s04", "s07"}
    assert search("title", "ne", "T1") == {"s00", "s02", "s03", "s05", "s06", "s08"}
    assert search("title", "in", "T1", "T2") == {"s01", "s02", "s04", "s05", "s07", "s08"}
    assert search("title", "contains", "t0") == {"s00", "s03", "s06"}
    assert search("probability", "missing") == {"s00", "s05"}
    assert search("probability", "ge", "3") == {"s03", "s04", "s08"}
    assert search("probability", "in", "1", "2") == {"s01", "s02", "s06", "s07"}
    assert search("stage", "eq", "prospect") == {f"s{n:02d}" for n in range(9)}
    assert search("modifiedAt", "gt", "2030-01-01T00:00:00Z") == set()


@pytest.mark.parametrize(
    ("field", "op", "values"),
    [
        ("colour", "eq", ["x"]),
        ("amount", "eq", ["much"]),
        ("amount", "contains", ["1"]),
        ("customer", "lt", ["c-rita"]),
        ("title", "eq", []),
        ("title", "eq", ["a", "b"]),
        ("title", "eq", [""]),
        ("title", "missing", ["x"]),
        ("stage", "eq", ["dreaming"]),
        ("title", "has", ["x"]),
    ],
)
def test_a_filter_that_makes_no_sense_is_named(desk: Any, field: str, op: str, values: list[str]) -> None:
    terms = {"filter": [{"field": field, "op": op, "value": values}]}
    fault = desk.refusal("rita", "deal.SearchDeals", terms)
    assert (fault.kind, fault.entity, fault.field) == (errors.INVALID_FILTER, "Deal", field)


def test_tags_are_searched_by_tag(desk: Any) -> None:
    desk.world.write("rita", update("Customer", "c-rita", segments=("gold", "north")))
    for tag, found in (("gold", ["c-rita"]), ("old", [])):
        terms = {"filter": [{"field": "segments", "op": "has", "value": [tag]}]}
        assert ids(desk.ask("rita", "customer.SearchCustomers", terms), "customer") == found


def test_a_locator_is_good_for_its_own_search_and_caller_only(desk: Any) -> None:
    fill(desk, 6)
    locator = desk.ask("rita", "deal.SearchDeals", {"limit": 2})["locator"]
    other = {"filter": [{"field": "title", "op": "eq", "value": ["T1"]}], "limit": 2, "locator": locator}
    for who, request in (
        ("adam", {"limit": 2, "locator": locator}),
        ("rita", other),
        ("rita", {"order": [{"field": "title"}], "locator": locator}),
        ("rita", {"locator": locator[:-3] + "AAA"}),
        ("rita", {"locator": "nonsense"}),
        ("rita", {"locator": ""}),
    ):
        assert desk.refusal(who, "deal.SearchDeals", request).kind is errors.INVALID_LOCATOR
    assert len(ids(desk.ask("rita", "deal.SearchDeals", {"limit": 3, "locator": locator}))) == 3


def test_results_stand_in_the_order_of_the_records(desk: Any) -> None:
    answer = desk.ask(
        "rita",
        "deal.CreateDeals",
        deals(
            record("Deal", "a", customer="c-rita", title="A"),
            record("Deal", "b", customer="c-rita"),
            record("Deal", None, customer="c-rita", title="C"),
        ),
    )
    assert outcomes(answer) == [("created", None), ("rejected", "RequiredField"), ("created", None)]
    assert answer["result"][2]["id"].startswith("new-")
    assert answer["result"][1]["error"]["field"] == "title"


def test_update_needs_an_id_and_upsert_takes_a_key(desk: Any) -> None:
    given = deals(record("Deal", title="x"), record("Deal", "d-rita", title="y"))
    updated = desk.ask("rita", "deal.UpdateDeals", given)
    assert outcomes(updated) == [("rejected", "RequiredField"), ("updated", None)]
    upsert = deals(
        record("Deal", number="D1", title="z"),
        record("Deal", number="D9", title="n", customer="c-rita"),
        record("Deal", title="no key"),
        keyField="number",
    )
    answer = desk.ask("rita", "deal.UpsertDeals", upsert)
    assert outcomes(answer) == [("updated", None), ("created", None), ("rejected", "RequiredField")]
    wrong = desk.ask("rita", "deal.UpsertDeals", deals(record("Deal", title="x"), keyField="title"))
    assert outcomes(wrong) == [("rejected", "UnknownField")]


def test_one_record_too_many_is_a_fault_and_writes_nothing(desk: Any) -> None:
    many = [record("Deal", f"m{n}", customer="c-rita", title="x") for n in range(limits.RECORDS_PER_CALL + 1)]
    fault = desk.refusal("rita", "deal.CreateDeals", deals(*many))
    assert (fault.kind, fault.count, fault.limit) == (errors.TOO_MANY_RECORDS, 201, 200)
    assert ids(desk.ask("rita", "deal.GetDeals", {"id": ["m0", "m199"]})) == []
    assert desk.refusal("rita", "deal.GetDeals", {"id": ["x"] * 201}).kind is errors.TOO_MANY_RECORDS


@pytest.mark.parametrize(("together", "written"), [(False, 199), (True, 0)])
def test_one_bad_record_among_two_hundred(desk: Any, together: bool, written: int) -> None:
    many = [record("Deal", f"m{n}", customer="c-rita", title=None if n == 77 else "x") for n in range(200)]
    answer = desk.ask("rita", "deal.CreateDeals", deals(*many), all_or_none=together)
    assert [each["success"] for each in answer["result"]].count(True) == written
    assert answer["result"][77]["error"]["name"] == "RequiredField"
    assert len(ids(desk.ask("rita", "deal.GetDeals", {"id": [f"m{n}" for n in range(200)]}))) == written


def test_a_stale_version_is_refused_only_when_asked_for(desk: Any) -> None:
    version = desk.world.stored("Deal", "d-rita").version
    desk.world.write("rita", update("Deal", "d-rita", title="newer"))
    stale = deals(record("Deal", "d-rita", version, title="x"), record("Deal", "d-rita", title="x"))
    assert outcomes(desk.ask("rita", "deal.UpdateDeals", stale, if_version=True)) == [("rejected", "StaleVersion")] * 2
    ref = {"record": [{"id": "d-rita", "version": version}]}
    assert outcomes(desk.ask("rita", "deal.DeleteDeals", ref, if_version=True)) == [("rejected", "StaleVersion")]
    assert outcomes(desk.ask("rita", "deal.UpdateDeals", stale))[0] == ("updated", None)


def test_a_repeated_key_gets_the_first_answer_and_writes_nothing(desk: Any) -> None:
    request = deals(record("Deal", None, customer="c-rita", title="Once"))
    first = desk.ask("rita", "deal.CreateDeals", request, idempotency_key="k1")
    second = desk.ask("rita", "deal.CreateDeals", request, idempotency_key="k1")
    assert first == second
    assert desk.answers[-1] == desk.answers[-2]
    terms = {"filter": [{"field": "title", "op": "eq", "value": ["Once"]}]}
    assert len(ids(desk.ask("rita", "deal.SearchDeals", terms))) == 1


def test_a_key_with_another_payload_is_refused_and_changes_nothing(desk: Any) -> None:
    desk.ask("rita", "deal.UpdateDeals", deals(record("Deal", "d-rita", title="one")), idempotency_key="k1")
    for name, request in (
        ("deal.UpdateDeals", deals(record("Deal", "d-rita", title="two"))),
        ("deal.UpsertDeals", deals(record("Deal", "d-rita", title="one"))),
    ):
        fault = desk.refusal("rita", name, request, idempotency_key="k1")
        assert fault.kind is errors.IDEMPOTENCY_MISMATCH
    assert desk.world.stored("Deal", "d-rita").values["title"] == "one"
    other = desk.ask("adam", "deal.UpdateDeals", deals(record("Deal", "d-rita", title="adam's")), idempotency_key="k1")
    assert outcomes(other) == [("updated", None)]


def test_a_key_may_be_used_again_when_its_time_is_over(desk: Any) -> None:
    desk.ask("rita", "deal.UpdateDeals", deals(record("Deal", "d-rita", title="one")), idempotency_key="k1")
    desk.world.tick(seconds=limits.IDEMPOTENCY_SECONDS + 1)
    again = desk.ask("rita", "deal.UpdateDeals", deals(record("Deal", "d-rita", title="two")), idempotency_key="k1")
    assert outcomes(again) == [("updated", None)]


def test_an_answer_with_refusals_is_repeated_too(desk: Any) -> None:
    bad = deals(record("Deal", "a", customer="c-rita"), record("Deal", "b", customer="c-rita", title="x"))
    first = desk.ask("rita", "deal.CreateDeals", bad, idempotency_key="k", all_or_none=True)
    assert desk.ask("rita", "deal.CreateDeals", bad, idempotency_key="k", all_or_none=True) == first
    assert outcomes(first) == [("rejected", "RequiredField"), ("rejected", "AllOrNone")]
    assert desk.refusal("rita", "deal.CreateDeals", bad, idempotency_key="k").kind is errors.IDEMPOTENCY_MISMATCH


def test_a_deal_moves_along_its_stages(desk: Any) -> None:
    version = desk.world.stored("Deal", "d-rita").version
    moved = desk.ask("rita", "deal.MoveDealStage", {"id": "d-rita", "stage": "lost", "lossReason": "Price"})
    assert moved["result"]["status"] == "updated"
    assert desk.world.stored("Deal", "d-rita").values["lossReason"] == "Price"
    back = desk.ask("rita", "deal.MoveDealStage", {"id": "d-rita", "stage": "qualify"})
    assert back["result"]["error"]["name"] == "InvalidTransition"
    stale = desk.ask("rita", "deal.MoveDealStage", {"id": "d-rita", "stage": "won", "version": version})
    assert stale["result"]["error"]["name"] == "StaleVersion"
