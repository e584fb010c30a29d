"""The schemas: what they say is what the codec does, and both engines that judge with them agree."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from contract_samples import EVERY, SAMPLE, every_entity, schema_with_every, service_of
from declared_values import IDS, TIMES, values_of
from examples import examples
from saddlebag.contract.codec import codec_for
from saddlebag.contract.documents import published
from saddlebag.contract.namespaces import DESCRIBE, TYPES, XSD, XSI
from saddlebag.contract.reach import reach
from saddlebag.contract.spec import Enumeration, Member, RecordOf, Scalar, Struct
from saddlebag.contract.xsd import messages_schema, types_schema
from saddlebag.kernel.canon import escape
from saddlebag.kernel.errors import UNKNOWN_ENTITY, SaddlebagError
from saddlebag.kernel.fragment import split
from saddlebag.model.builtin import BUILTIN
from saddlebag.model.entities import Schema
from saddlebag.model.fields import Field, Kind

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WITH_EVERY = schema_with_every()
DOCUMENTS = published([SAMPLE, every_entity(BUILTIN)], BUILTIN)
XSDS = {path: content for path, content in DOCUMENTS.items() if path.endswith(".xsd")}


class Judges:
    """libxml2 and xmlschema, both on the record types of one schema; each record stands as an element of its entity."""

    def __init__(self, schema: Schema) -> None:
        root = types_schema(schema, reach([every_entity(schema)]))
        for entity in schema.entities:
            etree.SubElement(root, f"{{{XSD}}}element", name=entity.element, type=f"types:{entity.name}")
        self.source = etree.tostring(root)
        self.libxml2 = etree.XMLSchema(etree.fromstring(self.source))
        self.xmlschema = xmlschema.XMLSchema10(self.source.decode(), defuse="always", allow="none")

    def verdicts(self, document: str) -> tuple[bool, bool]:
        """What libxml2 says, what xmlschema says."""
        return bool(self.libxml2.validate(etree.fromstring(document))), self.xmlschema.is_valid(document)


JUDGES = Judges(WITH_EVERY)
ENTITIES = pytest.mark.parametrize("entity", WITH_EVERY.entities, ids=lambda each: each.name)


def _record(element: str, content: str) -> str:
    return f'<{element} xmlns="{TYPES}" xmlns:xsi="{XSI}">{content}</{element}>'


def _types(schema: Schema = BUILTIN, **options: Any) -> etree._Element:
    return types_schema(schema, reach([every_entity(schema)]), **options)


@pytest.mark.parametrize("path", XSDS)
def test_both_engines_accept_every_schema(path: str, tmp_path: Any) -> None:
    for other, content in XSDS.items():
        (tmp_path / other.rpartition("/")[2]).write_bytes(content)
    file = tmp_path / path.rpartition("/")[2]
    assert etree.XMLSchema(etree.parse(file)) is not None
    assert (
        xmlschema.XMLSchema10(file, defuse="always", allow="sandbox", base_url=str(tmp_path)).maps.validity == "valid"
    )


@pytest.mark.parametrize("path", XSDS)
def test_every_element_and_type_is_documented(path: str) -> None:
    root = etree.fromstring(XSDS[path])
    things = [each for tag in ("element", "simpleType", "complexType") for each in root.iter(f"{{{XSD}}}{tag}")]
    named = [each for each in things if each.get("name")]
    silent = [each.get("name") for each in named if not each.findtext(f"{{{XSD}}}annotation/{{{XSD}}}documentation")]
    assert named
    assert silent == []


@ENTITIES
@settings(max_examples=examples(40))  # for each of fifteen entities
@given(data=st.data())
def test_a_stored_rendering_is_valid_as_it_stands(entity: Any, data: st.DataObject) -> None:
    """Both engines and the codec take what the codec wrote."""
    codec = codec_for(WITH_EVERY)[entity.name]
    values = data.draw(values_of(entity))
    fragment, tail = codec.render(data.draw(IDS), 7, values, data.draw(TIMES), data.draw(TIMES))
    assert JUDGES.verdicts(_record(entity.element, fragment + tail)) == (True, True)


TEXTS = st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            " a ",
            "b",
            "1",
            "-5",
            "6",
            "1.50",
            "1.500",
            "0.001",
            "9999.99",
            "10000",
            "1e3",
            "INF",
            "+1",
            ".5",
            "5.",
        ]
    ),
    st.sampled_from(["true", " 1 ", "TRUE", "2026-01-31", "2026-01-31Z", "2026-02-30", "2026-01-01T24:00:00Z"]),
    st.sampled_from(["2026-01-01T10:00:00+14:00", "2026-01-01T10:00:00+14:01", "2026-01-01T10:00:60Z", "-x", "x" * 41]),
    st.sampled_from(
        ["9223372036854775807", "9223372036854775808", "-9223372036854775809", "0." + "1" * 28, "0." + "1" * 29]
    ),
    st.text("0123456789.-+", max_size=8),
    st.text("ab z._-", max_size=40),
)


@given(field=st.sampled_from(EVERY.fields), text=TEXTS)
def test_both_engines_and_the_codec_judge_any_text_alike(field: Field, text: str) -> None:
    """A schema that allowed what the codec refuses would make a promise that the hub does not keep."""
    document = _record("every", f"<{field.name}>{text}</{field.name}>")
    try:
        codec_for(WITH_EVERY)["Every"].read(etree.fromstring(document))
        taken = True
    except SaddlebagError:
        taken = False
    assert JUDGES.verdicts(document) == (taken, taken)


@given(data=st.data())
def test_both_engines_judge_any_order_and_number_of_elements_alike(data: st.DataObject) -> None:
    """A rendering with elements moved, doubled, left out, emptied or made nil."""
    fragment, tail = codec_for(WITH_EVERY)["Every"].render("r", 1, data.draw(values_of(EVERY)), NOW, NOW)
    pieces = [f"<{name}>{escape(text)}</{name}>" for name, text in split(fragment + tail)]
    nil = '<name xsi:nil="true"/>'
    odd = st.sampled_from(["<id/>", "<body/>", "<bogus/>", nil, "<tags>t</tags>", "text", "<clear>day</clear>"])
    mixed = data.draw(st.lists(st.one_of(st.sampled_from(pieces), odd), max_size=6))
    content = "".join(data.draw(st.sampled_from([pieces + mixed, mixed, pieces[: len(mixed)]])))
    by_libxml2, by_xmlschema = JUDGES.verdicts(_record("every", content))
    assert by_libxml2 == by_xmlschema


@pytest.mark.parametrize("text", ["2026-01-01T10:00:00"])
def test_only_the_codec_asks_for_a_zone(text: str) -> None:
    document = _record("every", f"<at>{text}</at>")
    assert JUDGES.verdicts(document) == (True, True)
    with pytest.raises(SaddlebagError, match="zone"):
        codec_for(WITH_EVERY)["Every"].read(etree.fromstring(document))


def test_clear_comes_last_and_may_repeat() -> None:
    assert JUDGES.verdicts(_record("every", "<name>n</name><clear>body</clear><clear>day</clear>")) == (True, True)
    assert JUDGES.verdicts(_record("every", "<clear>body</clear><name>n</name>")) == (False, False)


def test_published_optional_elements_are_not_nillable() -> None:
    """minOccurs=0 and nillable together make JAXBElement and xSpecified of every field."""
    assert not [each for content in XSDS.values() for each in etree.fromstring(content).iter() if each.get("nillable")]


def test_the_runtime_schema_takes_nil_for_optional_elements_only() -> None:
    lenient = _types(lenient=True)
    elements = [each for each in lenient.iter(f"{{{XSD}}}element") if each.getparent() is not lenient]
    assert {(each.get("minOccurs"), each.get("nillable")) for each in elements} == {("0", "true"), (None, None)}


def test_the_runtime_schema_differs_in_nothing_else() -> None:
    lenient = _types(lenient=True)
    for each in lenient.iter():
        each.attrib.pop("nillable", None)
    assert etree.tostring(lenient, method="c14n") == etree.tostring(_types(), method="c14n")


def test_a_field_says_its_unit_its_policy_and_its_master() -> None:
    element = _types().find(f".//{{{XSD}}}complexType[@name='Customer']//{{{XSD}}}element[@name='creditLimit']")
    assert element is not None
    facts = element.find(f".//{{{DESCRIBE}}}field")
    assert facts is not None
    assert dict(facts.attrib) == {"unit": "currency", "policy": "server-wins", "master": "erp"}


def test_bounds_become_facets() -> None:
    amount = _types().find(f".//{{{XSD}}}simpleType[@name='Decimal16Scale2From0']/{{{XSD}}}restriction")
    assert amount is not None
    assert [(etree.QName(each).localname, each.get("value")) for each in amount] == [
        ("totalDigits", "16"),
        ("fractionDigits", "2"),
        ("minInclusive", "0"),
        ("maxInclusive", "99999999999999.99"),
    ]


def test_a_code_is_a_named_enumeration() -> None:
    stages = _types().findall(f".//{{{XSD}}}simpleType[@name='DealStage']//{{{XSD}}}enumeration")
    assert [each.get("value") for each in stages] == list(BUILTIN.entity("Deal").field("stage").values)


def test_only_what_a_service_reaches_is_in_its_types() -> None:
    names = {each.get("name") for each in types_schema(BUILTIN, reach([SAMPLE]))}
    assert {"Deal", "DealStage", "SampleNote", "KeyValue", "Session", "SaddlebagFault"} <= names
    assert not {"Customer", "CustomerKind", "Invoice"} & names


def test_messages_import_the_types_before_they_use_them() -> None:
    root = messages_schema(SAMPLE, types_location="types.xsd")
    assert (root[0].tag, dict(root[0].attrib)) == (
        f"{{{XSD}}}import",
        {"namespace": TYPES, "schemaLocation": "types.xsd"},
    )


def test_a_repeating_member_says_how_often() -> None:
    root = messages_schema(SAMPLE)
    ids = root.find(f".//{{{XSD}}}element[@name='GetDeals']//{{{XSD}}}element[@name='id']")
    assert ids is not None
    assert (ids.get("minOccurs"), ids.get("maxOccurs"), ids.get("type")) == (None, "200", "types:Id")


@pytest.mark.parametrize(
    "members",
    [
        (Member("a", Struct("Two", "One.", ()), "A."), Member("b", Struct("Two", "Other.", ()), "B.")),
        (Member("a", Enumeration("Two", ("x",), "X."), "A."), Member("b", Enumeration("Two", ("y",), "Y."), "B.")),
        (Member("a", Struct("Deal", "No entity.", ()), "A."), Member("b", RecordOf("Deal"), "B.")),
        (Member("a", Struct("String5", "No text.", ()), "A."), Member("b", Scalar.STRING, "B.", length=5)),
    ],
)
def test_one_name_never_means_two_types(members: tuple[Member, ...]) -> None:
    with pytest.raises(ValueError, match=r"Two|Deal|String5"):
        types_schema(BUILTIN, reach([service_of(members)]))


def test_a_record_of_an_unknown_entity_is_refused() -> None:
    with pytest.raises(SaddlebagError) as refused:
        types_schema(BUILTIN, reach([service_of((Member("a", RecordOf("Bogus"), "A."),))]))
    assert refused.value.kind is UNKNOWN_ENTITY


def test_a_tenants_own_field_appears_in_its_schema() -> None:
    own = Field("score", Kind.INTEGER, "Score.", minimum=0, maximum=10)
    element = _types(BUILTIN.with_fields("Deal", own)).find(f".//{{{XSD}}}complexType[@name='Deal']//*[@name='score']")
    assert element is not None
    assert element.get("type") == "types:IntFrom0To10"
