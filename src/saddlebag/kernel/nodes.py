"""Reading an answer with expat: elements as nodes, records as canonical fragments.

Belongs here: well-formedness, namespaces away, a record's content written anew. May not know: SOAP, what is called.

An answer's prefixes, CDATA sections, references and white space are the hub's (or a proxy's) choice, so a record's
fragment is written anew from what expat read: equal content gives equal bytes, and the digest tells the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from saddlebag.kernel import errors
from saddlebag.kernel.canon import escape
from saddlebag.kernel.errors import SaddlebagError

_NIL: Final = "http://www.w3.org/2001/XMLSchema-instance nil"
_TRUE: Final = ("true", "1")


def damaged(reason: str) -> SaddlebagError:
    """The error for an answer that is not what the contract says."""
    return SaddlebagError(errors.DAMAGED_ANSWER, reason)


@dataclass(slots=True)
class Node:
    """An element of an answer: its local name, its text where it has no children, and its children."""

    name: str
    text: str = ""
    children: list[Node] = field(default_factory=list)
    nil: bool = False

    def all(self, name: str) -> list[Node]:
        """The children of this name, in order."""
        return [each for each in self.children if each.name == name]

    def child(self, name: str) -> Node | None:
        """The first child of this name."""
        return next((each for each in self.children if each.name == name), None)

    def get(self, name: str, default: str = "") -> str:
        """The text of the first child of this name, or `default` where there is none."""
        found = self.child(name)
        return default if found is None or found.nil else found.text

    def optional(self, name: str) -> str | None:
        """The text of the first child of this name, or None."""
        found = self.child(name)
        return None if found is None or found.nil else found.text

    def number(self, name: str, default: int | None = None) -> int:
        """The whole number in the first child of this name; DAMAGED_ANSWER where it is none."""
        text = self.optional(name)
        if text is None and default is not None:
            return default
        try:
            return int(text or "")
        except ValueError:
            raise damaged(f"The hub's answer has no whole number in {name}.") from None

    def flag(self, name: str) -> bool:
        """Whether the first child of this name says true."""
        return self.get(name).strip() in _TRUE

    def texts(self, name: str) -> tuple[str, ...]:
        """The texts of all children of this name."""
        return tuple(each.text for each in self.children if each.name == name)


@dataclass(frozen=True, slots=True)
class WireRecord:
    """One record as it came: `fragment` is its canonical content, id and version included."""

    element: str
    id: str
    version: int
    fragment: str

    @property
    def entity(self) -> str:
        """The entity's name, from its element's."""
        return entity_of(self.element)


def entity_of(element: str) -> str:
    """The entity's name that an element's stands for."""
    return element[:1].upper() + element[1:]


class Reader:
    """Turns expat's events into nodes, and the children of the record member into records."""

    def __init__(self, body: bytes, records_in: str) -> None:
        self._body = body
        self._records_in = records_in
        self._stack: list[Node] = [Node("")]
        self._text: list[str] = []
        self.records: list[WireRecord] = []
        self._fields: list[tuple[str, str]] = []
        self._depth = 0
        self._extension = -1
        self._parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.CharacterDataHandler = self._text.append
        self._plain()

    def read(self) -> Node:
        """The document's root; raises DAMAGED_ANSWER."""
        try:
            self._parser.Parse(self._body, True)
        except expat.ExpatError:
            raise damaged("The answer is not well-formed XML.") from None
        return self._stack[0].children[0]

    def _plain(self) -> None:
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end

    def _doctype(self, *_: object) -> None:
        raise damaged("The answer holds a document type declaration.")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        parent = self._stack[-1]
        self._text.clear()
        node = Node(local)
        if attributes:
            node.nil = attributes.get(_NIL) in _TRUE
        if self._records_in and parent.name == self._records_in:
            self._fields = []
            self._depth = 0
            self._parser.StartElementHandler = self._record_start
            self._parser.EndElementHandler = self._record_end
        else:
            parent.children.append(node)
        self._stack.append(node)

    def _end(self, _: str) -> None:
        node = self._stack.pop()
        if not node.children:
            node.text = "".join(self._text)
        self._text.clear()

    def _record_start(self, name: str, attributes: dict[str, str]) -> None:
        """A field of a record, or something inside of its extension, which is kept as it was sent."""
        self._depth += 1
        self._text.clear()
        if self._depth == 1:
            nil = bool(attributes) and attributes.get(_NIL) in _TRUE
            self._fields.append(("" if nil else name.rpartition(" ")[2], ""))
            self._extension = self._parser.CurrentByteIndex if name.endswith(" ext") else -1
        elif self._extension < 0:
            raise damaged("A record's field has elements inside.")

    def _record_end(self, _: str) -> None:
        if self._depth == 0:
            self._finish_record()
            return
        self._depth -= 1
        if self._depth == 0:
            name = self._fields[-1][0]
            if self._extension >= 0:
                self._fields[-1] = ("", self._raw(self._extension))
            elif name:
                self._fields[-1] = (name, "".join(self._text))
        self._text.clear()

    def _raw(self, start: int) -> str:
        end = self._body.index(b">", self._parser.CurrentByteIndex) + 1
        return self._body[start:end].decode()

    def _finish_record(self) -> None:
        element = self._stack.pop().name
        texts = dict(self._fields)
        try:
            version = int(texts.get("version", ""))
        except ValueError:
            version = 0
        if version < 1 or not texts.get("id"):
            raise damaged("A record came without its id or version.")
        fragment = "".join(f"<{name}>{escape(text)}</{name}>" if name else text for name, text in self._fields)
        self.records.append(WireRecord(element, texts["id"], version, fragment))
        self._text.clear()
        self._plain()
