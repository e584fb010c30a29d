"""Targets: what a user's devices should hold at this moment, by her scope and by what she may see.

Belongs here: choosing the scope, binding it, asking the store, caps, and the reasons for leaving. May not know: pages.
Every step is joined to `security.policy.visible`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from saddlebag.contract.recent import Recent
from saddlebag.kernel.digest import Digest
from saddlebag.kernel.errors import SCOPE_CAPPED, SaddlebagError
from saddlebag.kernel.limits import SCOPE_RECORDS
from saddlebag.kernel.manifest import Held
from saddlebag.model.condition import (
    NEVER,
    And,
    Compare,
    Condition,
    Op,
    Or,
    Param,
    Within,
    bind,
    both,
    conjuncts,
    either,
)
from saddlebag.model.entities import Schema
from saddlebag.security.policy import visible
from saddlebag.security.principal import Principal, Role
from saddlebag.store.base import Stamp, Transaction
from saddlebag.store.tables import Pin, ScopeRuleRow
from saddlebag.sync.carry import WHOLE, Carried, Names, fields_of, is_mixed, stamped, widest
from saddlebag.sync.defaults import default_for
from saddlebag.sync.page import Reason
from saddlebag.sync.plan import Key, digest_of
from saddlebag.sync.rules import read_scope
from saddlebag.sync.scope import Circumstances, Claim, Guard, Hop, Rule, Scope, rule_claims, stage_claims
from saddlebag.sync.stages import Stage, staged

_IDS: Final = 500
"""Ids in one question to the store."""


@dataclass(frozen=True, slots=True)
class Target:
    """The records that a device should hold; entities without any are left out."""

    scope_version: int
    stamps: Mapping[str, list[Stamp]]
    carried: Carried = WHOLE

    def digests(self) -> dict[str, Digest]:
        """Count and sum for each entity."""
        return {entity: digest_of(stamps) for entity, stamps in self.stamps.items()}


@dataclass(frozen=True, slots=True)
class BoundClaim:
    """A claim with its parameters bound and guarded: exactly the records that it puts on the device."""

    claim: Claim
    where: Condition


def scope_of(tx: Transaction, principal: Principal) -> Scope:
    """The scope set for the user, else for her role, else for the tenant, else the default."""
    rows = {row.name: row for row in tx.rows.select(ScopeRuleRow)}
    for name in (f"user:{principal.user}", f"role:{principal.role}", "default"):
        if name in rows:
            return read_scope(name, rows[name].version, rows[name].rules, tx.schema)
    return default_for(tx.schema)


def circumstances(tx: Transaction, principal: Principal, now: datetime) -> Circumstances:
    """What the scope's parameters are computed from."""
    pins: dict[str, tuple[str, ...]] = {}
    for pin in tx.rows.select(Pin, user=principal.user):
        pins[pin.entity] = (*pins.get(pin.entity, ()), pin.record)
    return Circumstances(principal.user, tuple(sorted(principal.territories)), pins, now, tx.tenant.time_zone)


def bound_claims(
    scope: Scope, known: Circumstances, principal: Principal, schema: Schema
) -> dict[str, list[BoundClaim]]:
    """Every claim of the scope as a condition that the store can answer, by entity in the schema's order."""
    guard = visibility(principal, schema)
    bound: dict[str, list[BoundClaim]] = {}
    for rule in scope.rules:
        if not _idle(rule.where, known, rule.entity):
            for claim in rule_claims(rule, guard).values():
                bound.setdefault(claim.entity, []).append(BoundClaim(claim, known.bind(claim, rule.entity)))
    return {entity.name: bound[entity.name] for entity in schema.ordered if entity.name in bound}


def visibility(principal: Principal, schema: Schema) -> Guard:
    """The guard that lets through what the principal may see.

    Every step is guarded, not only the records that are sent: else the products of a deal that she may not see would
    tell her what is on it. Where a step can only lead from what she sees to what she sees, nothing is asked.
    """
    seen: dict[str, Condition] = {each.name: visible(principal, each, schema) for each in schema.entities}

    def guard(entity: str, where: Condition, hop: Hop | None, start: str) -> Condition:
        if hop is not None and _follows(schema, seen, hop, entity, start):
            return where
        return joined(entity, where, seen[entity], principal.user)

    return guard


def _follows(schema: Schema, seen: Mapping[str, Condition], hop: Hop, entity: str, start: str) -> bool:
    """Whether what the hop leads to is visible because its start is: one is visible exactly when the other is."""
    child, parent = (entity, start) if hop.backward else (start, entity)
    if seen[child] == Within(hop.field, parent, seen[parent]):
        return True
    mine, whole = schema.entity(child), schema.entity(parent)
    if not mine.customer or not whole.customer or not mine.has(mine.customer):
        return False
    if hop.about and whole.customer == "id":  # what is about a customer has that customer
        return seen[child] == Within(mine.customer, parent, seen[parent])
    same = mine.field(mine.customer).derived == f"{hop.field}.{whole.customer}"
    return same and seen[child] == _asked_of(seen[parent], mine.customer)


