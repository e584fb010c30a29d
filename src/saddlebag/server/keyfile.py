"""The file of master keys: made once, read whenever a key is asked for, replaced in one step when keys are rotated.

Belongs here: the file. May not know: what is sealed. It is read anew each time, so that a rotation needs no restart of
any hub process; a lease of a key is rare enough.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from saddlebag.kernel.errors import MASTER_KEY, SaddlebagError
from saddlebag.security.masterkeys import KEY_BYTES, MasterKeys

_MODE: Final = 0o600


def load(path: Path) -> MasterKeys:
    """The keys; raises MASTER_KEY."""
    try:
        return MasterKeys.read(path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError):
        raise SaddlebagError(MASTER_KEY, "The file of master keys cannot be read.") from None


def make(path: Path) -> None:
    """Make the file with one fresh key, readable to its owner only; one that exists is left as it is."""
    with suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        _write(handle, MasterKeys([fresh()]))


def replace(path: Path, keys: MasterKeys) -> None:
    """Put other keys in place of the file's, in one step."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    _write(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), keys)
    new.replace(path)


def fresh() -> bytes:
    """A new master key."""
    return os.urandom(KEY_BYTES)


def _write(handle: int, keys: MasterKeys) -> None:
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(keys.write())
        file.flush()
        os.fsync(file.fileno())
