"""What a harness needs of a peer, and what a peer is given.

Belongs here: the port. May not know: any peer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bench.children import Client
from bench.plain import Change, Key, Plain, Texts

Held = Mapping[Key, Texts]


class Unavailable(Exception):
    """The peer cannot run here; the message says why."""


@dataclass(frozen=True, slots=True)
class World:
    """What a peer serves: the plain tables as they are before the churn (its own copy), and whose laptop it is."""

    folder: Path
    plain: Plain
    rep: str
    today: date
    postgres: str
    """URL of a PostgreSQL server's administrator."""


class Service(ABC):
    """A peer that serves."""

    port: int

    @abstractmethod
    def processes(self) -> Sequence[int]:
        """Process ids whose CPU time is the server's."""

    @abstractmethod
    def client(self, number: int, port: int) -> Client:
        """A new device, talking to the port (the peer's, or that of a proxy before it).

        Its operations: `first`, `delta`, `edit(changes)`, `push`, and `keys`, which answers {"keys": [[entity, id]]}.
        """

    @abstractmethod
    def become(self, changes: Sequence[Change], today: date, before: Held, after: Held) -> int:
        """Write the changes, and bring about what follows for the rep's scope; how many writes the server side made.

        The plain tables hold the changes when this is called.
        """


class Peer(ABC):
    """A peer by name."""

    name: str
    connected: bool = False
    """Whether its client stays connected and is told of changes: then only its first sync can be compared."""

    @abstractmethod
    def served(self, world: World) -> AbstractContextManager[Service]:
        """Serve for a block; raises Unavailable."""


def document(key: Key, texts: Texts) -> dict[str, str]:
    """A record for peers that keep documents."""
    return {**texts, "type": key[0]}


def order(changes: Sequence[Change]) -> list[dict[str, object]]:
    """Changes as a client is told them."""
    return [{"entity": each.entity, "id": each.id, "texts": dict(each.texts), "new": each.new} for each in changes]
