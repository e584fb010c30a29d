"""The published contract: drift is seen, judges are asked, and what was released is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from contract_samples import COLOUR, NOTE, SAMPLE, service_of
from saddlebag.contract import manual, publish
from saddlebag.contract.spec import Enumeration, Member, Operation, Scalar, Service, Struct
from saddlebag.kernel import limits
from saddlebag.kernel.errors import CATALOGUE
from saddlebag.model.builtin import BUILTIN
from saddlebag.model.entities import Schema
from saddlebag.model.fields import Field, Kind

Change = Callable[[Service], Service]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with the sample service published."""
    publish.build(tmp_path, [SAMPLE], BUILTIN)
    return tmp_path


def _operation(name: str, change: Callable[[Operation], Operation]) -> Change:
    """A change of one operation of the service."""
    return lambda service: replace(
        service, operations=tuple(change(each) if each.name == name else each for each in service.operations)
    )


def _request(name: str, change: Callable[[Member], Member | None]) -> Change:
    """A change of one request member of KeepNote; None removes it."""

    def changed(operation: Operation) -> Operation:
        members = [change(each) if each.name == name else each for each in operation.request]
        return replace(operation, request=tuple(each for each in members if each is not None))

    return _operation("KeepNote", changed)


def _note(*members: Member) -> Change:
    """Another declaration of the note that KeepNote takes and gives."""
    note = Struct(NOTE.name, NOTE.doc, members)
    with_note = (Member("note", note, "The note.", required=True),)
    return _operation("KeepNote", lambda each: replace(each, request=with_note + each.request[1:], response=with_note))


def _drop(name: str) -> Change:
    return lambda service: replace(service, operations=tuple(o for o in service.operations if o.name != name))


AT, COLOUR_MEMBER, PAIR, ATTACHMENT = NOTE.members
MORE = Member("more", Scalar.STRING, "More.")
PALER = Enumeration(COLOUR.name, ("red",), COLOUR.doc)
RICHER = Enumeration(COLOUR.name, ("blue", *COLOUR.values), COLOUR.doc)

HARMLESS: dict[str, Change] = {
    "nothing": lambda service: service,
    "another service's words": lambda service: replace(service, doc="Said in another way."),
    "a new operation": lambda service: replace(
        service, operations=(Operation("Pong", "New.", (), (), SAMPLE.operations[0].handler), *service.operations)
    ),
    "a new optional element": _note(AT, MORE, COLOUR_MEMBER, PAIR, ATTACHMENT),
    "another value of a code": _note(AT, replace(COLOUR_MEMBER, type=RICHER), PAIR, ATTACHMENT),
    "a wider bound": _request("label", lambda each: replace(each, length=21)),
    "no bound any more": _request("label", lambda each: replace(each, length=0)),
    "more repetitions": _note(AT, COLOUR_MEMBER, replace(PAIR, maximum=4), ATTACHMENT),
    "more headers": _operation("GetDeals", lambda each: replace(each, writes=True)),
}

