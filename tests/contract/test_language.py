"""The language that a caller gets: the nearest there is (RFC 4647, 3.4)."""

from __future__ import annotations

import pytest

from saddlebag.contract.language import LANGUAGES, spoken


@pytest.mark.parametrize(
    ("wanted", "got"),
    [
        ("", "en"),
        ("en-GB", "en"),
        ("de-AT", "de"),
        ("DE", "de"),
        ("pt-br-x-old", "pt-BR"),
        ("pt", "en"),
        ("zh-Hant", "en"),
        ("de-x-en", "de"),
    ],
)
def test_the_tag_is_shortened_until_there_are_texts(wanted: str, got: str) -> None:
    assert spoken(wanted, ("en", "de", "pt-BR")) == got


def test_english_is_always_there() -> None:
    assert LANGUAGES[0] == spoken("xx") == "en"
