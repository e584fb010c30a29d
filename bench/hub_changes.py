"""Changes of the office, written into the measured hub through its own path, as an integration writes them.

Belongs here: from texts to values, 200 records at a time, each batch in one transaction. May not know: what changes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from bench.plain import Change
from bench.prepared import TENANT, Prepared
from saddlebag.contract.codec import codec_for
from saddlebag.kernel.limits import RECORDS_PER_CALL
from saddlebag.model.builtin import BUILTIN
from saddlebag.model.fields import Kind, Value
from saddlebag.records.base import Outcome, Verb, Write
from saddlebag.records.path import Records
from saddlebag.security.principal import Principal, Role
from saddlebag.store import open_store
from saddlebag.store.base import Transaction

_SYSTEM = Principal(TENANT, "", Role.SYSTEM)


def write(ready: Prepared, changes: Sequence[Change]) -> float:
    """Write the changes; the seconds that took. Raises what a record was refused for."""
    store = open_store(ready.database)
    batches = [changes[start : start + RECORDS_PER_CALL] for start in range(0, len(changes), RECORDS_PER_CALL)]
    writes = [[to_write(each) for each in batch] for batch in batches]
    started = time.perf_counter()
    for batch in writes:
        for outcome in store.run(TENANT, partial(_apply, ready=ready, writes=batch)):
            if outcome.error:
                raise outcome.error
    seconds = time.perf_counter() - started
    store.close()
    return seconds


def _apply(tx: Transaction, ready: Prepared, writes: Sequence[Write]) -> Sequence[Outcome]:
    return Records(tx, _SYSTEM, now=ready.clock.now(), new_id=str).apply(writes)


def to_write(change: Change) -> Write:
    """A change as the hub is asked for it."""
    if change.gone:
        return Write(Verb.DELETE, change.entity, id=change.id)
    declared, codec = BUILTIN.entity(change.entity), codec_for(BUILTIN)[change.entity]
    values: dict[str, Value] = {}
    for name, text in change.texts.items():
        field = declared.field(name)
        if field.derived:
            continue
        if text is None or field.kind is Kind.TAGS:
            values[name] = tuple(text.split()) if text else None
        else:
            values[name] = codec.value(name, text)
    return Write(Verb.CREATE if change.new else Verb.UPDATE, change.entity, id=change.id, values=values)