BREAKING: dict[str, tuple[Change, str]] = {
    "an operation gone": (_drop("GetDeals"), "sample/GetDeals is gone"),
    "an operation renamed": (
        _operation("GetDeals", lambda each: replace(each, name="FetchDeals")),
        "sample/GetDeals is gone",
    ),
    "an element gone": (_request("price", lambda each: None), "sample/KeepNote: price is gone"),
    "an element renamed": (
        _request("price", lambda each: replace(each, name="cost")),
        "sample/KeepNote: price is gone",
    ),
    "optional made required": (
        _request("price", lambda each: replace(each, required=True)),
        "sample/KeepNote: price is now required",
    ),
    "a new required element": (
        _note(AT, COLOUR_MEMBER, PAIR, ATTACHMENT, replace(MORE, required=True)),
        "SampleNote: more is new and required",
    ),
    "required made optional in an answer": (
        _note(replace(AT, required=False), COLOUR_MEMBER, PAIR, ATTACHMENT),
        "SampleNote: at may now be missing from an answer",
    ),
    "another order": (_note(COLOUR_MEMBER, AT, PAIR, ATTACHMENT), "SampleNote: the order of elements is changed"),
    "another type": (
        _request("serial", lambda each: replace(each, type=Scalar.INT)),
        "sample/KeepNote: serial: xs:long became xs:int",
    ),
    "a narrower bound": (
        _request("label", lambda each: replace(each, length=19)),
        "sample/KeepNote: label: maxLength is now 19",
    ),
    "a bound where none was": (
        _note(AT, COLOUR_MEMBER, PAIR, replace(ATTACHMENT, type=Scalar.STRING)),
        "SampleNote: attachment: xs:base64Binary became xs:string",
    ),
    "a value of a code gone": (
        _note(AT, replace(COLOUR_MEMBER, type=PALER), PAIR, ATTACHMENT),
        "SampleNote: colour: the value green is gone",
    ),
    "one made many": (
        _request("price", lambda each: replace(each, many=True)),
        "sample/KeepNote: price may now occur any number of times",
    ),
    "fewer repetitions": (
        _note(AT, COLOUR_MEMBER, replace(PAIR, maximum=2), ATTACHMENT),
        "SampleNote: pair may now occur 2 times",
    ),
    "a header gone": (
        _operation("KeepNote", lambda each: replace(each, writes=False)),
        "sample/KeepNote: the header AllOrNone is gone",
    ),
}


def test_what_was_just_built_is_well(root: Path) -> None:
    assert publish.check(root, [SAMPLE], BUILTIN) == []


def test_building_again_changes_nothing(root: Path) -> None:
    assert publish.build(root, [SAMPLE], BUILTIN) == []


def test_every_service_has_a_wsdl_and_a_schema_and_shares_the_types(root: Path) -> None:
    publish.build(root, [SAMPLE, service_of((), "other")], BUILTIN)
    files = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.*sd*"))
    assert files == [
        "schemas/v1/other.xsd",
        "schemas/v1/sample.xsd",
        "schemas/v1/types.xsd",
        "wsdl/v1/other.wsdl",
        "wsdl/v1/sample.wsdl",
    ]


def test_an_edited_file_is_drift(root: Path) -> None:
    (root / "wsdl/v1/sample.wsdl").write_text("<edited/>", encoding="utf-8")
    assert publish.check(root, [SAMPLE], BUILTIN) == ["wsdl/v1/sample.wsdl is not what the declarations give"]


def test_a_missing_page_of_the_manual_is_drift(root: Path) -> None:
    (root / "docs/faults.md").unlink()
    assert publish.check(root, [SAMPLE], BUILTIN) == ["docs/faults.md is not what the declarations give"]


def test_a_changed_declaration_is_drift_until_it_is_built(root: Path) -> None:
    changed = BUILTIN.with_fields("Deal", Field("score", Kind.INTEGER, "Score."))
    assert publish.check(root, [SAMPLE], changed) == ["schemas/v1/types.xsd is not what the declarations give"]
    publish.build(root, [SAMPLE], changed)
    assert publish.check(root, [SAMPLE], changed) == []


def test_files_of_a_service_that_is_gone_are_found_and_removed(root: Path) -> None:
    other = service_of((), "other")
    assert publish.check(root, [other], BUILTIN)[-2:] == [
        "schemas/v1/sample.xsd belongs to no service",
        "wsdl/v1/sample.wsdl belongs to no service",
    ]
    publish.build(root, [other], BUILTIN)
    assert publish.check(root, [other], BUILTIN) == []


@pytest.mark.parametrize(
    ("path", "good", "bad"),
    [
        ("wsdl/v1/sample.wsdl", 'use="literal"', 'use="liberal"'),
        ("wsdl/v1/sample.wsdl", "portType", "portTipe"),
        ("schemas/v1/types.xsd", 'base="xs:token"', 'base="xs:tocken"'),
        ("schemas/v1/sample.xsd", 'type="types:SampleNote"', 'type="types:SampleNot"'),
        ("schemas/v1/sample.xsd", "<sequence>", "<sequence minOccurs='many'>"),
    ],
)
def test_the_judges_find_what_is_no_schema_and_no_wsdl(root: Path, path: str, good: str, bad: str) -> None:
    file = root / path
    file.write_text(file.read_text(encoding="utf-8").replace(good, bad), encoding="utf-8")
    assert path in [each.partition(":")[0] for each in publish.judge(root)]


