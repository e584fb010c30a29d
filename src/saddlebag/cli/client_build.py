"""Packs the laptop client into one file that a bare Python runs.

Belongs here: which modules go in, and bytes that depend on nothing but them. May not know: what the client does.
The file holds the client's package, the kernel modules that it reaches, and nothing that is not its own source.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from saddlebag import __version__
from saddlebag.kernel import limits

CLIENT: Final = "saddlebag_client"

_SHEBANG: Final = b"#!/usr/bin/env python3\n"
_ENTRY: Final = "import sys\n\nfrom saddlebag_client.main import main\n\nsys.exit(main())\n"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_EXECUTABLE: Final = 0o755


@dataclass(frozen=True, slots=True)
class ClientFile:
    """The packed client: its version, SHA-256 in hexadecimal digits, bytes."""

    version: str
    sha256: str
    size: int


def build_pyz(target: Path) -> ClientFile:
    """Write the packed client to `target`; the same source gives the same bytes."""
    data = packed()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    target.chmod(_EXECUTABLE)
    return ClientFile(__version__, hashlib.sha256(data).hexdigest(), len(data))


def packed() -> bytes:
    """The client as a zip application; ValueError when it has grown beyond its bound."""
    members = {"__main__.py": _ENTRY.encode()}
    for name, path in _modules().items():
        inside = name.replace(".", "/") + ("/__init__.py" if path.name == "__init__.py" else ".py")
        members[inside] = path.read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for inside in sorted(members):
            # A fixed time and system, or each build would differ from the last.
            info = zipfile.ZipInfo(inside, _EPOCH)
            info.create_system = 3
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, members[inside], compresslevel=9)
    data = _SHEBANG + buffer.getvalue()
    if len(data) > limits.CLIENT_BYTES:
        raise ValueError(f"the packed client has {len(data)} bytes, more than {limits.CLIENT_BYTES}")
    return data


def _modules() -> dict[str, Path]:
    """The client's modules and all of ours that they reach, by dotted name."""
    package = _source(CLIENT)
    if package is None:
        raise ValueError("the client's package is not installed")
    found: dict[str, Path] = {}
    waiting = [CLIENT, *(f"{CLIENT}.{path.stem}" for path in package.parent.glob("*.py") if path != package)]
    while waiting:
        name = waiting.pop()
        path = _source(name)
        if name in found or path is None:
            continue
        found[name] = path
        waiting += _ours(path)
    found.pop(f"{CLIENT}.__main__", None)
    return found


def _ours(path: Path) -> Iterator[str]:
    """The names of ours that a module imports, with the packages they are in; a name may turn out to be no module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            if name.partition(".")[0] in ("saddlebag", CLIENT):
                parts = name.split(".")
                yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def _source(name: str) -> Path | None:
    """The file of a module of ours, found without importing it; None for a name inside a module."""
    top, *rest = name.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None or spec.origin is None:
        return None
    base = Path(spec.origin).parent.joinpath(*rest)
    for path in (base / "__init__.py", base.with_suffix(".py")):
        if path.is_file():
            return path
    return None
