"""The common parts: what a fault and a refused record say fits the types that are published for it."""

from __future__ import annotations

from typing import Any

import pytest

from saddlebag.contract import common
from saddlebag.contract.spec import Enumeration, Struct
from saddlebag.kernel.errors import CATALOGUE, STALE_VERSION, SaddlebagError
from saddlebag.model.condition import Op


def _assert_fits(struct: Struct, members: dict[str, Any]) -> None:
    """The members are declared, none required is missing, and texts keep their lengths and lists."""
    declared = {each.name: each for each in struct.members}
    assert set(members) <= set(declared)
    assert [each.name for each in struct.members if each.required and each.name not in members] == []
    for name, value in members.items():
        kind = declared[name].type
        assert not isinstance(kind, Enumeration) or value in kind.values
        assert not declared[name].length or len(value) <= declared[name].length


@pytest.mark.parametrize("kind", CATALOGUE.values(), ids=lambda each: each.name)
def test_every_kind_of_error_fits_the_fault_and_the_record_error(kind: Any) -> None:
    error = SaddlebagError(kind)
    _assert_fits(common.FAULT_DETAIL, common.fault_detail(error, "r-1"))
    _assert_fits(common.RECORD_ERROR, common.record_error(error))


def test_a_fault_carries_what_locates_it_and_leaves_the_rest_out() -> None:
    error = SaddlebagError(STALE_VERSION, "Moved on.", entity="Deal", record_id="d1", count=2, retry_after=0)
    detail = common.fault_detail(error, "r-1")
    assert {name: detail[name] for name in ("message", "entity", "id", "count", "retryAfter", "requestId")} == {
        "message": "Moved on.",
        "entity": "Deal",
        "id": "d1",
        "count": 2,
        "retryAfter": 0,
        "requestId": "r-1",
    }
    assert {"field", "rule", "limit"} & detail.keys() == set()


def test_filters_know_every_comparison() -> None:
    assert {str(each) for each in Op} < set(common.FILTER_OP.values)


def test_headers_are_known_by_the_name_of_their_element() -> None:
    groups = ((common.SESSION,), common.CALL_HEADERS, common.WRITE_HEADERS, common.CREATE_HEADERS)
    assert [[each.name for each in group] for group in groups] == [
        ["Session"],
        ["CallOptions", "Locale", "LimitInfo"],
        ["IdempotencyKey", "AllOrNone", "IfVersion"],
        ["DuplicateRule"],
    ]
    assert list(common.HEADERS) == [each.name for group in groups for each in group]
