"""Which peers there are.

Belongs here: the list. May not know: how any of them works.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.peers.base import Peer
from bench.peers.install import Python
from bench.peers.kinto import Kinto
from bench.peers.pouch import Pouch
from bench.peers.session import Session
from bench.peers.zero import Zero


def peers(cache: Path, python: Python) -> Sequence[Peer]:
    """All of them, in the order in which they are measured."""
    return (Session(python), Kinto(python), Pouch(cache), Zero(cache))
