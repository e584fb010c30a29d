"""A laptop as a test uses it: a file, a hub in memory, and a way to run commands as a person does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from memory_hub import MemoryHub
from saddlebag_client import main as program
from saddlebag_client.local import LocalFile
from saddlebag_client.setting import Setting
from saddlebag_client.transport import Transport
from saddlebag_client.vault import open_for

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@dataclass
class Laptop:
    """A laptop with its file: `run` gives exit code, data and text of a command."""

    path: Path
    hub: MemoryHub
    password: str = "secret"
    now: datetime = NOON
    made: int = 0
    pauses: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    connect: Callable[[str, str], Transport] | None = None
    volatile: Path | None = None

    def setting(self) -> Setting:
        """The setting of one command; each happens a second after the last."""
        self.now += timedelta(seconds=1)
        return self._setting()

    def _setting(self) -> Setting:
        return Setting(
            path=self.path,
            volatile=self.volatile,
            program=self.path.with_name("saddlebag.pyz"),
            this=("her laptop", "test", "0"),
            now=lambda: self.now,
            clock=lambda: 0.0,
            new_key=self._new_key,
            new_id=self._new_id,
            pause=self.pauses.append,
            connect=self.connect or (lambda url, ca: self.hub),
            read_password=lambda prompt: self.password,
            progress=self.said.append,
        )

    def run(self, *words: str) -> tuple[int, Any, str]:
        """Run a command line."""
        said = program.run(words, self.setting())
        return said.code, json.loads(json.dumps(said.data)), said.text

    def good(self, *words: str) -> Any:
        """Run a command line that must end well, give its data."""
        code, data, text = self.run(*words)
        assert code == 0, text
        return data

    def login(self) -> None:
        """Bind the file."""
        self.good("login", "https://hub", "--tenant", "acme", "--user", "rep")

    def file(self) -> LocalFile:
        """The file, to look into."""
        return open_for(self._setting())

    def held(self) -> dict[tuple[str, str], tuple[int, str]]:
        """Version and fragment of every row of the hub."""
        file = self.file()
        found = file.db.execute("SELECT entity, id, version, fragment FROM rows WHERE version > 0").fetchall()
        file.close()
        return {(entity, key): (version, content) for entity, key, version, content in found}

    def copy_to(self, path: Path) -> Laptop:
        """The same laptop with a copy of its file, as an image would hold it."""
        path.write_bytes(self.path.read_bytes())
        return replace(self, path=path)

    def _new_key(self) -> bytes:
        self.made += 1
        return self.made.to_bytes(32, "big")

    def _new_id(self) -> str:
        self.made += 1
        return f"new-{self.made}"


def matches(laptop: Laptop) -> bool:
    """Whether the laptop holds exactly what the hub wants it to, byte for byte."""
    hub = laptop.hub
    wanted = {key: (version, hub.content(key)) for key, (version, _) in hub.target().items()}
    return laptop.held() == wanted


class Killed(BaseException):
    """SIGKILL, as far as the program can tell: nothing after it runs but the rollback that SQLite would do."""


class Bomb:
    """Kills at the n-th commit from now, before or after it."""

    def __init__(self) -> None:
        self.left = 0
        self.after = False

    @contextmanager
    def armed(self) -> Iterator[None]:
        honest = LocalFile.transaction

        @contextmanager
        def fused(file: LocalFile) -> Iterator[object]:
            outer = not file.db.in_transaction
            with honest(file) as db:
                yield db
                if outer and not self.after:
                    self._tick()
            if outer and self.after:
                self._tick()

        LocalFile.transaction = fused  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            LocalFile.transaction = honest  # type: ignore[method-assign]

    def _tick(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed
