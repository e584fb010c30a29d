"""Who is calling.

Belongs here: the principal as a value. May not know: sessions, passwords, tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a user may do: the values of User.role, SYSTEM for the hub's own work and adapters, and REVOKED for a device
    that was disabled, or whose user was, while it held records: it may only let go of them.
    """

    REP = "rep"
    MANAGER = "manager"
    INTEGRATION = "integration"
    ADMIN = "admin"
    SYSTEM = "system"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller. `territories` are her own and all below it; `device` is "" unless a device's session
    calls.
    """

    tenant: str
    user: str
    role: Role
    territories: frozenset[str] = frozenset()
    device: str = ""
    origin: str = ""
    """Written to the change log: "" for a user, "client:<name>", "device:<id>", "system:<name>"."""
