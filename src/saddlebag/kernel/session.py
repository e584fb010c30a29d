"""One synchronisation as a machine: what happened goes in, what to do next comes out.

Belongs here: the order of push, pull, compare and heal, as a table. May not know: sockets, files, XML, clocks; the
driver carries each command out, makes its effect durable, and only then reports the event.

    push until nothing is unsent -> pull until the last page -> compare -> done
    digests differ, device distrusted, key used twice: shard sums -> keys of the differing shards -> push again
    a device that the hub has disabled: nothing is pushed, but what the hub takes back is pulled
    a cursor that the hub cannot read: register the same device again -> shard sums -> ...

Any moment is a place to stop: a session that dies begins anew from what the driver has stored, and sends again at most
the push or the page whose answer was lost. Nothing in the table discards what the device holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Final

from saddlebag.kernel import errors
from saddlebag.kernel.digest import Digest
from saddlebag.kernel.errors import SaddlebagError
from saddlebag.kernel.session_events import (
    Begun,
    Command,
    Compare,
    Compared,
    Distrusted,
    Event,
    Finish,
    PageStored,
    Pull,
    Push,
    Pushed,
    Reconcile,
    Reconciled,
    Refused,
    Register,
    Registered,
    Stop,
)

HEALS: Final = 4
"""Rounds of healing in one session before it gives up: each round that the hub answers truly ends in equality."""


class State(StrEnum):
    """What the session is waiting for."""

    READY = "ready"
    PUSHING = "pushing"
    PULLING = "pulling"
    COMPARING = "comparing"
    REGISTERING = "registering"
    SHARDS = "shards"
    KEYS = "keys"
    DONE = "done"
    FAILED = "failed"


class Signal(Enum):
    """What an event means to the table."""

    BEGUN = "begun"
    PUSHED_MORE = "pushed, more is unsent"
    PUSHED = "pushed all"
    MORE_PAGES = "page stored, more to come"
    LAST_PAGE = "last page stored"
    EQUAL = "digests equal"
    DIFFERS = "digests differ"
    DISTRUSTED = "hub asks for reconciliation"
    KEY_TAKEN = "key used with another payload"
    DISABLED = "hub takes nothing from this device any more"
    LOST_CURSOR = "hub cannot read the cursor"
    REGISTERED = "registered again"
    WANTED = "hub wants keys of shards"
    HEALED = "hub knows what the device holds"
    REFUSED = "refused for another reason"


TRANSITIONS: Final[Mapping[tuple[State, Signal], State]] = MappingProxyType(
    {
        (State.READY, Signal.BEGUN): State.PUSHING,
        (State.PUSHING, Signal.PUSHED_MORE): State.PUSHING,
        (State.PUSHING, Signal.PUSHED): State.PULLING,
        (State.PUSHING, Signal.KEY_TAKEN): State.SHARDS,
        (State.PUSHING, Signal.DISABLED): State.PULLING,
        (State.PULLING, Signal.MORE_PAGES): State.PULLING,
        (State.PULLING, Signal.LAST_PAGE): State.COMPARING,
        (State.PULLING, Signal.DISTRUSTED): State.SHARDS,
        (State.PULLING, Signal.LOST_CURSOR): State.REGISTERING,
        (State.COMPARING, Signal.EQUAL): State.DONE,
        (State.COMPARING, Signal.DIFFERS): State.SHARDS,
        (State.REGISTERING, Signal.REGISTERED): State.SHARDS,
        (State.SHARDS, Signal.WANTED): State.KEYS,
        (State.SHARDS, Signal.HEALED): State.PUSHING,
        (State.KEYS, Signal.WANTED): State.KEYS,
        (State.KEYS, Signal.HEALED): State.PUSHING,
    }
)
"""Where each signal leads. A refusal leads to FAILED from every state; any other pair is a driver's mistake."""


class Session:
    """One synchronisation from Begun to Finish or Stop."""

    def __init__(self, cursor: str, incarnation: int) -> None:
        self.state = State.READY
        self._cursor = cursor
        self._incarnation = incarnation
        self._theirs: Digest | None = None
        self._wanted: tuple[int, ...] = ()
        self._heals = 0

    @property
    def over(self) -> bool:
        """Whether no command follows any more."""
        return self.state in (State.DONE, State.FAILED)

    def receive(self, event: Event) -> Command:
        """Take what happened, give what to do next; ValueError for an event that the state does not wait for."""
        signal = self._read(event)
        if isinstance(event, Refused) and (self.state, signal) not in TRANSITIONS and not self.over:
            return self._stop(event.error)
        before = self.state
        try:
            self.state = TRANSITIONS[before, signal]
        except KeyError:
            raise ValueError(f"a session that is {before} does not wait for: {signal.value}") from None
        if self.state is State.SHARDS or before is self.state is State.KEYS:
            self._heals += 1
            if self._heals > HEALS:
                return self._stop(SaddlebagError(errors.NOT_HEALED, count=HEALS))
        if self.state is State.SHARDS:
            self._wanted = ()
        return self._command()

    def _read(self, event: Event) -> Signal:
        match event:
            case Begun():
                return Signal.BEGUN
            case Pushed(more):
                return Signal.PUSHED_MORE if more else Signal.PUSHED
            case PageStored(cursor, more, digest):
                self._cursor, self._theirs = cursor, digest
                return Signal.MORE_PAGES if more else Signal.LAST_PAGE
            case Distrusted():
                return Signal.DISTRUSTED
            case Compared(digest):
                return Signal.EQUAL if self._theirs in (None, digest) else Signal.DIFFERS
            case Registered(cursor, incarnation):
                self._cursor, self._incarnation = cursor, incarnation
                return Signal.REGISTERED
            case Reconciled(cursor, incarnation, wanted):
                self._cursor, self._incarnation, self._wanted = cursor, incarnation, wanted
                return Signal.WANTED if wanted else Signal.HEALED
            case Refused(error):
                return _refusal(error)

    def _command(self) -> Command:
        match self.state:
            case State.PUSHING:
                return Push(self._incarnation)
            case State.PULLING:
                return Pull(self._cursor)
            case State.COMPARING:
                return Compare()
            case State.REGISTERING:
                return Register()
            case State.SHARDS | State.KEYS:
                return Reconcile(self._incarnation, self._wanted)
            case _:
                return Finish()

    def _stop(self, error: SaddlebagError) -> Stop:
        self.state = State.FAILED
        return Stop(error)


def _refusal(error: SaddlebagError) -> Signal:
    if error.kind.code == errors.OPERATION_MISMATCH.code:
        return Signal.KEY_TAKEN
    if error.kind.code == errors.DEVICE_DISABLED.code:
        return Signal.DISABLED
    if error.kind.code == errors.INVALID_CURSOR.code:
        return Signal.LOST_CURSOR
    return Signal.REFUSED
