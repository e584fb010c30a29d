"""Installing peers: into a cache folder of their own, from pins, never into the project's environment.

Belongs here: an interpreter's virtual environment and a folder of Node modules, each made once for each set of pins.
May not know: what the packages do. What cannot be installed raises Unavailable with the reason.

The pins: requirements/bench.txt (made by `make lock` from bench.in), bench/peers/package-lock.json and
bench/peers/zero/package-lock.json.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.peers.base import Unavailable

_ROOT = Path(__file__).resolve().parents[2]
_PINS = _ROOT / "requirements" / "bench.txt"


class Python:
    """The interpreter that has the Python peers; made at first need."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache

    def program(self) -> str:
        """Its path; raises Unavailable."""
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        place = self._cache / f"python-{version}-{_hash(_PINS)}"
        if not (place / "complete").exists():
            _run([sys.executable, "-m", "venv", "--clear", str(place)])
            pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes"]
            _run([*pip, "-r", str(_PINS)])
            (place / "complete").touch()
        return str(place / "bin" / "python")


class Node:
    """A folder of Node modules from a lock file; made at first need."""

    def __init__(self, cache: Path, pins: Path) -> None:
        self._cache, self._pins = cache, pins

    def modules(self) -> Path:
        """The folder that node_modules lies in; raises Unavailable."""
        npm = shutil.which("npm")
        if npm is None or shutil.which("node") is None:
            raise Unavailable("Node.js and npm are not installed")
        lock = self._pins / "package-lock.json"
        place = self._cache / f"node-{self._pins.name}-{_hash(lock)}"
        if not (place / "complete").exists():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            for each in ("package.json", "package-lock.json"):
                shutil.copy(self._pins / each, place)
            _run([npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], place)
            (place / "complete").touch()
        return place


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def _run(command: list[str], folder: Path | None = None) -> None:
    # A path of the hub's own would be found before the new environment's.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise Unavailable(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout).strip()[-300:]}")
