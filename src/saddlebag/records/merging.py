"""Merging: a device's edit against what the hub has become meanwhile, field by field.

Belongs here: which fields met a newer value, and what their policy makes of it. May not know: devices, sync pages.
A field met a newer value when its stored version is above the version that the edit started from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from saddlebag.contract.codec import EntityCodec
from saddlebag.kernel.merge import Text, merge_field
from saddlebag.model.entities import Entity
from saddlebag.model.fields import Field, Policy, Value
from saddlebag.records.base import FieldConflict, Write
from saddlebag.records.draft import Draft

DELETE_WINS = "delete-wins"
"""The rule of conflicts between an edit and a deletion."""


@dataclass(slots=True)
class Merge:
    """What an edit comes to: the `values` to set, fields `merged` without loss, and `conflicts`."""

    values: dict[str, Value]
    merged: tuple[str, ...] = ()
    conflicts: tuple[FieldConflict, ...] = ()
    decided: frozenset[str] = field(default_factory=frozenset)
    """Fields on which a policy has spoken: their transition was judged by it."""


def merge_edit(
    codec: EntityCodec,
    draft: Draft,
    write: Write,
    values: Mapping[str, Value],
    *,
    now: datetime,
    changed_at: Callable[[str], datetime],
    author: Callable[[], str],
) -> Merge:
    """The merge of `values` (checked) with the draft; a write without base version is taken as it is.

    `changed_at` gives when a field was last written, `author` the editor's name. A device's clock is not trusted
    beyond `now`.
    """
    stored = draft.stored
    if write.base_version is None or stored is None:
        return Merge(dict(values))
    result, merged, conflicts, decided = dict(values), [], [], set()
    edited_at = min(write.edited_at or now, now)
    for name, value in values.items():
        if stored.field_version(name) <= write.base_version:
            continue
        declared = draft.entity.field(name)
        base, mine = codec.text(name, write.old.get(name)), codec.text(name, value)
        theirs = codec.text(name, draft.values.get(name))
        if theirs == base:  # the newer value is the device's own earlier edit, pushed since its last pull
            continue
        verdict = merge_field(
            str(declared.policy),
            base=base,
            mine=mine,
            theirs=theirs,
            edited_at=edited_at,
            changed_at=changed_at(name),
            transitions=declared.transitions,
            author=author() if declared.policy is Policy.APPEND else "",
            numeric_scale=declared.scale,
        )
        result[name] = codec.value(name, verdict.value)
        decided.add(name)
        if verdict.conflict:
            conflicts.append(_conflict(declared, base, mine, theirs, verdict.won))
        elif mine != theirs:
            merged.append(name)
    return Merge(result, tuple(merged), tuple(conflicts), frozenset(decided))


def edit_after_delete(codec: EntityCodec, write: Write, values: Mapping[str, Value]) -> tuple[FieldConflict, ...]:
    """The edit of a deleted record as conflicts: the deletion wins, what was typed survives."""
    texts = {name: (codec.text(name, write.old.get(name)), codec.text(name, value)) for name, value in values.items()}
    return tuple(
        FieldConflict(name, flat(base), flat(mine), None, "theirs", DELETE_WINS) for name, (base, mine) in texts.items()
    )


def delete_after_edit(codec: EntityCodec, entity: Entity, draft: Draft, base_version: int) -> tuple[FieldConflict, ...]:
    """The values that were written after `base_version` and go with a deletion that did not know them."""
    stored = draft.stored
    if stored is None:
        return ()
    return tuple(
        FieldConflict(each.name, None, None, flat(codec.text(each.name, value)), "mine", DELETE_WINS)
        for each in entity.fields
        if stored.field_version(each.name) > base_version and (value := draft.values.get(each.name)) is not None
    )


def flat(text: Text) -> str | None:
    """A lexical text as one string: tags one a line."""
    return "\n".join(text) if isinstance(text, tuple) else text


def _conflict(declared: Field, base: Text, mine: Text, theirs: Text, won: str) -> FieldConflict:
    return FieldConflict(declared.name, flat(base), flat(mine), flat(theirs), won, str(declared.policy))
