"""Digests: how hub and device compare what the device holds without listing it.

Belongs here: the 64-bit hash of a record, the shard of a key, and sums of hashes. May not know: where rows are stored.

    hash   = first 8 bytes, big-endian, of BLAKE2b(entity NUL id NUL version NUL content), RFC 7693
    shard  = first byte of BLAKE2b(entity NUL id): 0..255, independent of version and content
    digest = (count, sum of hashes modulo 2^64)

A sum, not an exclusive or: with XOR a key that is held twice and one that is missing cancel out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

MASK = (1 << 64) - 1


def record_hash(entity: str, record_id: str, version: int, content: str) -> int:
    """The 64-bit hash of one record as a device holds it; `content` is its canonical fragment without hub-only
    fields.
    """
    data = f"{entity}\0{record_id}\0{version}\0{content}".encode()
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big")


def shard_of(entity: str, record_id: str) -> int:
    """The shard of a key, 0 to 255."""
    return blake2b(f"{entity}\0{record_id}".encode(), digest_size=1).digest()[0]


@dataclass(frozen=True, slots=True)
class Digest:
    """How many records, and the sum of their hashes modulo 2^64."""

    count: int = 0
    sum: int = 0

    @classmethod
    def of(cls, hashes: Iterable[int]) -> Digest:
        """The digest of these record hashes."""
        listed = list(hashes)
        return cls(len(listed), sum(listed) & MASK)

    def __add__(self, other: Digest) -> Digest:
        return Digest(self.count + other.count, (self.sum + other.sum) & MASK)

    def __sub__(self, other: Digest) -> Digest:
        return Digest(self.count - other.count, (self.sum - other.sum) & MASK)

    @property
    def hex(self) -> str:
        """The sum as 16 hexadecimal digits."""
        return f"{self.sum:016x}"
