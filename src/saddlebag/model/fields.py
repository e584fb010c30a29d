"""Fields: the smallest declaration, from which column, element, codec, validation and form are derived.

Belongs here: kinds, conflict policies, masters, sync classes, and `Field`. May not know: entities or storage.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from saddlebag.kernel import limits

Value = str | bool | int | Decimal | date | datetime | tuple[str, ...] | None
"""A field's value: `str` for string, text, code and reference; a tuple for tags; None for no value."""


class Kind(StrEnum):
    """The type of a field; lexical forms are those of `saddlebag.kernel.canon`."""

    STRING = "string"
    TEXT = "text"
    CODE = "code"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    DATETIME = "datetime"
    REFERENCE = "reference"
    TAGS = "tags"


class Policy(StrEnum):
    """What happens when a device's edit meets a newer value of the same field."""

    SERVER_WINS = "server-wins"
    DEVICE_WINS = "device-wins"
    LATEST_EDIT = "latest-edit"
    APPEND = "append"
    UNION = "union"
    INCREMENT = "increment"
    MAX = "max"
    MIN = "min"
    STATE_MACHINE = "state-machine"
    MANUAL = "manual"


class Master(StrEnum):
    """Which side's value counts: the hub's users and integrators, the field worker, or the ERP behind an adapter."""

    HUB = "hub"
    FIELD = "field"
    ERP = "erp"


class SyncClass(StrEnum):
    """Whether devices get the field; fields that stay at the hub are declared after those that travel."""

    DEVICE = "device"
    HUB = "hub"


class Urgency(StrEnum):
    """When devices get an entity's records, as far as references allow: what today's deals need, what is around them,
    what happened before.
    """

    NOW = "now"
    SOON = "soon"
    LATER = "later"


_NAME = re.compile(r"[a-z][A-Za-z0-9]{0,59}")
_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an entity.

    `name` is its name on the wire (lowerCamelCase) and `doc` one sentence for people. `length` counts characters;
    `digits` and `scale` are those of XSD totalDigits and fractionDigits; `unit` says what is counted ("EUR" style
    amounts name the field that holds the currency: "currency"). `target` is the entity of a reference, `values` the
    list of a code, `transitions` the moves that a state-machine code allows. `derived` is a path ("deal.customer")
    from which the hub fills the field itself. `read_only` fields are written by the hub or by the master's adapter
    only; `fixed` ones are given once, with the record.
    """

    name: str
    kind: Kind
    doc: str
    required: bool = False
    length: int = 0
    digits: int = 0
    scale: int = 0
    unit: str = ""
    target: str = ""
    values: tuple[str, ...] = ()
    transitions: tuple[tuple[str, tuple[str, ...]], ...] = ()
    default: Value = None
    minimum: int | None = None
    maximum: int | None = None
    policy: Policy = Policy.LATEST_EDIT
    master: Master = Master.HUB
    sync: SyncClass = SyncClass.DEVICE
    derived: str = ""
    read_only: bool = False
    fixed: bool = False

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None:
            raise ValueError(f"field name {self.name!r} is not lowerCamelCase of at most 60 characters")
        if not self.doc:
            raise ValueError(f"field {self.name} has no doc")
        if (self.kind is Kind.REFERENCE) != bool(self.target):
            raise ValueError(f"field {self.name}: a reference, and nothing else, has a target")
        if (self.kind is Kind.CODE) != bool(self.values):
            raise ValueError(f"field {self.name}: a code, and nothing else, has values")
        if self.kind is Kind.DECIMAL and not 0 <= self.scale <= self.digits <= 28:
            raise ValueError(f"field {self.name}: a decimal declares digits (at most 28) and scale")
        if not self.length:
            object.__setattr__(self, "length", _LENGTHS.get(self.kind, 0))

    @property
    def column(self) -> str:
        """The field's name in snake_case, as tables spell it."""
        return _BOUNDARY.sub("_", self.name).lower()

    @property
    def is_list(self) -> bool:
        """Whether the element may repeat."""
        return self.kind is Kind.TAGS


_LENGTHS = {
    Kind.STRING: limits.STRING_LENGTH,
    Kind.TEXT: limits.TEXT_LENGTH,
    Kind.CODE: 40,
    Kind.REFERENCE: limits.ID_LENGTH,
    Kind.TAGS: 40,
}
