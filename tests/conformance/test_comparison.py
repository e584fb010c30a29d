"""Decoded values are compared by value and type, and the samples are records that the hub's declarations allow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from conformance.report import Suite
from conformance.samples import HERE, SAMPLES
from conformance.wire import Target
from conformance.zeep_client import absent, compare

from conformance import foreign
from saddlebag.contract.codec import codec_for
from saddlebag.model.builtin import BUILTIN

TIME = datetime(2026, 3, 29, 1, 30, tzinfo=HERE)
RIGHT: Mapping[str, Any] = {"amount": Decimal("1.50"), "at": TIME, "done": False, "name": "Ö", "segments": ["a", "b"]}
WRONG = {
    "a decimal read as a float": {"amount": 1.5},
    "an offset read an hour wrong": {"at": TIME + timedelta(hours=1)},
    "a time without its zone": {"at": TIME.replace(tzinfo=None)},
    "a boolean read as a number": {"done": 0},
    "a damaged letter": {"name": "Ã–"},
    "a lost member of a list": {"segments": ["a"]},
}


def test_equal_values_pass_whatever_the_zone_and_the_order_of_tags() -> None:
    compare({**RIGHT, "at": TIME.astimezone(UTC), "segments": ["b", "a"]}, RIGHT)
    absent({"phone": None, "segments": []}, ["phone", "segments"])
    assert RIGHT["segments"] == ["a", "b"]


@pytest.mark.parametrize("what", WRONG)
def test_a_value_that_was_damaged_on_the_way_is_found(what: str) -> None:
    with pytest.raises(AssertionError):
        compare({**RIGHT, **WRONG[what]}, RIGHT)


def test_a_value_where_none_was_sent_is_found() -> None:
    with pytest.raises(AssertionError, match="phone"):
        absent({"phone": ""}, ["phone"])


@pytest.mark.parametrize("entity", SAMPLES)
def test_every_sample_is_a_record_that_the_declaration_allows(entity: str) -> None:
    sample, declared = SAMPLES[entity], BUILTIN.entity(entity)
    values = sample.make("m", lambda target: f"{target}-1")
    codec_for(BUILTIN)[entity].check(values)
    assert (sample.plural, sample.element) == (declared.plural, declared.element)
    assert sample.key in ("", *declared.keys)
    assert {each.name for each in declared.fields if each.required} <= values.keys() | {"customer"}
    assert {sample.text, sample.clear} - {""} <= values.keys()


def test_there_is_a_sample_of_every_entity() -> None:
    assert set(SAMPLES) == {each.name for each in BUILTIN.entities}


def _judge(name: str, carry: Callable[[Target, Mapping[str, str]], Any]) -> None:
    suite = Suite("interop/x")
    foreign.declare(suite, carry)
    target = Target("https://localhost:1", None, "t", "u", "p", _tokens={"t/u": "token"})
    next(each for each in suite.checks(target, "") if each.id == f"interop/x/{name}").run(target)


FAULT = {"faultcode": "s:Client", "detail": {"code": "SB3010", "cause": "a", "cure": "b"}}


def test_a_foreign_clients_fault_is_judged_by_code_cause_and_cure() -> None:
    _judge("fault-soap1.1", lambda _target, _given: FAULT)
    for wrong in ({**FAULT, "faultcode": "s:Server"}, {**FAULT, "detail": {"code": "SB3010"}}):
        with pytest.raises(AssertionError):
            _judge("fault-soap1.1", lambda _target, _given, wrong=wrong: wrong)


def test_a_foreign_client_without_a_token_has_not_logged_in() -> None:
    _judge("login-soap1.2", lambda _target, _given: {"token": "x" * 43, "role": "admin"})
    with pytest.raises(AssertionError, match="no token"):
        _judge("login-soap1.2", lambda _target, _given: {"role": "admin"})
