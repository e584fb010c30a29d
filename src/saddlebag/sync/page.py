"""Pages: as much of a difference as the device's byte budget lets through.

Belongs here: what goes on a page and in which order. May not know: where renderings and reasons come from (both are
asked for through functions), envelopes, cursors.

Evictions come first, and of these the revoked: what a device may no longer hold must not wait behind what it would like
to have. A page holds at least one thing, whatever its size, or a record larger than the budget would never arrive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from types import MappingProxyType
from typing import Final

from saddlebag.kernel.fragment import field_text
from saddlebag.kernel.manifest import Held
from saddlebag.kernel.patch import Patch
from saddlebag.store.base import Rendering, Stamp
from saddlebag.sync.plan import Difference, Key, leaving, parents_first


class Reason(StrEnum):
    """Why a record leaves a device."""

    LEFT_SCOPE = "left-scope"
    DELETED = "deleted"
    REVOKED = "revoked"
    MERGED_INTO = "merged-into"


@dataclass(frozen=True, slots=True)
class Evict:
    """One record that the device must drop, and why."""

    entity: str
    id: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be sent of a record: its fragment, or a patch to the version that the device holds."""

    fragment: str
    patch: Patch | None = None


_EVICT_BYTES: Final = 80
"""Tags of one evict element; entity, id and reason come on top."""
_PATCH_BYTES: Final = 36
"""Tags of one patch element around the record's."""
_CHUNK: Final = 200
"""Renderings fetched at once: bounds memory where the budget is met early."""

Nesting = Mapping[str, Sequence[str]]
"""The fields by which records of an entity refer to others of the same one; other entities are left out."""
Above = Callable[[Sequence[Held]], Mapping[Key, Sequence[str]]]
"""The records of the same entity that each refers to, as far as it refers to any and may be told."""
Reasons = Callable[[Sequence[Held]], list[Reason]]
Offers = Callable[[str, Sequence[str]], Mapping[str, Offer]]


@dataclass(slots=True)
class Page:
    """What one page says; `removed` and `added` are its effect on the manifest."""

    evicts: list[Evict] = field(default_factory=list)
    puts: dict[str, list[Rendering]] = field(default_factory=dict)
    patches: dict[str, list[Patch]] = field(default_factory=dict)
    removed: list[Held] = field(default_factory=list)
    added: list[Held] = field(default_factory=list)
    size: int = 0

    @property
    def empty(self) -> bool:
        """Whether the page says nothing."""
        return not self.removed and not self.added


def fill(
    difference: Difference,
    held: Mapping[Key, Held],
    budget: int,
    reasons: Reasons,
    offers: Offers,
    above: Above = lambda leaving: {},
    nesting: Nesting = MappingProxyType({}),
) -> tuple[Page, bool]:
    """The page that the difference begins with, and whether anything is left over."""
    page = Page()
    whys = dict(zip(difference.evicts, reasons(difference.evicts), strict=True))
    urgent = [(mine, why is Reason.REVOKED) for mine, why in whys.items()]
    fitting = _fitting(leaving(urgent, above(difference.evicts)), budget)
    page.evicts = [Evict(mine.entity, mine.id, whys[mine]) for mine in fitting]
    page.removed = list(fitting)
    page.size = sum(map(_evict_size, fitting))
    if len(fitting) < len(difference.evicts):
        return page, True
    return page, _add_puts(page, difference.puts, held, budget, offers, nesting)


def _evict_size(mine: Held) -> int:
    return _EVICT_BYTES + len(mine.entity) + len(mine.id)


def _fitting(evicts: Sequence[Held], budget: int) -> Sequence[Held]:
    size = 0
    for count, mine in enumerate(evicts):
        size += _evict_size(mine)
        if size > budget and count:
            return evicts[:count]
    return evicts


def _add_puts(
    page: Page,
    puts: Sequence[Stamp],
    held: Mapping[Key, Held],
    budget: int,
    offers: Offers,
    nesting: Nesting,
) -> bool:
    """Put records on the page until the budget is met; whether any is left over."""
    for entity, group in groupby(puts, key=lambda stamp: stamp.entity):
        supply = _Supply(entity, list(group), offers, nesting.get(entity, ()))
        for stamp in supply:
            offer = supply.offer(stamp.id)
            if offer is not None and not _put(page, stamp, offer, held, budget):
                return True
    return False


class _Supply:
    """The offers of one entity in the order of the page, fetched by the chunk and forgotten with it."""

    def __init__(self, entity: str, stamps: Sequence[Stamp], offers: Offers, nested_by: Sequence[str]) -> None:
        self._entity = entity
        self._stamps = stamps
        self._offers = offers
        self._nested_by = nested_by
        self._found: dict[str, Offer] = {}

    def __iter__(self) -> Iterator[Stamp]:
        if not self._nested_by:
            return self._in_turn()
        waiting = {each.id: each for each in self._stamps}
        ids = parents_first((each.id for each in self._in_turn()), waiting, self._above)
        return (waiting[each] for each in ids)

    def offer(self, record_id: str) -> Offer | None:
        """What can be sent of the record, which may be a parent out of its turn; None where it vanished meanwhile."""
        if record_id not in self._found:
            self._found.update(self._offers(self._entity, [record_id]))
        return self._found.get(record_id)

    def _in_turn(self) -> Iterator[Stamp]:
        for start in range(0, len(self._stamps), _CHUNK):
            chunk = self._stamps[start : start + _CHUNK]
            self._found = dict(self._offers(self._entity, [each.id for each in chunk]))
            yield from chunk

    def _above(self, record_id: str) -> Iterator[str]:
        offer = self.offer(record_id)
        texts = (field_text(offer.fragment, name) for name in self._nested_by) if offer else iter(())
        return filter(None, texts)


def _put(page: Page, stamp: Stamp, offer: Offer, held: Mapping[Key, Held], budget: int) -> bool:
    patch = shorter(stamp.entity, offer)
    size = _whole_size(stamp.entity, offer.fragment) if patch is None else _patch_size(stamp.entity, patch)
    if page.size + size > budget and not page.empty:
        return False
    page.size += size
    if patch is None:
        page.puts.setdefault(stamp.entity, []).append(Rendering(stamp.id, offer.fragment, ""))
    else:
        page.patches.setdefault(stamp.entity, []).append(patch)
    page.added.append(Held(stamp.entity, stamp.id, stamp.version, stamp.hash))
    mine = held.get((stamp.entity, stamp.id))
    if mine is not None:
        page.removed.append(mine)
    return True


def shorter(entity: str, offer: Offer) -> Patch | None:
    """The offer's patch where it saves bytes."""
    patch = offer.patch
    return patch if patch and _patch_size(entity, patch) < _whole_size(entity, offer.fragment) else None


def _whole_size(entity: str, fragment: str) -> int:
    return 2 * len(entity) + 5 + _bytes(fragment)


def _patch_size(entity: str, patch: Patch) -> int:
    return _PATCH_BYTES + 2 * len(entity) + 5 + len(patch.at) + _bytes(patch.content)


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
