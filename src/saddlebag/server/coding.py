"""Bytes in and out: content coding and charset of a body.

Belongs here: the content codings with their bounds and their choice, charsets to UTF-8. May not know: XML beyond its
first bytes, or HTTP beyond a few headers.

    gzip      RFC 1952          for everybody, both ways
    zstd      RFC 8878          where this Python has it (3.14, or the package zstandard) and the caller says so
    sbd-HASH  `kernel.packing`  for our own client: deflate with a dictionary that both sides derive beforehand

Whatever the coding, a body comes in under the same bounds: packed bytes, unpacked bytes and the ratio of the two.
"""

from __future__ import annotations

import codecs
import gzip
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from saddlebag.kernel import limits
from saddlebag.kernel.errors import CONTENT_CODING, MALFORMED_XML, MEDIA_TYPE, TOO_LARGE, SaddlebagError
from saddlebag.kernel.packing import PREFIX, DamagedStream, Dictionary, OversizeStream, Zstd, dictionary, unpacked
from saddlebag.model.entities import Schema

GZIP_FROM: Final = 1024
"""Bytes from which an answer is worth compressing: less fits into one TCP segment anyway."""

DICTIONARY_FROM: Final = 128
"""The same where both sides know a dictionary: an answer with nothing new becomes a third."""

DICTIONARY_BEST: Final = 64 * 1024
"""Bytes up to which a dictionary does more than zstd: of a longer body it knows but the beginning."""

_GZIP_LEVEL: Final = 5
_RATIO_FREE: Final = 64 * 1024
_UTF8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_UTF16 = frozenset({"utf-16", "utf-16le", "utf-16be"})
_QUALITY = re.compile(r";\s*q\s*=\s*(0(?:\.0*)?)\s*$")


@dataclass(frozen=True, slots=True)
class Codings:
    """The content codings that a hub speaks beside gzip."""

    dictionary: Dictionary | None = None
    zstd: Zstd | None = None

    def decoded(self, data: bytes, coding: str, most: int) -> bytes:
        """The body without its content coding; raises CONTENT_CODING and TOO_LARGE (`most` bytes)."""
        coding = coding.strip().lower()
        if coding in ("", "identity"):
            return data
        unpack = self._unpacker(coding)
        if unpack is None:
            raise SaddlebagError(CONTENT_CODING)
        if len(data) > limits.COMPRESSED_BYTES:
            raise SaddlebagError(TOO_LARGE, limit=limits.COMPRESSED_BYTES)
        most = min(most, _RATIO_FREE + len(data) * limits.COMPRESSION_RATIO)
        try:
            return unpack(data, most)
        except OversizeStream:
            raise SaddlebagError(TOO_LARGE, "The body unpacks to more than the hub accepts.", limit=most) from None
        except DamagedStream:
            sentence = "The compressed data is damaged, cut off, or goes on after its end."
            raise SaddlebagError(CONTENT_CODING, sentence) from None

    def _unpacker(self, coding: str) -> Callable[[bytes, int], bytes] | None:
        if coding in ("gzip", "x-gzip"):
            return unpacked
        if coding == "zstd" and self.zstd is not None:
            return self.zstd.unpacked
        if self.dictionary is not None and coding == self.dictionary.coding:
            return self.dictionary.unpacked
        return None

    def encoded(self, body: bytes, accepted: str) -> tuple[bytes, str]:
        """The body in the coding that serves best of those an Accept-Encoding header allows; "" for none."""
        takes = accepts(accepted)
        size, known, zstd = len(body), self.dictionary, self.zstd
        better = zstd is not None and size > DICTIONARY_BEST and takes("zstd")
        if known is not None and size >= DICTIONARY_FROM and takes(known.coding) and not better:
            return known.packed(body), known.coding
        if size < GZIP_FROM:
            return body, ""
        if zstd is not None and takes("zstd"):
            return zstd.packed(body), "zstd"
        return (compress(body), "gzip") if takes("gzip") or takes("x-gzip") else (body, "")


def dictionary_of(schema: Schema) -> Dictionary:
    """The dictionary of a schema: laptops derive the same one from what DescribeEntities tells them."""
    return dictionary(
        (each.name, [(field.name, field.values) for field in each.device_fields]) for each in schema.entities
    )


def accepts(header: str) -> Callable[[str], bool]:
    """Which codings an Accept-Encoding header allows (RFC 9110, 12.5.3); `*` is no word for a private one."""
    listed: dict[str, bool] = {}
    for term in header.lower().split(","):
        listed.setdefault(term.split(";", 1)[0].strip(), _QUALITY.search(term) is None)

    def takes(name: str) -> bool:
        return listed.get(name, not name.startswith(PREFIX) and listed.get("*", False))

    return takes


def compress(data: bytes) -> bytes:
    """The body as gzip, without a time stamp, so that equal answers are equal bytes."""
    return gzip.compress(data, _GZIP_LEVEL, mtime=0)


def to_utf8(data: bytes, charset: str | None) -> tuple[bytes, bool]:
    """The document in UTF-8, and whether its charset is settled; raises MEDIA_TYPE and MALFORMED_XML.

    A byte order mark counts more than `charset` (the transport's parameter), that more than the XML declaration
    (RFC 7303, 3).
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _transcode(data, "utf-16"), True
    if data.startswith(codecs.BOM_UTF8):
        return data[len(codecs.BOM_UTF8) :], True
    if charset is None:
        if data[:2] in (b"<\0", b"\0<"):
            return _transcode(data, "utf-16-le" if data[0] else "utf-16-be"), True
        return data, False
    name = charset.strip().strip("\"'").lower()
    if name in _UTF8:
        return data, True
    if name in _UTF16:
        return _transcode(data, "utf-16-le" if name == "utf-16le" else "utf-16-be"), True
    raise SaddlebagError(MEDIA_TYPE, "The charset is neither UTF-8 nor UTF-16.")


def _transcode(data: bytes, encoding: str) -> bytes:
    try:
        return data.decode(encoding).encode()
    except UnicodeError:
        raise SaddlebagError(MALFORMED_XML, "The body holds bytes that its charset does not allow.") from None
