"""Patches: a record's new version as what has to change in the version that a device holds.

Belongs here: making a patch, its texts on the wire, and merging it, byte for byte. May not know: who knows
which version a device holds, pages, envelopes.

    content  <id>, <version>, the changed elements in their order, then <clear>name</clear> for each field that has no
             value any more (the word that writes use for it: a published field is never nillable)
    at       the places of the changed elements in the new version, ascending, its first element (the id) counting as 0
    merge    every element whose name the patch gives or clears goes, the version is the new one, and each changed
             element is inserted at its place

Places make a merge independent of what the device knows of the entity's fields and their order. A patch that was made
for another version than the one held gives another text than the hub's; the digest tells, and healing mends it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from saddlebag.kernel.canon import escape
from saddlebag.kernel.fragment import CLEAR, elements

_HEAD: Final = ("id", "version")


@dataclass(frozen=True, slots=True)
class Patch:
    """What changes in a record; `changed` holds (name, element as text, place)."""

    id: str
    version: int
    changed: tuple[tuple[str, str, int], ...] = ()
    cleared: tuple[str, ...] = ()

    @property
    def content(self) -> str:
        """What stands inside the record's element on the wire."""
        head = f"<id>{self.id}</id><version>{self.version}</version>"
        cleared = "".join([f"<{CLEAR}>{name}</{CLEAR}>" for name in self.cleared])
        return head + "".join([text for _, text, _ in self.changed]) + cleared

    @property
    def at(self) -> str:
        """The places as text, with a space between two; "" where nothing but the version or a clearing is told."""
        return " ".join([str(place) for _, _, place in self.changed])


def make(fragment: str, names: Collection[str]) -> Patch | None:
    """The patch to the version that `fragment` holds, where `names` are the fields that changed; None where it cannot
    be told by elements alone (an extension, or no canonical fragment).
    """
    listed = elements(fragment)
    if [name for name, _ in listed[:2]] != [*_HEAD] or any(not name for name, _ in listed):
        return None
    changed = tuple((name, text, place) for place, (name, text) in enumerate(listed) if name in names)
    present = {name for name, _, _ in changed}
    cleared = tuple(name for name in names if name not in present)
    return Patch(_text(listed[0]), int(_text(listed[1])), changed, cleared)


def read(pairs: Iterable[tuple[str, str]], at: str) -> Patch:
    """The patch of a record's (name, unescaped text) pairs and places; raises ValueError for what is none."""
    listed = list(pairs)
    if [name for name, _ in listed[:2]] != [*_HEAD]:
        raise ValueError("a patch begins with id and version")
    fields = [(name, f"<{name}>{escape(text)}</{name}>") for name, text in listed[2:] if name != CLEAR]
    places = [int(each) for each in at.split()]
    if places != sorted(set(places)) or any(place < len(_HEAD) for place in places):
        raise ValueError("the places of a patch ascend from behind id and version")
    changed = tuple((name, text, place) for (name, text), place in zip(fields, places, strict=True))
    cleared = tuple(text for name, text in listed if name == CLEAR)
    return Patch(listed[0][1], int(listed[1][1]), changed, cleared)


def merge(held: str, patch: Patch) -> str:
    """The new version's fragment; raises ValueError where the held one is not this record or has no such places."""
    listed = elements(held)
    if [name for name, _ in listed[:2]] != [*_HEAD] or _text(listed[0]) != patch.id:
        raise ValueError("not the record that the patch is for")
    gone = {"version", *patch.cleared, *(name for name, _, _ in patch.changed)}
    kept = [text for name, text in listed if name not in gone]
    kept.insert(1, f"<version>{patch.version}</version>")
    for _, text, place in patch.changed:
        if place > len(kept):
            raise ValueError("the record is shorter than the patch says")
        kept.insert(place, text)
    return "".join(kept)


def _text(element: tuple[str, str]) -> str:
    name, text = element
    return text[len(name) + 2 : -len(name) - 3]