def _asked_of(seen: Condition, field: str) -> Condition:
    """The same question asked of another reference."""
    return replace(seen, field=field) if isinstance(seen, Within) else seen


def joined(entity: str, claimed: Condition, seen: Condition, me: str = "") -> Condition:
    """What meets both, written so that the store looks at what is claimed and not at all that the user may see.

    `x in (ids of A) and x in (ids of B)` is `x in (ids of A and B)`. Where visibility follows another reference than
    the claim, it is asked only of the records that the claim leads to. Otherwise a pull would cost what the user may
    see, which grows with the database, and not what she takes along. Where the claim implies what is seen (her own
    deals show her their customers), nothing is asked; `me` is her id.
    """
    if not isinstance(seen, Within) or seen.select != "id":
        return both(claimed, seen)
    parts = claimed.parts if isinstance(claimed, And) else (claimed,)
    for place, part in enumerate(parts):
        if isinstance(part, Within) and (part.field, part.entity, part.select) == (seen.field, seen.entity, "id"):
            merged = part if _implies(part, seen, me) else replace(part, where=both(part.where, seen.where))
            return both(*parts[:place], merged, *parts[place + 1 :])
    reached = Within("id", entity, claimed, select=seen.field)
    asked = reached if _implies(reached, seen.where, me) else both(reached, seen.where)
    return both(claimed, replace(seen, where=asked))


def _implies(one: Condition, other: Condition, me: str) -> bool:
    """Whether `other`, or an alternative of it, plainly holds wherever `one` does; False where that is not plain."""
    if isinstance(other, Or):
        return any(_implies(one, each, me) for each in other.parts)
    if not isinstance(one, Within) or not isinstance(other, Within):
        return False
    if (one.field, one.entity, one.select) != (other.field, other.entity, other.select):
        return False
    return conjuncts(other.where) <= conjuncts(bind(one.where, _Me(me)))


class _Me(dict[str, Any]):
    """Binds `me` alone, and leaves every other parameter as it is."""

    def __init__(self, me: str) -> None:
        super().__init__(me=me)

    def __missing__(self, name: str) -> Param:
        return Param(name)


def _idle(where: Condition, known: Circumstances, root: str) -> bool:
    """Whether a rule asks for pins where there are none: its dozen subqueries would cost and find nothing."""
    return isinstance(where, Compare) and str(getattr(where.value, "name", "")) == "pins" and not known.pins.get(root)


@dataclass(frozen=True, slots=True)
class Question:
    """All that a target depends on beside the records themselves."""

    principal: Principal
    scope: Scope
    known: Circumstances

    def mark(self, tx: Transaction) -> Hashable | None:
        """A value that two questions share only if the records alone decide between their targets, or None where the
        moment decides too.
        """
        if self.scope.moves_within_a_day:
            return None
        pins = tuple(sorted(self.known.pins.items()))
        asker = replace(self.principal, device="", origin="")
        return (tx.tenant.name, self.known.today, asker, self.scope.fingerprint, pins)


def question(tx: Transaction, principal: Principal, now: datetime) -> Question:
    """What is asked for a user at this moment."""
    return Question(principal, scope_of(tx, principal), circumstances(tx, principal, now))


def evaluate(tx: Transaction, asked: Question) -> Target:
    """The target; raises SCOPE_CAPPED with rule, count and limit where a cap bites."""
    scope = asked.scope
    bound = stages_of(tx, asked)
    fields: dict[Key, Names] = {}
    stamps: dict[str, list[Stamp]] = {}
    total = 0
    for entity, listed in bound.items():
        found = _found(tx, entity, listed)
        total += len(found)
        if total > SCOPE_RECORDS:
            raise SaddlebagError(SCOPE_CAPPED, rule=scope.name, count=total, limit=SCOPE_RECORDS)
        if found:
            short = fields_of(tx, entity, listed, found)
            fields.update(short)
            stamps[entity] = stamped(tx, entity, found, short) if short else found
    if scope.cap and total > scope.cap:
        raise SaddlebagError(SCOPE_CAPPED, rule=scope.name, count=total, limit=scope.cap)
    together = {entity: widest(tx.schema.entity(entity), listed) for entity, listed in bound.items()}
    widths = {entity: names for entity, names in together.items() if names is not None}
    mixed = frozenset(entity for entity, listed in bound.items() if is_mixed(tx.schema.entity(entity), listed))
    return Target(scope.version, stamps, Carried(fields, widths, mixed))


_COMPILED: Final[Recent[tuple[object, ...], list[tuple[Rule, Mapping[str, Claim]]]]] = Recent(1024)
"""Guarded claims of users who asked lately: making them anew at each pull cost as much as two of its questions."""


