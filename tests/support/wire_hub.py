"""A hub with several tenants that is reached by messages alone: the real front, services, engine and store, no socket.

Belongs here: one exchange under any weather, the death of the hub's process at any commit, and what no answer may hold.
May not know: what is called, or why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from front_transport import FrontTransport
from laptop import Killed
from model_device import Lost
from records_world import World
from saddlebag.kernel import wire
from saddlebag.kernel.wire import Answer, Members
from saddlebag.model.entities import Schema
from saddlebag.records import access
from saddlebag.store.base import Transaction
from saddlebag.store.sql import SqlStore
from saddlebag_services import sync

T = TypeVar("T")


@dataclass(frozen=True)
class Weather:
    """What happens to one exchange: a message is `lost`, or the hub's process dies at its `dies`-th commit."""

    lost: str = ""
    """request, answer, or "" for neither; twice: the request arrives twice."""
    dies: int = 0
    after: bool = False
    """Whether it dies when the commit is done, or just before."""


CALM = Weather()


class MortalStore:
    """The store of a process that can be killed at a commit; what is committed stays."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self.left = 0
        self.after = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @property
    def schema(self) -> Schema:
        """As the store's."""
        return self._store.schema

    def run(self, tenant: str, work: Callable[[Any], T], *, read_only: bool = False) -> T:
        """As the store's, as long as the process lives."""
        if read_only or not self.left:
            return self._store.run(tenant, work, read_only=read_only)
        self.left -= 1
        if self.left:
            return self._store.run(tenant, work)
        if self.after:
            self._store.run(tenant, work)
            raise Killed

        def cut_off(tx: Transaction) -> T:
            work(tx)
            raise Killed

        return self._store.run(tenant, cut_off)


class _Clock:
    """What the front takes time and ids from: the world of the tenant that is called."""

    def __init__(self, store: MortalStore) -> None:
        self.store = store
        self.world: World | None = None

    @property
    def now(self) -> datetime:
        """That tenant's time."""
        return self._called.now

    def new_id(self) -> str:
        """That tenant's next id: two tenants' devices bear the same ids."""
        return self._called.new_id()

    @property
    def _called(self) -> World:
        if self.world is None:
            raise AssertionError("the hub is called before a tenant is")
        return self.world


class WireHub:
    """The hub of a store."""

    def __init__(self, store: SqlStore) -> None:
        self.store = MortalStore(store)
        self._clock = _Clock(self.store)
        self._front = FrontTransport(self._clock)  # type: ignore[arg-type]
        self._sessions = 0
        self.marks: Mapping[str, bytes] = {}
        """A word that each tenant's records hold, and no answer to another tenant may."""
        self.leaks: list[str] = []
        """Answers that held one all the same."""

    @classmethod
    def of(cls, store: SqlStore) -> WireHub:
        """The hub of this store, just started; compiling its services takes longer than a history."""
        hub = _HUBS.get(store)
        if hub is None:
            hub = _HUBS[store] = cls(store)
        hub.restart()
        hub.leaks = []
        return hub

    def exchange(
        self, world: World, service: str, operation: str, members: Members, token: str, weather: Weather = CALM
    ) -> tuple[Answer, bytes]:
        """One call; raises Lost, or the error that the answer's fault carries."""
        if weather.lost == "request":
            raise Lost
        body = wire.request(service, operation, members, token or None)
        answer = self._post(world, service, operation, body, weather)
        if weather.lost == "twice":
            answer = self._post(world, service, operation, body, weather)
        if weather.lost == "answer":
            raise Lost
        return wire.answer(answer, operation, "put" if operation == "Pull" else ""), answer

    def _post(self, world: World, service: str, operation: str, body: bytes, weather: Weather) -> bytes:
        self._clock.world = world
        self.store.left, self.store.after = weather.dies, weather.after
        try:
            answer = self._front.post(
                f"/{world.tenant}/{service}/v1", wire.soap_action(service, operation), body, safe=True
            )
        except Killed:
            self.restart()
            raise Lost from None
        finally:
            self.store.left = 0
        self.leaks += [
            f"{operation} of {world.tenant} was told: {answer.decode()}"
            for tenant, mark in self.marks.items()
            if tenant != world.tenant and mark in answer
        ]
        return answer

    def restart(self) -> None:
        """A new process remembers nothing."""
        sync._MEMORIES.pop(self.store, None)  # type: ignore[call-overload]

    def session(self, world: World, who: str) -> str:
        """A fresh session of a user, as after a log-in with her password (which costs more than all the rest)."""
        self._sessions += 1
        token = f"session-{self._sessions:040}"
        principal = world.principal(who)
        world.run(lambda tx: access.open_session(tx, principal, world.now, lambda: token))
        return token


_HUBS: dict[SqlStore, WireHub] = {}
