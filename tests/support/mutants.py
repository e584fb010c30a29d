"""Planted bugs: each replaces one function of the engine by one that a hasty author might have written.

Belongs here: the bugs, by name, with the property that must find each. May not know: histories. A bug that no history
finds is a hole in the histories, not a harmless bug.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from planted import Plant, Planted, Plants
from saddlebag.kernel import cursor
from saddlebag.kernel.digest import Digest
from saddlebag.kernel.errors import INVALID_CURSOR, NOT_ALLOWED, SaddlebagError
from saddlebag.kernel.manifest import Held
from saddlebag.kernel.ops import Operation, OpResult
from saddlebag.model.condition import ALWAYS
from saddlebag.records import access, batch, merging
from saddlebag.records.path import Records
from saddlebag.security.principal import Principal
from saddlebag.store import gateway
from saddlebag.store.base import Stamp, StoredRecord, Transaction
from saddlebag.store.tables import Device, ManifestSlot, PendingPage
from saddlebag.sync import carry, devices, engine, grace, heal, offer, page, plan, pull, push, target
from saddlebag.sync.holding import Effect, Holding
from saddlebag.sync.plan import Difference, Key
from saddlebag.sync.scope import unguarded
from saddlebag.sync.stages import Stage
from sync_properties import Property


@dataclass(frozen=True)
class Mutant(Planted):
    """One planted bug, and the properties of which it must break one."""

    found: frozenset[Property]


MUTANTS: dict[str, Mutant] = {}


def mutant(*found: Property) -> Callable[[Plant], Plant]:
    """Register a planted bug under its function's name."""

    def register(plant: Plant) -> Plant:
        bug = Mutant(plant, frozenset(found))
        MUTANTS[bug.name] = bug
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

    def run(self: Any, operations: Sequence[Operation], *more: Any) -> list[OpResult]:
        results = honest(self, operations, *more)
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

    def put(sheet: page.Page, stamp: Stamp, whole: page.Offer, held: Mapping[Key, Held], budget: int) -> bool:
        there = {key for _, key in held} | {each.id for each in sheet.added}
        pattern = re.compile(r"<(territory|partner|product|contact)>([^<]*)</\1>")
        cut = pattern.sub(lambda match: match[0] if match[2] in there else "", whole.fragment)
        return honest(sheet, stamp, whole if cut == whole.fragment else page.Offer(cut), held, budget)

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
        anybody = replace(principal, user=row.user, device=device) if row else principal
        return honest(tx, anybody, device, *more, **named)

    return [(devices, "find", find)]


@mutant(Property.PROMPT_LEAVE)
def every_reason_is_left_scope() -> Plants:
    return [(pull, "reasons", lambda tx, principal, leaving: [page.Reason.LEFT_SCOPE for _ in leaving])]


# Grace, carried fields, caps.


@mutant(Property.CONVERGENCE)
def grace_is_ignored() -> Plants:
    return [(pull, "extended", lambda tx, asked, wanted, *more: (wanted, {}))]


@mutant(Property.PROMPT_LEAVE)
def grace_without_an_end() -> Plants:
    return [(grace, "_HOUR", 3_600_000)]


@mutant(Property.PROMPT_LEAVE)
def a_lost_page_begins_a_new_grace() -> Plants:
    """Since when a record is out of the scope is kept only while it stays."""
    honest = grace.extended

    def extended(tx: Transaction, asked: Any, wanted: Any, *more: Any) -> Any:
        longer, since = honest(tx, asked, wanted, *more)
        there = {(entity, each.id) for entity, stamps in longer.stamps.items() for each in stamps}
        return longer, {key: out for key, out in since.items() if key in there}

    return [(pull, "extended", extended)]


@mutant(Property.PROMPT_LEAVE, Property.NO_LEAK)
def grace_for_what_she_may_not_see_any_more() -> Plants:
    return [(grace, "visible", lambda *given: ALWAYS)]


@mutant(Property.RESUME, Property.CONVERGENCE)
def carried_fields_leak() -> Plants:
    """A page says all of a record of which only some fields are carried."""
    return [(carry.Carried, "cut", lambda self, entity, found: found)]


@mutant(Property.CONVERGENCE)
def the_narrowest_rule_decides_what_is_carried() -> Plants:
    honest = target.fields_of

    def fields_of(tx: Transaction, entity: str, listed: Sequence[Any], found: Sequence[Stamp]) -> Any:
        widths = [carry.names_of(tx.schema.entity(entity), each.claim) for each in listed]
        known = [each for each in widths if each is not None]
        narrow = {(entity, each.id): frozenset.intersection(*known) for each in found} if known else {}
        return narrow or honest(tx, entity, listed, found)

    return [(target, "fields_of", fields_of)]


@mutant(Property.BOUNDS)
def the_cap_of_a_rule_is_ignored() -> Plants:
    return [(target, "_check_cap", lambda *given: None)]


@mutant(Property.BOUNDS)
def a_cap_counts_what_she_may_not_see() -> Plants:
    honest = target._check_cap

    def check(tx: Transaction, claim: Any, where: Any, found: int) -> None:
        try:
            honest(tx, claim, where, found)
        except SaddlebagError as problem:
            problem.count = tx.count(claim.entity, ALWAYS)
            raise

    return [(target, "_check_cap", check)]


