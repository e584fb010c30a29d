"""Scope: which records a user's devices should hold, as values, and their compilation to conditions.

Belongs here: rules, hops, parameters. May not know: SQL, devices, how rules are written down (`rules`) or who may see
what (`target` guards each step with `security.policy`).

A rule is a root (records of one entity that meet a condition) and hops from it over declared references, forward (the
record that a field names) and backward (the records whose field names it). A hop starts at the root or at another hop.
A record belongs to the scope while at least one root or hop of at least one rule claims it.

Parameters (`condition.Param`) are known only at the pull:

    me           the user's id
    territories  her territories and all below them
    team         the users of those territories
    pins         the ids of the rule's entity that she has pinned
    today        the calendar day in the tenant's time zone; today+7d, today-12m, today-1y
    now          the moment of the pull; now-48h, now+3d
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from hashlib import blake2b
from typing import Final
from zoneinfo import ZoneInfo

from saddlebag.model.condition import (
    ALWAYS,
    And,
    Compare,
    Condition,
    Not,
    Op,
    Or,
    Param,
    Within,
    bind,
    both,
    eq,
)
from saddlebag.model.fields import Value


@dataclass(frozen=True, slots=True)
class Hop:
    """One step along a reference: `field` is on the record left behind, or, `backward`, on the record arrived at."""

    name: str
    start: str
    entity: str
    field: str
    backward: bool = False
    where: Condition = ALWAYS
    cap: int = 0
    fields: tuple[str, ...] = ()
    """The fields that it carries beside identity, required fields and references; empty for all."""
    about: str = ""
    """The field of the record arrived at that names the entity which `field` leads to, where that may be any."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A root and the hops that start from it; `cap` is the most records of the root, 0 for no cap of its own, `fields`
    what of them is carried, empty for all.
    """

    name: str
    doc: str
    entity: str
    where: Condition
    hops: tuple[Hop, ...] = ()
    cap: int = 0
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scope:
    """A named, versioned set of rules."""

    name: str
    version: int
    rules: tuple[Rule, ...]
    cap: int = 0
    """The most records of all rules together, 0 for no cap of its own."""
    grace: int = 0
    """Hours that a record stays on a device after it has left the scope (`grace`)."""

    @cached_property
    def fingerprint(self) -> bytes:
        """16 bytes that differ whenever two sets of rules do."""
        return blake2b(repr((self.rules, self.cap)).encode(), digest_size=16).digest()

    @cached_property
    def moves_within_a_day(self) -> bool:
        """Whether some rule asks for the moment: what it holds may change without a write and without a new day."""
        wheres = [rule.where for rule in self.rules] + [hop.where for rule in self.rules for hop in rule.hops]
        return any(name.startswith("now") for where in wheres for name in parameters(where))


def parameters(where: Condition) -> Iterator[str]:
    """The names of the parameters in a condition."""
    match where:
        case Compare(_, _, Param(name)):
            yield name
        case Within(_, _, inner, _):
            yield from parameters(inner)
        case And(parts) | Or(parts):
            for part in parts:
                yield from parameters(part)
        case Not(part):
            yield from parameters(part)


@dataclass(frozen=True, slots=True)
class Claim:
    """What one root or hop claims: records of `entity` that meet `where`; parameters are not bound yet."""

    rule: str
    name: str
    entity: str
    where: Condition
    cap: int
    hop: Hop | None = None
    fields: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The name that faults and explanations use: rule, or rule/hop."""
        return f"{self.rule}/{self.name}" if self.name else self.rule


Guard = Callable[[str, Condition, Hop | None, str], Condition]
"""Narrows what a claim on an entity leads to; it also gets the hop (None at the root) and the entity it starts at."""


def unguarded(_entity: str, where: Condition, _hop: Hop | None, _start: str) -> Condition:
    """The guard that lets everything through."""
    return where


def rule_claims(rule: Rule, guard: Guard = unguarded) -> dict[str, Claim]:
    """The claims of one rule by hop name, "" for the root; a hop comes after the one that it starts at.

    Hops become `Within` chains, never joins. Each step is guarded before the next one starts from it.
    """
    return _claims(rule, guard, lambda start: start.where)


def stage_claims(rule: Rule, guard: Guard = unguarded) -> dict[str, Claim]:
    """As `rule_claims`, but each hop starts from the parameter `held(name)`, the ids that its start holds."""
    return _claims(rule, guard, lambda start: Compare("id", Op.IN, Param(held(start.name))))


