"""Grace: what has left a scope stays on the device for the hours that the scope grants.

Belongs here: which records stay, and since when. May not know: pages, rows.

The hours count from the first pull that found the record out of the scope; that moment is kept with the device's
holding as long as the record is held, so that the same state and time give the same answer on every worker, and so that
a lost page, or one too small for all that leaves, begins no new grace. A record that stays is part of the
target: it gets its changes, and the digest covers it. Nothing stays that was deleted, or that the user may not see, or
that the device only claims to hold (version 0), and nothing where it would break the bound of a device.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from saddlebag.kernel.limits import SCOPE_RECORDS
from saddlebag.kernel.manifest import Held
from saddlebag.model.condition import Compare, Op, both
from saddlebag.security.policy import visible
from saddlebag.store.base import Stamp, Transaction
from saddlebag.sync.carry import stamped
from saddlebag.sync.plan import Key
from saddlebag.sync.target import Question, Target

_HOUR: Final = 3600
_IDS: Final = 500


def extended(
    tx: Transaction, asked: Question, target: Target, held: Mapping[Key, Held], left: Mapping[Key, int], now: datetime
) -> tuple[Target, dict[Key, int]]:
    """The target with what stays, and since when (seconds of the epoch) each record held is out of the scope."""
    hours = asked.scope.grace
    claimed = {(entity, stamp.id) for entity, stamps in target.stamps.items() for stamp in stamps} if hours else set()
    moment = int(now.timestamp())
    since: dict[Key, int] = {}
    for key, mine in held.items() if hours else ():
        # A clock that was set back may not lengthen the grace by as much.
        out = min(left.get(key, moment), moment)
        if mine.version and key not in claimed:
            since[key] = out
    stamps = _seen(tx, asked, [key for key, out in since.items() if moment - out < hours * _HOUR])
    fields = dict(target.carried.fields)
    for entity in stamps.keys() & target.carried.widest.keys():
        fields.update(((entity, each.id), target.carried.widest[entity]) for each in stamps[entity])
        stamps[entity] = stamped(tx, entity, stamps[entity], fields)
    if not stamps or len(claimed) + sum(map(len, stamps.values())) > SCOPE_RECORDS:
        return target, since
    both_sets = {
        entity: [*target.stamps.get(entity, ()), *stamps.get(entity, ())] for entity in {**target.stamps, **stamps}
    }
    return replace(target, stamps=both_sets, carried=replace(target.carried, fields=fields)), since


def _seen(tx: Transaction, asked: Question, staying: Iterable[Key]) -> dict[str, list[Stamp]]:
    """The live ones among the records that the user may see."""
    by_entity: dict[str, list[str]] = {}
    for entity, record_id in staying:
        if tx.schema.has(entity):
            by_entity.setdefault(entity, []).append(record_id)
    found: dict[str, list[Stamp]] = {}
    for entity, ids in by_entity.items():
        may_see = visible(asked.principal, tx.schema.entity(entity), tx.schema)
        for start in range(0, len(ids), _IDS):
            some = Compare("id", Op.IN, tuple(ids[start : start + _IDS]))
            found.setdefault(entity, []).extend(tx.stamps(entity, both(some, may_see)))
    return {entity: stamps for entity, stamps in found.items() if stamps}
