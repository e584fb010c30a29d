"""Paths into plain data, the small language that mappings name a system's fields by.

Belongs here: parsing and following paths. May not know: entities.

    city                          a name
    party.code                    a name inside a table
    addresses[0].city             an entry of a list; of a list, the first entry is meant where none is named
    contacts[type=email].value    the first entry whose field has this text
    categories[*].name            every entry; the result is a list
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_STEP = re.compile(r"([A-Za-z_][\w\-]*)(?:\[(\*|[0-9]+|[A-Za-z_]\w*=[^\]]*)\])?")


@dataclass(frozen=True, slots=True)
class Path:
    """A parsed path: names, each with its selector ("" for none)."""

    steps: tuple[tuple[str, str], ...]

    @property
    def root(self) -> str:
        """The first name."""
        return self.steps[0][0]


def parse(text: str) -> Path:
    """The path of this text; raises ValueError."""
    steps = []
    for part in _parts(text):
        match = _STEP.fullmatch(part)
        if match is None:
            raise ValueError(f"{text!r} is not a path")
        steps.append((match[1], match[2] or ""))
    return Path(tuple(steps))


def _parts(text: str) -> list[str]:
    return re.split(r"\.(?![^\[]*\])", text)


def follow(path: Path, data: Mapping[str, Any]) -> Any:
    """What the path leads to, None where it leads to nothing."""
    return _follow(path.steps, data)


def _follow(steps: Sequence[tuple[str, str]], value: Any) -> Any:
    for number, (name, selector) in enumerate(steps):
        if isinstance(value, list | tuple):
            value = value[0] if value else None
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
        if selector == "*":
            found = [_follow(steps[number + 1 :], each) for each in value or ()]
            return [each for each in found if each not in (None, "")]
        if selector:
            value = _select(value, selector)
    return value


def _select(value: Any, selector: str) -> Any:
    if not isinstance(value, list | tuple):
        return None
    if selector.isdigit():
        return value[int(selector)] if int(selector) < len(value) else None
    name, _, text = selector.partition("=")
    return next((each for each in value if isinstance(each, Mapping) and _text(each.get(name)) == text), None)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
