"""Descriptions: what the tenant's entities are, as the hub's DescribeEntities told it, kept in the file.

Belongs here: names, types and labels, for reading, validating and showing. May not know: the network.
A field that stays at the hub is left out: the laptop can neither show nor change it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from saddlebag.kernel.errors import UNKNOWN_ENTITY, UNKNOWN_FIELD, SaddlebagError
from saddlebag.kernel.nodes import Node
from saddlebag_client import rows
from saddlebag_client.local import LocalFile
from saddlebag_client.rows import Held

_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TRUE: Final = ("true", "1")


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One field: the kind names its lexical form (`saddlebag.kernel.canon`), the rest bounds it."""

    name: str
    kind: str
    doc: str = ""
    required: bool = False
    read_only: bool = False
    length: int = 0
    digits: int = 0
    scale: int = 0
    minimum: str | None = None
    maximum: str | None = None
    unit: str = ""
    target: str = ""
    default: str | None = None
    values: tuple[str, ...] = ()

    @property
    def is_list(self) -> bool:
        """Whether the field holds several texts."""
        return self.kind == "tags"

    @property
    def title(self) -> str:
        """The field's name for people: closeDate is "close date"."""
        return _WORD.sub(" ", self.name).lower()


@dataclass(frozen=True, slots=True)
class EntityInfo:
    """One entity with the fields that devices get."""

    name: str
    plural: str
    doc: str
    label: str
    owner: str
    fields: tuple[FieldInfo, ...]

    def field(self, name: str) -> FieldInfo:
        """The field of this name, whatever its case; raises UNKNOWN_FIELD naming those there are."""
        for each in self.fields:
            if each.name.lower() == name.lower():
                return each
        names = ", ".join(each.name for each in self.fields)
        raise SaddlebagError(UNKNOWN_FIELD, f"{self.name} has no field {name}. It has: {names}.", entity=self.name)

    @property
    def lists(self) -> frozenset[str]:
        """The names of the fields that hold several texts."""
        return frozenset(each.name for each in self.fields if each.is_list)


class Descriptions:
    """The entities of the file's tenant."""

    def __init__(self, entities: Iterable[EntityInfo]) -> None:
        self.entities = tuple(entities)

    def entity(self, name: str) -> EntityInfo:
        """The entity that a person means: name or plural, in any case; raises UNKNOWN_ENTITY."""
        for each in self.entities:
            if name.lower() in (each.name.lower(), each.plural.lower()):
                return each
        names = ", ".join(each.name for each in self.entities)
        raise SaddlebagError(UNKNOWN_ENTITY, f"There is no {name}. There are: {names}.")


def read_answer(root: Node) -> list[EntityInfo]:
    """The entities of a DescribeEntities answer."""
    return [_entity(each) for each in root.all("entity")]


def _entity(node: Node) -> EntityInfo:
    fields = tuple(_field(each) for each in node.all("field") if each.get("sync", "device") == "device")
    return EntityInfo(
        node.get("name"), node.get("plural"), node.get("doc"), node.get("label"), node.get("owner"), fields
    )


def _field(node: Node) -> FieldInfo:
    by_other = node.get("readOnly") in _TRUE or bool(node.get("derived")) or node.get("master") == "erp"
    return FieldInfo(
        name=node.get("name"),
        kind=node.get("type"),
        doc=node.get("doc"),
        required=node.get("required") in _TRUE,
        read_only=by_other,
        length=node.number("length", 0),
        digits=node.number("digits", 0),
        scale=node.number("scale", 0),
        minimum=node.optional("minimum"),
        maximum=node.optional("maximum"),
        unit=node.get("unit"),
        target=node.get("target"),
        default=node.optional("default"),
        values=node.texts("value"),
    )


def save(file: LocalFile, entities: Iterable[EntityInfo]) -> None:
    """Keep the descriptions in the file; what was derived from those before goes."""
    file.put(entities=[asdict(each) for each in entities], dictionary=None)


def descriptions(file: LocalFile) -> Descriptions:
    """The descriptions that the file keeps; NOT_LOGGED_IN where it has none."""
    return Descriptions(_restore(each) for each in file.need("entities"))


def label(info: EntityInfo, held: Held) -> str:
    """What people know the record by, or its id."""
    text = held.text(info.label)
    return text if isinstance(text, str) and text else held.id


def labels(file: LocalFile) -> Callable[[str, str], str]:
    """A function from entity and id to the record's label, "" for what is not held or not described."""
    known = {each.name: each for each in descriptions(file).entities}

    def find(entity: str, record_id: str) -> str:
        info = known.get(entity)
        held = rows.one(file, entity, info.lists, record_id) if info else None
        return label(info, held) if info and held else ""

    return find


def _restore(kept: dict[str, Any]) -> EntityInfo:
    fields = tuple(FieldInfo(**{**each, "values": tuple(each["values"])}) for each in kept["fields"])
    return EntityInfo(**{**kept, "fields": fields})
