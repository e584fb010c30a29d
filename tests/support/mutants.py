"""Planted bugs: each replaces one function of the engine by one that a hasty author might have written.

Belongs here: the bugs, by name, with the property that must find each. May not know: histories. A bug that no history
finds is a hole in the histories, not a harmless bug.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from saddlebag.kernel.digest import Digest
from saddlebag.kernel.errors import INVALID_CURSOR, SaddlebagError
from saddlebag.kernel.manifest import Held
from saddlebag.kernel.ops import Operation, OpResult
from saddlebag.records import batch, merging
from saddlebag.security.principal import Principal
from saddlebag.store.base import Rendering, Stamp, StoredRecord, Transaction
from saddlebag.store.tables import Device, PendingPage
from saddlebag.sync import devices, heal, page, plan, pull, push, target
from saddlebag.sync.holding import Effect, Holding
from saddlebag.sync.plan import Difference, Key
from saddlebag.sync.scope import unguarded
from saddlebag.sync.stages import Stage
from sync_properties import Property

Plants = list[tuple[object, str, object]]
"""Which attribute of what is replaced by what."""

Plant = Callable[[], Plants]


@dataclass(frozen=True)
class Mutant:
    """One planted bug, and the properties of which it must break one."""

    plant: Plant
    found: frozenset[Property]

    @contextmanager
    def planted(self) -> Iterator[None]:
        """The bug, until the block ends."""
        with pytest.MonkeyPatch.context() as patch:
            for owner, name, wrong in self.plant():
                patch.setattr(owner, name, wrong)
            yield


MUTANTS: dict[str, Mutant] = {}


def mutant(*found: Property) -> Callable[[Plant], Plant]:
    """Register a planted bug under its function's name."""

    def register(plant: Plant) -> Plant:
        MUTANTS[plant.__name__.replace("_", "-")] = Mutant(plant, frozenset(found))
        return plant

    return register


@mutant(Property.RESUME, Property.CONVERGENCE)
def no_evict() -> Plants:
    honest = plan.diff

    def diff(*given: Any) -> Difference:
        return Difference([], honest(*given).puts)

    return [(pull, "diff", diff)]


@mutant(Property.RESUME, Property.NO_LEAK)
def a_page_counts_as_held_when_it_is_sent() -> Plants:
    """Without the check for a lost page: what was sent joins the holding at once."""
    honest = pull.Settlement.write

    def write(self: pull.Settlement, tx: Transaction) -> bool:
        done = honest(self, tx)
        if done and self.pending is not None:
            holding = Holding.load(tx, self.after.device)
            holding.rewritten(Effect.unpacked(self.pending.entries)).write(tx, self.after.device)
            tx.rows.put(PendingPage(self.after.device, self.pending.checkpoint, Effect().packed()))
        return done

    return [(pull.Settlement, "write", write)]


@mutant(Property.EXACTLY_ONCE)
def no_push_dedupe() -> Plants:
    def known(self: object, operations: Sequence[Operation]) -> dict[int, object]:
        return {}

    return [(push._Push, "_known", known)]


@mutant(Property.EXACTLY_ONCE)
def results_only_for_the_same_request() -> Plants:
    """A result is found again only when all operations of the request were sent before, in one request."""
    honest = push._Push._known

    def known(self: Any, operations: Sequence[Operation]) -> dict[int, Any]:
        found = honest(self, operations)
        return found if all(each.sequence in found for each in operations) else {}

    return [(push._Push, "_known", known)]


@mutant(Property.EXACTLY_ONCE)
def a_number_is_enough_of_a_key() -> Plants:
    """Without the payload in the key, a number that a restored device uses again gets the old result."""

    def payload_hash(operation: Operation) -> bytes:
        return b"same"

    return [(push, "payload_hash", payload_hash)]


@mutant(Property.RESUME, Property.CONVERGENCE)
def xor_digest() -> Plants:
    def of(hashes: Iterable[int]) -> Digest:
        listed, mixed = list(hashes), 0
        for each in listed:
            mixed ^= each
        return Digest(len(listed), mixed)

    return [(Digest, "of", staticmethod(of))]


@mutant(Property.CLOCKS)
def a_cursor_expires_after_a_week() -> Plants:
    honest = pull.prepare

    def prepare(tx: Transaction, principal: Principal, text: str, now: datetime, *more: Any) -> Any:
        _, device = devices.open_cursor(tx, principal, text)
        if now - device.seen_at > timedelta(days=7):
            raise SaddlebagError(INVALID_CURSOR)
        return honest(tx, principal, text, now, *more)

    return [(pull, "prepare", prepare)]


@mutant(Property.RESUME, Property.CONVERGENCE)
def echo_suppression() -> Plants:
    """Her own push counts as held: the device is never told what the hub made of it."""
    honest = push._Push.run

    def run(self: Any, operations: Sequence[Operation]) -> list[OpResult]:
        results = honest(self, operations)
        keys = {(each.entity, each.id) for each, result in zip(operations, results, strict=True) if result.version}
        holding = Holding.load(self.tx, self.device)
        held = holding.entries()
        now = [
            Held(entity, each.id, each.version, each.hash)
            for entity, record_id in keys & held.keys()
            for each in self.tx.get(entity, [record_id]).values()
        ]
        holding.rewritten(Effect([held[each.entity, each.id] for each in now], now)).write(self.tx, self.device)
        return results

    return [(push._Push, "run", run)]


