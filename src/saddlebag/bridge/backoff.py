"""Waiting: how long before a call to a failing system is tried again, and when a system is left alone for a while.

Belongs here: the arithmetic of back-off with jitter, and the circuit breaker's state. May not know: how to sleep, what
time it is, or a source of chance; all three come as arguments.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from saddlebag.kernel.canon import read_datetime, write_datetime


@dataclass(frozen=True, slots=True)
class Backoff:
    """Attempts in all, and the first and the longest wait in seconds."""

    attempts: int = 4
    first: float = 1.0
    longest: float = 60.0

    def delay(self, failures: int, random: Callable[[], float], asked: int | None = None) -> float:
        """Seconds to wait after this many failures: doubled each time, half of it by chance; never less than asked."""
        full = min(self.longest, self.first * 2.0 ** max(0, failures - 1))
        return float(max(full / 2 + random() * full / 2, asked or 0))


@dataclass(frozen=True, slots=True)
class Breaker:
    """How often in a row a system could not be reached, and until when it is left alone."""

    failures: int = 0
    until: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        """Whether the system is to be left alone still."""
        return self.until is not None and now < self.until

    def after_failure(self, now: datetime) -> Breaker:
        """One more failure: one minute, then two, four, up to an hour."""
        failures = self.failures + 1
        return Breaker(failures, now + timedelta(minutes=min(60, 2 ** (failures - 1))))

    def to_text(self) -> str:
        """As a state's text."""
        return json.dumps({"failures": self.failures, "until": self.until and write_datetime(self.until)})

    @classmethod
    def of_text(cls, text: str) -> Breaker:
        """From a state's text; "" is a system that never failed."""
        held = json.loads(text) if text else {}
        return cls(held.get("failures", 0), read_datetime(held["until"]) if held.get("until") else None)