def held(name: str) -> str:
    """The parameter that stands for the ids which the hop of this name, "" for the root, holds."""
    return f"held:{name}"


def _claims(rule: Rule, guard: Guard, started: Callable[[Claim], Condition]) -> dict[str, Claim]:
    root = guard(rule.entity, spelt_out(rule.where), None, "")
    made = {"": Claim(rule.name, "", rule.entity, root, rule.cap, None, rule.fields)}
    for hop in rule.hops:
        start = made[hop.start]
        reached = both(arrival(hop, start.entity, started(start)), spelt_out(hop.where))
        where = guard(hop.entity, reached, hop, start.entity)
        made[hop.name] = Claim(rule.name, hop.name, hop.entity, where, hop.cap, hop, hop.fields)
    return made


def spelt_out(where: Condition) -> Condition:
    """The condition with `team` as the subquery that it stands for: who is in it changes with the users' records."""
    match where:
        case Compare(field, _, Param("team")):
            return Within(field, "User", Compare("territory", Op.IN, Param("territories")))
        case And(parts):
            return And(tuple(spelt_out(each) for each in parts))
        case Or(parts):
            return Or(tuple(spelt_out(each) for each in parts))
        case Not(part):
            return Not(spelt_out(part))
        case _:
            return where


def arrival(hop: Hop, start: str, where: Condition) -> Condition:
    """What holds of the records that the hop leads to from those of the entity `start` that meet `where`."""
    if not hop.backward:
        return Within("id", start, where, select=hop.field)
    reached = Within(hop.field, start, where)
    return both(reached, eq(hop.about, start)) if hop.about else reached


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What parameters are computed from: who, when, where, and what she has pinned (ids by entity)."""

    me: str
    territories: tuple[str, ...]
    pins: Mapping[str, tuple[str, ...]]
    now: datetime
    time_zone: str

    @property
    def today(self) -> date:
        """The calendar day in the tenant's time zone."""
        return self.now.astimezone(ZoneInfo(self.time_zone)).date()

    def bind(self, claim: Claim, root: str, known: Mapping[str, Value] | None = None) -> Condition:
        """The claim's condition with its parameters; `root` is the entity of its rule's root, `known` are values of
        other parameters (`held`).
        """
        values = _Values(self, root)
        values.update(known or {})
        return bind(claim.where, values)


PARAMETER: Final = re.compile(r"(me|territories|team|pins|today|now)(?:([+-])([0-9]{1,4})([hdmy]))?")
_UNITS: Final = {"me": "", "territories": "", "team": "", "pins": "", "today": "dmy", "now": "hd"}


def parameter_name(text: str) -> str | None:
    """The parameter that the text names (me, today, ...), or None where it is none."""
    match = PARAMETER.fullmatch(text)
    if match is None or (match[4] and match[4] not in _UNITS[match[1]]):
        return None
    return match[1]


class _Values(dict[str, Value]):
    """Computes each parameter when it is first asked for."""

    def __init__(self, circumstances: Circumstances, root: str) -> None:
        super().__init__()
        self._known = circumstances
        self._root = root

    def __missing__(self, text: str) -> Value:
        name = parameter_name(text)
        match = PARAMETER.fullmatch(text)
        if name is None or match is None:
            raise KeyError(text)
        amount = int(f"{match[2] or ''}{match[3] or 0}")
        self[text] = value = _COMPUTED[name](self._known, self._root, amount, match[4] or "d")
        return value


_COMPUTED: Final[Mapping[str, Callable[[Circumstances, str, int, str], Value]]] = {
    "me": lambda known, root, amount, unit: known.me,
    "territories": lambda known, root, amount, unit: known.territories,
    "pins": lambda known, root, amount, unit: known.pins.get(root, ()),
    "today": lambda known, root, amount, unit: shifted(known.today, amount, unit),
    "now": lambda known, root, amount, unit: known.now + timedelta(**{"hours" if unit == "h" else "days": amount}),
}


def shifted(day: date, amount: int, unit: str) -> date:
    """`day` moved by days (d), months (m) or years (y); the 31st becomes the last day of a shorter month."""
    if unit == "d":
        return day + timedelta(days=amount)
    months = day.year * 12 + day.month - 1 + amount * (12 if unit == "y" else 1)
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
