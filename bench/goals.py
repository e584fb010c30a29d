"""Goals: what the figures of a run are held against.

Belongs here: each goal as a name, a bound and how it is computed from figures that the same run has taken. May not
know: how anything is measured. A goal whose figures are missing is left out: it is neither met nor missed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.figures import Report

SESSION = "SQLite session"
JOINING = ("Zero",)
"""Peers that ship, and take the scope as a join."""
_OTHERS = ("Kinto", "PouchDB", "Zero")

Value = Callable[[Report], float | None]


@dataclass(frozen=True, slots=True)
class Goal:
    """`value` has to be at most `most`, or at least `least`."""

    name: str
    value: Value
    unit: str
    most: float | None = None
    least: float | None = None

    def met(self, value: float) -> bool:
        """Whether the value is within the bound."""
        return (self.most is None or value <= self.most) and (self.least is None or value >= self.least)

    @property
    def bound(self) -> str:
        """The bound in words."""
        return f"at most {self.most:g}" if self.most is not None else f"at least {self.least:g}"


def figure(name: str, versus: str = "") -> Value:
    """A figure as it is."""
    return lambda report: report.of(name, versus)


def ratio(above: Value, below: Value) -> Value:
    """One figure by another."""

    def value(report: Report) -> float | None:
        one, other = above(report), below(report)
        return None if one is None or not other else one / other

    return value


def least(name: str, peers: Sequence[str]) -> Value:
    """The smallest of several peers' figures."""

    def value(report: Report) -> float | None:
        found = [each for each in (report.of(name, peer) for peer in peers) if each is not None]
        return min(found, default=None)

    return value


def floor(name: str) -> Value:
    """The floor's figure in the coding that the laptops of this run speak."""
    return lambda report: report.of(name, "floor zstd") if report.of("sync.zstd") else report.of(name, "floor gzip")


_WALL, _WIRE, _CPU = "sync.first.wall", "sync.first.wire", "sync.first.server_cpu"
_BESIDE_HANDSHAKE = "sync.empty.beyond_handshake"

GOALS: Sequence[Goal] = (
    Goal("first sync, wall / SQLite session", ratio(figure(_WALL), figure(_WALL, SESSION)), "times", most=1),
    Goal("first sync, wall / floor", ratio(figure(_WALL), floor(_WALL)), "times", most=3),
    Goal("first sync, joining peers' wall / hub", ratio(least(_WALL, JOINING), figure(_WALL)), "times", least=8),
    Goal("first sync, server CPU / floor", ratio(figure(_CPU), floor(_CPU)), "times", most=2.5),
    Goal("first sync, wire / floor", ratio(figure(_WIRE), floor(_WIRE)), "times", most=1.25),
    Goal("first sync, wire / least peer", ratio(figure(_WIRE), least(_WIRE, (SESSION, *_OTHERS))), "times", most=1),
    Goal("nothing new, requests", figure("sync.empty.requests"), "requests", most=1),
    Goal("nothing new, body", figure("sync.empty.body"), "bytes", most=400),
    Goal("nothing new, server CPU beyond the handshake", figure(_BESIDE_HANDSHAKE), "ms", most=1),
    Goal("delta after the churn, wire", figure("sync.delta.wire"), "bytes", most=6000),
    Goal(
        "delta after the churn, wall / SQLite session",
        ratio(figure("sync.delta.wall"), figure("sync.delta.wall", SESSION)),
        "times",
        most=1,
    ),
    Goal("delta after a day, wire", figure("sync.roll.wire"), "bytes", most=6000),
    Goal(
        "delta after a day, wall / SQLite session",
        ratio(figure("sync.roll.wall"), figure("sync.roll.wall", SESSION)),
        "times",
        most=1,
    ),
    Goal("push of 100 edits, requests", figure("sync.push.requests"), "requests", most=1),
    Goal(
        "push of 100 edits, wall / SQLite session",
        ratio(figure("sync.push.wall"), figure("sync.push.wall", SESSION)),
        "times",
        most=2,
    ),
    *(
        Goal(f"growth with customers, {step}", figure(f"growth.customers.{step}"), "times", most=1.3)
        for step in ("first", "empty", "touched")
    ),
    *(
        Goal(f"growth with devices, {step}", figure(f"growth.devices.{step}"), "times", most=1.2)
        for step in ("first", "empty", "touched", "write")
    ),
    Goal("memory, hub at 100,000 records", figure("memory.first.hub"), "MB", most=150),
    Goal("memory, client at 100,000 records", figure("memory.first.client"), "MB", most=150),
    Goal("footprint, size", figure("footprint.size"), "kB", most=200),
    Goal("footprint, start to prompt", figure("footprint.start.status"), "ms", most=300),
)


def judge(report: Report) -> None:
    """Add a figure for each goal that can be told: `goal: NAME`, its value, and met or missed with the bound."""
    for each in GOALS:
        value = each.value(report)
        if value is not None:
            verdict = "met" if each.met(value) else "missed"
            report.add(f"goal: {each.name}", value, each.unit, f"{verdict}: {each.bound}")
