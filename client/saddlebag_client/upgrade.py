"""Upgrade: the client's own file replaced by the one that the hub offers, after checking it.

Belongs here: version, checksum, replacement. May not know: what is in the file. The hub is the authority, and the
verified TLS channel its proof; the checksum guards against a broken download. The old file stays beside until the new
one starts.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from saddlebag.kernel import limits
from saddlebag.kernel.errors import BAD_DOWNLOAD, SaddlebagError
from saddlebag_client.transport import Transport

VERSION_PATH: Final = "/client/version.json"
CLIENT_PATH: Final = "/client/saddlebag.pyz"

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Offer:
    """What the hub offers: version, SHA-256 in hexadecimal digits, bytes."""

    version: str
    sha256: str
    size: int


def offer(transport: Transport) -> Offer:
    """Ask what the hub offers; BAD_DOWNLOAD where the answer makes no sense."""
    try:
        told = json.loads(transport.get(VERSION_PATH))
        found = Offer(str(told["version"]), str(told["sha256"]).lower(), int(told["size"]))
    except (ValueError, KeyError, TypeError):
        raise SaddlebagError(BAD_DOWNLOAD, "The hub does not say which client it offers.") from None
    if _SHA256.fullmatch(found.sha256) is None or not 0 < found.size <= limits.CLIENT_BYTES:
        raise SaddlebagError(BAD_DOWNLOAD, "The hub does not say which client it offers.")
    return found


def same(offered: Offer, installed: Path) -> bool:
    """Whether the installed file is already the one offered."""
    return hashlib.sha256(installed.read_bytes()).hexdigest() == offered.sha256


def replace(transport: Transport, offered: Offer, installed: Path) -> Path:
    """Fetch, check, and put in place in one step; returns where the old file stays until the new one has started."""
    data = transport.get(CLIENT_PATH)
    if len(data) != offered.size or hashlib.sha256(data).hexdigest() != offered.sha256:
        raise SaddlebagError(BAD_DOWNLOAD)
    fresh, old = installed.with_suffix(".new"), old_file(installed)
    with open(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o755), "wb") as target:
        target.write(data)
        target.flush()
        os.fsync(target.fileno())
    old.write_bytes(installed.read_bytes())
    os.replace(fresh, installed)
    return old


def old_file(installed: Path) -> Path:
    """Where the client before this one is kept."""
    return installed.with_suffix(".old")
