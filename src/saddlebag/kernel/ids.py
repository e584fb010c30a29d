"""Record identifiers: their form, and how new ones are made from values given.

Belongs here: syntax of ids. May not know: a clock or a source of randomness; both come as arguments.
An id is opaque: 1 to 36 letters, digits, '.', '_' or '-'. Devices make theirs offline, so they are UUIDs (RFC 9562).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from saddlebag.kernel import errors, limits

IdSource = Callable[[], str]
"""Gives a new record id at each call; the composition root and the client each make one."""

ID_PATTERN = rf"[A-Za-z0-9][A-Za-z0-9._\-]{{0,{limits.ID_LENGTH - 1}}}"
"""The form of an id, in the syntax common to Python and XML Schema regular expressions."""

_ID = re.compile(ID_PATTERN)


def check_id(text: str) -> str:
    """Return `text` if it has the form of an id, else raise INVALID_ID."""
    if _ID.fullmatch(text) is None:
        raise errors.SaddlebagError(errors.INVALID_ID, limit=limits.ID_LENGTH)
    return text


def is_id(text: str) -> bool:
    """Whether `text` has the form of an id."""
    return _ID.fullmatch(text) is not None


def uuid7(now: datetime, random: bytes) -> str:
    """A UUID of version 7 (RFC 9562, 5.7) from an aware `now` and 10 random bytes: ids made together sort together."""
    if len(random) != 10:
        raise ValueError("uuid7 takes 10 random bytes")
    milliseconds = int(now.timestamp() * 1000)
    value = (milliseconds << 80) | int.from_bytes(random, "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return str(UUID(int=value))
