"""Changes: what has happened to records, as far as a principal may see them.

Belongs here: reading the change log and the times of change within visibility. May not know: SOAP, devices.
An entry about a record that the principal does not see is left out, and so is one whose fields she may not read; the
place in the log goes on all the same.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from saddlebag.records.path import Records
from saddlebag.store.base import Change, ChangeKind, Transaction

SETTLE_SECONDS: Final = 30
"""How far answers by time stay behind the clock: a write that began earlier may still be about to commit."""


@dataclass(frozen=True, slots=True)
class Log:
    """Entries of the log in order, the number to go on after, and whether there is more.

    `merged` names, by entity and id, the records that those which are gone were merged into.
    """

    changes: Sequence[Change]
    last: int
    more: bool
    merged: Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Period:
    """(id, time of the last write) of records in a period, the id to go on after, and up to when it is complete.

    `merged` names, by id, the records that those which are gone were merged into.
    """

    records: Sequence[tuple[str, datetime]]
    after: str | None
    covered_until: datetime
    merged: Mapping[str, str]


def changes(
    tx: Transaction,
    records: Records,
    after: int,
    limit: int,
    entities: Sequence[str] | None,
    without: Container[str] = (),
) -> Log:
    """What is to be shown of up to `limit` entries of the log after that number, those of an origin `without` left out.

    Whoever leaves out her own changes goes over them all the same: an answer may be empty and have more to come.
    """
    found = tx.changes(after=after, limit=limit + 1, entities=entities)
    page = found[:limit]
    seen = {
        (entity, each)
        for entity in {change.entity for change in page}
        for each in records.seen(entity, {change.id for change in page if change.entity == entity})
    }
    shown = [_shown(records, each) for each in page if (each.entity, each.id) in seen and each.origin not in without]
    last = page[-1].sequence if page else max(after, 0)
    told = [each for each in shown if each is not None]
    gone = {(each.entity, each.id) for each in told if each.kind is ChangeKind.DELETE}
    merged = {
        (entity, record_id): into
        for entity in {name for name, _ in gone}
        for record_id, into in records.merged(entity, [each for name, each in gone if name == entity]).items()
    }
    return Log(told, last, len(found) > limit, merged)


def changed_between(
    tx: Transaction,
    records: Records,
    entity: str,
    since: datetime,
    until: datetime,
    *,
    deleted: bool,
    after: str,
    limit: int,
    now: datetime,
) -> Period:
    """Records last written (or deleted) in [since, until), in the order of their ids."""
    covered = min(until, now - timedelta(seconds=SETTLE_SECONDS))
    found = tx.changed_between(entity, since, covered, deleted=deleted, after=after, limit=limit + 1)
    page = found[:limit]
    seen = records.seen(entity, [record_id for record_id, _ in page])
    more = len(found) > limit
    told = [each for each in page if each[0] in seen]
    merged = records.merged(entity, [record_id for record_id, _ in told]) if deleted and told else {}
    return Period(told, page[-1][0] if more else None, covered, merged)


def _shown(records: Records, change: Change) -> Change | None:
    hidden = records.hidden(change.entity)
    fields = tuple(each for each in change.fields if each not in hidden)
    if change.kind is ChangeKind.UPDATE and change.fields and not fields:
        return None
    return replace(change, fields=fields)
