"""Administration: scopes as data that a tenant's own people keep, and the records that each user pins.

Belongs here: who may set which scope, its versions, estimates before it is saved, pins. May not know: SOAP, files.

    administrators        every scope: `default`, `role:ROLE`, `user:ID`
    managers              `user:ID` of the users of their territories
    everybody             her own pins, on records that she sees

A scope is checked against the schema before it is kept; devices get the difference at their next pull.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from saddlebag.kernel.errors import (
    INVALID_VALUE,
    NOT_ALLOWED,
    NOT_FOUND,
    STALE_VERSION,
    TOO_MANY_RECORDS,
    SaddlebagError,
)
from saddlebag.kernel.fragment import pick
from saddlebag.kernel.limits import SCOPE_RECORDS
from saddlebag.model.condition import Condition, both, either, eq
from saddlebag.records.access import principal_of
from saddlebag.security.policy import assignable, visible
from saddlebag.security.principal import Principal, Role
from saddlebag.store.base import Transaction
from saddlebag.store.tables import Pin, ScopeRuleRow
from saddlebag.sync.carry import Names, names_of, widest
from saddlebag.sync.defaults import default_for
from saddlebag.sync.rules import read_scope, write_scope
from saddlebag.sync.scope import Scope
from saddlebag.sync.target import Question, circumstances, stages_of

PINS: Final = 500
"""Records that one user may pin: each is a value in her devices' questions."""
_SAMPLE: Final = 200
_DEFAULT: Final = "default"
_ROLES: Final = (Role.REP, Role.MANAGER, Role.INTEGRATION, Role.ADMIN)


@dataclass(frozen=True, slots=True)
class Kept:
    """A scope as it is kept; version 0 is the default of a tenant that has set none."""

    name: str
    version: int
    rules: str


@dataclass(frozen=True, slots=True)
class Step:
    """What one root ("" as its hop) or hop of a rule would put on a device; `cap` is 0 for none."""

    rule: str
    hop: str
    entity: str
    records: int
    bytes: int
    cap: int

    @property
    def capped(self) -> bool:
        """Whether a pull would be refused for it."""
        return bool(self.cap) and self.records > self.cap


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a scope would put on a user's device; in the sums each record counts once, however many steps claim it."""

    steps: Sequence[Step]
    records: int
    bytes: int
    limit: int
    """The most records that the scope, or else the hub, allows in all."""


def listed(tx: Transaction, principal: Principal, name: str | None = None) -> list[Kept]:
    """The scopes that the caller may set, or the one named. Raises NOT_ALLOWED, INVALID_VALUE, NOT_FOUND."""
    if name is not None:
        _check(tx, principal, name)
    elif principal.role not in (Role.MANAGER, Role.ADMIN, Role.SYSTEM):
        raise SaddlebagError(NOT_ALLOWED)
    kept = {row.name: Kept(row.name, row.version, row.rules) for row in tx.rows.select(ScopeRuleRow, order=("name",))}
    kept.setdefault(_DEFAULT, Kept(_DEFAULT, 0, write_scope(default_for(tx.schema), tx.schema)))
    if name is None:
        return [kept[each] for each in sorted(kept) if _may_set(tx, principal, each)]
    if name not in kept:
        raise SaddlebagError(NOT_FOUND, f"No scope is set for {name}.")
    return [kept[name]]


def version_of(tx: Transaction, name: str) -> int:
    """The version of a scope, 0 where none is set."""
    row = tx.rows.get(ScopeRuleRow, name)
    return 0 if row is None else row.version


def save(tx: Transaction, principal: Principal, name: str, rules: str, version: int) -> Kept:
    """Set a scope over its present `version`, 0 where none is set yet.

    Raises NOT_ALLOWED, INVALID_VALUE for a name of nobody, INVALID_SCOPE_RULE naming rule and field, STALE_VERSION.
    """
    _check(tx, principal, name)
    scope = read_scope(name, version + 1, rules, tx.schema)
    if version:
        _drop(tx, name, version)
    row = ScopeRuleRow(name, version + 1, write_scope(scope, tx.schema))
    if not tx.rows.add(row):
        raise SaddlebagError(STALE_VERSION, "The scope is set already; name the version that is to be replaced.")
    return Kept(row.name, row.version, row.rules)


def delete(tx: Transaction, principal: Principal, name: str, version: int) -> None:
    """Unset a scope: the next more general one applies again. Raises NOT_ALLOWED, INVALID_VALUE, STALE_VERSION."""
    _check(tx, principal, name, gone=True)
    _drop(tx, name, version)


def _drop(tx: Transaction, name: str, version: int) -> None:
    if not tx.rows.delete(ScopeRuleRow, name=name, version=version):
        raise SaddlebagError(STALE_VERSION, "The scope has changed since the version given.")


