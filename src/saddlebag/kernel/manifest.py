"""Manifests: which record versions a device holds, packed small enough to keep and to send.

Belongs here: the packed form, and the sums by shard that find where two manifests differ. May not know: where they are
kept, or why a record is held.

    packed = format byte 0x01, then groups sorted by (entity, form), each
             1 byte length, entity name in ASCII, 1 byte form, 4 bytes count, then `count` entries sorted by id
    entry  = id, 8 bytes version, 8 bytes hash; numbers big-endian
    form   = 0: the id is a lower-case UUID, 16 bytes; n > 0: the id is n ASCII characters
    sums   = 256 unsigned 64-bit numbers, big-endian: the sum of hashes in each shard (kernel.digest)

Entries of one group have one size, so that a manifest of thousands is read by one call of `struct`.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from saddlebag.kernel.digest import MASK, shard_of
from saddlebag.kernel.limits import ID_LENGTH, SHARDS

_FORMAT: Final = b"\x01"
_HEAD: Final = struct.Struct(">BI")
_SUMS: Final = struct.Struct(f">{SHARDS}Q")
_HEX: Final = frozenset("0123456789abcdef")


class Held(NamedTuple):
    """One record version that a device holds; `hash` is `kernel.digest.record_hash` of what it holds."""

    entity: str
    id: str
    version: int
    hash: int


def pack(entries: Iterable[Held]) -> bytes:
    """The packed form; equal sets of entries give equal bytes."""
    groups: dict[tuple[str, int], list[tuple[bytes, int, int]]] = {}
    for entity, record_id, version, digest in entries:
        form, raw = _raw(record_id)
        groups.setdefault((entity, form), []).append((raw, version, digest))
    parts = [_FORMAT]
    for (entity, form), members in sorted(groups.items()):
        name = entity.encode("ascii")
        parts += (bytes((len(name),)), name, _HEAD.pack(form, len(members)))
        write = _entry(form).pack
        parts += [write(*member) for member in sorted(members)]
    return b"".join(parts)


def unpack(data: bytes) -> list[Held]:
    """The entries of a packed manifest; raises ValueError where the bytes are none. Empty bytes hold nothing."""
    return [each for entity, form, entries in _groups(data) for each in _read(entity, form, entries)]


def unmatched(data: bytes, wanted: set[int], skip: Container[int] = ()) -> list[Held]:
    """The entries whose hash is neither in `skip` nor in `wanted`, from which each that is found is taken out.

    Most of a manifest is as it should be: the ids of what matches are not even spelled out.
    """
    left: list[Held] = []
    for entity, form, entries in _groups(data):
        others = []
        for each in entries:
            if each[2] in wanted:
                if each[2] not in skip:
                    wanted.remove(each[2])
            elif each[2] not in skip:
                others.append(each)
        left += _read(entity, form, others)
    return left


_Entry = tuple[bytes, int, int]


def _groups(data: bytes) -> Iterator[tuple[str, int, Iterable[_Entry]]]:
    if not data:
        return
    if data[:1] != _FORMAT:
        raise ValueError("not a packed manifest")
    position = 1
    while position < len(data):
        start = position + 1 + data[position]
        if start + _HEAD.size > len(data):
            raise ValueError("a packed manifest breaks off")
        entity = data[position + 1 : start].decode("ascii")
        form, count = _HEAD.unpack_from(data, start)
        if form > ID_LENGTH:
            raise ValueError("a packed manifest holds an id that is too long")
        entry = _entry(form)
        start += _HEAD.size
        position = start + count * entry.size
        if position > len(data):
            raise ValueError("a packed manifest breaks off")
        yield entity, form, entry.iter_unpack(data[start:position])


def _read(entity: str, form: int, entries: Iterable[_Entry]) -> list[Held]:
    if form:
        return [Held(entity, raw.decode("ascii"), version, digest) for raw, version, digest in entries]
    return [Held(entity, _uuid(raw.hex()), version, digest) for raw, version, digest in entries]


def _raw(record_id: str) -> tuple[int, bytes]:
    if len(record_id) == 36 and record_id[8] == record_id[13] == record_id[18] == record_id[23] == "-":
        digits = record_id.replace("-", "")
        if len(digits) == 32 and _HEX.issuperset(digits):
            return 0, bytes.fromhex(digits)
    raw = record_id.encode("ascii")
    if not 0 < len(raw) <= ID_LENGTH:
        raise ValueError("an id that cannot be packed")
    return len(raw), raw


def _uuid(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _entry(form: int) -> struct.Struct:
    return _ENTRIES[form]


_ENTRIES: Final = tuple(struct.Struct(f">{form or 16}sQQ") for form in range(ID_LENGTH + 1))


def shard_sums(entries: Iterable[Held]) -> list[int]:
    """The sum of hashes modulo 2^64 in each of the 256 shards."""
    sums = [0] * SHARDS
    for entity, record_id, _, digest in entries:
        sums[shard_of(entity, record_id)] += digest
    return [each & MASK for each in sums]


def pack_sums(sums: Sequence[int]) -> bytes:
    """Sums as 2048 bytes."""
    return _SUMS.pack(*sums)


def unpack_sums(data: bytes) -> list[int]:
    """Sums from 2048 bytes; raises ValueError for any other length."""
    if len(data) != _SUMS.size:
        raise ValueError(f"shard sums are {_SUMS.size} bytes")
    return list(_SUMS.unpack(data))


def differing(one: Sequence[int], other: Sequence[int]) -> list[int]:
    """The shards whose sums differ."""
    return [shard for shard in range(SHARDS) if one[shard] != other[shard]]


def in_shards(entries: Iterable[Held], shards: Iterable[int]) -> list[Held]:
    """The entries whose keys fall into one of these shards."""
    wanted = frozenset(shards)
    return [each for each in entries if shard_of(each.entity, each.id) in wanted]
