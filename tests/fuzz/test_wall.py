"""Whatever bytes come, the wall keeps its promises: over the grammar of envelopes, and over what a fuzzer has found."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saddlebag.contract import namespaces
from saddlebag.kernel.errors import INTERNAL, SaddlebagError

FOLDER = Path(__file__).parent


def _load(name: str) -> ModuleType:
    """A module of this folder, which is no package: the fuzzer takes it by its bare name."""
    spec = importlib.util.spec_from_file_location(f"saddlebag_fuzz_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


wall, explore = _load("wall"), _load("explore")
CORPUS = explore.corpus()
_KNOWN = re.compile(r"taken|SB[125]\d{3}")
"""Taken, or refused by a code of the protocol, of security or of a limit."""

_NAMESPACES = st.sampled_from([namespaces.SOAP11, namespaces.SOAP12, namespaces.TYPES, "urn:x", "",
                               "http://www.w3.org/2005/08/addressing", namespaces.XSI])  # fmt: skip
_LOCALS = st.sampled_from(["Envelope", "Header", "Body", "Fault", "Session", "token", "AllOrNone", "value", "Action",
                           "MessageID", "ReplyTo", "Address", "Include", "a", "Łódź"])  # fmt: skip
_ATTRIBUTES = st.sampled_from(["s:mustUnderstand", "s:role", "s:actor", "s:relay", "s:encodingStyle", "i:nil", "i:type",
                               "id", "xml:lang", "u:no-such-prefix"])  # fmt: skip
_VALUES = st.sampled_from(["0", "1", "true", " 1 ", "maybe", "", f"{namespaces.SOAP12}/role/next", "urn:somebody",
                           f"{namespaces.SOAP12}/encoding/none", namespaces.SOAP11])  # fmt: skip
_TEXTS = st.sampled_from(
    ["", " \n", "x", "&amp;", "&#x10FFFF;", "&unknown;", "<!-- c -->", "<![CDATA[<]]>", "]]>", "<?p?>"]
)


@st.composite
def _element(draw: st.DrawFn, inside: str = "") -> str:
    name, namespace = draw(_LOCALS), draw(_NAMESPACES)
    attributes = draw(st.dictionaries(_ATTRIBUTES, _VALUES, max_size=3))
    written = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f'<{name} xmlns="{namespace}"{written}>{draw(_TEXTS)}{inside}</{name}>'


@st.composite
def _envelope(draw: st.DrawFn) -> str:
    """An envelope of either version, mostly in its right order, with one oddity here and there."""
    version = draw(st.sampled_from([namespaces.SOAP11, namespaces.SOAP12]))
    blocks = "".join(draw(st.lists(_element(draw(_element())), max_size=3)))
    body = "".join(draw(st.lists(_element(), min_size=1, max_size=2)))
    header = draw(st.sampled_from(["", f"<s:Header>{blocks}</s:Header>"]))
    after = draw(st.sampled_from(["", "", "", "<s:Header/>", "<x/>", "text"]))
    names = f'xmlns:s="{version}" xmlns:i="{namespaces.XSI}"'
    before = draw(st.sampled_from(["", "", '<?xml version="1.0" encoding="utf-8"?>', "<!DOCTYPE a>", "\ufeff"]))
    return f"{before}<s:Envelope {names}>{header}<s:Body>{body}</s:Body>{after}</s:Envelope>"


@settings(max_examples=300)
@given(_envelope(), st.sampled_from(["utf-8", "utf-16", "utf-16-le"]), st.integers(0, 4))
def test_an_envelope_of_the_grammar_is_taken_or_refused_by_the_catalogue(text: str, encoding: str, way: int) -> None:
    assert _KNOWN.fullmatch(wall.outcome(bytes([way]) + text.encode(encoding)))


@settings(max_examples=150)
@given(_envelope(), st.data())
def test_an_envelope_that_is_damaged_on_its_way_is_taken_or_refused_by_the_catalogue(
    text: str, data: st.DataObject
) -> None:
    whole = text.encode()
    at = data.draw(st.integers(0, len(whole)))
    damaged = whole[:at] + data.draw(st.binary(max_size=4)) + whole[data.draw(st.integers(at, len(whole))) :]
    assert _KNOWN.fullmatch(wall.outcome(b"\0" + damaged))


_LINES = st.sampled_from([b"--b", b"--b--", b"--bb", b"-", b"Content-ID: <c>", b"Content-ID:", b" folded",
                          b"none", b"Content-Type: application/xop+xml", b""])  # fmt: skip


@settings(max_examples=300)
@given(st.lists(_LINES, max_size=12), st.sampled_from([b"\r\n", b"\n", b"\r"]), st.integers(128, 255))
def test_a_package_means_the_same_however_it_is_cut(lines: list[bytes], end: bytes, way: int) -> None:
    assert _KNOWN.fullmatch(wall.outcome(bytes([way]) + end.join(lines)))


@pytest.mark.parametrize("number", range(len(CORPUS)))
def test_what_the_fuzzer_has_found_stays_mended(number: int) -> None:
    assert _KNOWN.fullmatch(wall.outcome(CORPUS[number]))


def test_the_promises_can_be_broken() -> None:
    """A wall that cannot fail is worth nothing: an error of the hub's own is not let through as the caller's."""

    def fail() -> Any:
        raise SaddlebagError(INTERNAL)

    with pytest.raises(AssertionError):
        wall.refused_or(fail)
