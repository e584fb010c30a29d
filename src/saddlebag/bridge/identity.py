"""Identity: which record an outside system's id stands for, per tenant and system.

Belongs here: looking up and following bindings, and recognising a record that the hub has already by a declared match
rule. May not know: adapters or mappings beyond a rule's field. One record may be bound in several systems; in one
system a record is bound to one external id of its entity, to more only when records were merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from saddlebag.kernel.errors import ADAPTER_RECORD, SaddlebagError
from saddlebag.model.condition import Compare, Op
from saddlebag.model.fields import Value
from saddlebag.store.base import StoredRecord, Transaction
from saddlebag.store.tables import Binding


class Identities:
    """The bindings of one system, read once each within a transaction."""

    def __init__(self, tx: Transaction, system: str) -> None:
        self._tx = tx
        self._system = system
        self._known: dict[tuple[str, str], Binding | None] = {}

    def of(self, entity: str, external_id: str) -> Binding | None:
        """The binding of an external id, None where there is none."""
        key = (entity, external_id)
        if key not in self._known:
            self._known[key] = self._tx.rows.get(Binding, self._system, entity, external_id)
        return self._known[key]

    def external_id(self, entity: str, record: str) -> str | None:
        """The external id that a record has in this system."""
        rows = self._tx.rows.select(Binding, entity=entity, record=record, system=self._system, limit=1)
        return rows[0].external_id if rows else None

    def elsewhere(self, entity: str, record: str, external_id: str) -> bool:
        """Whether the record is known by another id as well: in another system, or here since a merge."""
        rows = self._tx.rows.select(Binding, entity=entity, record=record)
        return any((row.system, row.external_id) != (self._system, external_id) for row in rows)

    def keep(self, bindings: Sequence[Binding]) -> None:
        """Store these bindings."""
        self._tx.rows.put_all(bindings)
        self._known.update({(row.entity, row.external_id): row for row in bindings})

    def forget(self, entity: str, external_id: str) -> None:
        """Remove a binding."""
        self._tx.rows.delete(Binding, system=self._system, entity=entity, external_id=external_id)
        self._known[(entity, external_id)] = None

    def all(self, entity: str) -> dict[str, Binding]:
        """Every binding of an entity in this system, by external id."""
        rows = self._tx.rows.select(Binding, system=self._system, entity=entity)
        return {row.external_id: row for row in rows}


def follow_merges(tx: Transaction, entity: str, bindings: Iterable[Binding]) -> dict[str, StoredRecord]:
    """The records that bindings stand for, by external id; a merged record leads to the one it was merged into."""
    listed = list(bindings)
    records = tx.get(entity, {row.record for row in listed}, deleted=True)
    merged = {each.merged_into for each in records.values() if each.merged_into is not None}
    heirs = tx.get(entity, merged) if merged else {}
    found: dict[str, StoredRecord] = {}
    for row in listed:
        record = records.get(row.record)
        if record is not None and record.merged_into in heirs:
            record = heirs[record.merged_into]
        if record is not None:
            found[row.external_id] = record
    return found


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item without a binding, and the values of its match fields."""

    external_id: str
    values: Mapping[str, Value]


def recognise(
    tx: Transaction, identities: Identities, entity: str, fields: Sequence[str], candidates: Sequence[Candidate]
) -> tuple[dict[str, StoredRecord], dict[str, SaddlebagError]]:
    """Records that unknown items stand for, by external id, and refusals where several records match.

    Fields are tried in order; the first that finds a record decides. A record that is bound in this system already, or
    was taken by an earlier item, is another one's: two parties with one e-mail address are two customers.
    """
    found: dict[str, StoredRecord] = {}
    refused: dict[str, SaddlebagError] = {}
    taken: set[str] = set()
    for name in fields:
        waiting = [each for each in candidates if each.external_id not in found and each.external_id not in refused]
        matches = _matching(tx, entity, name, waiting)
        for each in waiting:
            free = [
                record
                for record in matches.get(each.values.get(name), ())
                if record.id not in taken and identities.external_id(entity, record.id) is None
            ]
            if len(free) > 1:
                refused[each.external_id] = _several(entity, name)
            elif free:
                found[each.external_id] = free[0]
                taken.add(free[0].id)
    return found, refused


def _matching(
    tx: Transaction, entity: str, name: str, candidates: Sequence[Candidate]
) -> dict[Value, list[StoredRecord]]:
    wanted = tuple({each.values[name] for each in candidates if each.values.get(name) is not None})
    by_value: dict[Value, list[StoredRecord]] = {}
    if wanted:
        for record in tx.find(entity, Compare(name, Op.IN, wanted)):  # type: ignore[arg-type]
            by_value.setdefault(record.values.get(name), []).append(record)
    return by_value


def _several(entity: str, name: str) -> SaddlebagError:
    return SaddlebagError(
        ADAPTER_RECORD,
        f"Several records have the same {name}, so it is not known which one is meant.",
        entity=entity,
        field=name,
    )


def bound(
    system: str, entity: str, external_id: str, record: str, version: str, content: bytes, seen: str, now: datetime
) -> Binding:
    """A binding as it stands after an item was taken over."""
    return Binding(system, entity, external_id, record, version, content, now, seen)
