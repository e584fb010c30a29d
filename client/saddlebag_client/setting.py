"""What every command is given: the file's path and the sources of time, chance and connections.

Belongs here: the bundle that `main` makes and a test replaces, and what a command hands back. May not know: commands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saddlebag.kernel import canon
from saddlebag.kernel.errors import SaddlebagError
from saddlebag.kernel.ids import IdSource

if TYPE_CHECKING:  # the network's modules are loaded by the commands that need them only
    from saddlebag_client.account import Connect


@dataclass(frozen=True, slots=True)
class Setting:
    """One run of the program. `clock` gives growing seconds; `this` is (name, platform, version) of the device."""

    path: Path
    program: Path
    volatile: Path | None
    """A folder of this user's that a restart empties; None where the system gives none."""
    this: tuple[str, str, str]
    now: Callable[[], datetime]
    clock: Callable[[], float]
    new_key: Callable[[], bytes]
    """32 random bytes."""
    new_id: IdSource
    pause: Callable[[float], None]
    connect: Connect
    read_password: Callable[[str], str]
    progress: Callable[[str], None]

    @property
    def stamp(self) -> str:
        """The present time as canonical xs:dateTime."""
        return canon.write_datetime(self.now().replace(microsecond=0))


@dataclass(frozen=True, slots=True)
class Said:
    """What a command says: `data` for scripts (--json), `text` for people, and the exit code."""

    data: Any
    text: str
    code: int = 0


def error_data(error: SaddlebagError) -> dict[str, Any]:
    """An error as scripts get it."""
    return {"code": error.kind.code, "name": error.kind.name, "message": error.message, "cure": error.kind.cure}


def counted(counts: Mapping[str, int]) -> str:
    """Counts by entity as a phrase."""
    return ", ".join(f"{count} {entity}" for entity, count in sorted(counts.items()))
