"""Runtime validation: the published schema decides, and what is wrong is said in our own words."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from contract_samples import SAMPLE
from saddlebag.contract import validate
from saddlebag.contract.namespaces import TYPES, XSD, XSI
from saddlebag.contract.namespaces import service as service_namespace
from saddlebag.contract.validate import validator_for
from saddlebag.kernel.errors import SCHEMA_INVALID, SaddlebagError
from saddlebag.model.builtin import BUILTIN
from saddlebag.model.fields import Field, Kind

ENVELOPE = (
    f'<e:Envelope xmlns:e="urn:envelope" xmlns:xsi="{XSI}" xmlns:xsd="{XSD}" xmlns:t="{TYPES}"'
    f' xmlns="{service_namespace("sample")}"><e:Body>{{}}</e:Body></e:Envelope>'
)
VALIDATOR = validator_for(SAMPLE, BUILTIN)


def _wrapper(content: str) -> etree._Element:
    return etree.fromstring(ENVELOPE.format(content))[0][0]


def _deal(content: str) -> str:
    return f"<UpdateDeals><deal>{content}</deal></UpdateDeals>"


def _note(content: str) -> str:
    return f"<KeepNote><note><t:at>2026-01-01T00:00:00Z</t:at></note>{content}</KeepNote>"


@pytest.mark.parametrize(
    "content",
    [
        "<Ping/>",
        "<GetDeals><id>a</id><id> b </id></GetDeals>",
        _deal("<t:id>a</t:id><t:amount> 1.50000 </t:amount><t:closeDate>2026-01-31</t:closeDate>"),
        _deal('<t:nextStep xsi:nil="1"></t:nextStep><t:notes xsi:nil="true"/>'),
        '<SearchDeals><limit xsi:nil="true"/></SearchDeals>',
        '<SearchDeals><limit xsi:type="xsd:string">5</limit></SearchDeals>',
        _deal('<t:title xsi:type="t:Nothing">x</t:title>'),
        '<SearchDeals xsi:schemaLocation="urn:a file:///nowhere"><limit>5</limit></SearchDeals>',
        _note("<price>1</price><on>2026-01-31</on><label>x</label><serial>5</serial>"),
    ],
)
def test_what_the_contract_allows_passes(content: str) -> None:
    """xsi:type and schema locations are taken off first: the declared type counts (S24)."""
    wrapper = _wrapper(content)
    VALIDATOR.check(wrapper)
    left = {str(name) for node in wrapper.iter() for name in node.attrib}
    assert left <= {f"{{{XSI}}}nil"}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("<Nope/>", "Nope is no request of this service"),
        ("<Ping>x</Ping>", "Ping must be empty"),
        ("<UpdateDeals/>", "UpdateDeals lacks what belongs next in it: deal"),
        ("<UpdateDeals xsi:nil='true'/>", "UpdateDeals may not be nil"),
        (
            "<SearchDeals><filter><t:field>a</t:field></filter><limit>1</limit></SearchDeals>",
            "filter lacks what belongs next in it: op",
        ),
        (
            "<SearchDeals><bogus/></SearchDeals>",
            "bogus is not expected there; expected is filter, order, limit",
        ),
        ("<SearchDeals><limit>5</limit><limit>6</limit></SearchDeals>", "limit is not expected there (at limit[2])"),
        ("<SearchDeals><limit>x</limit></SearchDeals>", "limit is not a whole number of 32 bit"),
        ("<SearchDeals a='1'/>", "SearchDeals has an attribute that is not allowed"),
        (_deal("<t:id a='1'>x</t:id>"), "id has an attribute that is not allowed (at deal/id)"),
        (_deal("text"), "deal holds text where only elements belong"),
        (_deal("<t:title><t:b/></t:title>"), "title holds elements where a plain value belongs (at deal/title)"),
        (_deal("<t:title>" + "x" * 161 + "</t:title>"), "title is longer than 160 characters (at deal/title)"),
        (_deal("<t:amount>1.005</t:amount>"), "amount has more digits after the point than 2 (at deal/amount)"),
        (_deal("<t:amount>-1</t:amount>"), "amount is less than 0 (at deal/amount)"),
        (_deal("<t:amount>1e5</t:amount>"), "amount is not a decimal number without exponent (at deal/amount)"),
        (_deal("<t:probability>101</t:probability>"), "probability is greater than 100 (at deal/probability)"),
        (_deal("<t:amount xsi:nil='true'>4</t:amount>"), "amount is nil but has content (at deal/amount)"),
        (_deal("<t:closeDate/>"), "closeDate is not a date as YYYY-MM-DD (at deal/closeDate)"),
        (_deal("<t:clear>" + "x" * 61 + "</t:clear>"), "clear is longer than 60 characters (at deal/clear)"),
        (
            _deal("<t:stage>x' is not an element of the set {'evil'}.</t:stage>"),
            "stage is none of the values allowed: prospect, qualify, propose, negotiate, won, lost (at deal/stage)",
        ),
        (
            _deal("<t:id>a b</t:id>"),
            "id is not an identifier: 1 to 36 letters, digits, '.', '_' or '-' (at deal/id)",
        ),
        (_note("<on>tomorrow</on>"), "on is not a date as YYYY-MM-DD"),
        (
            "<KeepNote><note><t:at>now</t:at></note></KeepNote>",
            "at is not a time as YYYY-MM-DDThh:mm:ssZ (at note/at)",
        ),
    ],
)
def test_s26_what_is_wrong_is_said_in_our_own_words(content: str, sentence: str) -> None:
    sentence = f"The element {sentence}."
    with pytest.raises(SaddlebagError) as refused:
        VALIDATOR.check(_wrapper(content))
    assert (refused.value.kind, refused.value.message) == (SCHEMA_INVALID, sentence)


def test_the_place_names_the_record_among_many() -> None:
    deals = "<deal><t:title>fine</t:title></deal>" * 199 + "<deal><t:amount>x</t:amount></deal>"
    with pytest.raises(SaddlebagError, match=r"at deal\[200\]/amount"):
        VALIDATOR.check(_wrapper(f"<UpdateDeals>{deals}</UpdateDeals>"))


@given(
    place=st.sampled_from(["id", "stage", "amount", "closeDate", "version", "bogus"]),
    tail=st.text("'{}. ax0", max_size=9),
)
def test_a_refusal_never_repeats_a_value(place: str, tail: str) -> None:
    secret = f"hush'hush {{'{tail}"
    with pytest.raises(SaddlebagError) as refused:
        VALIDATOR.check(_wrapper(_deal(f"<t:{place}>{secret}</t:{place}>")))
    assert "hush" not in str(refused.value)


def test_a_long_name_is_shortened() -> None:
    with pytest.raises(SaddlebagError) as refused:
        VALIDATOR.check(_wrapper(f"<SearchDeals><{'n' * 250}/></SearchDeals>"))
    assert refused.value.field == "n" * 57 + "..."


def test_every_wording_is_for_an_error_that_libxml2_has() -> None:
    known = vars(etree.ErrorTypes)
    assert [name for name in validate._WORDING if name not in known] == []


def test_equal_declarations_share_a_validator_and_others_do_not() -> None:
    own = BUILTIN.with_fields("Deal", Field("score", Kind.INTEGER, "Score."))
    assert validator_for(SAMPLE, BUILTIN) is VALIDATOR
    validator = validator_for(SAMPLE, own)
    validator.check(_wrapper(_deal("<t:lossReason>x</t:lossReason><t:score>5</t:score>")))
    with pytest.raises(SaddlebagError, match="score"):
        VALIDATOR.check(_wrapper(_deal("<t:score>5</t:score>")))


def test_threads_do_not_see_each_others_errors() -> None:
    bad = [_deal("<t:amount>x</t:amount>"), _deal("<t:stage>x</t:stage>"), _deal("<t:closeDate>x</t:closeDate>")]

    def refused(content: str) -> Any:
        try:
            VALIDATOR.check(_wrapper(content))
        except SaddlebagError as problem:
            return problem.field
        return None

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(refused, bad * 50)) == ["amount", "stage", "closeDate"] * 50
