"""Planted bugs: what one is, whatever program it is planted in.

Belongs here: replacing attributes until a block ends. May not know: which bugs there are, or what must find them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

Plants = list[tuple[object, str, object]]
"""Which attribute of what is replaced by what."""

Plant = Callable[[], Plants]


@dataclass(frozen=True)
class Planted:
    """One planted bug."""

    plant: Plant

    @property
    def name(self) -> str:
        """What it is called: its function's name, in the words of a sentence."""
        return self.plant.__name__.replace("_", "-")

    @contextmanager
    def planted(self) -> Iterator[None]:
        """The bug, until the block ends."""
        with pytest.MonkeyPatch.context() as patch:
            for owner, name, wrong in self.plant():
                patch.setattr(owner, name, wrong)
            yield
