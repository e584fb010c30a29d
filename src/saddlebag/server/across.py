"""What the workers of one hub share: buckets, places, and how many connections each has.

Belongs here: memory and locks that several processes of one machine see. May not know: Twisted, SOAP, what is counted.
The parent makes one `Shared` before it starts workers, and they inherit it. Everything that outlives a call (sessions,
idempotency keys, replayed nonces) is the store's; this here may be lost without harm.

A worker may be killed at any instruction. So nothing is counted up and down: a place is a lock on one byte of a file
that is never written, which the kernel gives back when its holder ends (POSIX record locks, `fcntl`).
"""

from __future__ import annotations

import fcntl
import mmap
import struct
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from threading import Lock
from typing import Final

from saddlebag.server.gate import Want
from saddlebag.server.rates import Charge, Clock, Standing, charged

MOST_WORKERS: Final = 64
MOST_PLACES: Final = 64
"""Places of one group that several workers can share."""

_SLOTS: Final = 65_536
_PROBES: Final = 8
_SLOT: Final = struct.Struct("<Qd")
_COUNT: Final = struct.Struct("<q")
_COUNTS_AT: Final = _SLOTS * _SLOT.size
_SIZE: Final = _COUNTS_AT + MOST_WORKERS * _COUNT.size
_ABSENT: Final = 1 << 40
_BOOK_LOCK: Final = 0
_PLACES_AT: Final = 1 << 40
"""Bytes of the file that stand for places: far behind its end, where a lock is as good."""


class Shared:
    """A file without a name, and its first megabyte as memory."""

    def __init__(self) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        self.file.truncate(_SIZE)
        self.memory = mmap.mmap(self.file.fileno(), _SIZE)

    @contextmanager
    def locked(self, at: int) -> Iterator[None]:
        """Hold one byte's lock against the other processes; a process's own threads need a lock of their own."""
        fcntl.lockf(self.file, fcntl.LOCK_EX, 1, at)
        try:
            yield
        finally:
            fcntl.lockf(self.file, fcntl.LOCK_UN, 1, at)


class SharedBook:
    """Buckets that all workers charge. When very many are in use at once, the one that is next full is forgotten."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._lock = Lock()

    def take(self, charges: Sequence[Charge], clock: Clock) -> list[Standing]:
        """As `rates.Book.take`; the clock must be one that the processes have in common."""
        with self._lock, self._shared.locked(_BOOK_LOCK):
            now = clock()
            found = [self._find(each, now) for each in charges]
            made = [charged(full_at, now, each) for (_, _, full_at), each in zip(found, charges, strict=True)]
            if not any(standing.wait for _, standing in made):
                for (at, key, _), (full_at, _) in zip(found, made, strict=True):
                    _SLOT.pack_into(self._shared.memory, at, key, full_at)
            return [standing for _, standing in made]

    def _find(self, charge: Charge, now: float) -> tuple[int, int, float]:
        """The slot of a bucket, its key, and when it is full: its own slot, or the one that can best be spared."""
        key = _number(f"{charge.rule}\0{charge.owner}", 8)
        spare, soonest = 0, float("inf")
        for probe in range(_PROBES):
            at = (key + probe) % _SLOTS * _SLOT.size
            held, full_at = _SLOT.unpack_from(self._shared.memory, at)
            if held == key:
                return at, key, full_at
            if full_at < soonest:
                spare, soonest = at, full_at
        return spare, key, now


class SharedPlaces:
    """Places that all workers take from."""

    def __init__(self, shared: Shared) -> None:
        self._file = shared.file
        self._mine: set[int] = set()
        """A process's locks do not keep its own threads apart; the gate's lock guards this set."""

    def take(self, want: Want) -> int | None:
        """As `gate.Places.take`."""
        for number in range(min(want.most, MOST_PLACES)):
            at = _place(want.owner, number)
            if at not in self._mine and self._lock(at):
                self._mine.add(at)
                return number
        return None

    def give_back(self, owner: str, number: int) -> None:
        """As `gate.Places.give_back`."""
        at = _place(owner, number)
        self._mine.remove(at)
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, at)

    def _lock(self, at: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, at)
        except BlockingIOError:
            return False
        return True


class OpenCounts:
    """How many connections each worker has open, as worker `mine` of `workers` sees it."""

    def __init__(self, shared: Shared, mine: int, workers: int) -> None:
        self._memory = shared.memory
        self._mine = mine
        self._workers = workers

    def put(self, count: int) -> None:
        """This worker has so many."""
        _COUNT.pack_into(self._memory, _COUNTS_AT + self._mine * _COUNT.size, count)

    def absent(self) -> None:
        """This worker has ended: nobody leaves a connection to it."""
        self.put(_ABSENT)

    def crowded(self) -> bool:
        """Whether another worker has fewer."""
        counts = [self._read(number) for number in range(self._workers)]
        return counts[self._mine] > min(counts)

    def _read(self, number: int) -> int:
        count: int = _COUNT.unpack_from(self._memory, _COUNTS_AT + number * _COUNT.size)[0]
        return count


def _number(text: str, size: int) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).digest(), "big")


def _place(owner: str, number: int) -> int:
    return _PLACES_AT + _number(owner, 6) * MOST_PLACES + number
