"""Clients that are made from the published contract by a generator and a compiler: made once, kept under `var/`.

Belongs here: when a client has to be made again, running its makers, finding programs. May not know: any generator.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from conformance.bp import NAMES
from conformance.report import Skip, expect

ROOT = Path(__file__).resolve().parents[1]
WSDLS = {name: ROOT / "wsdl" / "v1" / f"{name}.wsdl" for name in NAMES}
SCHEMAS = ROOT / "schemas" / "v1"
"""The published contract; `interop/zeep/published` proves that it is what the hub serves."""


def programs(*names: str) -> list[str]:
    """Where these programs are. Raises Skip with the name of the first that is not on this machine."""
    for name in names:
        if shutil.which(name) is None:
            raise Skip(f"no {name} on this machine")
    return [str(shutil.which(name)) for name in names]


def made(client: str, sources: Iterable[Path], make: Callable[[Path], None]) -> Path:
    """The folder of a client, made unless the one there is of the same contract and sources."""
    digest = hashlib.sha256()
    for file in (Path(__file__), *WSDLS.values(), *sorted(SCHEMAS.glob("*.xsd")), *sources):
        digest.update(file.read_bytes())
    home = ROOT / "var" / f"conformance-{client}"
    marker, wanted = home / "made-of", digest.hexdigest()
    if marker.exists() and marker.read_text() == wanted:
        return home
    home.parent.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{home.name}-", dir=home.parent))
    try:
        make(folder)
        (folder / marker.name).write_text(wanted)
        shutil.rmtree(home, ignore_errors=True)
        folder.rename(home)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return home


def run(command: Iterable[str | Path], folder: Path) -> None:
    """Run a generator or compiler in a folder. Raises AssertionError with what it said where it fails."""
    words = [str(each) for each in command]
    done = subprocess.run(words, capture_output=True, text=True, cwd=folder)
    said = (done.stderr.strip() or done.stdout.strip())[-1500:]
    expect(done.returncode == 0, f"{Path(words[0]).name} failed: {said}")
