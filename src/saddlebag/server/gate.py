"""The gate: how many calls of one caller are at work at once, decided when it is known who calls.

Belongs here: places, who holds them, who waits for one. May not know: Twisted, SOAP. Safe to use from several threads.

A call wants one or more places, each of a group with a bound: its user's, its device's (one pull at a time), or its
address's while nobody has logged in. It gets all of them or waits, first come first served among the calls of its
party, round robin among parties.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Generic, Protocol, TypeVar

from saddlebag.kernel.errors import QUEUE_FULL
from saddlebag.server.queues import refusal

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Want:
    """One place of a group: the rule's name for the caller, whose places they are, and how many there are."""

    rule: str
    owner: str
    most: int


Held = tuple[tuple[str, int], ...]
"""Places taken: group and number."""


class Places(Protocol):
    """Knows which places are taken. The gate calls it under its lock."""

    def take(self, want: Want) -> int | None:
        """The number of a free place of the group, which is now taken; None where there is none."""
        ...

    def give_back(self, owner: str, number: int) -> None:
        """The place is free again."""
        ...


class LocalPlaces:
    """The places of one process."""

    def __init__(self) -> None:
        self._taken: dict[str, set[int]] = {}

    def take(self, want: Want) -> int | None:
        """As `Places.take`."""
        taken = self._taken.setdefault(want.owner, set())
        number = next((each for each in range(want.most) if each not in taken), None)
        if number is not None:
            taken.add(number)
        return number

    def give_back(self, owner: str, number: int) -> None:
        """As `Places.give_back`."""
        taken = self._taken[owner]
        taken.discard(number)
        if not taken:
            del self._taken[owner]


class Gate(Generic[T]):
    """Lets calls in, and remembers those that wait."""

    def __init__(self, places: Places, party: int) -> None:
        self._places = places
        self._most = party
        self._waiting: OrderedDict[str, deque[tuple[tuple[Want, ...], T]]] = OrderedDict()
        self._lock = Lock()

    @property
    def waiting(self) -> int:
        """Calls that wait."""
        with self._lock:
            return sum(map(len, self._waiting.values()))

    def enter(self, wants: tuple[Want, ...], call: T) -> Held | None:
        """The call's places; None where it has to wait. The first want names its party. Raises QUEUE_FULL."""
        party = wants[0].owner
        with self._lock:
            before = self._waiting.get(party)
            held = None if before else self._take(wants)
            if held is not None:
                return held
            count = len(before or ())
            if count >= self._most:
                raise refusal(QUEUE_FULL, f"waiting {wants[0].rule}", count + 1, self._most)
            self._waiting.setdefault(party, deque()).append((wants, call))
            return None

    def leave(self, held: Held) -> list[tuple[T, Held]]:
        """Give places back; the calls that go in now, with theirs."""
        with self._lock:
            self._give_back(held)
            return self._go_in()

    def look(self) -> list[tuple[T, Held]]:
        """The calls that may go in now: somebody else, in another process, may have given a place back."""
        with self._lock:
            return self._go_in()

    def _go_in(self) -> list[tuple[T, Held]]:
        entered = []
        for party in list(self._waiting):
            queue = self._waiting[party]
            while queue and (held := self._take(queue[0][0])) is not None:
                entered.append((queue.popleft()[1], held))
                self._waiting.move_to_end(party)
            if not queue:
                del self._waiting[party]
        return entered

    def _take(self, wants: Sequence[Want]) -> Held | None:
        held: list[tuple[str, int]] = []
        for want in wants:
            number = self._places.take(want)
            if number is None:
                self._give_back(held)
                return None
            held.append((want.owner, number))
        return tuple(held)

    def _give_back(self, held: Sequence[tuple[str, int]]) -> None:
        for owner, number in held:
            self._places.give_back(owner, number)
