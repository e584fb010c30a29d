"""Pages: as much of a difference as the device's byte budget lets through.

Belongs here: what goes on a page and in which order. May not know: where renderings and reasons come from (both are
asked for through functions), envelopes, cursors.

Evictions come first: what a device may no longer hold must not wait behind what it would like to have. A page holds at
least one thing, whatever its size, or a record larger than the budget would never arrive.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import Final

from saddlebag.kernel.manifest import Held
from saddlebag.kernel.patch import Patch
from saddlebag.store.base import Rendering, Stamp
from saddlebag.sync.plan import Difference, Key


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
    difference: Difference, held: Mapping[Key, Held], budget: int, reasons: Reasons, offers: Offers
) -> tuple[Page, bool]:
    """The page that the difference begins with, and whether anything is left over."""
    page = Page()
    fitting = _fitting(difference.evicts, budget)
    page.evicts = [Evict(mine.entity, mine.id, why) for mine, why in zip(fitting, reasons(fitting), strict=True)]
    page.removed = list(fitting)
    page.size = sum(map(_evict_size, fitting))
    if len(fitting) < len(difference.evicts):
        return page, True
    return page, _add_puts(page, difference.puts, held, budget, offers)


def _evict_size(mine: Held) -> int:
    return _EVICT_BYTES + len(mine.entity) + len(mine.id)


def _fitting(evicts: Sequence[Held], budget: int) -> Sequence[Held]:
    size = 0
    for count, mine in enumerate(evicts):
        size += _evict_size(mine)
        if size > budget and count:
            return evicts[:count]
    return evicts


def _add_puts(page: Page, puts: Sequence[Stamp], held: Mapping[Key, Held], budget: int, offers: Offers) -> bool:
    """Put records on the page until the budget is met; whether any is left over."""
    for entity, group in groupby(puts, key=lambda stamp: stamp.entity):
        stamps = list(group)
        for start in range(0, len(stamps), _CHUNK):
            chunk = stamps[start : start + _CHUNK]
            found = offers(entity, [stamp.id for stamp in chunk])
            for stamp in chunk:
                offer = found.get(stamp.id)
                if offer is not None and not _put(page, stamp, offer, held, budget):
                    return True
    return False


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