@mutant(Property.CONVERGENCE, Property.REFERENCES, Property.RESUME)
def null_for_an_absent_reference() -> Plants:
    """A foreign key to a record that the device does not hold is sent as no value, as a relational copy would."""
    honest = page._put

    def put(sheet: page.Page, stamp: Stamp, rendering: Rendering, held: Mapping[Key, Held], budget: int) -> bool:
        there = {key for _, key in held} | {each.id for each in sheet.added}
        pattern = re.compile(r"<(territory|partner|product|contact)>([^<]*)</\1>")
        cut = pattern.sub(lambda match: match[0] if match[2] in there else "", rendering.fragment)
        return honest(sheet, stamp, rendering._replace(fragment=cut), held, budget)

    return [(page, "_put", put)]


@mutant(Property.PROMPT_LEAVE, Property.CONVERGENCE, Property.RESUME)
def a_fast_path_without_the_calendar() -> Plants:
    honest = target.Question.mark

    def mark(self: target.Question, tx: Transaction) -> object:
        return tuple("a day" if isinstance(each, date) else each for each in honest(self, tx) or ())

    return [(target.Question, "mark", mark)]


@mutant(Property.PROMPT_LEAVE, Property.CONVERGENCE, Property.RESUME)
def a_fast_path_without_the_rules() -> Plants:
    honest = target.Question.mark

    def mark(self: target.Question, tx: Transaction) -> object:
        return tuple("rules" if isinstance(each, bytes) else each for each in honest(self, tx) or ())

    return [(target.Question, "mark", mark)]


@mutant(Property.CONVERGENCE)
def the_first_rule_to_let_go_evicts() -> Plants:
    """Only the first rule that knows an entity is asked; what another rule claims goes."""
    honest = target.stages_of

    def staged(*given: Any, **named: Any) -> dict[str, list[Stage]]:
        found = honest(*given, **named)
        return {
            entity: [each for each in listed if each.claim.rule == listed[0].claim.rule]
            for entity, listed in found.items()
        }

    return [(target, "stages_of", staged)]


@mutant(Property.POLICIES)
def an_edit_of_a_deleted_record_is_dropped() -> Plants:
    return [(batch, "edit_after_delete", lambda *given: ())]


@mutant(Property.POLICIES)
def a_deletion_drops_what_it_did_not_know() -> Plants:
    return [(batch, "delete_after_edit", lambda *given: ())]


@mutant(Property.POLICIES)
def the_records_version_for_the_fields() -> Plants:
    return [(StoredRecord, "field_version", lambda self, name: self.version)]


@mutant(Property.POLICIES)
def the_last_writer_wins() -> Plants:
    """Every edit is taken as if it had started from what the hub holds."""
    honest = merging.merge_edit

    def merge_edit(codec: Any, draft: Any, write: Any, values: Any, **more: Any) -> merging.Merge:
        return honest(codec, draft, replace(write, base_version=None), values, **more)

    return [(batch, "merge_edit", merge_edit)]


@mutant(Property.REFERENCES)
def parents_leave_first() -> Plants:
    honest = plan.diff

    def diff(*given: Any) -> Difference:
        found = honest(*given)
        return Difference(found.evicts[::-1], found.puts)

    return [(pull, "diff", diff)]


@mutant(Property.BOUNDS)
def a_page_without_a_budget() -> Plants:
    honest = page.fill

    def fill(difference: Difference, held: Any, budget: int, *more: Any) -> Any:
        return honest(difference, held, 1 << 30, *more)

    return [(pull, "fill", fill)]


@mutant(Property.RESUME, Property.NEVER_REBUILD)
def healing_discards() -> Plants:
    """What differs is forgotten and sent again, instead of believed."""
    return [(heal, "_believed", lambda held, listed: [])]


@mutant(Property.NO_LEAK)
def everybody_sees_everything() -> Plants:
    return [(target, "visibility", lambda principal, schema: unguarded)]


@mutant(Property.NO_LEAK)
def a_forged_claim_is_answered() -> Plants:
    return [(heal, "_believed", lambda held, listed: listed)]


@mutant(Property.NO_LEAK, Property.CLOCKS)
def a_cursor_is_good_for_everybody() -> Plants:
    honest = devices.find

    def find(tx: Transaction, principal: Principal, device: str, *more: Any, **named: Any) -> Device:
        row = tx.rows.get(Device, device)
        return honest(tx, replace(principal, user=row.user) if row else principal, device, *more, **named)

    return [(devices, "find", find)]


@mutant(Property.PROMPT_LEAVE)
def every_reason_is_left_scope() -> Plants:
    return [(pull, "reasons", lambda tx, principal, leaving: [page.Reason.LEFT_SCOPE for _ in leaving])]
