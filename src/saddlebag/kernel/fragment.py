"""Canonical fragments: a record version as the run of its child elements, in declared order, rendered once.

Belongs here: reading, cutting and joining fragments as text. May not know: what an entity declares.

    fragment  = *( "<" name ">" escaped-text "</" name ">" )       a list field repeats its element
    extension = "<x:ext" ... "</x:ext>"                             a tenant's own fields, one element, kept whole

No white space, no attributes, no empty-element tags, names unprefixed: the fragment takes the types namespace from
the element that it is put into. A field without a value has no element. Equal values give equal bytes.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable

from saddlebag.kernel.canon import escape, unescape

CLEAR = "clear"
"""The element that names a field to be left without a value; no fragment holds it."""

_CHILD = re.compile(r"<([A-Za-z_][\w.\-]*)>([^<]*)</\1>|<(x:ext)[ >].*?</x:ext>", re.DOTALL)

FieldTexts = dict[str, str | tuple[str, ...]]
"""Field name to lexical text, unescaped; a tuple where the field is a list."""


def join(texts: Iterable[tuple[str, str]]) -> str:
    """The fragment of (name, unescaped text) pairs, in their order."""
    return "".join([f"<{name}>{escape(text)}</{name}>" for name, text in texts])


def split(fragment: str) -> list[tuple[str, str]]:
    """The (name, unescaped text) pairs of a fragment in order; an extension comes whole under the name `x:ext`."""
    pairs: list[tuple[str, str]] = []
    end = 0
    for match in _CHILD.finditer(fragment):
        if match.start() != end:
            break
        end = match.end()
        pairs.append(("x:ext", match[0]) if match[3] else (match[1], unescape(match[2])))
    if end != len(fragment):
        raise ValueError("not a canonical fragment")
    return pairs


def elements(fragment: str) -> list[tuple[str, str]]:
    """The (name, element as text) pairs of a fragment in order; an extension's name is "". Raises ValueError."""
    found = [(match[1] or "", match[0]) for match in _CHILD.finditer(fragment)]
    if sum([len(text) for _, text in found]) != len(fragment):
        raise ValueError("not a canonical fragment")
    return found


def field_text(fragment: str, name: str) -> str | None:
    """The unescaped text of a field's first element, found without reading the others; None where it has none."""
    opened, closed = f"<{name}>", f"</{name}>"
    start = fragment.find(opened)
    return None if start < 0 else unescape(fragment[start + len(opened) : fragment.find(closed, start)])


def pick(fragment: str, names: Container[str]) -> str:
    """The fragment without the elements that `names` does not hold; an extension stays."""
    return "".join([match[0] for match in _CHILD.finditer(fragment) if match[3] or match[1] in names])


def to_texts(fragment: str, lists: Container[str] = ()) -> FieldTexts:
    """Field texts by name; the fields named in `lists` become tuples."""
    texts: FieldTexts = {}
    for name, text in split(fragment):
        if name in lists:
            earlier = texts.get(name, ())
            texts[name] = (*(earlier if isinstance(earlier, tuple) else (earlier,)), text)
        else:
            texts[name] = text
    return texts
