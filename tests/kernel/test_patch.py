"""Patches: the version held and what changed make the new version, byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saddlebag.kernel import fragment, patch
from saddlebag.kernel.patch import Patch

ORDER = ("title", "stage", "segments", "notes", "amount")
TEXT = st.text(st.sampled_from("ab<&>\r\n\tü"), min_size=1, max_size=4)
FIELDS = st.fixed_dictionaries({}, optional={name: st.lists(TEXT, min_size=1, max_size=3) for name in ORDER})
HELD = "<id>d1</id><version>7</version><title>x</title><notes>n</notes>"


def content(version: int, fields: dict[str, list[str]]) -> str:
    """A record's fragment; only `segments` is a list."""
    pairs = [("id", "d1"), ("version", str(version))]
    for name in ORDER:
        pairs += [(name, text) for text in fields.get(name, [])[: 3 if name == "segments" else 1]]
    return fragment.join(pairs)


def on_the_wire(made: Patch) -> Patch:
    return patch.read(fragment.split(made.content), made.at)


@given(FIELDS, FIELDS, st.sets(st.sampled_from(ORDER)))
def test_a_merge_gives_the_new_version_whatever_was_set_changed_and_cleared(
    before: dict[str, list[str]], after: dict[str, list[str]], named: set[str]
) -> None:
    """What did not change may be named as well: the hub knows when a field was written, not what it was before."""
    old, new = content(7, before), content(9, after)
    changed = [name for name in ORDER if name in named or fragment_of(old, name) != fragment_of(new, name)]
    made = patch.make(new, changed)
    assert made is not None
    assert on_the_wire(made) == made
    assert patch.merge(old, made) == new


def fragment_of(text: str, name: str) -> str:
    return fragment.pick(text, (name,))


def test_a_field_without_a_value_now_is_told() -> None:
    made = patch.make("<id>d1</id><version>9</version><title>x</title>", ["notes"])
    assert made == Patch("d1", 9, (), ("notes",))
    assert made.content == "<id>d1</id><version>9</version><clear>notes</clear>"
    assert patch.merge(HELD, made) == "<id>d1</id><version>9</version><title>x</title>"


def test_an_extension_is_never_patched() -> None:
    assert patch.make('<id>d1</id><version>9</version><x:ext a="1"></x:ext>', ["title"]) is None


@pytest.mark.parametrize(
    ("pairs", "at"),
    [
        ([("id", "d1")], ""),
        ([("version", "9"), ("id", "d1")], ""),
        ([("id", "d1"), ("version", "nine")], ""),
        ([("id", "d1"), ("version", "9"), ("title", "x")], ""),
        ([("id", "d1"), ("version", "9"), ("title", "x")], "two"),
        ([("id", "d1"), ("version", "9"), ("title", "x")], "1"),
        ([("id", "d1"), ("version", "9"), ("title", "x"), ("notes", "y")], "3 2"),
    ],
)
def test_what_is_no_patch_is_refused(pairs: list[tuple[str, str]], at: str) -> None:
    with pytest.raises(ValueError, match=r"patch|invalid literal|zip"):
        patch.read(pairs, at)


@pytest.mark.parametrize("held", ["", "<id>d2</id><version>7</version>", HELD + "rubbish", "<id>d1</id>"])
def test_a_row_that_is_not_the_record_cannot_be_merged(held: str) -> None:
    with pytest.raises(ValueError, match=r"record|fragment"):
        patch.merge(held, Patch("d1", 9, (("title", "<title>y</title>", 2),)))


def test_a_row_that_is_too_short_cannot_be_merged() -> None:
    with pytest.raises(ValueError, match="shorter"):
        patch.merge(HELD, Patch("d1", 9, (("amount", "<amount>1</amount>", 9),)))
