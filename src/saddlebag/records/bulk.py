"""Bulk loading: many new records in large batches, for generators and first imports.

Belongs here: validation and rendering without the reads that `path` does for each call. May not know: who asks.
The caller vouches for what only reads can tell: references that exist, keys that are free, ids that are new. Derived
fields are filled from their source, which must be stored or given in an earlier or the same batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice

from saddlebag.contract.codec import EntityCodec, codec_for
from saddlebag.kernel.digest import record_hash
from saddlebag.kernel.errors import REQUIRED_FIELD, SaddlebagError
from saddlebag.kernel.ids import check_id
from saddlebag.model.entities import Entity
from saddlebag.model.fields import Value
from saddlebag.records.draft import Drafts, present
from saddlebag.records.duplicates import index, rules_of
from saddlebag.records.references import References
from saddlebag.store.base import ChangeKind, RecordWrite, StoredRecord, Transaction

BATCH = 2_000
"""Records a write: large enough that statements are few, small enough to hold in memory."""

Row = tuple[str, Mapping[str, Value]]


def load(
    tx: Transaction, entity: str, rows: Iterable[Row], now: datetime, origin: str = "", *, by: str = "system"
) -> int:
    """Store new records given as (id, values); how many there were.

    Raises INVALID_ID, UNKNOWN_FIELD, INVALID_VALUE and REQUIRED_FIELD, naming the record.
    """
    declared, codec = tx.schema.entity(entity), codec_for(tx.schema)[entity]
    defaults = {each.name: each.default for each in declared.fields if each.default is not None}
    rules = rules_of(tx)
    waiting, loaded = iter(rows), 0
    while batch := list(islice(waiting, BATCH)):
        checked = [
            (check_id(record_id), _checked(codec, declared, defaults, record_id, values)) for record_id, values in batch
        ]
        _derive(tx, declared, [values for _, values in checked])
        first = tx.allocate(len(checked))
        writes = [
            _write(codec, record_id, first + number, values, now, origin, by)
            for number, (record_id, values) in enumerate(checked)
        ]
        tx.write(writes)
        index(tx, rules, writes)
        loaded += len(writes)
    return loaded


def _checked(
    codec: EntityCodec, entity: Entity, defaults: Mapping[str, Value], record_id: str, given: Mapping[str, Value]
) -> dict[str, Value]:
    try:
        values = present({**defaults, **codec.check(given)})
    except SaddlebagError as problem:
        problem.record_id = record_id
        raise
    for field in entity.fields:
        if field.required and field.name not in values:
            sentence = f"{entity.name}.{field.name} has no value."
            raise SaddlebagError(REQUIRED_FIELD, sentence, entity=entity.name, record_id=record_id, field=field.name)
    return values


def _derive(tx: Transaction, entity: Entity, rows: Sequence[dict[str, Value]]) -> None:
    if any(each.derived for each in entity.fields):
        references = References(tx.schema, Drafts(tx), tx)
        references.load_sources(entity, rows)
        for values in rows:
            references.derive(entity, values)


def _write(
    codec: EntityCodec, record_id: str, version: int, values: Mapping[str, Value], now: datetime, origin: str, by: str
) -> RecordWrite:
    name = codec.entity.name
    fragment, tail = codec.render(record_id, version, values, now, now)
    record = StoredRecord(
        name,
        record_id,
        version,
        version,
        values,
        {},
        fragment,
        tail,
        record_hash(name, record_id, version, fragment),
        now,
        now,
        by,
    )
    return RecordWrite(record, ChangeKind.CREATE, tuple(values), origin)
