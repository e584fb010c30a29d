"""Reach: whether conditions hold of drafts, with the store asked about many at once.

Belongs here: evaluation of conditions on records that are not stored yet. May not know: which conditions, or why.
A `Within` is answered for a whole batch by one statement; what the batch itself has changed, from its drafts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from saddlebag.model.condition import And, Compare, Condition, Not, Op, Or, Within, both, holds
from saddlebag.model.fields import Value
from saddlebag.records.draft import Drafts, chunks
from saddlebag.store.base import Transaction


class Reach:
    """The answers about `Within` conditions that a batch has asked for so far."""

    def __init__(self, tx: Transaction, drafts: Drafts) -> None:
        self._tx = tx
        self._drafts = drafts
        self._known: dict[Within, dict[Value, bool]] = {}
        self._places: dict[int, tuple[Within, dict[Value, bool]]] = {}
        """`_known` by identity: hashing a condition walks its whole tree, and a batch asks the same few each time."""

    def prefetch(self, condition: Condition, rows: Iterable[Mapping[str, Value]]) -> None:
        """Ask the store once for each `Within` of the condition what `holds` will want to know about these rows."""
        listed = list(rows)
        for within in _withins(condition):
            self._ask(within, {row.get(within.field) for row in listed})

    def holds(self, condition: Condition, values: Mapping[str, Value]) -> bool:
        """Whether the condition holds of these values (with "id")."""

        def subquery(within: Within) -> frozenset[Value]:
            value = values.get(within.field)
            return frozenset([value]) if self.member(within, value) else frozenset()

        return holds(condition, values, subquery)

    def member(self, within: Within, value: Value) -> bool:
        """Whether `value` is among what the `Within` selects, in the batch's eyes."""
        if value is None:
            return False
        if within.select == "id":
            draft = self._drafts.touched(within.entity, str(value))
            if draft is not None:
                return draft.live and self.holds(within.where, draft.facts())
        elif any(
            draft.touched
            and draft.live
            and draft.values.get(within.select) == value
            and self.holds(within.where, draft.facts())
            for draft in self._drafts.of(within.entity)
        ):
            return True
        known = self._of(within)
        if value not in known:
            self._ask(within, [value])
        return known[value]

    def _of(self, within: Within) -> dict[Value, bool]:
        place = self._places.get(id(within))
        if place is None:
            place = self._places[id(within)] = (within, self._known.setdefault(within, {}))
        return place[1]

    def _ask(self, within: Within, values: Iterable[Value]) -> None:
        known = self._of(within)
        wanted = sorted({str(each) for each in values if each is not None and each not in known})
        for part in chunks(wanted):
            known.update(dict.fromkeys(part, False))
            where = both(Compare(within.select, Op.IN, tuple(part)), within.where)
            if within.select == "id":
                found: Iterable[Value] = [each.id for each in self._tx.stamps(within.entity, where)]
            else:
                found = {each.values.get(within.select) for each in self._tx.find(within.entity, where)}
            known.update(dict.fromkeys(found, True))


def _withins(condition: Condition) -> list[Within]:
    match condition:
        case Within():
            return [condition]
        case And(parts) | Or(parts):
            return [within for part in parts for within in _withins(part)]
        case Not(part):
            return _withins(part)
        case _:
            return []
