"""Planted bugs of the laptop: each replaces one function of the client by one that a hasty author might have written.

Belongs here: the bugs, by name, with the checks of the histories that must find each. May not know: how histories are
drawn. A bug that no history finds is a hole in the histories, not a harmless bug.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from planted import Plant, Planted, Plants
from saddlebag.kernel import session
from saddlebag.kernel.session_events import Compared, Event
from saddlebag_client import driver, outbox, rows, settle
from saddlebag_client.local import LocalFile
from saddlebag_client.outbox import Operation


@dataclass(frozen=True)
class Mutant(Planted):
    """One planted bug, and the functions of the histories of which one must find it."""

    disturbed: bool
    """Whether it takes restored images or damaged disks to show."""
    found: frozenset[str]


MUTANTS: dict[str, Mutant] = {}


def mutant(*found: str, disturbed: bool = False) -> Callable[[Plant], Plant]:
    """Register a planted bug under its function's name."""

    def register(plant: Plant) -> Plant:
        bug = Mutant(plant, disturbed, frozenset(found))
        MUTANTS[bug.name] = bug
        return plant

    return register


@mutant("only_a_real_difference_is_healed")
def the_cursor_is_stored_before_its_page() -> Plants:
    """Page and cursor apart: a kill between the two loses the page."""
    honest = driver.Driver._pull

    def pull(self: Any, *given: Any) -> Any:
        fetch = self._hub.pull

        def fetched(*more: Any) -> Any:
            page = fetch(*more)
            self._file.put(cursor=page.cursor)
            return page

        self._hub.pull = fetched
        try:
            return honest(self, *given)
        finally:
            self._hub.pull = fetch

    return [(driver.Driver, "_pull", pull)]


@mutant("only_a_real_difference_is_healed")
def only_the_last_pages_cursor_is_stored() -> Plants:
    """Pages are applied one by one, but where the pull has come to is kept at its end only."""
    honest_pull, honest_put = driver.Driver._pull, LocalFile.put

    def pull(self: Any, *given: Any) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            fetch = self._hub.pull

            def fetched(*more: Any) -> Any:
                page = fetch(*more)
                if page.more:
                    patch.setattr(LocalFile, "put", without("cursor", honest_put))
                return page

            patch.setattr(self._hub, "pull", fetched)
            return honest_pull(self, *given)

    return [(driver.Driver, "_pull", pull)]


@mutant("calm_sync")
def what_is_sent_leaves_the_outbox() -> Plants:
    """An operation is dropped before its result has come."""
    honest = outbox.take_batch

    def take_batch(file: LocalFile, *given: Any) -> list[Operation]:
        batch = honest(file, *given)
        with file.transaction() as db:
            db.executemany("DELETE FROM outbox WHERE sequence = ?", [(each.sequence,) for each in batch])
        return batch

    return [(outbox, "take_batch", take_batch)]


@mutant("only_a_real_difference_is_healed", "nothing_took_effect_twice")
def what_is_sent_is_marked_when_its_result_comes() -> Plants:
    """Until then a further edit changes what the hub may have already."""
    honest = outbox.take_batch

    def take_batch(file: LocalFile, *given: Any) -> list[Operation]:
        batch = honest(file, *given)
        with file.transaction() as db:
            keys = [(outbox.UNSENT, each.sequence) for each in batch]
            db.executemany("UPDATE outbox SET status = ? WHERE sequence = ?", keys)
        return batch

    return [(outbox, "take_batch", take_batch)]


@mutant("nothing_took_effect_twice")
def what_is_sent_again_gets_a_new_number() -> Plants:
    honest = outbox.take_batch

    def take_batch(file: LocalFile, *given: Any) -> list[Operation]:
        renumber(file, outbox.SENT)
        return honest(file, *given)

    return [(outbox, "take_batch", take_batch)]


@mutant("nothing_took_effect_twice", disturbed=True)
def operations_are_numbered_when_they_are_sent() -> Plants:
    """What a restored image holds unsent, although it was sent long ago, gets another number and takes effect again."""
    honest = outbox.take_batch

    def take_batch(file: LocalFile, *given: Any) -> list[Operation]:
        renumber(file, outbox.UNSENT)
        return honest(file, *given)

    return [(outbox, "take_batch", take_batch)]


