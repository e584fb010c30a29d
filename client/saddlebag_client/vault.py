"""The vault: the key of an encrypted file, wrapped beside it, leased by the hub, erased when the lease ends.

Belongs here: the two small files, the lease's rules, and opening a file with its key. May not know: the network, how
bytes are encrypted (`vault_library`). Without encryption nothing but a look at the file's first bytes happens here.

    FILE.key, FILE.key.spare   the file key, wrapped under the hub's key for this device (RFC 3394), and where the hub
                               is; they open nothing by themselves and hold no credential
    FILE.lease                 the hub's key, until the lease ends by this laptop's clock

The clock may go on but not back: a moment before one that was seen ends the lease, as its end does. Then the key is
overwritten and the file stays shut until its user unlocks it at the hub, with her password.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from saddlebag.kernel import canon
from saddlebag.kernel.errors import KEY_FILE, LEASE_ENDED, WRONG_KEY, SaddlebagError
from saddlebag_client.local import LocalFile, open_file
from saddlebag_client.setting import Setting

KEY_BYTES: Final = 32
"""Bytes of the file key: AES-256."""

CLOCK_SLACK: Final = 300
"""Seconds that the clock may go back: so much a time server corrects."""

_SEEN_STEP: Final = 60
_PAGE: Final = 4096
_BLOCK: Final = 256 * 1024
_PLAIN: Final = b"SQLite format 3\0"
_RECORD: Final = 512
"""Bytes of the lease's file: one sector, so that it is written at once, in its place, and can be overwritten there."""


@dataclass(frozen=True, slots=True)
class Door:
    """What a locked file's program still knows: whose it is, where its hub is, and the wrapped file key, in hex.

    `mark` tells the key that it is wrapped under from any other.
    """

    url: str
    tenant: str
    user: str
    ca: str
    device: str
    mark: str = ""
    wrapped: str = ""


@dataclass(frozen=True, slots=True)
class _Lease:
    """The hub's key in hex, and moments in seconds since 1970: the end, and the latest that the clock showed."""

    key: str
    until: int
    seen: int


def encrypted(path: Path) -> bool:
    """Whether the file is an encrypted one: whole pages that do not begin as SQLite's own do (file format, 1.3)."""
    try:
        with path.open("rb") as file:
            head = file.read(len(_PLAIN))
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        return False
    return bool(head) and head != _PLAIN and size % _PAGE == 0


def open_for(setting: Setting, *, create: bool = False) -> LocalFile:
    """The file of a command, opened with its key where it is encrypted.

    Raises as `open_file`, and LEASE_ENDED, KEY_FILE, WRONG_KEY, NO_ENCRYPTION.
    """
    if not encrypted(setting.path):
        return open_file(setting.path, create=create)
    from saddlebag_client.vault_library import Cipher, unwrap

    leased = _current(setting.path, setting.now())
    return open_file(setting.path, cipher=Cipher(unwrap(read_door(setting.path), leased)))


def lock(path: Path, door: Door, wrapping: bytes, key: bytes) -> None:
    """Keep the file key, wrapped, and the way to the hub."""
    from saddlebag_client.vault_library import wrap

    keep_door(path, replace(door, mark=mark(wrapping), wrapped=wrap(wrapping, key).hex()))


def keep_door(path: Path, door: Door) -> None:
    """Write the key file and its spare copy, each in one step."""
    kept = asdict(door)
    text = json.dumps({**kept, "check": _check(kept)}, indent=1)
    for name in (".key.spare", ".key"):  # a crash between the two leaves one that is whole
        target = path.with_name(path.name + name)
        fresh = target.with_name(target.name + ".new")
        _write(fresh, text.encode())
        os.replace(fresh, target)
    sync_folder(path)


def read_door(path: Path) -> Door:
    """What the key file or its spare copy says; raises KEY_FILE where neither can be read."""
    for name in (".key", ".key.spare"):
        try:
            kept = json.loads(path.with_name(path.name + name).read_bytes())
            if kept.pop("check") == _check(kept):
                return Door(**kept)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue  # the spare copy is for this
    raise SaddlebagError(KEY_FILE)


def keep_lease(path: Path, wrapping: bytes, seconds: int, now: datetime) -> None:
    """Keep the hub's key for so long from now on; raises WRONG_KEY where it is not the file's."""
    if read_door(path).mark != mark(wrapping):
        raise SaddlebagError(WRONG_KEY)
    moment = int(now.timestamp())
    _put(path, _Lease(wrapping.hex(), moment + seconds, moment))


def lease_end(path: Path) -> str | None:
    """Until when the file can be opened without the hub, as canonical xs:dateTime; None where there is no lease."""
    kept = _lease(path)
    return canon.write_datetime(datetime.fromtimestamp(kept.until, UTC)) if kept else None


def overwrite(handle: int) -> None:
    """Zeros over an open file; a disk that writes elsewhere keeps the old sectors until it needs them."""
    size = os.fstat(handle).st_size
    os.lseek(handle, 0, os.SEEK_SET)
    for start in range(0, size, _BLOCK):
        os.write(handle, bytes(min(_BLOCK, size - start)))
    os.fsync(handle)


def mark(wrapping: bytes) -> str:
    """What tells a wrapping key from others, and tells nothing about its 256 random bits."""
    return hashlib.sha256(wrapping).hexdigest()[:16]


def sync_folder(path: Path) -> None:
    """Make the names in the file's folder safe from a crash."""
    with suppress(PermissionError):  # a system that opens no folders keeps names safe by itself
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def end_lease(path: Path, now: datetime) -> SaddlebagError | None:
    """Erase the hub's key where its lease has ended; why it has."""
    kept, moment = _lease(path), int(now.timestamp())
    if kept is not None and kept.seen - CLOCK_SLACK <= moment < kept.until:
        return None
    _erase(path)
    if kept is None or moment >= kept.until:
        return SaddlebagError(LEASE_ENDED)
    return SaddlebagError(LEASE_ENDED, "The clock was set back, which ends the lease of the file's key.")


def _current(path: Path, now: datetime) -> bytes:
    """The hub's key while its lease lasts; it is erased and LEASE_ENDED is raised from then on."""
    ended, kept, moment = end_lease(path, now), _lease(path), int(now.timestamp())
    if ended is not None or kept is None:
        raise ended or SaddlebagError(LEASE_ENDED)
    if moment >= kept.seen + _SEEN_STEP:
        _put(path, replace(kept, seen=moment))
    return bytes.fromhex(kept.key)


def _lease(path: Path) -> _Lease | None:
    """The lease as it is kept; None for none, or one that a crash left half written."""
    try:
        kept = _Lease(**json.loads(_lease_file(path).read_bytes().rstrip()))
        bytes.fromhex(kept.key), int(kept.until), int(kept.seen)
    except (OSError, ValueError, TypeError):
        return None
    return kept


def _put(path: Path, lease: _Lease) -> None:
    _write(_lease_file(path), json.dumps(asdict(lease)).encode().ljust(_RECORD))


def _erase(path: Path) -> None:
    """Overwrite the leased key where it lies, then remove it; a disk that writes elsewhere may keep the old sector."""
    file = _lease_file(path)
    if file.exists():
        _write(file, bytes(_RECORD))
        file.unlink()


def _write(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_CREAT | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o600)
    try:
        os.write(handle, data)
        os.ftruncate(handle, len(data))
        os.fsync(handle)
    finally:
        os.close(handle)


def _lease_file(path: Path) -> Path:
    return path.with_name(path.name + ".lease")


def _check(kept: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
