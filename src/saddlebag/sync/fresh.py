"""Fresh: the digests of a target without evaluating it, while what it was evaluated from has not been touched.

Belongs here: what is remembered of targets, and when it still counts. May not know: devices, pages. Nothing depends on
the memory: when it is lost, or in any doubt, the target is evaluated.

What is remembered counts while the question is the same (user, what she may see, rules, pins, calendar day: `mark`) and
either the tenant's counter stands still or nothing that was logged since can have touched the target (`touch`). Every
write of a record takes a number of the counter and is logged under it, and numbers become visible in their order, so
one snapshot's counter stands for the state of all records.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Final

from saddlebag.contract.recent import Recent
from saddlebag.kernel.digest import Digest
from saddlebag.model.condition import Condition
from saddlebag.model.entities import Schema
from saddlebag.store.base import Transaction
from saddlebag.sync.target import Question, Target, bound_claims, evaluate
from saddlebag.sync.touch import Node, Watch, nodes, suspects, touched, watch

CHANGES: Final = 256
"""Log entries that are looked through before evaluating is thought to be cheaper."""
SPAN: Final = 8192
"""Numbers of the counter that may lie between: entries of no interest are read over, but not for ever."""
_TARGETS: Final = 4096
_RECORDS: Final = 8_000_000
"""Most targets, and most records of all of them, that are remembered: 4 bytes a record."""
_SETS: Final = 128
"""Most targets whose sets are kept ready: they are large, and only asked for where a short look does not do."""
_BITS: Final = 0xFFFFFFFF

Mark = Hashable


@dataclass(frozen=True, slots=True)
class Remembered:
    """A target as of a number of the counter; `keys` are 32 bits for each record, sorted."""

    sequence: int
    digests: Mapping[str, Digest]
    keys: array[int]
    watched: Watch

    def holds(self, entity: str, record_id: str) -> bool:
        """Whether the record may be of the target; rarely yes where it is not."""
        key = hash((entity, record_id)) & _BITS
        place = bisect_left(self.keys, key)
        return place < len(self.keys) and self.keys[place] == key


class Memory:
    """The targets asked for last, by mark; one for each store. Safe to use from several threads."""

    def __init__(self, targets: int = _TARGETS, records: int = _RECORDS) -> None:
        self._most = (targets, records)
        self._kept: OrderedDict[Mark, Remembered] = OrderedDict()
        self._records = 0
        self._lock = Lock()
        self.sets: Recent[Mark, list[Node]] = Recent(_SETS)

    def get(self, mark: Mark) -> Remembered | None:
        """What is remembered under the mark."""
        with self._lock:
            if mark in self._kept:
                self._kept.move_to_end(mark)
            return self._kept.get(mark)

    def put(self, mark: Mark, made: Remembered) -> None:
        """Remember, unless something newer is; what was used longest ago is forgotten."""
        targets, records = self._most
        with self._lock:
            before = self._kept.get(mark)
            if before is not None and before.sequence >= made.sequence:
                return
            self._records += len(made.keys) - (len(before.keys) if before else 0)
            self._kept[mark] = made
            self._kept.move_to_end(mark)
            while len(self._kept) > targets or self._records > records:
                self._records -= len(self._kept.popitem(last=False)[1].keys)

    def __len__(self) -> int:
        return len(self._kept)


def memory() -> Memory:
    """An empty memory; full, it takes some 40 MB."""
    return Memory()


def digests_of(tx: Transaction, asked: Question, known: Memory | None) -> tuple[Mapping[str, Digest], Target | None]:
    """The target's digests, and the target itself where it had to be evaluated for them. Raises SCOPE_CAPPED."""
    mark = None if known is None else asked.mark(tx)
    if known is None or mark is None:
        target = evaluate(tx, asked)
        return target.digests(), target
    sequence, remembered = tx.sequence(), known.get(mark)

    def sets() -> list[Node]:
        return known.sets.get(mark, lambda: _nodes(asked, tx.schema))

    if remembered is not None and untouched(tx, remembered, sequence, sets):
        if sequence > remembered.sequence:
            known.put(mark, replace(remembered, sequence=sequence))
        return remembered.digests, None
    target = evaluate(tx, asked)
    digests = target.digests()
    watched = watch(sets()) if remembered is None else remembered.watched
    known.put(mark, Remembered(sequence, digests, _keys(target), watched))
    return digests, target


def untouched(tx: Transaction, remembered: Remembered, sequence: int, sets: Callable[[], list[Node]]) -> bool:
    """Whether evaluating now would surely give the same target."""
    if not remembered.sequence < sequence <= remembered.sequence + SPAN:
        return sequence == remembered.sequence
    watched = remembered.watched
    changes = tx.changes(after=remembered.sequence, limit=CHANGES + 1, entities=tuple(watched.fields))
    if len(changes) > CHANGES:
        return False
    left = suspects(changes, watched, remembered.holds)
    if left is None:
        return False
    return not left or not touched(tx, left, sets(), remembered.holds)


def _nodes(asked: Question, schema: Schema) -> list[Node]:
    bound = bound_claims(asked.scope, asked.known, asked.principal, schema)
    claims: dict[str, Sequence[Condition]] = {entity: [each.where for each in bound[entity]] for entity in bound}
    return nodes(claims)


def _keys(target: Target) -> array[int]:
    return array(
        "I", sorted(hash((entity, each.id)) & _BITS for entity, stamps in target.stamps.items() for each in stamps)
    )
