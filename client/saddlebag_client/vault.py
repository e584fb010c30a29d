"""The vault: the key of an encrypted file, wrapped beside it, leased by the hub, erased when the lease ends.

Belongs here: the two small files, the lease's rules, and opening a file with its key. May not know: the network, how
bytes are encrypted (`vault_library`). Without encryption nothing but a look at the file's first bytes happens here.

    FILE.key, FILE.key.spare   the file key, wrapped under the hub's key for this device (RFC 3394), and where the hub
                               is; they open nothing by themselves and hold no credential
    FILE.lease                 the hub's key, until the lease ends by this laptop's clock; or, where its user wants it,
                               a file in a folder that a restart empties, so that a laptop switched off holds no key

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
from saddlebag.kernel.errors import INVALID_VALUE, KEY_FILE, LEASE_ENDED, WRONG_KEY, SaddlebagError
from saddlebag_client.local import LocalFile, open_file
from saddlebag_client.setting import Setting

KEY_BYTES: Final = 32
"""Bytes of the file key: AES-256."""

DISK: Final = "disk"
MEMORY: Final = "memory"

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

    `mark` tells the key that it is wrapped under from any other; `lease` says where the hub's key is kept, on DISK or
    in MEMORY.
    """

    url: str
    tenant: str
    user: str
    ca: str
    device: str
    mark: str = ""
    wrapped: str = ""
    lease: str = DISK


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

    leased = _current(setting)
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


def keep_lease(setting: Setting, wrapping: bytes, seconds: int) -> None:
    """Keep the hub's key for so long from now on, where the key file says.

    Raises WRONG_KEY where it is not the file's, INVALID_VALUE where it is to be kept in memory and there is no place.
    """
    door = read_door(setting.path)
    if door.mark != mark(wrapping):
        raise SaddlebagError(WRONG_KEY)
    moment = int(setting.now().timestamp())
    place = lease_file(setting, door.lease)
    for each in _lease_files(setting):
        if each != place:
            _erase(each)
    _put(place, _Lease(wrapping.hex(), moment + seconds, moment))


def keep_in(setting: Setting, lease: str) -> None:
    """Keep the leased key on DISK or in MEMORY from now on; INVALID_VALUE where there is no such place."""
    place, door = lease_file(setting, lease), read_door(setting.path)
    if door.lease != lease:
        kept = _found(setting)[1]
        if kept is not None:
            _put(place, kept)
        keep_door(setting.path, replace(door, lease=lease))
        _erase(lease_file(setting, door.lease))


def lease_end(setting: Setting) -> str | None:
    """Until when the file can be opened without the hub, as canonical xs:dateTime; None where there is no lease."""
    kept = _found(setting)[1]
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


def end_lease(setting: Setting) -> SaddlebagError | None:
    """Erase the hub's key where its lease has ended; why it has."""
    kept, moment = _found(setting)[1], int(setting.now().timestamp())
    if kept is not None and kept.seen - CLOCK_SLACK <= moment < kept.until:
        return None
    for each in _lease_files(setting):
        _erase(each)
    if kept is None or moment >= kept.until:
        return SaddlebagError(LEASE_ENDED)
    return SaddlebagError(LEASE_ENDED, "The clock was set back, which ends the lease of the file's key.")


def _current(setting: Setting) -> bytes:
    """The hub's key while its lease lasts; it is erased and LEASE_ENDED is raised from then on."""
    ended, moment = end_lease(setting), int(setting.now().timestamp())
    place, kept = _found(setting)
    if ended is not None or kept is None:
        raise ended or SaddlebagError(LEASE_ENDED)
    if moment >= kept.seen + _SEEN_STEP:
        _put(place, replace(kept, seen=moment))
    return bytes.fromhex(kept.key)


def _found(setting: Setting) -> tuple[Path, _Lease | None]:
    """The lease and where it is kept: not where the key file says, which may be damaged while the key has to go."""
    places = _lease_files(setting)
    return next(((each, kept) for each in places if (kept := _lease(each)) is not None), (places[0], None))


def _lease(place: Path) -> _Lease | None:
    """The lease as it is kept; None for none, or one that a crash left half written."""
    try:
        kept = _Lease(**json.loads(place.read_bytes().rstrip()))
        bytes.fromhex(kept.key), int(kept.until), int(kept.seen)
    except (OSError, ValueError, TypeError):
        return None
    return kept


def _put(place: Path, lease: _Lease) -> None:
    _write(place, json.dumps(asdict(lease)).encode().ljust(_RECORD))


def _erase(place: Path) -> None:
    """Overwrite the leased key where it lies, then remove it; a disk that writes elsewhere may keep the old sector."""
    if place.exists():
        _write(place, bytes(_RECORD))
        place.unlink()


def _write(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_CREAT | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o600)
    try:
        os.write(handle, data)
        os.ftruncate(handle, len(data))
        os.fsync(handle)
    finally:
        os.close(handle)


def lease_file(setting: Setting, lease: str) -> Path:
    """Where the hub's key is kept; INVALID_VALUE where there is no folder that a restart empties."""
    if lease != MEMORY:
        return setting.path.with_name(setting.path.name + ".lease")
    if setting.volatile is None:
        reason = "This system gives its users no folder that a restart empties (XDG_RUNTIME_DIR)."
        raise SaddlebagError(INVALID_VALUE, reason)
    name = hashlib.sha256(str(setting.path.absolute()).encode()).hexdigest()[:16]
    return setting.volatile / f"saddlebag-{name}.lease"


def _lease_files(setting: Setting) -> list[Path]:
    """Where the hub's key may be."""
    places = (DISK, MEMORY) if setting.volatile is not None else (DISK,)
    return [lease_file(setting, each) for each in places]


def _check(kept: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
