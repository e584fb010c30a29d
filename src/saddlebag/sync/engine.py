"""The engine: what a hub does for devices, in one place to call.

Belongs here: names only. Every operation takes the time and the sources of ids and secrets as arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from saddlebag.kernel.ids import IdSource
from saddlebag.security.principal import Principal
from saddlebag.store.base import Transaction
from saddlebag.sync import devices
from saddlebag.sync.devices import Registration
from saddlebag.sync.explain import Explanation, ScopeDescription, describe, explain
from saddlebag.sync.fresh import Memory, memory
from saddlebag.sync.heal import Healing, reconcile
from saddlebag.sync.pull import Answer, Run, pull
from saddlebag.sync.push import push
from saddlebag.sync.target import scope_of

__all__ = [
    "Answer",
    "Explanation",
    "Healing",
    "Memory",
    "Registration",
    "Run",
    "ScopeDescription",
    "describe",
    "explain",
    "memory",
    "pull",
    "push",
    "reconcile",
    "register",
]


def register(
    tx: Transaction,
    principal: Principal,
    *,
    name: str,
    platform: str,
    device: str | None = None,
    now: datetime,
    new_id: IdSource,
    new_secret: Callable[[], str],
) -> Registration:
    """Register a new device, or the same one again under the next incarnation; what it holds stays remembered.

    Raises UNKNOWN_DEVICE for a device that is not the caller's, DEVICE_DISABLED.
    """
    return devices.register(
        tx,
        principal,
        name=name,
        platform=platform,
        device=device,
        scope_version=scope_of(tx, principal).version,
        now=now,
        new_id=new_id,
        new_secret=new_secret,
    )
