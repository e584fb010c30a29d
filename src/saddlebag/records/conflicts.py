"""Conflicts: values that lost against others, read back and decided by a person.

Belongs here: who may see a conflict, which value her decision sets, and that it is decided once. May not know: SOAP,
devices, how a conflict came about (`merging`).

Everybody sees her own conflicts; who answers for more than herself (`DECIDERS`) also those of each record that she
sees. Where she may no longer see the record, her own value is all that is left of the conflict.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from saddlebag.contract.codec import EntityCodec, codec_for
from saddlebag.kernel.errors import INVALID_VALUE, NOT_FOUND, STALE_VERSION, SaddlebagError
from saddlebag.model.fields import Value
from saddlebag.records.base import Outcome, Status, Verb, Write
from saddlebag.records.merging import flat
from saddlebag.records.path import Records
from saddlebag.security.principal import Principal, Role
from saddlebag.store.base import StoredRecord, Transaction
from saddlebag.store.tables import Conflict

DECIDERS: Final = frozenset({Role.MANAGER, Role.INTEGRATION, Role.ADMIN, Role.SYSTEM})
"""Roles that see and decide the conflicts of others on records that they see."""


class Take(StrEnum):
    """Which value is to stand: the device's, the hub's at that time, or another."""

    MINE = "mine"
    THEIRS = "theirs"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decides; `texts` are the lexical texts of another value, none to clear the field."""

    conflict: str
    take: Take
    texts: tuple[str, ...] = ()
    if_version: int | None = None


def listed(
    tx: Transaction,
    records: Records,
    principal: Principal,
    *,
    of: tuple[str, str] | None,
    resolved: bool,
    after: str,
    limit: int,
) -> list[Conflict]:
    """Conflicts in the order of their ids: the caller's, or those of one record (entity, id) as far as she may see.

    Raises UNKNOWN_ENTITY, and NOT_FOUND for a record that she may not see.
    """
    where: dict[str, Any] = {} if resolved else {"resolved_at": None}
    if of is None or principal.role not in DECIDERS:
        where["user"] = principal.user
    if of is not None:
        tx.schema.entity(of[0])
        if of[1] not in records.seen(of[0], [of[1]]):
            raise SaddlebagError(NOT_FOUND, entity=of[0], record_id=of[1])
        where |= {"entity": of[0], "record": of[1]}
    rows = tx.rows.select(Conflict, order=("conflict",), limit=limit, after={"conflict": after}, **where)
    return _as_seen(tx, records, rows)


def _as_seen(tx: Transaction, records: Records, rows: Sequence[Conflict]) -> list[Conflict]:
    seen = {
        (entity, each)
        for entity in {row.entity for row in rows if tx.schema.has(row.entity)}
        for each in records.seen(entity, _ids(rows, entity))
    }
    return [row if (row.entity, row.record) in seen else replace(row, base=None, theirs=None) for row in rows]


def _ids(rows: Iterable[Conflict], entity: str) -> set[str]:
    return {row.record for row in rows if row.entity == entity}


def resolve(tx: Transaction, records: Records, principal: Principal, decision: Decision, now: datetime) -> Outcome:
    """Write the value decided on and note that the conflict is settled; a refused write leaves it open.

    Raises NOT_FOUND for a conflict or record that the caller may not see, INVALID_VALUE, and STALE_VERSION where it
    was decided otherwise before.
    """
    row, stored = _open(tx, records, principal, decision.conflict)
    codec = codec_for(tx.schema)[row.entity]
    value = _value(codec, row, decision)
    outcome = _written(records, codec, row, stored, value, decision.if_version)
    if outcome.ok and row.resolved_at is None and not _settle(tx, row, now):
        raise SaddlebagError(STALE_VERSION, "The conflict was decided at the same time by another call.")
    return outcome


def _open(tx: Transaction, records: Records, principal: Principal, conflict: str) -> tuple[Conflict, StoredRecord]:
    row = tx.rows.get(Conflict, conflict)
    if row is None or (row.user != principal.user and principal.role not in DECIDERS):
        raise SaddlebagError(NOT_FOUND, record_id=conflict)
    seen = records.seen(row.entity, [row.record]) if tx.schema.has(row.entity) else {}
    if row.record not in seen or not tx.schema.entity(row.entity).has(row.field):
        raise SaddlebagError(NOT_FOUND, record_id=conflict)
    return row, seen[row.record]


def _value(codec: EntityCodec, row: Conflict, decision: Decision) -> Value:
    """The value that is to stand; conflicts keep the tags of a list one a line."""
    texts = decision.texts
    if decision.take is not Take.VALUE:
        if texts:
            raise SaddlebagError(INVALID_VALUE, "A value is given only where another is taken.", field="value")
        kept = row.mine if decision.take is Take.MINE else row.theirs
        texts = () if kept is None else tuple(kept.split("\n")) if codec.entity.field(row.field).is_list else (kept,)
    if codec.entity.field(row.field).is_list:
        return codec.value(row.field, texts)
    if len(texts) > 1:
        raise SaddlebagError(INVALID_VALUE, "The field takes one value.", entity=row.entity, field=row.field)
    return codec.value(row.field, texts[0] if texts else None)


def _written(
    records: Records, codec: EntityCodec, row: Conflict, stored: StoredRecord, value: Value, if_version: int | None
) -> Outcome:
    """What comes of the decision; to agree with what stands is no write, so who may only read can do so too."""
    stands = None if stored.deleted else flat(codec.text(row.field, stored.values.get(row.field)))
    if flat(codec.text(row.field, value)) == stands:
        return Outcome(Status.UNCHANGED, row.entity, row.record, stored.version)
    if stored.deleted:
        raise SaddlebagError(NOT_FOUND, "The record has been deleted.", entity=row.entity, record_id=row.record)
    if row.resolved_at is not None:
        raise SaddlebagError(STALE_VERSION, "The conflict was decided otherwise before.", record_id=row.record)
    write = Write(Verb.UPDATE, row.entity, row.record, values={row.field: value}, if_version=if_version)
    return records.apply([write])[0]


def _settle(tx: Transaction, row: Conflict, now: datetime) -> bool:
    """Whether this call is the one that settles it: of two, one finds the open row gone."""
    taken = tx.rows.delete(Conflict, conflict=row.conflict, resolved_at=None)
    return taken == 1 and tx.rows.add(replace(row, resolved_at=now))
