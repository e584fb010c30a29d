"""Packing: bodies made smaller with what both sides know beforehand, and made whole again within bounds.

Belongs here: the preset dictionary, its name, deflate with and without it, Zstandard where Python has it. May not know:
HTTP, which side it is on, what is worth packing.

A small delta is mostly names that hub and laptop both know from the published declarations. Both derive the same text
from them, and deflate (RFC 1950) begins as if that text had just been sent:

    coding   = "sbd-" and the first 12 hexadecimal digits of the dictionary's SHA-256
    offered  = the laptop lists the coding in Accept-Encoding; the hub uses it only if it has that very dictionary
    stream   = zlib with FDICT set: it carries the dictionary's Adler-32, so that a wrong one is found out

RFC 9842 has the same shape: the client names the dictionary it has by its SHA-256, the server may use it or not, and
the name in Content-Encoding tells that it did. Not followed: a dictionary is no earlier answer here, so there is no
Use-As-Dictionary and no match by URL; the hash is part of the coding's name and not a field of its own, as a field
would cost more than a packed request; and the data is deflate, which a bare Python can unpack, not Brotli or Zstandard.
Nobody but our own client offers such a coding, so no other program ever sees one.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from importlib import import_module
from typing import Any, Final

from saddlebag.kernel import wire

PREFIX: Final = "sbd-"
"""What the name of a coding with a preset dictionary begins with."""

GZIP: Final = 16 + zlib.MAX_WBITS
"""zlib's number for a gzip stream (RFC 1952)."""

ZSTD_LEVEL: Final = 3
ZSTD_WINDOW_BITS: Final = 23
"""The widest window that a decoder of the content coding zstd takes (RFC 9659): more memory is refused."""

_NAME_DIGITS: Final = 12
_WINDOW: Final = 32 * 1024
"""Bytes that deflate looks back: of a longer dictionary only its end would count."""
_MEMORY: Final = 9
_THOROUGH: Final = 64 * 1024
"""Bytes of a body up to which the most thorough level costs less than a millisecond."""

Declared = tuple[str, Sequence[tuple[str, Sequence[str]]]]
"""An entity that devices get: its name, and its fields in order, each with the values of a code."""


class DamagedStream(ValueError):
    """Packed bytes that are cut off, go on after their end, or are none at all."""


class OversizeStream(ValueError):
    """Packed bytes that unpack to more than was allowed."""


def unpacked(data: bytes, most: int, bits: int = GZIP, dictionary: bytes = b"") -> bytes:
    """The bytes that `data` stands for, at most `most` of them; raises DamagedStream, OversizeStream."""
    unpacker = zlib.decompressobj(bits, dictionary) if dictionary else zlib.decompressobj(bits)
    try:
        plain = unpacker.decompress(data, most + 1)
    except zlib.error:
        raise DamagedStream from None
    if len(plain) > most:
        raise OversizeStream
    if not unpacker.eof or unpacker.unused_data:
        raise DamagedStream
    return plain


@dataclass(frozen=True)
class Dictionary:
    """A preset dictionary by its text."""

    text: str

    @cached_property
    def data(self) -> bytes:
        """What deflate begins with."""
        return self.text.encode()[-_WINDOW:]

    @cached_property
    def coding(self) -> str:
        """The name of the content coding."""
        return PREFIX + sha256(self.data).hexdigest()[:_NAME_DIGITS]

    def packed(self, body: bytes) -> bytes:
        """The body, packed; equal bodies give equal bytes."""
        level = 9 if len(body) <= _THOROUGH else 5
        packer = zlib.compressobj(level, zlib.DEFLATED, zlib.MAX_WBITS, _MEMORY, zlib.Z_DEFAULT_STRATEGY, self.data)
        return packer.compress(body) + packer.flush()

    def unpacked(self, data: bytes, most: int) -> bytes:
        """Undo `packed`; raises DamagedStream, OversizeStream."""
        return unpacked(data, most, zlib.MAX_WBITS, self.data)