# Several tenants, several devices.


@mutant(Property.NO_LEAK, Property.RESUME, Property.PROMPT_LEAVE, Property.CONVERGENCE)
def a_fast_path_without_the_user() -> Plants:
    return [(target.Question, "mark", _mark_without(lambda tx, each: isinstance(each, Principal)))]


@mutant(Property.RESUME, Property.PROMPT_LEAVE, Property.CONVERGENCE)
def a_fast_path_without_the_territories() -> Plants:
    honest = target.Question.mark

    def mark(self: target.Question, tx: Transaction) -> object:
        return honest(replace(self, principal=replace(self.principal, territories=frozenset())), tx)

    return [(target.Question, "mark", mark)]


@mutant(Property.RESUME, Property.PROMPT_LEAVE, Property.CONVERGENCE)
def a_fast_path_without_the_pins() -> Plants:
    return [(target.Question, "mark", _mark_without(lambda tx, each: isinstance(each, tuple)))]


def _mark_without(left_out: Callable[[Transaction, object], bool]) -> object:
    honest = target.Question.mark

    def mark(self: target.Question, tx: Transaction) -> object:
        made: Any = honest(self, tx)
        return None if made is None else tuple(each for each in made if not left_out(tx, each))

    return mark


@mutant(Property.NO_LEAK)
def a_cursor_without_the_tenant() -> Plants:
    honest = cursor._sign
    return [(cursor, "_sign", lambda body, tenant, secret: honest(body, "", secret))]


@mutant(Property.NO_LEAK, Property.RESUME, Property.CONVERGENCE)
def a_look_up_without_the_tenant() -> Plants:
    """Two tenants' devices bear the same ids: what the one holds counts for the other."""
    honest = gateway._terms

    def terms(held: Any, given: Any) -> list[Any]:
        return honest(held, given)[held.cls is ManifestSlot :]

    return [(gateway, "_terms", terms), (gateway.RowStatements, "_built", lambda self, key, build: build())]


@mutant(Property.NO_LEAK)
def a_foreign_device_is_refused_in_other_words() -> Plants:
    honest = devices.find

    def find(tx: Transaction, principal: Principal, device: str, *more: Any, **named: Any) -> Device:
        row = tx.rows.get(Device, device)
        if row is not None and row.user != principal.user:
            raise SaddlebagError(NOT_ALLOWED)
        return honest(tx, principal, device, *more, **named)

    return [(devices, "find", find), (heal, "find", find)]


@mutant(Property.NO_LEAK)
def an_explanation_tells_what_exists() -> Plants:
    honest = engine.explain

    def explain(tx: Transaction, principal: Principal, entity: str, record: str, *more: Any) -> Any:
        told = honest(tx, principal, entity, record, *more)
        return replace(told, reason="It is another's.") if tx.get(entity, [record]) and not told.in_scope else told

    return [(engine, "explain", explain)]


@mutant(Property.PROMPT_LEAVE)
def a_disabled_device_is_only_refused() -> Plants:
    honest = devices.find

    def find(tx: Transaction, principal: Principal, device: str, *more: Any, leaving: bool = False) -> Device:
        return honest(tx, principal, device, *more, leaving=False)

    return [(devices, "find", find)]


@mutant(Property.NO_LEAK)
def a_disabled_device_may_push() -> Plants:
    honest = devices.find

    def find(tx: Transaction, principal: Principal, device: str, *more: Any, **named: Any) -> Device:
        row = tx.rows.get(Device, device)
        if row is not None and row.user == principal.user and not row.enabled:
            return row
        return honest(tx, principal, device, *more, **named)

    return [(access, "_of_device", lambda tx, kept, principal: principal), (devices, "find", find)]


# Messages, groups, patches.


@mutant(Property.RESUME, Property.CONVERGENCE, Property.NEVER_REBUILD)
def a_page_that_comes_out_different_keeps_its_number() -> Plants:
    def number(self: pull._Turn, effect: Effect) -> int:
        waits = self.waiting and not self.acknowledged
        return self.waiting[0] if waits and self.waiting else self.device.pending_checkpoint + 1

    return [(pull._Turn, "_number", number)]


@mutant(Property.EXACTLY_ONCE)
def a_group_is_done_in_part() -> Plants:
    honest = Records.apply

    def apply(self: Records, writes: Any, *, all_or_none: bool = False, **more: Any) -> Any:
        return honest(self, writes, **more)

    return [(Records, "apply", apply)]


@mutant(Property.RESUME, Property.CONVERGENCE)
def a_patch_forgets_what_was_cleared() -> Plants:
    honest = offer.patch_of

    def patch_of(*given: Any) -> Any:
        made = honest(*given)
        return made and replace(made, cleared=())

    return [(offer, "patch_of", patch_of)]


@mutant(Property.CONVERGENCE)
def an_old_client_is_sent_patches() -> Plants:
    honest = pull.prepare

    def prepare(*given: Any) -> Any:
        return honest(*given[:-1], True)

    return [(pull, "prepare", prepare)]
