"""Idempotency: a write call repeated with its key gets the first answer and writes nothing.

Belongs here: the key, the payload's hash and the kept answer. May not know: what is written.
The row commits with the writes themselves. A rival call with the same key waits for that commit (a store's unique key
sees to it) and then finds the answer. A call that ended in a fault wrote nothing and keeps nothing: it may be repeated.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from saddlebag.contract.spec import RecordInput
from saddlebag.kernel import canon, limits
from saddlebag.kernel.errors import IDEMPOTENCY_MISMATCH, IN_PROGRESS, SaddlebagError
from saddlebag.store.base import Transaction
from saddlebag.store.tables import Idempotency

Answer = Mapping[str, Any]
_PURGE = 20
_TIME = "$dateTime"
"""No member of a message has such a name."""


def payload_hash(operation: str, request: Mapping[str, Any], *options: object) -> bytes:
    """The SHA-256 of what a call asks for: equal for equal requests, however they were written as XML."""
    text = json.dumps([operation, request, options], default=_plain, sort_keys=True)
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


def once(
    tx: Transaction, user: str, key: str | None, payload: bytes, now: datetime, work: Callable[[], Answer]
) -> Answer:
    """The answer of `work`, or the kept one of the first call with this key; raises IDEMPOTENCY_MISMATCH.

    The answer is of plain JSON values and times.
    """
    if key is None:
        return work()
    _forget_old(tx, now)
    kept = _begin(tx, Idempotency(user, key, payload, b"", now), now)
    if kept is not None:
        if kept.payload_hash != payload:
            raise SaddlebagError(IDEMPOTENCY_MISMATCH)
        if not kept.answer:
            raise SaddlebagError(IN_PROGRESS, retry_after=1)
        answer: Answer = json.loads(kept.answer, object_hook=_time_again)
        return answer
    done = work()
    tx.rows.put(Idempotency(user, key, payload, json.dumps(done, default=_time).encode(), now))
    return done


def _time(value: object) -> object:
    if isinstance(value, datetime):
        return {_TIME: canon.write_datetime(value)}
    raise TypeError(f"an answer that is kept holds no {type(value).__name__}")


def _time_again(members: dict[str, Any]) -> object:
    return canon.read_datetime(members[_TIME]) if _TIME in members else members


def _begin(tx: Transaction, row: Idempotency, now: datetime) -> Idempotency | None:
    """Take the key; the row of an earlier call where it is taken and still kept."""
    if tx.rows.add(row):
        return None
    kept = tx.rows.get(Idempotency, row.user, row.key)
    if kept is not None and kept.created_at > _horizon(now):
        return kept
    tx.rows.put(row)
    return None


def _forget_old(tx: Transaction, now: datetime) -> None:
    """Clear away answers whose time is over, a few a call."""
    for old in tx.rows.select(Idempotency, order=("created_at",), limit=_PURGE, before={"created_at": _horizon(now)}):
        tx.rows.delete(Idempotency, user=old.user, key=old.key)


def _horizon(now: datetime) -> datetime:
    return now - timedelta(seconds=limits.IDEMPOTENCY_SECONDS)


def _plain(value: object) -> object:
    """What JSON has no form for, as a list that no other value gives."""
    if isinstance(value, RecordInput):
        return ["record", value.entity, value.id, value.version, dict(value.values)]
    if isinstance(value, Decimal):
        return ["decimal", format(value, "f")]
    if isinstance(value, datetime):
        return ["dateTime", canon.write_datetime(value)]
    if isinstance(value, date):
        return ["date", canon.write_date(value)]
    if isinstance(value, bytes):
        return ["binary", canon.write_binary(value)]
    raise TypeError(f"a request holds no {type(value).__name__}")
