"""Bytes in and out: content coding and charset of a body.

Belongs here: gzip with its bounds, charsets to UTF-8. May not know: XML beyond its first bytes, or HTTP beyond two
headers.
"""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from typing import Final

from saddlebag.kernel import limits
from saddlebag.kernel.errors import CONTENT_CODING, MALFORMED_XML, MEDIA_TYPE, TOO_LARGE, SaddlebagError

GZIP_FROM: Final = 1024
"""Bytes from which an answer is worth compressing: less fits into one TCP segment anyway."""

_GZIP_LEVEL: Final = 5
_RATIO_FREE: Final = 64 * 1024
_WBITS_GZIP: Final = 16 + zlib.MAX_WBITS
_UTF8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_UTF16 = frozenset({"utf-16", "utf-16le", "utf-16be"})
_QUALITY = re.compile(r";\s*q\s*=\s*(0(?:\.0*)?)\s*$")


def decode_body(data: bytes, coding: str, most: int) -> bytes:
    """The body without its content coding; raises CONTENT_CODING and TOO_LARGE (`most` bytes)."""
    coding = coding.strip().lower()
    if coding in ("", "identity"):
        return data
    if coding not in ("gzip", "x-gzip"):
        raise SaddlebagError(CONTENT_CODING)
    if len(data) > limits.COMPRESSED_BYTES:
        raise SaddlebagError(TOO_LARGE, limit=limits.COMPRESSED_BYTES)
    return _gunzip(data, min(most, _RATIO_FREE + len(data) * limits.COMPRESSION_RATIO))


def _gunzip(data: bytes, most: int) -> bytes:
    unpacker = zlib.decompressobj(_WBITS_GZIP)
    try:
        plain = unpacker.decompress(data, most + 1)
    except zlib.error:
        raise SaddlebagError(CONTENT_CODING, "The gzip data is damaged.") from None
    if len(plain) > most:
        raise SaddlebagError(TOO_LARGE, "The body unpacks to more than the hub accepts.", limit=most)
    if not unpacker.eof or unpacker.unused_data:
        raise SaddlebagError(CONTENT_CODING, "The gzip data is cut off or goes on after its end.")
    return plain


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header allows gzip (RFC 9110, 12.5.3)."""
    for term in header.lower().split(","):
        name = term.split(";", 1)[0].strip()
        if name in ("gzip", "x-gzip", "*"):
            return _QUALITY.search(term) is None
    return False


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
