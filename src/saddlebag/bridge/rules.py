"""Mapping rules as values: how one field of an entity is filled from a system's data.

Belongs here: the value types `FieldRule` and `StreamMapping`. May not know: how rules are written down or applied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as declared
from decimal import Decimal

from saddlebag.bridge.paths import Path
from saddlebag.model.fields import Field, Value


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How one field is filled. See docs/adapters.md for each word.

    `paths` are tried in order; `constant` is used where there is none; `default` where nothing was found.
    A reference is found by `binding` (the external id of the target) or by `match` (a field of the target).
    `leave`: a target that is not known leaves the field without value instead of refusing the record.
    `once`: only when the record is created. `master` says whose value counts: "system" or "hub".
    """

    field: Field
    master: str
    paths: tuple[Path, ...] = ()
    constant: Value = None
    default: Value = None
    codes: Mapping[str, str] = declared(default_factory=dict)
    binding: bool = False
    match: str = ""
    leave: bool = False
    once: bool = False
    factor: Decimal = Decimal(1)
    round: bool = False
    clip: bool = False
    lines: str = ""
    join: str = ""
    unescape: bool = False
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class StreamMapping:
    """How a stream's items become records of `entity`.

    `match` are fields by which an unknown item is recognised as a record that the hub has already, in order.
    `deletions` is the largest share of the stream that one run may delete.
    """

    stream: str
    entity: str
    rules: tuple[FieldRule, ...]
    match: tuple[str, ...] = ()
    deletions: Decimal = Decimal("0.2")
    enabled: bool = True

    def rule(self, name: str) -> FieldRule | None:
        """The rule of a field, if it has one."""
        return next((each for each in self.rules if each.field.name == name), None)
