"""What a sync session is told and what it orders: the vocabulary between the machine and its driver.

Belongs here: events and commands as values. May not know: which follows which (`session`).
"""

from __future__ import annotations

from dataclasses import dataclass

from saddlebag.kernel.digest import Digest
from saddlebag.kernel.errors import SaddlebagError


@dataclass(frozen=True, slots=True)
class Begun:
    """The session starts from what the device has stored."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """Results of a push are stored (or there was nothing to send); `more` operations are still unsent."""

    more: bool


@dataclass(frozen=True, slots=True)
class PageStored:
    """A page and its cursor are committed; `digest` is the hub's total, on the last page."""

    cursor: str
    more: bool
    digest: Digest | None = None


@dataclass(frozen=True, slots=True)
class Distrusted:
    """The hub cannot trust what it knows of the device and sent no data."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The device's own digest was computed afresh from its rows."""

    digest: Digest


@dataclass(frozen=True, slots=True)
class Registered:
    """The same device was registered again."""

    cursor: str
    incarnation: int


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The hub's answer to sums or keys is stored; `wanted` are the shards whose keys it asks for."""

    cursor: str
    incarnation: int
    wanted: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The last command failed for good: retries are the driver's business and are over."""

    error: SaddlebagError


Event = Begun | Pushed | PageStored | Distrusted | Compared | Registered | Reconciled | Refused


@dataclass(frozen=True, slots=True)
class Push:
    """Send the next unsent operations and store their results."""

    incarnation: int


@dataclass(frozen=True, slots=True)
class Pull:
    """Fetch the page after `cursor`; store page and new cursor in one transaction."""

    cursor: str


@dataclass(frozen=True, slots=True)
class Compare:
    """Compute the digest of the rows held."""


@dataclass(frozen=True, slots=True)
class Register:
    """Register the same device again."""


@dataclass(frozen=True, slots=True)
class Reconcile:
    """Send the shard sums, and the keys of the `wanted` shards; store incarnation and cursor."""

    incarnation: int
    wanted: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Finish:
    """Hub and device agree."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The session cannot go on; what was stored stays valid."""

    error: SaddlebagError


Command = Push | Pull | Compare | Register | Reconcile | Finish | Stop
