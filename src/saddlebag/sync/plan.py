"""The plan of a pull: what a device holds against what it should hold.

Belongs here: the difference of two states and its order. May not know: where either state comes from, bytes, pages.
A pull compares states and replays no log, so nothing can be missed and nothing expires.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from saddlebag.kernel.digest import Digest
from saddlebag.kernel.manifest import Held
from saddlebag.store.base import Stamp

Key = tuple[str, str]
"""Entity and id."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What to take away, children before parents, and what to put, parents before children."""

    evicts: list[Held]
    puts: list[Stamp]


def digest_of(stamps: Iterable[Stamp]) -> Digest:
    """Count and sum of the records' hashes."""
    return Digest.of(each.hash for each in stamps)


def diff(held: Mapping[Key, Held], target: Mapping[str, list[Stamp]], rank: Mapping[str, int]) -> Difference:
    """The difference; `rank` orders entities parents first, those that the schema has lost last.

    Hashes alone are compared: a hash covers key, version and content (kernel.digest).
    """
    wanted = {(stamp.entity, stamp.id) for stamps in target.values() for stamp in stamps}
    puts = []
    for entity in sorted(target, key=lambda name: rank[name]):
        for stamp in sorted(target[entity], key=lambda each: each.id):
            mine = held.get((entity, stamp.id))
            if mine is None or mine.hash != stamp.hash:
                puts.append(stamp)
    gone = [mine for key, mine in held.items() if key not in wanted]
    last = len(rank)
    gone.sort(key=lambda mine: (-rank.get(mine.entity, last), mine.id))
    return Difference(gone, puts)
