"""Mastership: whose value counts, field by field, when an outside system and the hub both have one.

Belongs here: the three-way comparison on lexical texts. May not know: the store or where texts come from.

A field that the system masters takes the system's value. A field that the hub masters takes it only where the hub's own
value has not moved since the system was last seen; if both have moved apart, the hub's value stays and a conflict is
kept. Comparing with what was last seen, and not with the hub's value, is what stops two masters from overwriting each
other in turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from saddlebag.bridge.rules import StreamMapping
from saddlebag.model.fields import Value

Text = str | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A hub-mastered field that moved on both sides: what was last seen, the system's value and the hub's."""

    field: str
    base: Text
    system: Text
    hub: Text


@dataclass(frozen=True, slots=True)
class Decision:
    """What to write, and where the two sides disagree."""

    values: Mapping[str, Value]
    disagreements: tuple[Disagreement, ...] = ()


def on_create(mapping: StreamMapping, values: Mapping[str, Value]) -> Decision:
    """A new record takes every value that is there."""
    return Decision({name: value for name, value in values.items() if value not in (None, ())})


def on_update(
    mapping: StreamMapping,
    values: Mapping[str, Value],
    texts: Mapping[str, Text],
    seen: Mapping[str, Text] | None,
    hub: Mapping[str, Text],
) -> Decision:
    """The fields to change. `seen` is None when the system's record meets the hub's for the first time."""
    changed: dict[str, Value] = {}
    apart: list[Disagreement] = []
    for rule in mapping.rules:
        name = rule.field.name
        mine, theirs = texts.get(name) or None, hub.get(name) or None
        if rule.once or mine == theirs:
            continue
        if rule.master == "system":
            changed[name] = values[name]
        elif seen is None:
            if theirs is None:
                changed[name] = values[name]
        elif mine != (base := seen.get(name) or None):
            if theirs == base:
                changed[name] = values[name]
            else:
                apart.append(Disagreement(name, base, mine, theirs))
    return Decision(changed, tuple(apart))


def seen_texts(mapping: StreamMapping, texts: Mapping[str, Text]) -> dict[str, Text]:
    """What has to be remembered of an item: the texts of the fields that the hub masters."""
    return {
        rule.field.name: texts[rule.field.name]
        for rule in mapping.rules
        if rule.master == "hub" and not rule.once and texts.get(rule.field.name)
    }
