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
from saddlebag.sync.scope import Circumstances, Claim, Rule, Scope, rule_claims
from saddlebag.sync.target import bound_claims, circumstances, scope_of, visibility


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


@dataclass(frozen=True, slots=True)
class ScopeDescription:
    """A caller's scope: its name, version and claims."""

    name: str
    version: int
    claims: tuple[ClaimDescription, ...]


def explain(tx: Transaction, principal: Principal, entity: str, record_id: str, now: datetime) -> Explanation:
    """Why the record is or is not in the caller's scope; raises UNKNOWN_ENTITY."""
    declared = tx.schema.entity(entity)
    seen = both(eq("id", record_id), visible(principal, declared, tx.schema))
    if not tx.count(entity, seen):
        return Explanation(False, reason="There is no such record, or you may not see it.")
    scope, known = scope_of(tx, principal), circumstances(tx, principal, now)
    guard = visibility(principal, tx.schema)
    paths = []
    for bound in bound_claims(scope, known, principal, tx.schema).get(entity, ()):
        if tx.count(entity, both(eq("id", record_id), bound.where)):
            rule = next(each for each in scope.rules if each.name == bound.claim.rule)
            steps = _Walk(tx, rule, known, rule_claims(rule, guard)).steps(bound.claim, record_id)
            paths.append(Path(bound.claim.rule, tuple(reversed(steps))))
    if paths:
        return Explanation(True, tuple(paths))
    return Explanation(False, reason="No rule of your scope claims the record.")


@dataclass(frozen=True, slots=True)
class _Walk:
    """Finds, hop by hop, one record that each step started from, among those that the caller may see."""

    tx: Transaction
    rule: Rule
    known: Circumstances
    claims: Mapping[str, Claim]

    def steps(self, claim: Claim, record_id: str) -> list[str]:
        """From the record back to the root."""
        if claim.hop is None:
            return [f"{claim.entity} {record_id} meets the rule {self.rule.name}"]
        hop, start = claim.hop, self.claims[claim.hop.start]
        origin = self._origin(claim, start, record_id)
        if hop.backward:
            step = f"{claim.entity} {record_id} by its {hop.field} ({claim.label})"
        else:
            step = f"{claim.entity} {record_id} by {start.entity}.{hop.field} ({claim.label})"
        return [step, *(self.steps(start, origin.id) if origin else ())]

    def _origin(self, claim: Claim, start: Claim, record_id: str) -> StoredRecord | None:
        hop = claim.hop
        if hop is None:
            return None
        where = self.known.bind(start, self.rule.entity)
        if hop.backward:
            record = self.tx.get(claim.entity, [record_id]).get(record_id)
            link = eq("id", record.values.get(hop.field)) if record else eq("id", record_id)
        else:
            link = eq(hop.field, record_id)
        return next(iter(self.tx.find(start.entity, both(link, where), limit=1)), None)


def describe(tx: Transaction, principal: Principal, now: datetime) -> ScopeDescription:
    """The caller's scope with the number of records that each root and hop holds now."""
    scope, known = scope_of(tx, principal), circumstances(tx, principal, now)
    counts = {
        (each.claim.rule, each.claim.name): tx.count(each.claim.entity, each.where)
        for listed in bound_claims(scope, known, principal, tx.schema).values()
        for each in listed
    }
    return ScopeDescription(scope.name, scope.version, tuple(_described(tx, scope, counts)))


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
                )
            )
    return described