def _check(tx: Transaction, principal: Principal, name: str, gone: bool = False) -> None:
    """Raise NOT_ALLOWED where the caller may not set this scope, INVALID_VALUE where it would be nobody's.

    Of a user who has `gone` the scope may still be removed.
    """
    if principal.role not in (Role.MANAGER, Role.ADMIN, Role.SYSTEM):
        raise SaddlebagError(NOT_ALLOWED)
    kind, _, whose = name.partition(":")
    known = name == _DEFAULT or (kind == "role" and whose in _ROLES)
    if not known and not (kind == "user" and whose and (gone or tx.get("User", [whose]))):
        sentence = "A scope's name is default, role: and a role, or user: and a user's id."
        raise SaddlebagError(INVALID_VALUE, sentence, field="name")
    if not _may_set(tx, principal, name):
        raise SaddlebagError(NOT_ALLOWED, "A manager sets the scopes of the users of her territories.")


def _may_set(tx: Transaction, principal: Principal, name: str) -> bool:
    if principal.role is not Role.MANAGER:
        return True
    kind, _, user = name.partition(":")
    return kind == "user" and _leads(tx, principal, user)


def _leads(tx: Transaction, principal: Principal, user: str) -> bool:
    """Whether the manager might give records to this user: then the user is one of hers."""
    theirs = assignable(principal, tx.schema.entity("Customer")) if tx.schema.has("Customer") else eq("id", user)
    return bool(tx.count("User", both(eq("id", user), theirs)))


def estimate(tx: Transaction, principal: Principal, user: str, rules: str | None, now: datetime) -> Estimate:
    """What the rules, or the default ones where none are given, would put on this user's device now.

    Bytes are those of the canonical records before compression, told from the first 200 of each step.
    Raises NOT_ALLOWED, INVALID_VALUE for a user who does not exist or is disabled, INVALID_SCOPE_RULE.
    """
    _check(tx, principal, f"user:{user}")
    asked = principal_of(tx, user)
    if asked is None:
        raise SaddlebagError(INVALID_VALUE, "The user is disabled.", field="user")
    scope = default_for(tx.schema) if rules is None else read_scope("estimate", 0, rules, tx.schema)
    return _estimated(tx, asked, scope, now)


def _estimated(tx: Transaction, asked: Principal, scope: Scope, now: datetime) -> Estimate:
    bound = stages_of(tx, Question(asked, scope, circumstances(tx, asked, now)), capped=False)
    steps = []
    records = size = 0
    for entity, claims in bound.items():
        for each in claims:
            count, weight = _weighed(tx, entity, each.where, names_of(tx.schema.entity(entity), each.claim))
            steps.append(Step(each.claim.rule, each.claim.name, entity, count, weight, each.claim.cap))
        any_of = either(*(each.where for each in claims))
        count, weight = _weighed(tx, entity, any_of, widest(tx.schema.entity(entity), claims))
        records, size = records + count, size + weight
    place = {each.name: number for number, each in enumerate(scope.rules)}
    return Estimate(sorted(steps, key=lambda each: place[each.rule]), records, size, scope.cap or SCOPE_RECORDS)


def _weighed(tx: Transaction, entity: str, where: Condition, names: Names | None) -> tuple[int, int]:
    """Count and bytes of the records that meet the condition, as far as they are carried."""
    count = tx.count(entity, where)
    if not count:
        return 0, 0
    found = [each.fragment for each in tx.renderings(entity, where, limit=_SAMPLE)]
    sample = [len((each if names is None else pick(each, names)).encode()) for each in found]
    return count, sum(sample) * count // len(sample)


def pins(tx: Transaction, principal: Principal) -> Iterator[tuple[str, str]]:
    """What the caller has pinned, as entity and id."""
    for each in tx.rows.select(Pin, user=principal.user, order=("entity", "record")):
        yield each.entity, each.record


def pin(tx: Transaction, principal: Principal, entity: str, record_id: str) -> None:
    """Pin a record; once more does no harm. Raises UNKNOWN_ENTITY, NOT_FOUND, TOO_MANY_RECORDS."""
    declared = tx.schema.entity(entity)
    if not tx.count(entity, both(eq("id", record_id), visible(principal, declared, tx.schema))):
        raise SaddlebagError(NOT_FOUND, entity=entity, record_id=record_id)
    kept = set(pins(tx, principal))
    if len(kept) >= PINS and (entity, record_id) not in kept:
        raise SaddlebagError(TOO_MANY_RECORDS, "So many records are pinned already.", count=len(kept) + 1, limit=PINS)
    tx.rows.add(Pin(principal.user, entity, record_id))


def unpin(tx: Transaction, principal: Principal, entity: str, record_id: str) -> None:
    """Let a pinned record go; one that is not pinned does no harm, whatever became of it."""
    tx.rows.delete(Pin, user=principal.user, entity=entity, record=record_id)
