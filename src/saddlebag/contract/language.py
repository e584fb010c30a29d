"""Languages: which of those that there are texts in a caller gets.

Belongs here: the choice (RFC 4647, 3.4, lookup). May not know: where a caller says what she would like. Texts are those
for people (causes, cures, labels); numbers, dates and codes are the contract's and never change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

LANGUAGES: Final = ("en",)
"""Language tags (RFC 5646) that every text of the hub exists in; the first is what others fall back to."""


def spoken(wanted: str, languages: Sequence[str] = LANGUAGES) -> str:
    """The language that a caller gets who would like `wanted`: that tag, or it shortened, or the first there is."""
    known = {each.lower(): each for each in languages}
    parts = wanted.lower().split("-")
    while parts:
        found = known.get("-".join(parts))
        if found is not None:
            return found
        parts.pop()
        if parts and len(parts[-1]) == 1:  # what follows a singleton stays with it
            parts.pop()
    return languages[0]
