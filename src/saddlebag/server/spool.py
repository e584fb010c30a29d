"""Bytes that are too many for memory: a file without a name, and parts of it.

Belongs here: writing, reading, forgetting. May not know: what the bytes are. Parts are read by position, so that
several threads may read at once; the file goes when nobody holds it any more, or with the process.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass


class Spool:
    """A growing file on disk."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="saddlebag-", buffering=0)  # noqa: SIM115 - closed by `close`
        self.size = 0

    def write(self, data: bytes) -> None:
        """Add bytes at the end."""
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) or 0 :]
        self.size += len(data)

    def read(self, offset: int, count: int) -> bytes:
        """At most `count` bytes from `offset` on."""
        return os.pread(self._file.fileno(), count, offset)

    def close(self) -> None:
        """Forget the bytes; later reads raise ValueError."""
        self._file.close()

    def __del__(self) -> None:  # a caller that has gone leaves her file to whoever still reads it, and then to nobody
        self._file.close()


@dataclass(frozen=True, slots=True)
class Part:
    """A run of a spool's bytes (a `saddlebag.contract.spec.Blob`)."""

    spool: Spool
    offset: int
    size: int

    def pieces(self, most: int) -> Iterator[bytes]:
        """The bytes in order, at most `most` at a time."""
        for start in range(0, self.size, most):
            yield self.spool.read(self.offset + start, min(most, self.size - start))
