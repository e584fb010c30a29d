"""Decoded values are compared by value and type, and the samples are records that the hub's declarations allow."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conformance.samples import HERE, SAMPLES, TEXT
from conformance.wire import Target
from conformance.zeep_client import NIL, absent, compare, load

from conformance import foreign, translate
from saddlebag.contract.codec import codec_for
from saddlebag.model.builtin import BUILTIN

WSDL = Path(__file__).resolve().parents[2] / "wsdl" / "v1"
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


def _client(service: str, version: str, play: foreign.Play) -> Any:
    """A foreign client that plays so; it reads the published contract."""
    target = Target("https://localhost:1", None, "t", "u", "p", _tokens={"t/u": "token"})
    client = foreign.Foreign(target, version, play, translate.as_object, nil=True)
    client._clients = {service: load(target, str(WSDL / f"{service}.wsdl"))}
    return client


FAULT = {"code": "s:Client", "detail": {"code": "SB3010", "cause": "a", "cure": "b"}}


def test_a_foreign_clients_fault_is_judged_by_its_code_and_read_from_its_detail() -> None:
    client = _client("session", "11", lambda _told: {"fault": FAULT})
    assert client.fault("session", "GetUserInfo")["code"] == "SB3010"
    with pytest.raises(AssertionError, match="fault code"):
        _client("session", "12", lambda _told: {"fault": FAULT}).fault("session", "GetUserInfo")


def test_a_foreign_client_that_breaks_fails_with_its_words() -> None:
    with pytest.raises(AssertionError, match="out of luck"):
        _client("session", "11", lambda _told: {"error": "out of luck"}).call("session", "GetUserInfo")


@pytest.mark.parametrize("version", ["11", "12"])
def test_a_foreign_clients_values_are_read_by_the_schema(version: str) -> None:
    told: list[Mapping[str, Any]] = []
    found = {"id": "c", "name": TEXT, "creditLimit": "1.50", "segments": ["a", "b"]}

    def play(call: Mapping[str, Any]) -> Mapping[str, Any]:
        told.append(call)
        return {"answer": {"customer": [found], "missing": "x"}}

    answer = _client("customer", version, play).call("customer", "GetCustomers", id=["c", "x"])
    compare(answer.customer[0], {**found, "creditLimit": Decimal("1.50")})
    absent(answer.customer[0], ["phone"])
    assert answer.missing == ["x"]
    assert told[0]["request"] == {"id": ["c", "x"]}
    assert told[0]["headers"] == {"Session": {"token": "token"}}


@pytest.mark.parametrize("wrong", [{"customer": [{"nosuch": "1"}]}, {"customer": [{"name": ["a", "b"]}]}, "text"])
def test_an_answer_that_the_schema_does_not_know_is_found(wrong: Any) -> None:
    client = _client("customer", "11", lambda _told: {"answer": wrong})
    with pytest.raises(AssertionError):
        client.call("customer", "GetCustomers", id=[])


def test_bytes_and_text_are_told_apart_by_the_schema_where_a_client_does_not() -> None:
    answer = {"size": "2", "content": "\xc3\x96"}
    client = _client("attachment", "11", lambda _told: {"bytes": True, "answer": answer})
    assert client.call("attachment", "GetContent", id="a").content == "Ö".encode()


def test_a_client_that_keeps_to_the_schema_clears_a_field_by_its_name() -> None:
    told: list[Mapping[str, Any]] = []
    client = _client("customer", "11", lambda call: told.append(call) or {"answer": {}})
    client._nil = False
    client.call("customer", "UpdateCustomers", customer=[{"id": "c", "email": NIL}])
    assert told[0]["request"] == {"customer": [{"id": "c", "clear": ["email"]}]}


def test_pairs_keep_the_order_of_the_schema_and_its_namespaces() -> None:
    told: list[Mapping[str, Any]] = []
    client = _client("customer", "11", lambda call: told.append(call) or {"answer": {}})
    client._form = translate.as_pairs
    client.call("customer", "UpdateCustomers", customer=[{"email": NIL, "id": "c"}])
    own, types = "urn:saddlebag:customer:v1", "urn:saddlebag:types:v1"
    fields = [["id", types, "c"], ["email", types, {"nil": True}]]
    assert told[0]["request"] == ["UpdateCustomers", own, [["customer", own, fields]]]


def test_zeep_speaks_the_version_that_it_is_asked_to() -> None:
    for version in ("11", "12"):
        bound = _client("session", version, lambda _told: {})._bound("session")
        assert bound._binding.name.text.endswith(f"Soap{version}")


def test_a_program_plays_line_by_line_and_its_end_is_told_with_its_last_words() -> None:
    echo = "import sys\nfor line in sys.stdin:\n    print(line, end='', flush=True)"
    program = foreign.Program([sys.executable, "-c", echo])
    assert [program({"answer": each}) for each in ("Ö", "b")] == [{"answer": "Ö"}, {"answer": "b"}]
    with pytest.raises(AssertionError, match="no more"):
        foreign.Program([sys.executable, "-c", "raise SystemExit('no more')"])({})
