"""The plan of a pull: what a device holds against what it should hold.

Belongs here: the difference of two states and its order. May not know: where either state comes from, bytes, pages.
A pull compares states and replays no log, so nothing can be missed and nothing expires.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from saddlebag.kernel.digest import Digest
from saddlebag.kernel.manifest import Held
from saddlebag.store.base import Stamp

Key = tuple[str, str]
"""Entity and id."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What to take away, children before parents, and what to put, parents before children; within an entity that
    refers to itself the page sees to it, since that takes the records' contents.
    """

    evicts: list[Held]
    puts: list[Stamp]


def digest_of(stamps: Iterable[Stamp]) -> Digest:
    """Count and sum of the records' hashes."""
    return Digest.of(each.hash for each in stamps)


def diff(held: Mapping[Key, Held], target: Mapping[str, list[Stamp]], rank: Mapping[str, int]) -> Difference:
    """The difference; `rank` orders entities parents first, those that the schema has lost last.

    Hashes alone are compared: a hash covers key, version and content (kernel.digest).
    """
    puts: list[Stamp] = []
    kept = 0
    for entity in sorted(target, key=lambda name: rank[name]):
        fresh = []
        for stamp in target[entity]:
            mine = held.get((entity, stamp.id))
            kept += mine is not None
            if mine is None or mine.hash != stamp.hash:
                fresh.append(stamp)
        fresh.sort(key=lambda each: each.id)
        puts += fresh
    return Difference([] if kept == len(held) else _gone(held, target, rank), puts)


def _gone(held: Mapping[Key, Held], target: Mapping[str, list[Stamp]], rank: Mapping[str, int]) -> list[Held]:
    wanted = {entity: {stamp.id for stamp in stamps} for entity, stamps in target.items()}
    gone = [mine for mine in held.values() if mine.id not in wanted.get(mine.entity, ())]
    last = len(rank)
    return sorted(gone, key=lambda mine: (-rank.get(mine.entity, last), mine.id))


def parents_first(ids: Iterable[str], all_ids: Container[str], above: Callable[[str], Iterable[str]]) -> Iterator[str]:
    """The ids of one entity, each after those among them that it refers to; both are asked for as late as can be.

    Of records that refer to each other in a circle one has to come before its parent.
    """
    entered: set[str] = set()
    placed: set[str] = set()
    for start in ids:
        way = [start]
        while way:
            one = way[-1]
            if one not in entered:
                entered.add(one)
                way += [each for each in above(one) if each in all_ids and each not in entered]
                continue
            way.pop()
            if one not in placed:
                placed.add(one)
                yield one


def leaving(evicts: Sequence[tuple[Held, bool]], above: Mapping[Key, Sequence[str]]) -> list[Held]:
    """What has to leave, in the order in which it leaves: what is marked urgent first, children before parents."""
    groups: dict[tuple[bool, str], list[Held]] = {}
    for mine, urgent in evicts:
        groups.setdefault((not urgent, mine.entity), []).append(mine)
    ordered: list[Held] = []
    for (_, entity), group in sorted(groups.items(), key=lambda each: each[0][0]):
        if any((entity, each.id) in above for each in group):
            by_id = {each.id: each for each in reversed(group)}
            upwards = parents_first(by_id, by_id, lambda each, entity=entity: above.get((entity, each), ()))  # type: ignore[misc]
            group = [by_id[each] for each in reversed([*upwards])]
        ordered += group
    return ordered
