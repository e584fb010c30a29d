"""Explanations: why a record is on a device, and what a scope holds.

Belongs here: the paths that lead to a record, and the description of rules for people and programs. May not know:
devices. What the caller may not see is answered like what does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from saddlebag.model.condition import both, eq
from saddlebag.security.policy import visible
from saddlebag.security.principal import Principal
from saddlebag.store.base import StoredRecord, Transaction
from saddlebag.sync.rules import write_condition
from saddlebag.sync.scope import Claim, Scope, rule_claims
from saddlebag.sync.stages import Stage
from saddlebag.sync.target import question, stages_of


@dataclass(frozen=True, slots=True)
class Path:
    """One way in which a rule holds a record: `steps` lead from the rule's root to the record."""

    rule: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether the record belongs to the caller's scope, by which paths, or why not."""

    in_scope: bool
    paths: tuple[Path, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ClaimDescription:
    """One root or hop of a rule: how many records it holds for the caller now, and its cap (0 for none)."""

    rule: str
    hop: str
    doc: str
    entity: str
    start: str
    field: str
    backward: bool
    where: Mapping[str, Any]
    cap: int
    count: int
    fields: tuple[str, ...] = ()
    """The fields that are carried, empty for all."""


@dataclass(frozen=True, slots=True)
class ScopeDescription:
    """A caller's scope: its name, version and claims, the cap of all of them (0 for none) and the grace in hours."""

    name: str
    version: int
    claims: tuple[ClaimDescription, ...]
    cap: int = 0
    grace: int = 0


def explain(tx: Transaction, principal: Principal, entity: str, record_id: str, now: datetime) -> Explanation:
    """Why the record is or is not in the caller's scope; raises UNKNOWN_ENTITY."""
    declared = tx.schema.entity(entity)
    seen = both(eq("id", record_id), visible(principal, declared, tx.schema))
    if not tx.count(entity, seen):
        return Explanation(False, reason="There is no such record, or you may not see it.")
    stages = stages_of(tx, question(tx, principal, now), capped=False)
    walk = _Walk(tx, {(each.claim.rule, each.claim.name): each for listed in stages.values() for each in listed})
    paths = []
    for stage in stages.get(entity, ()):
        if tx.count(entity, both(eq("id", record_id), stage.where)):
            paths.append(Path(stage.claim.rule, tuple(reversed(walk.steps(stage.claim, record_id)))))
    if paths:
        return Explanation(True, tuple(paths))
    return Explanation(False, reason="No rule of your scope claims the record.")


@dataclass(frozen=True, slots=True)
class _Walk:
    """Finds, hop by hop, one record that each step started from, among those that the caller may see."""

    tx: Transaction
    stages: Mapping[tuple[str, str], Stage]

    def steps(self, claim: Claim, record_id: str) -> list[str]:
        """From the record back to the root."""
        if claim.hop is None:
            return [f"{claim.entity} {record_id} meets the rule {claim.rule}"]
        hop, stage = claim.hop, self.stages[claim.rule, claim.hop.start]
        start = stage.claim
        origin = self._origin(claim, stage, record_id)
        if hop.backward:
            step = f"{claim.entity} {record_id} by its {hop.field} ({claim.label})"
        else:
            step = f"{claim.entity} {record_id} by {start.entity}.{hop.field} ({claim.label})"
        return [step, *(self.steps(start, origin.id) if origin else ())]

    def _origin(self, claim: Claim, start: Stage, record_id: str) -> StoredRecord | None:
        hop = claim.hop
        if hop is None:
            return None
        if hop.backward:
            record = self.tx.get(claim.entity, [record_id]).get(record_id)
            link = eq("id", record.values.get(hop.field)) if record else eq("id", record_id)
        else:
            link = eq(hop.field, record_id)
        return next(iter(self.tx.find(start.claim.entity, both(link, start.where), limit=1)), None)


def describe(tx: Transaction, principal: Principal, now: datetime) -> ScopeDescription:
    """The caller's scope with the number of records that each root and hop holds now."""
    asked = question(tx, principal, now)
    counts = {
        (each.claim.rule, each.claim.name): tx.count(each.claim.entity, each.where)
        for listed in stages_of(tx, asked, capped=False).values()
        for each in listed
    }
    scope = asked.scope
    return ScopeDescription(scope.name, scope.version, tuple(_described(tx, scope, counts)), scope.cap, scope.grace)


def _described(tx: Transaction, scope: Scope, counts: Mapping[tuple[str, str], int]) -> list[ClaimDescription]:
    described = []
    for rule in scope.rules:
        for claim in rule_claims(rule).values():
            hop = claim.hop
            where = hop.where if hop else rule.where
            described.append(
                ClaimDescription(
                    rule.name,
                    claim.name,
                    "" if hop else rule.doc,
                    claim.entity,
                    hop.start if hop else "",
                    hop.field if hop else "",
                    bool(hop and hop.backward),
                    write_condition(where, claim.entity, tx.schema),
                    claim.cap,
                    counts.get((rule.name, claim.name), 0),
                    hop.fields if hop else rule.fields,
                )
            )
    return described
