"""Runs: reading a system's streams batch by batch, and the history of it.

Belongs here: the loop around `apply`, retries, the guard against mass deletion, reconcile and replay. May not know:
which adapter it runs. Changes, bindings, letters, state and counts of a batch commit together, so the state is never
ahead of the changes; a crash at any point reads the last batch again, which is one effect.

A run fences out an older one: each batch commits only while its own history row is still open, and a run that starts
closes the open rows of its stream as interrupted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from saddlebag.bridge import letters
from saddlebag.bridge.apply import BatchWork, Counts
from saddlebag.bridge.backoff import Backoff, Breaker
from saddlebag.bridge.identity import Identities
from saddlebag.bridge.port import Adapter, Batch, Connector, Feed, Item, Stream, Unreadable
from saddlebag.bridge.rules import StreamMapping
from saddlebag.kernel.errors import (
    ADAPTER_UNAVAILABLE,
    BROKEN_REFERENCE,
    IN_PROGRESS,
    INTERNAL,
    MASS_DELETION,
    SaddlebagError,
)
from saddlebag.kernel.ids import IdSource
from saddlebag.kernel.limits import RECORDS_PER_CALL
from saddlebag.store.base import Store, Transaction
from saddlebag.store.tables import AdapterRun, AdapterState, DeadLetter

T = TypeVar("T")

RUNNING, DONE, STOPPED, FAILED, UNAVAILABLE, INTERRUPTED = (
    "running",
    "done",
    "stopped",
    "failed",
    "unavailable",
    "interrupted",
)
"""Outcomes of a run; `stopped` is the guard against mass deletion."""

REPLAYS = 10_000
"""Letters that one replay takes on."""


@dataclass(frozen=True)
class Means:
    """What a run needs from outside: the store and tenant, time, chance, ids, and a way to wait."""

    store: Store
    tenant: str
    now: Callable[[], datetime]
    new_id: IdSource
    random: Callable[[], float]
    sleep: Callable[[float], None]
    backoff: Backoff = field(default_factory=Backoff)


@dataclass(frozen=True)
class System:
    """A configured system of the tenant: its name there, the adapter, the open connector and the checked mappings."""

    name: str
    adapter: Adapter
    connector: Connector
    mappings: dict[str, StreamMapping]


@dataclass(frozen=True, slots=True)
class Options:
    """How to run: from the start instead of from the state; with a reconcile of id sets; with deletions confirmed."""

    from_start: bool = False
    reconcile: bool = False
    allow_deletions: bool = False


class StreamRun:
    """One run of one stream."""

    def __init__(self, means: Means, system: System, stream: Stream, options: Options | None = None) -> None:
        self._means = means
        self._system = system
        self._stream = stream
        self._mapping = system.mappings[stream.name]
        self._options = options or Options()
        self._counts = Counts()
        self._gone: set[str] = set()
        self._bound: int | None = None
        self._row = AdapterRun(
            means.new_id(), system.name, stream.name, means.now(), None, RUNNING, 0, 0, 0, 0, 0, 0, ""
        )

    def run(self) -> AdapterRun:
        """Read, apply and record; the finished history row. Catalogued failures end up in the row, others also rise."""
        state = self._begin()
        outcome, message = FAILED, INTERNAL.cause
        try:
            self._read(state)
            if self._options.reconcile and self._stream.lists_ids:
                self._reconcile()
            outcome, message = DONE, ""
        except SaddlebagError as error:
            outcome = {MASS_DELETION: STOPPED, ADAPTER_UNAVAILABLE: UNAVAILABLE}.get(error.kind, FAILED)
            message = f"{error.kind.code} {error.message}"
        except KeyboardInterrupt:
            outcome, message = INTERRUPTED, "The run was interrupted."
            raise
        finally:
            row = self._finish(outcome, message)
        return row

    # --- history

    def _begin(self) -> str:
        def work(tx: Transaction) -> str:
            name, stream = self._system.name, self._stream.name
            for row in tx.rows.select(AdapterRun, system=name, stream=stream, outcome=RUNNING):
                tx.rows.put(replace(row, outcome=INTERRUPTED, ended_at=self._means.now()))
            tx.rows.put(self._row)
            held = tx.rows.get(AdapterState, name, stream)
            return "" if held is None or self._options.from_start else held.state

        return self._run(work)

    def _finish(self, outcome: str, message: str) -> AdapterRun:
        row = replace(
            self._row, **asdict(self._counts), outcome=outcome, message=message[:1000], ended_at=self._means.now()
        )

        def work(tx: Transaction) -> AdapterRun:
            held = tx.rows.get(AdapterRun, row.run)
            if held is not None and held.outcome != RUNNING:
                return held
            tx.rows.put(row)
            return row

        return self._run(work)

    def _run(self, work: Callable[[Transaction], T]) -> T:
        return self._means.store.run(self._means.tenant, work)

    # --- reading

    def _read(self, state: str) -> None:
        failures = 0
        seen: set[str] = set()
        while True:
            before = state
            try:
                whole = False
                for batch in self._system.connector.read(self._stream.name, state):
                    whole = batch.whole
                    state = self._take_batch(batch, state)
                    seen.update(each.external_id for each in batch.items)
                    seen.update(each.external_id for each in batch.unreadable)
                break
            except SaddlebagError as error:
                if error.kind is not ADAPTER_UNAVAILABLE:
                    raise
                failures = 1 if state != before else failures + 1
                self._wait(failures, error)
                seen.clear()
        if whole:
            self._delete_unseen(seen)

    def _wait(self, failures: int, error: SaddlebagError) -> None:
        backoff = self._means.backoff
        delay = backoff.delay(failures, self._means.random, error.retry_after)
        if failures >= backoff.attempts or delay > backoff.longest:
            raise error
        self._means.sleep(delay)

    def _take_batch(self, batch: Batch, state: str) -> str:
        """Apply a batch; the state reached. A scan is done as a whole or begun again, or what it saw would be lost."""
        self._guard(each.external_id for each in batch.items if each.data is None)
        reached = batch.state if self._stream.feed is not Feed.SCAN or batch.whole else state
        self._apply(batch.items, batch.unreadable, reached)
        return reached

    def _apply(self, items: Sequence[Item], unreadable: Sequence[Unreadable] = (), state: str | None = None) -> None:
        now = self._means.now()

        def work(tx: Transaction) -> Counts:
            counts = self._work(tx, now).take(items, unreadable)
            self._still_mine(tx)
            if state is not None:
                tx.rows.put(AdapterState(self._system.name, self._stream.name, state, now))
            total = Counts(**asdict(self._counts))
            total.add(counts)
            tx.rows.put(replace(self._row, **asdict(total)))
            return counts

        self._counts.add(self._run(work))

    def _work(self, tx: Transaction, now: datetime) -> BatchWork:
        return BatchWork(tx, self._system.name, self._mapping, now, self._means.new_id)

    def _still_mine(self, tx: Transaction) -> None:
        row = tx.rows.get(AdapterRun, self._row.run)
        if row is None or row.outcome != RUNNING:
            raise SaddlebagError(IN_PROGRESS, "A later run of the same stream has taken over.")

    # --- deletions

    def _delete_unseen(self, seen: set[str]) -> None:
        entity = self._stream.entity
        gone = sorted(self._run(lambda tx: set(Identities(tx, self._system.name).all(entity))) - seen)
        self._delete(gone)
        self._drop_letters(seen)

    def _drop_letters(self, there: set[str]) -> None:
        """Remove the letters of records that were refused and have gone: nobody can mend them any more.

        A record that is bound still is one that the hub could not delete; its letter stays.
        """
        system, entity = self._system.name, self._stream.entity

        def work(tx: Transaction) -> None:
            identities = Identities(tx, system)
            for letter in letters.waiting(tx, system, self._stream.name):
                if letter.external_id not in there and identities.of(entity, letter.external_id) is None:
                    letters.discard(tx, letter.letter)

        self._run(work)

    def _delete(self, gone: Sequence[str]) -> None:
        self._guard(gone)
        for chunk in _chunks(gone):
            self._apply([Item(external_id, None) for external_id in chunk])

    def _guard(self, gone: Iterable[str]) -> None:
        """Refuse to spread a sudden emptiness: more than the declared share, or everything, is not deleted unasked."""
        self._gone.update(gone)
        if not self._gone or self._options.allow_deletions:
            return
        if self._bound is None:
            entity = self._stream.entity
            self._bound = self._run(lambda tx: len(Identities(tx, self._system.name).all(entity)))
        limit = max(1, int(self._mapping.deletions * self._bound))
        count = len(self._gone)
        if count > limit or (count >= self._bound > 1):
            raise SaddlebagError(
                MASS_DELETION,
                f"The run would delete {count} of {self._bound} records of the stream {self._stream.name};"
                f" {limit} are allowed unasked.",
                entity=self._stream.entity,
                rule=self._stream.name,
                count=count,
                limit=limit,
            )

    # --- reconcile

    def _reconcile(self) -> None:
        """Compare id sets: what is bound but no longer there is gone, what is there but not bound came late."""
        connector, stream = self._system.connector, self._stream
        there = {external_id for page in connector.ids(stream.name) for external_id in page}
        known, refused = self._run(self._known_ids)
        for chunk in _chunks(sorted(there - known - refused)):
            self._apply(connector.fetch(stream.name, chunk))
        gone = sorted(known - there)
        # An id may have come into the listing's range again while it was read: ask for each before it is deleted.
        back = {each.external_id for chunk in _chunks(gone) for each in connector.fetch(stream.name, chunk)}
        self._delete([external_id for external_id in gone if external_id not in back])
        self._drop_letters(there | back)

    def _known_ids(self, tx: Transaction) -> tuple[set[str], set[str]]:
        held = letters.waiting(tx, self._system.name, self._stream.name)
        return set(Identities(tx, self._system.name).all(self._stream.entity)), {each.external_id for each in held}

    # --- replay

    def replay(self, wanted: Callable[[DeadLetter], bool]) -> Counts:
        """Apply kept records again; those whose payload was too large are read from the system again."""
        held = self._run(lambda tx: letters.waiting(tx, self._system.name, self._stream.name, REPLAYS))
        self._begin()
        outcome, message = FAILED, INTERNAL.cause
        try:
            for chunk in _chunks([each for each in held if wanted(each)]):
                self._apply(self._items_of(chunk))
            outcome, message = DONE, "replay of dead letters"
        finally:
            self._finish(outcome, message)
        return self._counts

    def _items_of(self, chunk: Sequence[DeadLetter]) -> list[Item]:
        kept = {each.external_id: letters.item_of(each) for each in chunk}
        missing = [external_id for external_id, item in kept.items() if item is None]
        fresh = {each.external_id: each for each in self._fetch(missing)}
        return [item or fresh.get(external_id) or Item(external_id, None) for external_id, item in kept.items()]

    def _fetch(self, external_ids: Sequence[str]) -> list[Item]:
        return self._system.connector.fetch(self._stream.name, external_ids) if external_ids else []


def run_system(
    means: Means, system: System, streams: Sequence[str] = (), options: Options | None = None
) -> list[AdapterRun]:
    """Run a system's streams in declared order, then replay what only waited for a record of a later stream.

    A system that cannot be reached is left alone for a while: its other streams are not tried, and an early run raises
    ADAPTER_UNAVAILABLE with the seconds that are left.
    """
    _refuse_open_breaker(means, system)
    done: list[AdapterRun] = []
    for stream in _chosen(system, streams):
        done.append(StreamRun(means, system, stream, options).run())
        if done[-1].outcome == UNAVAILABLE:
            break
    _note_health(means, system, done)
    if done and done[-1].outcome != UNAVAILABLE:
        replay(means, system, streams, lambda letter: letter.code == BROKEN_REFERENCE.code)
    return done


def replay(
    means: Means, system: System, streams: Sequence[str], wanted: Callable[[DeadLetter], bool]
) -> dict[str, Counts]:
    """Apply the wanted letters again, stream by stream; the counts of the streams that had any."""
    held = means.store.run(
        means.tenant, lambda tx: {each.stream for each in letters.waiting(tx, system.name) if wanted(each)}
    )
    return {
        stream.name: StreamRun(means, system, stream).replay(wanted)
        for stream in _chosen(system, streams)
        if stream.name in held
    }


def history(means: Means, system: str, limit: int = 20) -> list[AdapterRun]:
    """The latest runs of a system, newest first."""
    rows = means.store.run(means.tenant, lambda tx: tx.rows.select(AdapterRun, system=system))
    return sorted(rows, key=lambda row: (row.started_at, row.run), reverse=True)[:limit]


def _chosen(system: System, names: Sequence[str]) -> list[Stream]:
    wanted = [system.adapter.stream(name) for name in names] or list(system.adapter.streams)
    return [each for each in system.adapter.streams if each in wanted and system.mappings[each.name].enabled]


def _refuse_open_breaker(means: Means, system: System) -> None:
    now = means.now()
    breaker = means.store.run(means.tenant, lambda tx: _breaker(tx, system.name))
    if breaker.is_open(now) and breaker.until is not None:
        left = int((breaker.until - now).total_seconds()) + 1
        raise SaddlebagError(
            ADAPTER_UNAVAILABLE,
            f"The system {system.name} failed {breaker.failures} times and rests.",
            retry_after=left,
        )


def _note_health(means: Means, system: System, done: Sequence[AdapterRun]) -> None:
    now = means.now()

    def work(tx: Transaction) -> None:
        before = _breaker(tx, system.name)
        after = before.after_failure(now) if any(row.outcome == UNAVAILABLE for row in done) else Breaker()
        if after != before:
            tx.rows.put(AdapterState(system.name, "", after.to_text(), now))

    means.store.run(means.tenant, work)


def _breaker(tx: Transaction, system: str) -> Breaker:
    held = tx.rows.get(AdapterState, system, "")
    return Breaker.of_text(held.state if held is not None else "")


def _chunks(listed: Sequence[T]) -> Iterable[Sequence[T]]:
    return (listed[start : start + RECORDS_PER_CALL] for start in range(0, len(listed), RECORDS_PER_CALL))
