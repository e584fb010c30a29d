"""Push: a device's operations take effect exactly once, in the device's order, in one transaction with their results.

Belongs here: keys, parking, groups, and the turn from operations to writes and from outcomes to results. May not know:
how a write is authorised, validated or merged (`records`), envelopes.

The rules of keys and parking stand in `kernel.ops`. The transaction holds the device's row first, so of two connections
that send the same operations the second finds the results of the first. A mismatched key refuses the whole request
before anything is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from saddlebag.contract.codec import EntityCodec, codec_for
from saddlebag.kernel import canon
from saddlebag.kernel.errors import (
    ALL_OR_NONE,
    EDIT_PARKED,
    INVALID_VALUE,
    OPERATION_MISMATCH,
    TOO_MANY_RECORDS,
    ErrorKind,
    Retry,
    SaddlebagError,
)
from saddlebag.kernel.ids import IdSource, check_id
from saddlebag.kernel.limits import PUSH_OPERATIONS
from saddlebag.kernel.ops import OpConflict, Operation, OpKind, OpResult, OpStatus, payload_hash
from saddlebag.model.fields import Value
from saddlebag.records.base import Outcome, Status, Verb, Write
from saddlebag.records.path import Records
from saddlebag.security.principal import Principal
from saddlebag.store.base import Transaction
from saddlebag.store.tables import OperationResult, Parked
from saddlebag.sync.devices import hold
from saddlebag.sync.results import read_result, write_result
from saddlebag.sync.settled import known as settled
from saddlebag.sync.settled import let_go

_STATUS: Mapping[Status, OpStatus] = {
    Status.MERGED: OpStatus.MERGED,
    Status.CONFLICT: OpStatus.CONFLICT,
    Status.REJECTED: OpStatus.REJECTED,
    Status.GONE: OpStatus.GONE,
}


def push(
    tx: Transaction,
    principal: Principal,
    device: str,
    incarnation: int,
    operations: Sequence[Operation],
    now: datetime,
    new_id: IdSource,
    acknowledged: int = 0,
) -> list[OpResult]:
    """A result for each operation, in their order; the device has stored every result up to `acknowledged`.

    Raises UNKNOWN_DEVICE, DEVICE_DISABLED, TOO_MANY_RECORDS, OPERATION_MISMATCH; then nothing was done.
    """
    if len(operations) > PUSH_OPERATIONS:
        raise SaddlebagError(TOO_MANY_RECORDS, count=len(operations), limit=PUSH_OPERATIONS)
    hold(tx, principal, device, lambda row: replace(row, seen_at=now))
    author = replace(principal, device=device, origin=f"device:{device}")
    records = Records(tx, author, now=now, new_id=new_id)
    return _Push(tx, records, device, incarnation, now).run(operations, acknowledged)


@dataclass(slots=True)
class _Push:
    tx: Transaction
    records: Records
    device: str
    incarnation: int
    now: datetime
    results: dict[int, OpResult] = field(default_factory=dict)
    parked: dict[tuple[str, str], int] = field(default_factory=dict)
    hashes: dict[int, bytes] = field(default_factory=dict)
    """Payload hashes of the operations that have no result yet, by sequence."""

    def run(self, operations: Sequence[Operation], acknowledged: int = 0) -> list[OpResult]:
        fresh = self._fresh(operations)
        self.parked = {
            (row.entity, row.record): row.sequence for row in self.tx.rows.select(Parked, device=self.device)
        }
        for batch in batches(fresh.values()):
            self._do(batch)
        self.tx.rows.put_all(
            [
                OperationResult(self.device, self.incarnation, sequence, self.hashes[sequence], write_result(result))
                for sequence, result in self.results.items()
                if sequence in fresh and result.code != EDIT_PARKED.code
            ]
        )
        # What this request asks for, its device cannot have stored.
        upto = min([acknowledged, *(each.sequence - 1 for each in operations)])
        if upto > 0:
            let_go(self.tx, self.device, upto, frozenset(self.parked.values()))
        return [self.results[each.sequence] for each in operations]

    def _fresh(self, operations: Sequence[Operation]) -> dict[int, Operation]:
        """The operations that have no result yet, by sequence; the results of the others are taken as they stand."""
        known = self._known(operations)
        fresh: dict[int, Operation] = {}
        for operation in operations:
            hashed = payload_hash(operation)
            stored = known.get(operation.sequence, {})
            kept = stored.get(self.incarnation) or next(
                (each for each in stored.values() if each.payload_hash == hashed), None
            )
            if kept is None:
                fresh.setdefault(operation.sequence, operation)
                same = self.hashes.setdefault(operation.sequence, hashed) == hashed
            else:
                same = kept.payload_hash == hashed
                self.results[operation.sequence] = read_result(operation.sequence, kept.result)
            if not same:
                raise SaddlebagError(OPERATION_MISMATCH, entity=operation.entity, record_id=operation.id)
        return fresh

    def _known(self, operations: Sequence[Operation]) -> dict[int, dict[int, OperationResult]]:
        """Stored results by sequence and incarnation.

        Earlier incarnations count too: a device that heals between a lost answer and the repetition would else have
        its operation done twice.
        """
        sequences = [each.sequence for each in operations]
        if not sequences:
            return {}
        rows = self.tx.rows.select(
            OperationResult,
            device=self.device,
            after={"sequence": min(sequences) - 1},
            before={"sequence": max(sequences) + 1},
        )
        known: dict[int, dict[int, OperationResult]] = {}
        for row in (*settled(self.tx, self.device, frozenset(sequences)), *rows):
            known.setdefault(row.sequence, {})[row.incarnation] = row
        return known

    def _do(self, batch: Sequence[Operation]) -> None:
        group = batch[0].group is not None
        free = self._unblocked(batch, group)
        writes = self._writes(free)
        if group and len(writes) < len(free):
            for operation, _ in writes:
                self._settle(operation, _rejected(operation, SaddlebagError(ALL_OR_NONE)))
            return
        for operation, _ in writes:
            self.results[operation.sequence] = OpResult(operation.sequence, OpStatus.APPLIED)
        # An update without fields only settles what is parked: it must not fail because the record is gone.
        effective = [each for each in writes if each[1].verb is not Verb.UPDATE or each[1].values]
        outcomes = self.records.apply([write for _, write in effective], all_or_none=group)
        for (operation, _), outcome in zip(effective, outcomes, strict=True):
            self._settle(operation, _result(operation, outcome))
        self._free(operation for operation, _ in writes if operation.settles is not None)

    def _unblocked(self, batch: Sequence[Operation], group: bool) -> list[Operation]:
        """The operations whose records are not parked; one parked record holds a whole group back."""
        parked = [(each, self.parked.get((each.entity, each.id))) for each in batch]
        blocked = [each for each, by in parked if by is not None and each.settles != by]
        if group and blocked:
            blocked = list(batch)
        for each in blocked:
            problem = SaddlebagError(EDIT_PARKED, entity=each.entity, record_id=each.id)
            self._settle(each, _rejected(each, problem))
        return [each for each in batch if each not in blocked]

    def _writes(self, operations: Iterable[Operation]) -> list[tuple[Operation, Write]]:
        """The writes of the operations that can be read; the others are rejected."""
        writes: list[tuple[Operation, Write]] = []
        for operation in operations:
            try:
                writes.append((operation, self._write(operation)))
            except SaddlebagError as problem:
                self._settle(operation, _rejected(operation, problem))
        return writes

    def _free(self, operations: Iterable[Operation]) -> None:
        """Unpark the records whose parked operation was settled without another rejection."""
        for operation in operations:
            key = (operation.entity, operation.id)
            if self.parked.get(key) == operation.settles:
                del self.parked[key]
                self.tx.rows.delete(Parked, device=self.device, entity=operation.entity, record=operation.id)

    def _settle(self, operation: Operation, result: OpResult) -> None:
        self.results[operation.sequence] = result
        if result.status is OpStatus.REJECTED and result.code != EDIT_PARKED.code:
            self.parked[operation.entity, operation.id] = operation.sequence
            self.tx.rows.put(Parked(self.device, operation.entity, operation.id, operation.sequence))

    def _write(self, operation: Operation) -> Write:
        """The write that an operation stands for; raises what is wrong with its texts."""
        check_id(operation.id)
        self.tx.schema.entity(operation.entity)
        codec = codec_for(self.tx.schema)[operation.entity]
        return Write(
            Verb(operation.kind),
            operation.entity,
            operation.id,
            values={each.name: _value(codec, each.name, each.new) for each in operation.fields},
            old={each.name: _value(codec, each.name, each.old) for each in operation.fields},
            base_version=None if operation.kind is OpKind.CREATE else operation.base_version or 0,
            edited_at=self._edited_at(operation),
        )

    def _edited_at(self, operation: Operation) -> datetime:
        """The device's time, but never later than the hub's: a clock that runs ahead must not win every conflict."""
        try:
            return min(canon.read_datetime(operation.edited_at), self.now)
        except canon.LexicalError as problem:
            raise SaddlebagError(INVALID_VALUE, f"editedAt: {problem}.", entity=operation.entity) from None


def batches(operations: Iterable[Operation]) -> Iterator[list[Operation]]:
    """Operations that can be done together: a group wherever its members stand, else a run without a record twice.

    A record's second operation waits for the outcome of its first: a rejection would park it.
    """
    waiting = list(operations)
    groups: dict[str, list[Operation]] = {}
    for each in waiting:
        if each.group is not None:
            groups.setdefault(each.group, []).append(each)
    run: list[Operation] = []
    keys: set[tuple[str, str]] = set()
    for each in waiting:
        if each.group is None and (each.entity, each.id) not in keys:
            run.append(each)
            keys.add((each.entity, each.id))
            continue
        if run:
            yield run
        run, keys = [], set()
        if each.group is None:
            run, keys = [each], {(each.entity, each.id)}
        elif each.group in groups:
            yield groups.pop(each.group)
    if run:
        yield run


def _value(codec: EntityCodec, name: str, texts: tuple[str, ...]) -> Value:
    if codec.entity.field(name).is_list:
        return codec.value(name, texts)
    if not texts:
        return None
    if len(texts) > 1:
        raise SaddlebagError(INVALID_VALUE, "The field takes one value.", entity=codec.entity.name, field=name)
    return codec.value(name, texts[0])


def _rejected(operation: Operation, problem: SaddlebagError) -> OpResult:
    return OpResult(
        operation.sequence,
        OpStatus.REJECTED,
        code=problem.kind.code,
        message=problem.message,
        field=problem.field,
        retryable=_retryable(problem.kind),
    )


def _retryable(kind: ErrorKind) -> bool:
    """Whether the same operation may be sent again: a parked record is freed by another operation."""
    return kind.retry is Retry.LATER or kind is EDIT_PARKED


def _result(operation: Operation, outcome: Outcome) -> OpResult:
    conflicts = tuple(
        OpConflict(each.name, each.base, each.mine, each.theirs, each.won, each.rule) for each in outcome.conflicts
    )
    result = OpResult(
        operation.sequence,
        _STATUS.get(outcome.status, OpStatus.APPLIED),
        outcome.version,
        merged=outcome.merged,
        conflicts=conflicts,
    )
    if outcome.error is None:
        return result
    error = outcome.error
    return replace(
        result, code=error.kind.code, message=error.message, field=error.field, retryable=_retryable(error.kind)
    )