@mutant("only_a_real_difference_is_healed", "calm_sync")
def numbers_are_counted_from_the_outbox() -> Plants:
    """The next number follows the greatest that is waiting: one that was settled is given out again."""

    def next_sequence(self: LocalFile) -> int:
        return int(self.db.execute("SELECT coalesce(max(sequence), 0) + 1 FROM outbox").fetchone()[0])

    return [(LocalFile, "next_sequence", next_sequence)]


@mutant("calm_sync", disturbed=True)
def the_incarnation_is_forgotten() -> Plants:
    honest_reconcile, honest_put = driver.Driver._reconcile, LocalFile.put

    def reconcile(self: Any, *given: Any) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(LocalFile, "put", without("incarnation", honest_put))
            return honest_reconcile(self, *given)

    return [(driver.Driver, "_reconcile", reconcile)]


@mutant("calm_sync", disturbed=True)
def the_digest_is_not_looked_at() -> Plants:
    honest = session.Session._read

    def read(self: session.Session, event: Event) -> session.Signal:
        return session.Signal.EQUAL if isinstance(event, Compared) else honest(self, event)

    return [(session.Session, "_read", read)]


@mutant("calm_sync", "only_a_real_difference_is_healed", "sync_in_bad_weather")
def an_eviction_is_not_carried_out() -> Plants:
    return [(rows, "remove", lambda db, entity, record_id: True)]


@mutant("calm_sync")
def an_eviction_takes_the_unsent_edits_along() -> Plants:
    honest = rows.remove

    def remove(db: Any, entity: str, record_id: str) -> bool:
        for table in ("dirty", "outbox"):
            db.execute(f"DELETE FROM {table} WHERE entity = ? AND id = ?", (entity, record_id))
        return honest(db, entity, record_id)

    return [(rows, "remove", remove)]


@mutant("calm_sync")
def a_refused_operation_is_dropped() -> Plants:
    """A parked rejection is lost with what its user wrote."""
    return [(settle, "_keep", drop_when(lambda result: result.status == "rejected"))]


@mutant("calm_sync")
def an_edit_of_a_record_that_is_gone_is_dropped() -> Plants:
    return [(settle, "_keep", drop_when(lambda result: result.status == "gone"))]


@mutant("a_reference_reads_as_it_stands_although_its_target_is_not_here")
def an_absent_reference_reads_as_no_value() -> Plants:
    """As a foreign key of a relational copy would."""
    honest = rows.read

    def read(file: LocalFile, *given: Any) -> list[rows.Held]:
        found = honest(file, *given)
        here = {each for (each,) in file.db.execute("SELECT id FROM rows")}
        for held in found:
            for texts in (held.texts, held.hub):
                if texts.get("customer") not in here:
                    texts.pop("customer", None)
        return found

    return [(rows, "read", read)]


@mutant("only_a_real_difference_is_healed", "calm_sync")
def an_absent_reference_is_stored_as_no_value() -> Plants:
    honest = rows.store

    def store(db: Any, records: Any) -> None:
        honest(db, [replace(each, fragment=re.sub("<customer>.*</customer>", "", each.fragment)) for each in records])

    return [(rows, "store", store)]


def without(name: str, honest: Any) -> Any:
    """`put` that leaves out one of the values."""

    def put(self: LocalFile, **values: Any) -> None:
        values.pop(name, None)
        honest(self, **values)

    return put


def drop_when(lost: Callable[[settle.Result], bool]) -> Any:
    """`_keep` that drops the operation where `lost` says so."""
    honest = settle._keep

    def keep(db: Any, operation: Operation, status: str, result: settle.Result) -> None:
        if lost(result):
            db.execute("DELETE FROM outbox WHERE sequence = ?", (operation.sequence,))
            db.execute("DELETE FROM dirty WHERE sequence = ?", (operation.sequence,))
        else:
            honest(db, operation, status, result)

    return keep


def renumber(file: LocalFile, status: str) -> None:
    """Give the operations in a status new numbers, in their order."""
    with file.transaction() as db:
        for each in outbox.operations(file, status):
            key = (file.next_sequence(), each.sequence)
            db.execute("UPDATE outbox SET sequence = ? WHERE sequence = ?", key)
            db.execute("UPDATE dirty SET sequence = ? WHERE sequence = ?", key)
