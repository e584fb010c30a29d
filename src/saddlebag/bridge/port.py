"""The adapter port: what an adapter declares and what it must do. `saddlebag.bridge.testing` is the kit for it.

Belongs here: the declaration (`Adapter`), the open connection (`Connector`) and the values between them. May not
know: the store, records, mappings' workings. An adapter is found by entry point in the group `saddlebag.adapters`;
the name it leads to is an `Adapter`.

Errors say what the caller may do next, and are the catalogue's 7xxx kinds:

    ADAPTER_CONFIGURATION   somebody must correct a setting; nothing is tried again
    ADAPTER_UNAVAILABLE     tried again later, after `retry_after` seconds where the system said so
    ADAPTER_RECORD          this record is skipped and kept as a dead letter; the run goes on
    ADAPTER_FATAL           the system speaks in a way the adapter does not understand; the run ends
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from saddlebag.bridge.plain import Plain
from saddlebag.bridge.settings import Setting

ENTRY_POINTS = "saddlebag.adapters"
"""The entry point group that adapters are found by."""


class Feed(StrEnum):
    """How a stream tells what changed."""

    SEQUENCE = "sequence"
    """Every change has a number; numbers become visible in their own order."""
    STAMP = "stamp"
    """Rows carry a time of change; late commits are caught by reading an overlap again."""
    SCAN = "scan"
    """Everything is read each time; what no longer comes is gone."""


class Writes(StrEnum):
    """Whether changes can be sent to the system, and what a repeated sending does there."""

    NONE = "none"
    IDEMPOTENT = "idempotent"
    AT_LEAST_ONCE = "at-least-once"


@dataclass(frozen=True, slots=True)
class Hygiene:
    """What has to be known about the system's data: the zone of times without offset, whether text comes with XML
    entities in it (undone exactly once), and how decimals are delivered: as exact values, as text, or as binary floats
    that the adapter has turned into the decimal they print as."""

    time_zone: str = "UTC"
    escaped_text: bool = False
    decimals: str = "exact"


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of record that the adapter reads, and the entity that it becomes.

    Streams are read in declared order, so one that others refer to comes first. `fields` names what an item's data may
    hold (the first part of a mapping's paths). `lists_ids`: the system can list all ids, so that deletions which its
    feed does not report are found by `saddlebag adapter run --reconcile`.
    """

    name: str
    entity: str
    doc: str
    feed: Feed
    fields: tuple[str, ...]
    reports_deletions: bool = False
    lists_ids: bool = True
    writes: Writes = Writes.NONE


@dataclass(frozen=True, slots=True)
class Item:
    """One record as the system holds it, or the news that it is gone (`data` is None).

    `version` is the system's own mark of the state read (a stamp, a counter, a hash), "" where it has none.
    """

    external_id: str
    data: Mapping[str, Plain] | None
    version: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that the adapter could not make an item of: kept as a dead letter, the run goes on."""

    external_id: str
    reason: str
    payload: Mapping[str, Plain] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some items, and the state to go on from once they are applied. `state` is the adapter's own text.

    `whole` on the last batch of a scan says that everything was seen, so that what was not seen is gone; only with it
    is a scan's state kept.
    """

    items: tuple[Item, ...]
    state: str
    unreadable: tuple[Unreadable, ...] = ()
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Discovered:
    """A stream as the system in hand really offers it: its fields, and about how many records, where it tells."""

    stream: str
    fields: tuple[str, ...]
    count: int | None = None


@dataclass(frozen=True, slots=True)
class SystemInfo:
    """What `check` found: the product and version, and sentences worth showing (never secrets)."""

    product: str
    version: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A change to be sent: the record's values by field, and the external id and version it is bound to, if any."""

    stream: str
    record: str
    values: Mapping[str, Plain]
    external_id: str | None = None
    version: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """What came of a sending: the system's id and version of the record now."""

    external_id: str
    version: str = ""


class Connector(Protocol):
    """An adapter joined to one system by its settings. It is used from one thread at a time."""

    def check(self) -> SystemInfo:
        """Log in and look around; raises the kinds named at the head of this module."""
        ...

    def discover(self) -> list[Discovered]:
        """The declared streams that this system offers."""
        ...

    def read(self, stream: str, state: str) -> Iterator[Batch]:
        """Changes since `state` ("": from the start) in batches of at most 200; the same may come more than once."""
        ...

    def ids(self, stream: str) -> Iterator[Sequence[str]]:
        """All external ids of a stream that declares `lists_ids`."""
        ...

    def fetch(self, stream: str, external_ids: Sequence[str]) -> list[Item]:
        """These records as they are now; those that are gone do not come."""
        ...

    def write(self, change: Outgoing) -> Written:
        """Send a change to a stream whose `writes` is not NONE."""
        ...

    def close(self) -> None:
        """Release what the connector holds."""
        ...


Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Adapter:
    """What a package declares: name, version, settings, streams, data hygiene, default mapping, and how to connect.

    `mapping` is the default mapping as data (see `saddlebag.bridge.mapping`); `connect` takes checked settings and a
    clock and does no I/O yet.
    """

    name: str
    version: str
    title: str
    settings: tuple[Setting, ...]
    streams: tuple[Stream, ...]
    mapping: Mapping[str, Any]
    connect: Callable[[Mapping[str, Any], Clock], Connector]
    hygiene: Hygiene = Hygiene()

    def stream(self, name: str) -> Stream:
        """The declared stream of this name; raises KeyError."""
        return {each.name: each for each in self.streams}[name]
