"""Fragments, digests, ids and the catalogue: the forms that hub and laptop share."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saddlebag.kernel import digest, errors, fragment, ids
from saddlebag.kernel.errors import SaddlebagError

_NAMES = st.from_regex(r"[a-z][A-Za-z0-9]{0,8}", fullmatch=True)
_TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF), max_size=20)


@given(st.lists(st.tuples(_NAMES, _TEXTS)))
def test_a_fragment_splits_into_what_was_joined(pairs: list[tuple[str, str]]) -> None:
    assert fragment.split(fragment.join(pairs)) == pairs


@pytest.mark.parametrize("text", ["<a>1</b>", "<a>1</a> <b>2</b>", "x", "<a/>", "<a x='1'>1</a>", "<a><b>1</b></a>"])
def test_what_is_not_canonical_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="canonical"):
        fragment.split(text)


def test_an_extension_is_kept_whole() -> None:
    extension = '<x:ext xmlns:x="urn:t"><x:size>4</x:size></x:ext>'
    assert fragment.split("<a>1</a>" + extension) == [("a", "1"), ("x:ext", extension)]


def test_list_fields_come_as_tuples() -> None:
    assert fragment.to_texts("<t>a</t><n>1</n><t>b</t>", {"t"}) == {"t": ("a", "b"), "n": "1"}


def test_the_record_hash_is_blake2b_of_key_version_and_content() -> None:
    assert f"{digest.record_hash('Deal', 'D1', 7, '<id>D1</id>'):016x}" == "6e122088099651df"
    assert digest.shard_of("Deal", "D1") == 169


@given(st.lists(st.integers(0, digest.MASK)), st.lists(st.integers(0, digest.MASK)))
def test_digests_add_up_and_take_away(left: list[int], right: list[int]) -> None:
    total = digest.Digest.of(left + right)
    assert digest.Digest.of(left) + digest.Digest.of(right) == total
    assert total - digest.Digest.of(right) == digest.Digest.of(left)


def test_a_key_held_twice_does_not_hide_a_missing_one() -> None:
    assert digest.Digest.of([5, 5]) != digest.Digest.of([])


@pytest.mark.parametrize(
    "text", ["C0000012", "a", "A.b_c-d", "0" * 36, ids.uuid7(datetime(2026, 1, 1, tzinfo=UTC), bytes(10))]
)
def test_ids_of_the_right_form_pass(text: str) -> None:
    assert ids.check_id(text) == text


@pytest.mark.parametrize("text", ["", "-a", "a b", "a/b", "0" * 37, "é", "a\n", "<a>"])
def test_other_ids_are_refused(text: str) -> None:
    with pytest.raises(SaddlebagError) as caught:
        ids.check_id(text)
    assert caught.value.kind is errors.INVALID_ID


@given(st.binary(min_size=10, max_size=10), st.integers(0, 10**9), st.integers(1, 10**6))
def test_ids_made_later_sort_later(random: bytes, start: int, step: int) -> None:
    early = ids.uuid7(datetime.fromtimestamp(start, UTC), random)
    late = ids.uuid7(datetime.fromtimestamp(start + step, UTC), random)
    assert early < late
    assert early[14] == "7"


def test_every_kind_of_error_has_a_code_of_its_family_a_cause_and_a_cure() -> None:
    digits = {family: str(place) for place, family in enumerate(errors.Family, 1)}
    names = [kind.name for kind in errors.CATALOGUE.values()]
    assert len(set(names)) == len(names)
    for code, kind in errors.CATALOGUE.items():
        assert re.fullmatch(rf"SB{digits[kind.family]}\d{{3}}", code)
        assert kind.cause.endswith(".")
        assert kind.cure.endswith(".")
