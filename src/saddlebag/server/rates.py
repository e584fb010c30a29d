"""Rates: how many calls a second somebody may make, as token buckets, and what is left of them.

Belongs here: the arithmetic of a bucket, which buckets a call is charged to, and the book that keeps them in this
process (`across.SharedBook` keeps one book for several). May not know: Twisted, SOAP, a clock: it is an argument, in
seconds, and only goes forward. A book reads it when it has its lock: a time from before would look like a debt.

A bucket is one number, the time at which it is full again (the generic cell rate algorithm, ITU-T I.371, annex A): a
call moves it on by one interval, and is refused where that would lie more than a burst ahead. So an unused bucket needs
no row, and a forgotten one is a full one.

    tenant     all authenticated calls of a tenant; a tenant may be given a rate of its own
    principal  the calls of one user, whatever devices and connections she uses
    address    calls that need no session (log-ins), by the caller's network address
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Final, Protocol

from saddlebag.kernel.errors import RATE_LIMITED, SETTING_INVALID, SaddlebagError

_SWEEP: Final = 4096
"""Buckets in a book before full ones are looked for and forgotten."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls a second in the long run, and calls that may come at once; 0 a second is no bound."""

    per_second: int
    burst: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How somebody stands with a bucket after a call: calls left at once, seconds until all of them are back."""

    rule: str
    limit: int
    remaining: int
    reset: int
    wait: float = 0.0
    """Seconds after which the call would have been let through; 0 when it was."""


@dataclass(frozen=True, slots=True)
class Charge:
    """One bucket that a call is charged to: the rule's name for the caller, and whose bucket it is."""

    rule: str
    owner: str
    rate: Rate


def charged(full_at: float, now: float, charge: Charge) -> tuple[float, Standing]:
    """When the bucket is full again after one more call, and how it stands; unchanged where the call is refused."""
    rate = charge.rate
    interval = 1.0 / rate.per_second
    ahead = max(full_at - now, 0.0)
    wait = ahead + interval - rate.burst * interval
    if wait > interval * 1e-6:
        return full_at, Standing(charge.rule, rate.burst, 0, math.ceil(ahead), wait)
    ahead += interval
    remaining = max(0, math.floor(rate.burst - ahead / interval + 1e-6))
    return now + ahead, Standing(charge.rule, rate.burst, remaining, math.ceil(ahead))


Clock = Callable[[], float]


class Book(Protocol):
    """Keeps buckets. Safe to use from several threads."""

    def take(self, charges: Sequence[Charge], clock: Clock) -> list[Standing]:
        """Charge one call to all of these buckets, or to none where one of them refuses it."""
        ...


class LocalBook:
    """The buckets of one process."""

    def __init__(self) -> None:
        self._full_at: dict[tuple[str, str], float] = {}
        self._sweep_at = _SWEEP
        self._lock = Lock()

    def take(self, charges: Sequence[Charge], clock: Clock) -> list[Standing]:
        """As `Book.take`."""
        with self._lock:
            held, now = self._full_at, clock()
            made = [charged(held.get((each.rule, each.owner), now), now, each) for each in charges]
            standings = [standing for _, standing in made]
            if not any(each.wait for each in standings):
                held.update(zip(((each.rule, each.owner) for each in charges), (at for at, _ in made), strict=True))
                if len(held) > self._sweep_at:
                    self._forget(now)
            return standings

    def _forget(self, now: float) -> None:
        """Full buckets go: the book holds as many as there were callers in the time of one burst."""
        self._full_at = {key: at for key, at in self._full_at.items() if at > now}
        self._sweep_at = max(_SWEEP, 2 * len(self._full_at))

    def __len__(self) -> int:
        return len(self._full_at)


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates of a hub, from its settings."""

    tenant: Rate = Rate(0, 1)
    principal: Rate = Rate(0, 1)
    address: Rate = Rate(0, 1)
    tenants: Mapping[str, Rate] = field(default_factory=dict)
    """Tenants that have a rate of their own."""


class Meter:
    """Charges calls to the buckets that they belong to."""

    def __init__(self, rates: Rates, book: Book, clock: Clock) -> None:
        self._rates = rates
        self._book = book
        self._clock = clock

    def member(self, tenant: str, user: str) -> list[Standing]:
        """Charge an authenticated call; raises RATE_LIMITED."""
        rates = self._rates
        whole = Charge("calls of one tenant", tenant, rates.tenants.get(tenant, rates.tenant))
        return self._take((whole, Charge("calls of one user", f"{tenant}/{user}", rates.principal)))

    def stranger(self, address: str) -> list[Standing]:
        """Charge a call that needs no session, and one whose session was refused; raises RATE_LIMITED."""
        return self._take((Charge("calls without a session from one address", address, self._rates.address),))

    def _take(self, charges: Sequence[Charge]) -> list[Standing]:
        bounded = [each for each in charges if each.rate.per_second]
        standings = self._book.take(bounded, self._clock) if bounded else []
        for standing in standings:
            if standing.wait:
                after = max(1, math.ceil(standing.wait))
                raise SaddlebagError(
                    RATE_LIMITED, rule=standing.rule, count=standing.limit + 1, limit=standing.limit, retry_after=after
                )
        return standings


def parse_tenants(text: str) -> dict[str, Rate]:
    """Tenants' own rates as the setting writes them: `acme=500:5000 north=20:100`; raises SETTING_INVALID."""
    found = {}
    for term in text.split():
        name, _, numbers = term.partition("=")
        per_second, _, burst = numbers.partition(":")
        if not (name and per_second.isdecimal() and burst.isdecimal() and int(burst) > 0):
            sentence = "[limits] tenant_rates is a list of TENANT=CALLS_A_SECOND:BURST."
            raise SaddlebagError(SETTING_INVALID, sentence, field="tenant_rates")
        found[name] = Rate(int(per_second), int(burst))
    return found
