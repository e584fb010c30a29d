"""Merge: what becomes of a field that a device edited while the hub changed it too.

Belongs here: the ten policies as pure functions over lexical texts. May not know: fields, records, users, clocks; the
caller gives the author's name and both times, with the device's already clamped to the hub's.

Text is `str` for one value, a tuple of `str` for tags, None for no value. Four rules stand before every policy:

    mine == theirs          both sides agree                  no conflict
    mine == base            the device did not change it      theirs, no conflict
    theirs == base          only the device changed it        mine, no conflict
    conflict is True        exactly when a value that one side wrote is not part of the result: `lost` then holds it
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal
from typing import Final, Literal

from saddlebag.kernel.canon import write_decimal

Text = str | tuple[str, ...] | None
"""A field's lexical text; a tuple for tags, None for no value."""

Won = Literal["mine", "theirs", "both"]
Transitions = Sequence[tuple[str, Sequence[str]]]

_EXACT: Final = Context(prec=60)
_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The merged value, whose it is, and whether a value was set aside; `lost` is that value."""

    value: Text
    won: Won
    conflict: bool
    lost: Text = None


@dataclass(frozen=True, slots=True)
class _Case:
    base: Text
    mine: Text
    theirs: Text
    newer: bool
    transitions: Transitions
    author: str
    scale: int

    def keep_mine(self) -> Verdict:
        return Verdict(self.mine, "mine", True, self.theirs)

    def keep_theirs(self) -> Verdict:
        return Verdict(self.theirs, "theirs", True, self.mine)


def merge_field(
    policy: str,
    *,
    base: Text,
    mine: Text,
    theirs: Text,
    edited_at: datetime,
    changed_at: datetime,
    transitions: Transitions = (),
    author: str = "",
    numeric_scale: int | None = None,
) -> Verdict:
    """Merge the device's `mine` and the hub's `theirs`, both grown from `base`, by `policy` (model.fields.Policy).

    `numeric_scale` is the number of fraction digits of a decimal field. Raises ValueError for an unknown policy.
    """
    decide = _POLICIES.get(policy)
    if decide is None:
        raise ValueError(f"unknown merge policy {policy!r}")
    base, mine, theirs = base or None, mine or None, theirs or None
    if _same(mine, theirs):
        return Verdict(theirs, "both", False)
    if _same(mine, base):
        return Verdict(theirs, "theirs", False)
    if _same(theirs, base):
        return Verdict(mine, "mine", False)
    return decide(_Case(base, mine, theirs, edited_at >= changed_at, transitions, author, numeric_scale or 0))


def _same(one: Text, other: Text) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return set(one) == set(other)
    return one == other


def _server_wins(case: _Case) -> Verdict:
    return case.keep_theirs()


def _device_wins(case: _Case) -> Verdict:
    return case.keep_mine()


def _latest_edit(case: _Case) -> Verdict:
    # A tie goes to the device: its time was clamped to now, so it is the later of two clocks that disagree.
    return case.keep_mine() if case.newer else case.keep_theirs()


def _append(case: _Case) -> Verdict:
    """Add what the device wrote, with its author, below what the hub holds; a clearing is set aside."""
    if not isinstance(case.mine, str) or not isinstance(case.theirs, str | None):
        return case.keep_theirs()
    base = case.base if isinstance(case.base, str) else ""
    added = (case.mine[len(base) :] if case.mine.startswith(base) else case.mine).strip()
    if not added:
        return Verdict(case.theirs, "theirs", False)
    signed = f"[{case.author}] {added}" if case.author else added
    return Verdict(f"{case.theirs}\n{signed}" if case.theirs else signed, "both", False)


def _union(case: _Case) -> Verdict:
    """Both sides' additions and both sides' removals (a three-way merge of sets, sorted so that it commutes)."""
    base, mine, theirs = _tags(case.base), _tags(case.mine), _tags(case.theirs)
    merged = (theirs | (mine - base)) - (base - mine)
    return Verdict(tuple(sorted(merged)) or None, "both", False)


def _tags(text: Text) -> frozenset[str]:
    if text is None:
        return frozenset()
    return frozenset((text,) if isinstance(text, str) else text)


def _increment(case: _Case) -> Verdict:
    """Add the device's difference to the hub's number; a clearing is no number and is set aside."""
    base, mine, theirs = _number(case.base or "0"), _number(case.mine), _number(case.theirs or "0")
    if base is None or mine is None or theirs is None:
        return case.keep_theirs()
    total = _EXACT.add(theirs, _EXACT.subtract(mine, base))
    return Verdict(write_decimal(total, case.scale), "both", False)


def _number(text: Text) -> Decimal | None:
    return Decimal(text) if isinstance(text, str) and _NUMBER.fullmatch(text) else None


def _max(case: _Case) -> Verdict:
    return case.keep_mine() if _rank(case.mine, case.theirs) > 0 else case.keep_theirs()


def _min(case: _Case) -> Verdict:
    if case.mine is None or case.theirs is None:
        return case.keep_theirs() if case.mine is None else case.keep_mine()
    return case.keep_mine() if _rank(case.mine, case.theirs) < 0 else case.keep_theirs()


def _rank(one: Text, other: Text) -> int:
    """-1, 0 or 1 as `one` is less than, equal to or greater than `other`; no value is the least."""
    first, second = _number(one), _number(other)
    if first is not None and second is not None:
        return (first > second) - (first < second)
    # Canonical dates and times order as text once the Z is off: with it, 00Z would follow 00.5Z.
    left, right = (str(each).removesuffix("Z") if isinstance(each, str) else "" for each in (one, other))
    return (left > right) - (left < right)


def _state_machine(case: _Case) -> Verdict:
    """A final state stays; a move to a final state wins where allowed; otherwise the later edit, where allowed."""
    moves = {state: tuple(targets) for state, targets in case.transitions}
    if not moves:
        return _latest_edit(case)
    reachable = case.mine in moves.get(str(case.theirs), ()) or (case.theirs is None and case.mine is not None)
    final = not moves.get(str(case.mine))
    return case.keep_mine() if reachable and (final or case.newer) else case.keep_theirs()


def _manual(case: _Case) -> Verdict:
    """The hub's value stands until a person has looked at both."""
    return case.keep_theirs()


_POLICIES: Mapping[str, Callable[[_Case], Verdict]] = {
    "server-wins": _server_wins,
    "device-wins": _device_wins,
    "latest-edit": _latest_edit,
    "append": _append,
    "union": _union,
    "increment": _increment,
    "max": _max,
    "min": _min,
    "state-machine": _state_machine,
    "manual": _manual,
}
