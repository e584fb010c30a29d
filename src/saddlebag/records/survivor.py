"""The survivor: what the record that stays takes over from those that are merged into it.

Belongs here: values in, values out. May not know: who merges, what refers to the records, storage.

    a field without value here    the value of the first loser that has one
    tags                          those of all records
    text that appends             that of each record, in their order, what is there already left out
    anything else                 stays: the losers keep their own values in their deleted records

A reference to one of the records themselves would lead in a circle: it is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from saddlebag.kernel import limits
from saddlebag.model.entities import Entity
from saddlebag.model.fields import Field, Kind, Policy, Value

Values = Mapping[str, Value]


def taken_over(entity: Entity, master: str, mine: Values, losers: Mapping[str, Values]) -> dict[str, Value]:
    """The fields of the master that change, with their new values; `losers` are values by id, in order."""
    together = frozenset({master, *losers})
    changed: dict[str, Value] = {}
    for field in entity.fields:
        if field.derived:
            continue
        before = mine.get(field.name)
        after = _joined(field, before, [each.get(field.name) for each in losers.values()], together)
        if after != before:
            changed[field.name] = after
    return changed


def _joined(field: Field, mine: Value, theirs: Sequence[Value], together: frozenset[str]) -> Value:
    given = [each for each in (mine, *theirs) if each is not None]
    if field.kind is Kind.REFERENCE:
        given = [each for each in given if each not in together]
    if field.kind is Kind.TAGS:
        tags = dict.fromkeys(tag for each in given if isinstance(each, tuple) for tag in each)
        return tuple(tags) or None
    if field.policy is Policy.APPEND and mine is not None:
        return _appended(field, [each for each in given if isinstance(each, str)])
    return given[0] if given else None


def _appended(field: Field, texts: Sequence[str]) -> str:
    """The texts below one another, as many as the field holds: what does not fit stays in its deleted record."""
    most = min(field.length or limits.TEXT_LENGTH, limits.TEXT_LENGTH)
    whole = texts[0]
    for each in texts[1:]:
        if each not in whole and len(whole) + 1 + len(each) <= most:
            whole = f"{whole}\n{each}"
    return whole
