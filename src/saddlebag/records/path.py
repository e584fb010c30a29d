"""The path: the one way to read and write records, as one principal, in one transaction.

Belongs here: reads that are bounded by visibility, and `apply`: authorise, validate, merge, render, store, log.
May not know: SOAP, devices, adapters. Services, sync and bridge all come through here, so a rule that holds here holds.

`apply` takes the tenant's counter first: writers of one tenant pass one after the other, so that what was read (a
reference, a key, a version) is still so when the batch commits. A batch costs a few statements, whatever its length.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from saddlebag.contract.codec import codec_for
from saddlebag.kernel.digest import record_hash
from saddlebag.kernel.errors import ALL_OR_NONE, INVALID_FILTER, SaddlebagError
from saddlebag.kernel.ids import IdSource
from saddlebag.model.condition import And, Compare, Condition, Missing, Not, Op, Or, Within, both
from saddlebag.model.fields import Value
from saddlebag.records.base import FieldConflict, Outcome, Status, Write
from saddlebag.records.batch import Batch, Decision
from saddlebag.records.draft import Draft, Drafts, chunks
from saddlebag.records.duplicates import index
from saddlebag.records.reach import Reach
from saddlebag.records.reparent import hand_over
from saddlebag.security import policy
from saddlebag.security.principal import Principal
from saddlebag.store.base import ChangeKind, Order, RecordWrite, Rendering, StoredRecord, Transaction
from saddlebag.store.tables import Conflict


class Records:
    """The records of a tenant as `principal` may read and write them."""

    def __init__(self, tx: Transaction, principal: Principal, *, now: datetime, new_id: IdSource) -> None:
        self._tx = tx
        self._principal = principal
        self._now = now
        self._new_id = new_id

    def visible(self, entity: str) -> Condition:
        """What holds of exactly the records that the principal may see."""
        return policy.visible(self._principal, self._tx.schema.entity(entity), self._tx.schema)

    def get(self, entity: str, ids: Iterable[str]) -> dict[str, StoredRecord]:
        """Those of the records that are live and visible, by id."""
        seen, found = self.visible(entity), {}
        for part in chunks(sorted(set(ids))):
            for record in self._tx.find(entity, both(Compare("id", Op.IN, tuple(part)), seen)):
                found[record.id] = self._shown(record)
        return found

    def search(
        self,
        entity: str,
        where: Condition,
        order: Sequence[Order] = (),
        after: Sequence[Value] | None = None,
        limit: int | None = None,
    ) -> list[StoredRecord]:
        """Visible records that meet `where`; raises INVALID_FILTER for a field that the principal may not read."""
        self._check_readable(entity, where, order)
        found = self._tx.find(entity, both(where, self.visible(entity)), order=order, after=after, limit=limit)
        return [self._shown(each) for each in found]

    def renderings(
        self, entity: str, where: Condition, order: Sequence[Order] = (), limit: int | None = None
    ) -> list[Rendering]:
        """As `search`, but only what is streamed."""
        self._check_readable(entity, where, order)
        if self.hidden(entity):
            found = self.search(entity, where, order, limit=limit)
            return [Rendering(each.id, each.fragment, each.tail) for each in found]
        return self._tx.renderings(entity, both(where, self.visible(entity)), order=order, limit=limit)

    def seen(self, entity: str, ids: Iterable[str]) -> dict[str, StoredRecord]:
        """Those of the records, deleted ones too, that the principal may see or might have seen when they went."""
        declared, rule = self._tx.schema.entity(entity), self.visible(entity)
        drafts = Drafts(self._tx)
        reach = Reach(self._tx, drafts)
        drafts.load(declared, ids)
        reach.prefetch(rule, [each.facts() for each in drafts.of(entity)])
        held = [each for each in drafts.of(entity) if reach.holds(rule, each.facts())]
        return {each.id: self._shown(each.stored) for each in held if each.stored is not None}

    def merged(self, entity: str, ids: Iterable[str]) -> dict[str, str]:
        """The record that each of these was merged into, for those of which the principal may see both."""
        declared, drafts = self._tx.schema.entity(entity), Drafts(self._tx)
        gone = [each.id for each in self.seen(entity, ids).values() if each.merged_into is not None]
        drafts.load(declared, gone)
        heirs = {each: heir.id for each in gone if (heir := drafts.heir(declared, each)) is not None}
        live = self.get(entity, heirs.values())
        return {loser: heir for loser, heir in heirs.items() if heir in live}

    def hidden(self, entity: str) -> frozenset[str]:
        """The declared fields of the entity that the principal may not read."""
        return policy.hidden_fields(self._principal, self._tx.schema.entity(entity))

    def apply(
        self, writes: Sequence[Write], *, all_or_none: bool = False, refuse_duplicates: bool = False
    ) -> list[Outcome]:
        """Carry out the writes; an outcome for each, in their order.

        An error of one record is in its outcome. With `all_or_none` one such error refuses all others (ALL_OR_NONE) and
        nothing is written. `refuse_duplicates` says that the tenant's duplicate rules count.
        """
        if not writes:
            return []
        first = self._tx.allocate(len(writes))
        batch = Batch(
            self._tx, self._principal, now=self._now, new_id=self._new_id, refuse_duplicates=refuse_duplicates
        )
        decisions = batch.decide(writes)
        if all_or_none and any(each.error is not None for each in decisions):
            return [_refused_with_others(each) for each in decisions]
        batch.cascade()
        touched = [each for each in batch.drafts.all_touched() if _is_news(each)]
        if len(touched) > len(writes):
            first = self._tx.allocate(len(touched))
        stored = [self._store_form(each, first + number) for number, each in enumerate(touched)]
        # Two calls, since a store writes new records first, and one may take a key that another gives up here.
        for group in (
            [each for each in stored if each.kind is not ChangeKind.CREATE],
            [each for each in stored if each.kind is ChangeKind.CREATE],
        ):
            if group:
                self._tx.write(group)
        index(self._tx, batch.duplicates.rules, stored)
        for each in decisions:
            for loser in each.absorbed:
                hand_over(self._tx, each.entity, loser, each.id or "")
        self._keep_conflicts(decisions)
        written = {(each.record.entity, each.record.id): each.record for each in stored}
        return [self._outcome(each, written) for each in decisions]

    def _store_form(self, draft: Draft, version: int) -> RecordWrite:
        stored, principal = draft.stored, self._principal
        back = stored is not None and stored.deleted and not draft.deleted
        changed = () if draft.deleted else draft.changed()
        created_at = stored.created_at if stored else self._now
        versions = {**stored.field_versions, **dict.fromkeys(changed, version)} if stored else {}
        values = draft.values
        fragment, tail = codec_for(self._tx.schema)[draft.entity.name].render(
            draft.id, version, values, created_at, self._now
        )
        record = StoredRecord(
            entity=draft.entity.name,
            id=draft.id,
            version=version,
            born=stored.born if stored else version,
            values=values,
            field_versions=versions,
            fragment=fragment,
            tail=tail,
            hash=record_hash(draft.entity.name, draft.id, version, fragment),
            created_at=created_at,
            modified_at=self._now,
            modified_by=principal.user,
            deleted=draft.deleted,
            merged_into=draft.merged_into,
        )
        kind = ChangeKind.CREATE if stored is None else ChangeKind.UNDELETE if back else ChangeKind.UPDATE
        return RecordWrite(record, ChangeKind.DELETE if draft.deleted else kind, changed, principal.origin)

    def _keep_conflicts(self, decisions: Sequence[Decision]) -> None:
        rows = [
            self._conflict_row(decision, each)
            for decision in decisions
            if decision.id is not None
            for each in decision.conflicts
        ]
        if rows:
            self._tx.rows.put_all(rows)

    def _conflict_row(self, decision: Decision, conflict: FieldConflict) -> Conflict:
        return Conflict(
            conflict=self._new_id(),
            entity=decision.entity,
            record=decision.id or "",
            field=conflict.name,
            base=conflict.base,
            mine=conflict.mine,
            theirs=conflict.theirs,
            won=conflict.won,
            rule=conflict.rule,
            user=self._principal.user,
            device=self._principal.device,
            at=self._now,
        )

    def _outcome(self, decision: Decision, written: dict[tuple[str, str], StoredRecord]) -> Outcome:
        record = written.get((decision.entity, decision.id or "")) if decision.draft else None
        if record is None and decision.draft is not None:
            record = decision.draft.stored
        return Outcome(
            decision.status,
            decision.entity,
            decision.id,
            record.version if record else None,
            self._shown(record) if record else None,
            decision.changed,
            decision.merged,
            decision.conflicts,
            decision.error,
            decision.merged_into,
            decision.matches,
        )

    def _shown(self, record: StoredRecord) -> StoredRecord:
        hidden = self.hidden(record.entity)
        if not hidden:
            return record
        values = {name: value for name, value in record.values.items() if name not in hidden}
        return replace(record, values=values, tail="")

    def _check_readable(self, entity: str, where: Condition, order: Sequence[Order]) -> None:
        for name, field in [*_fields(entity, where), *((entity, each.field) for each in order)]:
            if field in self.hidden(name):
                raise SaddlebagError(INVALID_FILTER, entity=name, field=field)


def _refused_with_others(decision: Decision) -> Outcome:
    """The outcome of a record in a group that is not written: its own error, or that of the others."""
    error = decision.error or SaddlebagError(ALL_OR_NONE, entity=decision.entity, record_id=decision.id)
    status = decision.status if decision.error is not None else Status.REJECTED
    return Outcome(
        status,
        decision.entity,
        decision.id,
        error=error,
        merged_into=decision.merged_into,
        matches=decision.matches,
    )


def _is_news(draft: Draft) -> bool:
    """Whether the draft differs from what is stored: a change that the batch took back is none."""
    return draft.stored is None or draft.deleted is not draft.stored.deleted or bool(draft.changed())


def _fields(entity: str, where: Condition) -> list[tuple[str, str]]:
    """(entity, field) of every comparison in a condition."""
    match where:
        case Compare(field) | Missing(field):
            return [(entity, field)]
        case Within(field, other, inner, select):
            return [(entity, field), (other, select), *_fields(other, inner)]
        case And(parts) | Or(parts):
            return [pair for part in parts for pair in _fields(entity, part)]
        case Not(part):
            return _fields(entity, part)
