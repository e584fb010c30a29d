"""Contents: the files that attachments stand for, kept beside the SQLite file under their hashes.

Belongs here: keeping, growing, verifying and dropping them. May not know: the hub, which attachment wants which, how
those of an encrypted file are kept (`vault_contents`).
A file under its hash is whole; one that is still growing ends in `.part` and goes on after a crash. Only the file's
owner may read them. A hash comes from the hub and becomes a file's name, so that nothing but a hash is let through.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Container
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from saddlebag.kernel.errors import INVALID_VALUE, TOO_LARGE, SaddlebagError
from saddlebag.kernel.limits import ATTACHMENT_BYTES
from saddlebag.kernel.nodes import damaged
from saddlebag_client.local import LocalFile

if TYPE_CHECKING:  # only an encrypted file needs it
    from saddlebag_client.vault_contents import SealedContents

_HASH: Final = re.compile(r"[0-9a-f]{64}")
_STEP: Final = 256 * 1024


class Contents:
    """The contents that belong to one SQLite file."""

    def __init__(self, file: Path) -> None:
        self._folder = file.with_name(file.name + ".attachments")

    def path(self, content: str) -> Path:
        """Where the whole content lies or would lie; raises DAMAGED_ANSWER for a hash that is none."""
        return self._folder / checked(content)

    def has(self, content: str) -> bool:
        """Whether the content is here, whole."""
        return self.path(content).exists()

    def keep(self, source: Path) -> tuple[str, int]:
        """Take a copy of a file; its hash and size. Raises INVALID_VALUE and TOO_LARGE."""
        taken = self._made() / f"taken-{os.getpid()}.part"
        try:
            with private(taken) as kept:
                content, size = copied(source, kept.write)
        except SaddlebagError:
            taken.unlink(missing_ok=True)
            raise
        taken.replace(self.path(content))
        return content, size

    def received(self, content: str) -> int:
        """How many bytes of a growing content are here."""
        part = self._part(content)
        return part.stat().st_size if part.exists() else 0

    def append(self, content: str, offset: int, data: bytes) -> None:
        """Write the bytes from `offset` on, safe from a crash before it returns."""
        self._made()
        with private(self._part(content), "r+b") as part:
            part.truncate(offset)
            part.seek(offset)
            part.write(data)
            part.flush()
            os.fsync(part.fileno())

    def complete(self, content: str) -> bool:
        """Verify a grown content and keep it; one that is not what its hash says is dropped."""
        part = self._part(content)
        hashed = sha256()
        with private(part, "r+b") as file:
            while data := file.read(_STEP):
                hashed.update(data)
        if hashed.hexdigest() != content:
            part.unlink()
            return False
        part.replace(self.path(content))
        return True

    def read(self, content: str, offset: int, size: int) -> bytes:
        """So many bytes from `offset` on, fewer at the end."""
        with self.path(content).open("rb") as source:
            source.seek(offset)
            return source.read(size)

    def write_to(self, content: str, target: Path) -> None:
        """Write the whole content to a file."""
        shutil.copyfile(self.path(content), target)

    def all(self) -> list[Path]:
        """The files of everything kept, whole or growing."""
        return sorted(self._folder.iterdir()) if self._folder.exists() else []

    def remove_folder(self) -> None:
        """Remove the place itself, once nothing is in it."""
        if self._folder.exists():
            self._folder.rmdir()

    def prune(self, wanted: Container[str]) -> int:
        """Drop what belongs to no attachment any more, whole or growing; how many there were."""
        dropped = 0
        for each in self.all():
            if each.name.removesuffix(".part") not in wanted:
                each.unlink(missing_ok=True)
                dropped += 1
        return dropped

    def _part(self, content: str) -> Path:
        return self.path(content).with_suffix(".part")

    def _made(self) -> Path:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._folder


def of(file: LocalFile) -> Contents | SealedContents:
    """The contents of an open file, encrypted where it is."""
    if not file.sealed:
        return Contents(file.path)
    from saddlebag_client.vault_contents import SealedContents

    return SealedContents(file)


def checked(content: str) -> str:
    """A hash that came from the hub; raises DAMAGED_ANSWER for one that is none."""
    if _HASH.fullmatch(content) is None:
        raise damaged("An attachment's hash is none.")
    return content


def private(path: Path, mode: str = "wb") -> BinaryIO:
    """Open a file that only its owner may read, made where there is none."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    if mode == "wb":
        os.ftruncate(handle, 0)
    return os.fdopen(handle, mode)  # type: ignore[return-value]


def copied(source: Path, write: Callable[[bytes], object]) -> tuple[str, int]:
    """Read a file piece by piece; its hash and size. Raises INVALID_VALUE and TOO_LARGE."""
    hashed, size = sha256(), 0
    try:
        with source.open("rb") as given:
            while data := given.read(_STEP):
                size += len(data)
                if size > ATTACHMENT_BYTES:
                    raise SaddlebagError(TOO_LARGE, f"An attachment has at most {ATTACHMENT_BYTES:,} bytes.")
                hashed.update(data)
                write(data)
    except OSError:
        raise SaddlebagError(INVALID_VALUE, f"The file {source.name} cannot be read.") from None
    return hashed.hexdigest(), size
