"""The XML codec: one record version to its canonical fragment, once, and elements back to values.

Belongs here: codecs compiled from a Schema: for each field a closure, made once, that writes it. May not know: who
calls, where fragments are kept. White space, offsets, 24:00:00, exponents and nil are handled by `fieldcodec` and here,
never by a SOAP engine, so a value means the same on every way into the hub (V1-V6, S23, S25).

    fragment  <id>, <version>, device fields in declared order
    tail      hub-only fields in declared order, <createdAt>, <modifiedAt>

On the way in a record may also hold `<clear>name</clear>` elements: the fields to be left without a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from saddlebag.contract.fieldcodec import FieldCodec
from saddlebag.contract.namespaces import TYPES, XSI
from saddlebag.contract.recent import Recent
from saddlebag.contract.spec import RecordInput
from saddlebag.kernel import canon, fragment, ids, limits
from saddlebag.kernel.errors import INVALID_VALUE, SCHEMA_INVALID, UNKNOWN_FIELD, SaddlebagError
from saddlebag.model.entities import SYSTEM_FIELDS, Entity, Schema
from saddlebag.model.fields import Field, Kind, SyncClass, Value

CLEAR = fragment.CLEAR
"""The element that names a field to be left without a value."""

SYSTEM_DECLARATIONS = (
    Field("id", Kind.STRING, "Identifier of the record, chosen by who creates it.", length=limits.ID_LENGTH),
    Field("version", Kind.INTEGER, "The tenant's counter at the last change of the record.", minimum=0),
    Field("createdAt", Kind.DATETIME, "When the record was created.", sync=SyncClass.HUB, read_only=True),
    Field("modifiedAt", Kind.DATETIME, "When the record was last changed.", sync=SyncClass.HUB, read_only=True),
)
"""What every record has besides its declared fields, as declarations."""

_NIL = f"{{{XSI}}}nil"
_TYPES_PREFIX = f"{{{TYPES}}}"
_KEPT = 64

Piece = Callable[[Any], str]


class EntityCodec:
    """An entity's way from values to its rendering and back."""

    def __init__(self, entity: Entity) -> None:
        self.entity = entity
        self._fields = {each.name: FieldCodec(entity.name, each) for each in entity.fields}
        self._system = {each.name: FieldCodec(entity.name, each) for each in SYSTEM_DECLARATIONS}
        pieces = [(each.field.sync, each.name, _piece(each)) for each in self._fields.values()]
        self._device = tuple((name, piece) for sync, name, piece in pieces if sync is SyncClass.DEVICE)
        self._hub = tuple((name, piece) for sync, name, piece in pieces if sync is SyncClass.HUB)
        self._times = tuple(f"<{name}>{{}}</{name}>" for name in ("createdAt", "modifiedAt"))

    def field(self, name: str) -> FieldCodec:
        """The codec of a declared or system field; raises UNKNOWN_FIELD."""
        try:
            return self._fields.get(name) or self._system[name]
        except KeyError:
            raise SaddlebagError(UNKNOWN_FIELD, entity=self.entity.name, field=name) from None

    def check(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """Declared values in their normal form, None kept; raises UNKNOWN_FIELD and INVALID_VALUE."""
        unknown = values.keys() - self._fields.keys()
        if unknown:
            raise SaddlebagError(UNKNOWN_FIELD, entity=self.entity.name, field=min(unknown))
        return {name: self._fields[name].checked(value) for name, value in values.items()}

    def text(self, name: str, value: Value) -> str | tuple[str, ...] | None:
        """The canonical text of a field's value, a tuple for a list; raises INVALID_VALUE."""
        codec = self.field(name)
        normal = codec.checked(value)
        if normal is None or isinstance(normal, tuple):
            return normal
        return codec.text(normal)

    def value(self, name: str, text: str | Iterable[str] | None) -> Value:
        """The value of a field's text, or of several for a list; raises INVALID_VALUE."""
        return self.field(name).parsed(text)

    def render(
        self, record_id: str, version: int, values: Mapping[str, Value], created_at: datetime, modified_at: datetime
    ) -> tuple[str, str]:
        """The record's (fragment, tail); raises INVALID_VALUE for values that `check` would not let through."""
        get = values.get
        parts = [f"<id>{record_id}</id><version>{version}</version>"]
        hub = []
        try:
            for name, piece in self._device:
                if (value := get(name)) is not None:
                    parts.append(piece(value))
            for name, piece in self._hub:
                if (value := get(name)) is not None:
                    hub.append(piece(value))
        except (TypeError, ValueError, AttributeError):
            raise self._refusal(values) from None
        hub.append(self._times[0].format(_time(created_at)))
        hub.append(self._times[1].format(_time(modified_at)))
        head, tail = "".join(parts), "".join(hub)
        if not (head.isprintable() and tail.isprintable()):
            # Line ends and tabs come here as well; one look at the whole is cheaper than one for each field.
            self._refuse_unprintable(head + tail, values)
        return head, tail

    def values(self, rendering: str) -> dict[str, Value]:
        """The declared values of a stored rendering (fragment, or fragment + tail)."""
        texts = fragment.to_texts(rendering, self.entity.lists)
        fields = self._fields
        return {name: fields[name].parsed(text) for name, text in texts.items() if name in fields}

    def read(self, element: etree._Element) -> RecordInput:
        """A record as a caller sent it; raises INVALID_VALUE, UNKNOWN_FIELD, INVALID_ID, SCHEMA_INVALID."""
        reading = _Reading(self)
        for child in element.iterchildren(tag=etree.Element):
            reading.take(child)
        return reading.result()

    def _refuse_unprintable(self, rendering: str, values: Mapping[str, Value]) -> None:
        try:
            canon.clean_text(rendering)
        except canon.LexicalError:
            raise self._refusal(values) from None

    def _refusal(self, values: Mapping[str, Value]) -> SaddlebagError:
        """The error that names the field; `render` itself does not know which one it was."""
        try:
            self.check({name: value for name, value in values.items() if name in self._fields})
        except SaddlebagError as problem:
            return problem
        return SaddlebagError(INVALID_VALUE, entity=self.entity.name)


class _Reading:
    """The children of one record element, taken one by one."""

    def __init__(self, codec: EntityCodec) -> None:
        self._codec = codec
        self._name = codec.entity.name
        self._id: str | None = None
        self._version: int | None = None
        self._texts: dict[str, str | list[str] | None] = {}
        self._clear: list[str] = []

    def take(self, child: etree._Element) -> None:
        tag = str(child.tag)
        if not tag.startswith(_TYPES_PREFIX):
            sentence = f"An element of a {self._name} is of another namespace."
            raise SaddlebagError(SCHEMA_INVALID, sentence, entity=self._name)
        name = tag[len(_TYPES_PREFIX) :]
        text = None if is_nil(child) else content(child)
        if name == CLEAR:
            self._clear.append((text or "").strip(" \t\r\n"))
        elif name in SYSTEM_FIELDS:
            self._take_system(name, text)
        else:
            self._take_field(self._codec.field(name), text)

    def _take_system(self, name: str, text: str | None) -> None:
        if text is None or not text.strip(" \t\r\n"):
            return
        if name == "id":
            self._id = ids.check_id(text.strip(" \t\r\n"))
        elif name == "version":
            version = self._codec.value(name, text)
            self._version = version if isinstance(version, int) else None
        # The two times are taken and dropped, so that a record can be sent back as it was got.

    def _take_field(self, codec: FieldCodec, text: str | None) -> None:
        name = codec.name
        if codec.is_list and text is not None:
            earlier = self._texts.setdefault(name, [])
            if isinstance(earlier, list):
                earlier.append(text)
                return
        if name in self._texts:
            raise codec.refusal("the element is given twice")
        self._texts[name] = text

    def result(self) -> RecordInput:
        values = {name: self._codec.value(name, text) for name, text in self._texts.items()}
        for name in self._clear:
            if name not in {each.name for each in self._codec.entity.fields}:
                raise SaddlebagError(
                    UNKNOWN_FIELD, entity=self._name, record_id=self._id, field=name if name.isidentifier() else None
                )
            if values.get(name) is not None:
                raise self._codec.field(name).refusal("the field is both given and cleared")
            values[name] = None
        return RecordInput(self._name, self._id, self._version, values)


class SchemaCodec:
    """The codecs of all entities of a schema, by entity name; each is made when it is first asked for."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._codecs: dict[str, EntityCodec] = {}

    def __getitem__(self, entity: str) -> EntityCodec:
        codec = self._codecs.get(entity)
        if codec is None:
            codec = self._codecs[entity] = EntityCodec(self.schema.entity(entity))
        return codec


_RECENT: Recent[str, SchemaCodec] = Recent(_KEPT)


def codec_for(schema: Schema) -> SchemaCodec:
    """The codecs of a schema; equal schemas share them, the least recently used go."""
    return _RECENT.get(schema.fingerprint, lambda: SchemaCodec(schema))


def is_nil(element: etree._Element) -> bool:
    """Whether xsi:nil is true; xsi:nil="false" with content is content (S23)."""
    nil = element.get(_NIL)
    return nil is not None and nil.strip(" \t\r\n") in ("true", "1")


def content(element: etree._Element) -> str:
    """The character data of a simple element, comments left out; raises SCHEMA_INVALID for child elements."""
    if len(element) == 0:
        return element.text or ""
    if next(element.iterchildren(tag=etree.Element), None) is not None:
        name = etree.QName(element).localname
        raise SaddlebagError(SCHEMA_INVALID, f"The element {name} holds elements where a plain value belongs.")
    return "".join([str(each) for each in element.xpath("text()")])


def _piece(codec: FieldCodec) -> Piece:
    """The closure that writes a normal value with its element."""
    start, end, text, escape = f"<{codec.name}>", f"</{codec.name}>", codec.text, canon.escape
    if codec.is_list:
        return lambda value: "".join([f"{start}{escape(each)}{end}" for each in value])
    if codec.field.kind in (Kind.STRING, Kind.TEXT, Kind.CODE):
        return lambda value: f"{start}{escape(value)}{end}" if value else ""
    if codec.field.kind is Kind.REFERENCE:
        return lambda value: start + value + end
    return lambda value: f"{start}{text(value)}{end}"


def _time(value: datetime) -> str:
    """`canon.write_datetime`, without its detour for times that are in UTC already."""
    if value.tzinfo is UTC:
        text = value.isoformat()[:-6]
        return (text.rstrip("0") if value.microsecond else text) + "Z"
    return canon.write_datetime(value)