@dataclass(frozen=True, slots=True)
class Zstd:
    """Zstandard, whoever gives it; `read` gives at most so many bytes and whether the stream ended well there."""

    packed: Callable[[bytes], bytes]
    read: Callable[[bytes, int], tuple[bytes, bool]]

    def unpacked(self, data: bytes, most: int) -> bytes:
        """Undo `packed`, at most `most` bytes; raises DamagedStream, OversizeStream."""
        plain, ended = self.read(data, most + 1)
        if len(plain) > most:
            raise OversizeStream
        if not ended:
            raise DamagedStream
        return plain


def standard_zstd() -> Zstd | None:
    """Zstandard of the standard library (Python 3.14), None before."""
    try:
        zstd: Any = import_module("compression.zstd")
    except ImportError:
        return None

    def read(data: bytes, most: int) -> tuple[bytes, bool]:
        reader = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_BITS})
        try:
            plain: bytes = reader.decompress(data, most)
        except zstd.ZstdError:
            raise DamagedStream from None
        return plain, bool(reader.eof and not reader.unused_data)

    return Zstd(lambda body: bytes(zstd.compress(body, level=ZSTD_LEVEL)), read)


def dictionary(entities: Iterable[Declared]) -> Dictionary:
    """The dictionary that the declarations give, in whatever order they come.

    What is used most stands last, where deflate reaches it with the shortest distances.
    """
    listed = sorted(entities)
    records = "".join(_record(name, fields) for name, fields in listed)
    told = "".join(_FRAMES.format(name) for name, _ in listed)
    return Dictionary(records + told + _ENDS + _requests())


def _record(name: str, fields: Sequence[tuple[str, Sequence[str]]]) -> str:
    element = name[:1].lower() + name[1:]
    inner = "".join(_field(field, values) for field, values in fields)
    return f"<{element}><id></id><version></version>{inner}</{element}>"


def _field(name: str, values: Sequence[str]) -> str:
    return "".join([f"<{name}>{value}</{name}>" for value in values or ("",)])


def _requests() -> str:
    """The frames of the two requests of a sync, as the laptop writes them."""
    edit: wire.Members = [("name", ""), ("old", ""), ("new", "")]
    said = [("sequence", "1"), ("kind", "update"), ("entity", ""), ("id", ""), ("baseVersion", ""), ("editedAt", "20")]
    push: wire.Members = [("device", ""), ("incarnation", "1"), ("operation", [*said, ("field", edit)])]
    pull: wire.Members = [("cursor", ""), ("maxBytes", "1048576"), ("patches", "true")]
    return "".join(wire.request("sync", name, each, "-").decode() for name, each in (("Push", push), ("Pull", pull)))


_FRAMES: Final = (
    "<s:digest><entity>{0}</entity><count></count><sum></sum></s:digest>"
    "<s:evict><entity>{0}</entity><id></id><reason>left-scope</reason></s:evict>"
)
_ENDS: Final = (
    "deleted</reason></s:evict>revoked</reason></s:evict>merged-into</reason></s:evict><currency>EUR</currency>"
    "<s:result><sequence></sequence><status>merged</status><status>conflict</status><status>applied</status>"
    '<version></version></s:result></s:PushResponse><s:PushResponse xmlns:s="urn:saddlebag:sync:v1">'
    "</s:more><s:put></s:put></s:digest></s:PullResponse></soap:Body></soap:Envelope>"
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
    '<s:PullResponse xmlns:s="urn:saddlebag:sync:v1" xmlns="urn:saddlebag:types:v1"><s:cursor></s:cursor>'
    "<s:more>false</s:more><s:count></s:count><s:sum></s:sum></s:PullResponse></soap:Body></soap:Envelope>"
)
"""Frames of answers; one that an answer no longer has costs a few bytes and nothing else."""
