"""The clock of the measured hub, from the harness's side: which day it is there, and moving it on.

Belongs here: the shift, the file that carries it (`bench/clock/sitecustomize.py` reads it). May not know: the hub.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

_HOUR = 6
"""The hour at which a hub's day begins here: a run may last 17 hours before its day is over."""


class Clock:
    """A clock that shows `day`, 06:00, when it is made, and runs on from there."""

    def __init__(self, file: Path, day: date) -> None:
        self._file = file
        self._shift = datetime.combine(day, time(_HOUR), UTC) - datetime.now(UTC)
        self._write()

    @property
    def environment(self) -> Mapping[str, str]:
        """What a hub's processes must find in their environment."""
        places = [str(Path(__file__).parent / "clock"), os.environ.get("PYTHONPATH", "")]
        return {"PYTHONPATH": os.pathsep.join(filter(None, places)), "SADDLEBAG_BENCH_CLOCK": str(self._file)}

    def now(self) -> datetime:
        """The instant that the hub's clock shows."""
        return datetime.now(UTC) + self._shift

    @property
    def today(self) -> date:
        """Its day."""
        return self.now().date()

    def move(self, days: int) -> None:
        """Move it, under running hubs too."""
        self._shift += timedelta(days=days)
        self._write()

    def _write(self) -> None:
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("<d", self._shift.total_seconds()))
