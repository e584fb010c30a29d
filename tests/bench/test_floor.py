"""The floor carries the whole scope, and packs it as it is told."""

from __future__ import annotations

from xml.etree import ElementTree

from bench.floor import pack, render, unpack
from bench.plain import Plain
from bench.workload import TODAY


def test_the_document_holds_every_record_and_text_of_the_scope(plain: Plain) -> None:
    rep = plain.median_rep(TODAY)
    page = ElementTree.fromstring(render(plain, rep, TODAY))
    found = {(each.tag, each.findtext("id")): {field.tag: field.text or "" for field in each} for each in page}
    assert found == plain.held(rep, TODAY)


def test_what_is_packed_comes_out_again() -> None:
    data = b"<page>" + b"<Deal/>" * 100 + b"</page>"
    assert unpack("gzip")(pack("gzip")(data)) == data
    assert len(pack("gzip")(data)) < len(data) / 5