def test_a_service_may_not_be_named_like_the_types(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="types"):
        publish.build(tmp_path, [service_of((), "types")], BUILTIN)


def test_before_a_release_nothing_breaks(root: Path) -> None:
    assert publish.broken(root, [], BUILTIN) == []


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_what_callers_were_told_to_expect_breaks_nothing(root: Path, change: Change) -> None:
    assert publish.release(root, [SAMPLE], BUILTIN) == []
    assert publish.broken(root, [change(SAMPLE)], BUILTIN) == []


@pytest.mark.parametrize(("change", "sentence"), BREAKING.values(), ids=BREAKING)
def test_what_breaks_callers_is_named(root: Path, change: Change, sentence: str) -> None:
    publish.release(root, [SAMPLE], BUILTIN)
    assert f"breaks the released contract: {sentence}" in publish.broken(root, [change(SAMPLE)], BUILTIN)


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("amount", {"minimum": 1}, "Deal: amount: minInclusive is now 1"),
        ("amount", {"digits": 10}, "Deal: amount: totalDigits is now 10"),
        ("title", {"length": 100}, "Deal: title: maxLength is now 100"),
        ("probability", {"maximum": 99}, "Deal: probability: maxInclusive is now 99"),
        ("stage", {"values": ("prospect",)}, "Deal: stage: the value won is gone"),
        ("closeDate", {"kind": Kind.DATETIME}, "Deal: closeDate: xs:date became xs:dateTime"),
    ],
)
def test_a_narrower_field_breaks(root: Path, name: str, change: dict[str, object], sentence: str) -> None:
    publish.release(root, [SAMPLE], BUILTIN)
    deal = BUILTIN.entity("Deal")
    fields = tuple(replace(each, **change) if each.name == name else each for each in deal.fields)  # type: ignore[arg-type]
    changed = Schema(tuple(replace(each, fields=fields) if each is deal else each for each in BUILTIN.entities))
    assert f"breaks the released contract: {sentence}" in publish.broken(root, [SAMPLE], changed)


def test_a_new_field_breaks_nothing(root: Path) -> None:
    publish.release(root, [SAMPLE], BUILTIN)
    changed = BUILTIN.with_fields("Deal", Field("score", Kind.INTEGER, "Score."))
    assert publish.broken(root, [SAMPLE], changed) == []


def test_a_release_that_would_break_is_refused_and_the_old_one_kept(root: Path) -> None:
    publish.release(root, [SAMPLE], BUILTIN)
    before = (root / publish.RELEASED).read_bytes()
    assert publish.release(root, [_drop("GetDeals")(SAMPLE)], BUILTIN) != []
    assert (root / publish.RELEASED).read_bytes() == before


def test_a_break_fails_the_check_even_when_it_is_built(root: Path) -> None:
    publish.release(root, [SAMPLE], BUILTIN)
    smaller = _drop("GetDeals")(SAMPLE)
    publish.build(root, [smaller], BUILTIN)
    assert publish.check(root, [smaller], BUILTIN) == [
        f"breaks the released contract: {each} is gone"
        for each in ("sample/GetDeals", "sample/GetDeals", "sample/GetDealsResponse")
    ]


def test_the_page_on_faults_lists_every_code() -> None:
    page = manual.faults()
    assert [code for code in CATALOGUE if f"| {code} | {CATALOGUE[code].name} |" not in page] == []


def test_the_page_on_limits_lists_every_limit_with_its_value() -> None:
    names = [name for name in vars(limits) if name.isupper()]
    listed = {name: value for name, value, _ in manual.described_limits()}
    assert listed == {name: getattr(limits, name) for name in names}
    assert "| RECORDS_PER_CALL | 200 |" in manual.bounds()
