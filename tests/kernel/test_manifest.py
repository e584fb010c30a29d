"""Packed manifests: what goes in comes out, equal sets give equal bytes, garbage is refused."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saddlebag.kernel.digest import MASK, shard_of
from saddlebag.kernel.manifest import (
    Held,
    differing,
    in_shards,
    pack,
    pack_sums,
    shard_sums,
    unmatched,
    unpack,
    unpack_sums,
)

IDS = st.one_of(st.uuids().map(str), st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,35}", fullmatch=True))
ENTITIES = st.sampled_from(["Deal", "Customer", "DealLine"])
HELD = st.builds(Held, ENTITIES, IDS, st.integers(0, 2**63), st.integers(0, MASK))
MANIFESTS = st.lists(HELD, unique_by=lambda held: (held.entity, held.id), max_size=30)


@given(MANIFESTS)
def test_what_is_packed_comes_back(entries: list[Held]) -> None:
    assert sorted(unpack(pack(entries))) == sorted(entries)


@given(MANIFESTS, st.randoms())
def test_equal_sets_give_equal_bytes(entries: list[Held], random: object) -> None:
    shuffled = sorted(entries, key=lambda held: hash((held.id, id(random))))
    assert pack(shuffled) == pack(entries)


def test_an_upper_case_uuid_stays_upper_case() -> None:
    loud = Held("Deal", str(uuid.UUID(int=0xABCDEF << 96)).upper(), 1, 2)
    assert unpack(pack([loud])) == [loud]


def test_a_uuid_costs_32_bytes() -> None:
    one = [Held("Deal", str(uuid.UUID(int=1)), 1, 2)]
    two = [*one, Held("Deal", str(uuid.UUID(int=2)), 3, 4)]
    assert len(pack(two)) - len(pack(one)) == 32


@given(st.binary(max_size=60))
def test_garbage_is_a_value_error_or_nothing_worse(data: bytes) -> None:
    try:
        entries = unpack(data)
    except ValueError:
        return
    assert all(isinstance(each, Held) for each in entries)


@given(MANIFESTS.filter(bool), st.data())
def test_a_torn_manifest_is_refused(entries: list[Held], data: st.DataObject) -> None:
    """A cut between two groups leaves a smaller manifest; any other cut is an error, never a wrong entry."""
    whole = pack(entries)
    cut = data.draw(st.integers(1, len(whole) - 1))
    try:
        read = unpack(whole[:cut])
    except ValueError:
        return
    assert set(read) < set(entries)


@given(MANIFESTS)
def test_sums_find_the_shards_that_differ(entries: list[Held]) -> None:
    changed = [held._replace(hash=held.hash ^ 1) for held in entries[:1]] + entries[1:]
    found = differing(shard_sums(entries), unpack_sums(pack_sums(shard_sums(changed))))
    assert found == [shard_of(held.entity, held.id) for held in entries[:1]]
    assert set(in_shards(entries, found)) >= set(entries[:1])


def test_sums_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="2048 bytes"):
        unpack_sums(b"\0" * 8)


@given(st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)))
def test_only_what_does_not_match_is_unpacked(held: set[int], wanted: set[int], removed: set[int]) -> None:
    entries = [Held("Deal", f"d-{number}", number, number) for number in held]
    left = set(wanted)
    other = unmatched(pack(entries), left, frozenset(removed))
    kept = held - removed
    assert {each.hash for each in other} == kept - wanted
    assert left == wanted - kept
