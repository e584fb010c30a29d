"""The fair queue: which waiting call is carried out next, and which is refused when there are too many.

Belongs here: lanes, turns, bounds. May not know: Twisted, threads, a clock; seconds come in as numbers. Not safe for
several threads: only the reactor's uses it.

A call waits in the lane of its tenant, and there in that of its party (the address that it came from, or after log-in
the user). Turns among tenants go to the one that has had the least of the workers' seconds since it began to wait
(start-time fair queueing: Goyal, Vin and Cheng, 1996), turns among the parties of a tenant go round. A tenant that
sends ten times as much, or calls that take ten times as long, gets no more than its share while others wait.

When the queue is full, the newest call of the longest lane goes (longest queue drop: Suter et al., 1998): a lane that
is shorter than others is never refused because of them.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from saddlebag.kernel.errors import BUSY, QUEUE_FULL, ErrorKind, SaddlebagError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lane:
    """Whose call it is, as far as that is known."""

    tenant: str
    party: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """Calls that may wait in all, and of one party; calls of one tenant that may be at work at once."""

    waiting: int
    party: int
    at_work: int


@dataclass(slots=True)
class _Tenant(Generic[T]):
    used: float
    at_work: int = 0
    waiting: int = 0
    parties: OrderedDict[str, deque[T]] = field(default_factory=OrderedDict)

    def pop(self) -> T:
        """The next call of the party whose turn it is; the party goes behind the others."""
        party, calls = next(iter(self.parties.items()))
        call = calls.popleft()
        self.parties.move_to_end(party)
        self._after(party)
        return call

    def drop(self, party: str) -> T:
        """The newest call of a party."""
        call = self.parties[party].pop()
        self._after(party)
        return call

    def _after(self, party: str) -> None:
        self.waiting -= 1
        if not self.parties[party]:
            del self.parties[party]

    def longest(self, favoured: str) -> str:
        """The party with most calls; on a tie the favoured one."""
        return max(self.parties, key=lambda party: (len(self.parties[party]), party == favoured))


class FairQueue(Generic[T]):
    """Waiting calls, and a count of those at work."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._tenants: dict[str, _Tenant[T]] = {}
        self._clock = 0.0
        """Seconds that the tenant chosen last had had: who begins to wait now is not owed the time before."""
        self.waiting = 0

    def put(self, lane: Lane, call: T, *, again: bool = False) -> T | None:
        """Let a call wait; the call that had to make room for it, if any. Raises QUEUE_FULL and BUSY.

        `again` is for a call that was at work before: it is never refused.
        """
        if not again:
            self._check_party(lane)
        displaced = None if again or self.waiting < self._bounds.waiting else self._make_room(lane)
        tenant = self._tenants.get(lane.tenant)
        if tenant is None:
            tenant = self._tenants[lane.tenant] = _Tenant(self._clock)
        tenant.parties.setdefault(lane.party, deque()).append(call)
        tenant.waiting += 1
        self.waiting += 1
        return displaced

    def next(self) -> tuple[Lane, T] | None:
        """The call whose turn it is, which from now on is at work; None where no call may be begun."""
        free = [(each.used, name) for name, each in self._tenants.items() if self._may_begin(each)]
        if not free:
            return None
        used, name = min(free)
        self._clock = max(self._clock, used)
        tenant = self._tenants[name]
        lane = Lane(name, next(iter(tenant.parties)))
        call = tenant.pop()
        tenant.at_work += 1
        self.waiting -= 1
        return lane, call

    def done(self, lane: Lane, seconds: float) -> None:
        """A call of the lane is no longer at work; it took so many seconds of a worker."""
        tenant = self._tenants[lane.tenant]
        tenant.at_work -= 1
        tenant.used += seconds
        if not tenant.waiting and not tenant.at_work:
            del self._tenants[lane.tenant]

    def _may_begin(self, tenant: _Tenant[T]) -> bool:
        return tenant.waiting > 0 and tenant.at_work < self._bounds.at_work

    def _check_party(self, lane: Lane) -> None:
        tenant = self._tenants.get(lane.tenant)
        count = len(tenant.parties.get(lane.party, ())) if tenant is not None else 0
        if count >= self._bounds.party:
            raise refusal(QUEUE_FULL, "waiting calls of one caller", count + 1, self._bounds.party)

    def _make_room(self, lane: Lane) -> T:
        """Take the newest call out of the longest lane; raises BUSY where that is the lane itself."""
        name = max(self._tenants, key=lambda each: (self._tenants[each].waiting, each == lane.tenant))
        longest = self._tenants[name]
        party = longest.longest(lane.party)
        if (name, party) == (lane.tenant, lane.party):
            raise refusal(BUSY, "waiting calls", self.waiting + 1, self._bounds.waiting)
        self.waiting -= 1
        call = longest.drop(party)
        if not longest.waiting and not longest.at_work:
            del self._tenants[name]
        return call


def refusal(kind: ErrorKind, rule: str, count: int, limit: int) -> SaddlebagError:
    """The error for a call for which there is no room; a second is what one call takes at the worst of times."""
    return SaddlebagError(kind, rule=rule, count=count, limit=limit, retry_after=1)