def stages_of(tx: Transaction, asked: Question, *, capped: bool = True) -> dict[str, list[Stage]]:
    """The stages of the scope by entity in the schema's order; raises SCOPE_CAPPED where caps are to bite."""
    scope, schema, principal = asked.scope, tx.schema, replace(asked.principal, device="", origin="")

    def compiled() -> list[tuple[Rule, Mapping[str, Claim]]]:
        guard = visibility(principal, schema)
        return [(rule, stage_claims(rule, guard)) for rule in scope.rules]

    def ask(claim: Claim, where: Condition) -> list[Stamp]:
        found = tx.stamps(claim.entity, where, limit=SCOPE_RECORDS + 1)
        if capped:
            _check_cap(tx, claim, where, len(found))
        if capped and len(found) > SCOPE_RECORDS:
            raise SaddlebagError(SCOPE_CAPPED, rule=scope.name, count=len(found), limit=SCOPE_RECORDS)
        return found

    rules = _COMPILED.get((schema.fingerprint, scope.fingerprint, principal), compiled)
    active = [(rule, claims) for rule, claims in rules if not _idle(rule.where, asked.known, rule.entity)]
    bound: dict[str, list[Stage]] = {}
    for each in staged(active, asked.known, ask):
        bound.setdefault(each.claim.entity, []).append(each)
    return {entity.name: bound[entity.name] for entity in schema.ordered if entity.name in bound}


def _found(tx: Transaction, entity: str, listed: Sequence[Stage]) -> list[Stamp]:
    """What the stages of an entity hold together; those that were not asked yet are, in one question."""
    found = {each.id: each for stage in listed for each in stage.found or ()}
    rest = [stage for stage in listed if stage.found is None]
    where = either(*(stage.where for stage in rest))
    if where != NEVER:
        more = tx.stamps(entity, where, limit=SCOPE_RECORDS + 1)
        for stage in rest:
            _check_cap(tx, stage.claim, stage.where, len(more))
        found.update((each.id, each) for each in more)
    return list(found.values())


def _check_cap(tx: Transaction, claim: Claim, where: Condition, found: int) -> None:
    """A claim cannot exceed its cap while all claims together do not, so counting is rare."""
    if claim.cap and found > claim.cap:
        count = tx.count(claim.entity, where)
        if count > claim.cap:
            raise SaddlebagError(SCOPE_CAPPED, entity=claim.entity, rule=claim.label, count=count, limit=claim.cap)


def reasons(tx: Transaction, principal: Principal, leaving: Sequence[Held]) -> list[Reason]:
    """Why each record leaves, from its present state.

    An entry of version 0 is one that the device only claims to hold: its fate is not told, or a forged claim would be
    a way to ask about records that the device may not see. To a device that was disabled nothing else is told.
    """
    if principal.role is Role.REVOKED:
        return [Reason.REVOKED] * len(leaving)
    told: dict[tuple[str, str], Reason] = {}
    by_entity: dict[str, list[str]] = {}
    for each in leaving:
        if each.version and tx.schema.has(each.entity):
            by_entity.setdefault(each.entity, []).append(each.id)
    for entity, ids in by_entity.items():
        for start in range(0, len(ids), _IDS):
            told.update(_reasons(tx, principal, entity, ids[start : start + _IDS]))
    return [told.get((each.entity, each.id), Reason.LEFT_SCOPE) for each in leaving]


def _reasons(tx: Transaction, principal: Principal, entity: str, ids: Sequence[str]) -> dict[tuple[str, str], Reason]:
    records = tx.get(entity, ids, deleted=True)
    live = tuple(each for each in ids if each in records and not records[each].deleted)
    seen = visible(principal, tx.schema.entity(entity), tx.schema)
    visible_ids = {each.id for each in tx.stamps(entity, both(Compare("id", Op.IN, live), seen))} if live else set()
    told = {}
    for each in ids:
        record = records.get(each)
        if record is None or record.deleted:
            merged = record is not None and record.merged_into
            told[entity, each] = Reason.MERGED_INTO if merged else Reason.DELETED
        else:
            told[entity, each] = Reason.LEFT_SCOPE if each in visible_ids else Reason.REVOKED
    return told


def above(tx: Transaction, leaving: Sequence[Held]) -> dict[Key, tuple[str, ...]]:
    """The records of the same entity that each refers to, where any does; nothing of what is only claimed."""
    nested: dict[str, list[str]] = {}
    for each in leaving:
        if each.version and tx.schema.has(each.entity) and tx.schema.entity(each.entity).nested_by:
            nested.setdefault(each.entity, []).append(each.id)
    found: dict[Key, tuple[str, ...]] = {}
    for entity, ids in nested.items():
        names = tx.schema.entity(entity).nested_by
        for start in range(0, len(ids), _IDS):
            for record in tx.get(entity, ids[start : start + _IDS], deleted=True).values():
                targets = tuple(str(record.values[name]) for name in names if record.values.get(name))
                if targets:
                    found[entity, record.id] = targets
    return found
