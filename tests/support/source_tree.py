"""The checkout as data: its files, its modules, what they import and call. Reads source, runs none of it."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "saddlebag": ROOT / "src/saddlebag",
    "saddlebag_services": ROOT / "services/saddlebag_services",
    "saddlebag_adapters": ROOT / "adapters/saddlebag_adapters",
    "saddlebag_client": ROOT / "client/saddlebag_client",
}
NOT_SOURCE = {".git", ".hypothesis", "__pycache__", "build", "dist", "var"}


@dataclass(frozen=True)
class Module:
    """One Python file: its dotted name (for a test or a tool, its path) and its syntax tree."""

    name: str
    path: Path
    lines: int
    tree: ast.Module

    @property
    def where(self) -> str:
        """The path from the root of the checkout, for messages."""
        return self.path.relative_to(ROOT).as_posix()


@cache
def files() -> tuple[Path, ...]:
    """Every file that is, or would be, in version control."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\0")
        paths = [ROOT / name for name in listed if name]
    except (OSError, subprocess.CalledProcessError):  # an exported tree, or no git on this machine
        paths = [path for path in ROOT.rglob("*") if not _ignored(path.relative_to(ROOT))]
    return tuple(sorted(path for path in paths if path.is_file()))


def _ignored(relative: Path) -> bool:
    return any(part in NOT_SOURCE or part.startswith((".venv", ".mypy", ".ruff")) for part in relative.parts)


@cache
def modules() -> tuple[Module, ...]:
    """Every Python file of the checkout, parsed."""
    return tuple(_parse(path) for path in files() if path.suffix == ".py")


def package(name: str) -> list[Module]:
    """The modules of one package, such as `saddlebag.kernel`, with all that lies below it."""
    return [module for module in modules() if module.name == name or module.name.startswith(f"{name}.")]


def under(*folders: str) -> list[Module]:
    """The modules below these folders of the checkout."""
    return [module for module in modules() if module.path.relative_to(ROOT).parts[0] in folders]


def _parse(path: Path) -> Module:
    text = path.read_text(encoding="utf-8")
    return Module(_dotted(path), path, len(text.splitlines()), ast.parse(text, str(path)))


def _dotted(path: Path) -> str:
    for name, folder in PACKAGES.items():
        if path.is_relative_to(folder):
            parts = path.relative_to(folder).with_suffix("").parts
            return ".".join((name, *(part for part in parts if part != "__init__")))
    return path.relative_to(ROOT).as_posix()


def imports(module: Module) -> Iterator[tuple[int, str]]:
    """Line and absolute name of each thing imported, at any depth: `from os import path` is `os.path`."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{_absolute(module, node)}.{alias.name}") for alias in node.names)


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if node.level == 0:
        return node.module or ""
    inside = node.level - 1 if module.path.name == "__init__.py" else node.level
    parents = module.name.split(".")
    base = parents[: len(parents) - inside]
    return ".".join([*base, node.module] if node.module else base)


def functions(module: Module) -> Iterator[tuple[str, int, int]]:
    """Name, first line and length in lines of each function."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1


def calls(module: Module) -> Iterator[tuple[int, str]]:
    """Line and full name of each call through an imported name, whatever the module calls it by."""
    known = dict(_imported_names(module))
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            head, dot, rest = ast.unparse(node.func).partition(".")
            if head in known:
                yield node.lineno, f"{known[head]}{dot}{rest}"


def _imported_names(module: Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (top, top)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, f"{_absolute(module, node)}.{alias.name}"
