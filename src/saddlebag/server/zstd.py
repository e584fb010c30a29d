"""Zstandard (RFC 8878) where this Python has it: the standard library's from 3.14 on, or the package `zstandard`.

Belongs here: finding it, and one bounded way in and out. May not know: HTTP. Neither is required: `pip install
saddlebag[zstd]` brings the package.
"""

from __future__ import annotations

import io
from importlib import import_module
from typing import Any, Final

from saddlebag.kernel.packing import ZSTD_LEVEL, ZSTD_WINDOW_BITS, DamagedStream, Zstd, standard_zstd


def find_zstd() -> Zstd | None:
    """The standard library's, else the package's, else None."""
    found = standard_zstd()
    if found is not None:
        return found
    try:
        return _package(import_module("zstandard"))
    except ImportError:
        return None


def _package(zstd: Any) -> Zstd:
    def read(data: bytes, most: int) -> tuple[bytes, bool]:
        reader = zstd.ZstdDecompressor(max_window_size=1 << ZSTD_WINDOW_BITS).decompressobj()
        plain = io.BytesIO()
        try:
            # The package's object knows no bound of its own: it is fed so little at a time that none is needed.
            for start in range(0, len(data), _FEED):
                plain.write(reader.decompress(data[start : start + _FEED]))
                if plain.tell() > most or reader.eof:
                    rest = reader.unused_data or data[start + _FEED :]
                    return plain.getvalue()[:most], bool(reader.eof and not rest)
        except zstd.ZstdError:
            raise DamagedStream from None
        return plain.getvalue(), False

    # A compressor is not for several threads at once, and making one costs microseconds.
    return Zstd(lambda body: bytes(zstd.ZstdCompressor(level=ZSTD_LEVEL).compress(body)), read)


_FEED: Final = 1024
"""Packed bytes at a time: a block of zstd has at most 128 KiB whatever it is packed to (RFC 8878, 3.1.1.2.3)."""
