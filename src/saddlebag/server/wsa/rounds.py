"""The courier's rounds: a thread of its own, for a partner's slow endpoint must not take a worker thread.

Belongs here: when a turn is taken. May not know: what a turn does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread
from typing import Final

log = logging.getLogger(__name__)

_EVERY_SECONDS: Final = 2.0


class Rounds:
    """Calls `turn` again and again until it is stopped; a turn that fails is logged, and the next one comes."""

    def __init__(self, turn: Callable[[], object], seconds: float = _EVERY_SECONDS) -> None:
        self._turn = turn
        self._seconds = seconds
        self._over = Event()
        self._thread = Thread(target=self._go, name="saddlebag-courier", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Take no further turn; one under way ends by itself, and what it has sent it may send again."""
        self._over.set()

    def _go(self) -> None:
        while not self._over.wait(self._seconds):
            try:
                self._turn()
            except Exception:
                log.exception("the courier's turn failed")
