"""The house stands: every package has a floor, and what import-linter cannot see is seen here."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from typing import Any

import source_tree

OURS = set(source_tree.PACKAGES)


def _contract(name: str) -> dict[str, Any]:
    project = tomllib.loads((source_tree.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts: list[dict[str, Any]] = project["tool"]["importlinter"]["contracts"]
    return next(contract for contract in contracts if contract["id"] == name)


def _strangers(modules: list[source_tree.Module], allowed: set[str]) -> list[str]:
    return [
        f"{module.where}:{line} imports {name}"
        for module in modules
        for line, name in source_tree.imports(module)
        if not any(name == prefix or name.startswith(f"{prefix}.") for prefix in allowed)
    ]


def test_imports_keep_to_the_floors() -> None:
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=source_tree.ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_package_of_the_core_stands_on_a_floor() -> None:
    """import-linter is silent about a package that no layer names."""
    placed = {name.strip() for layer in _contract("floors")["layers"] for name in layer.split("|")}
    core = source_tree.PACKAGES["saddlebag"]
    found = {f"saddlebag.{path.name}" for path in core.iterdir() if (path / "__init__.py").exists()}
    loose = {f"saddlebag.{path.stem}" for path in core.glob("*.py") if path.stem != "__init__"}
    assert found | loose == {name for name in placed if name.startswith("saddlebag.")}


def test_spyne_and_twisted_have_one_home() -> None:
    """Each package below the server is named in the contract that keeps the front's libraries out of it."""
    kept_out = set(_contract("front")["source_modules"])
    core = {f"saddlebag.{path.parent.name}" for path in source_tree.PACKAGES["saddlebag"].glob("*/__init__.py")}
    assert kept_out == (core | OURS) - {"saddlebag", "saddlebag.server"}


def test_the_kernel_needs_nothing_but_the_standard_library() -> None:
    allowed = {"saddlebag.kernel"} | set(sys.stdlib_module_names)
    assert not _strangers(source_tree.package("saddlebag.kernel"), allowed)


def test_the_client_needs_nothing_but_the_kernel_and_the_standard_library() -> None:
    """It runs on a bare Python, so a stray import shows only on the machine of the person who installs it."""
    allowed = {"saddlebag.kernel", "saddlebag_client", "saddlebag.__version__"} | set(sys.stdlib_module_names)
    modules = source_tree.package("saddlebag_client")
    encryption = [each for each in modules if each.where.endswith("/vault_library.py")]
    assert not _strangers([each for each in modules if each not in encryption], allowed)
    assert not _strangers(encryption, allowed | {"cryptography", "sqlcipher3"})  # extras, loaded when they are needed


def test_conformance_imports_nothing_of_ours() -> None:
    """A judge that shares code with the judged shares its mistakes."""
    guilty = [
        f"{module.where}:{line} imports {name}"
        for module in source_tree.under("conformance")
        for line, name in source_tree.imports(module)
        if name.partition(".")[0] in OURS
    ]
    assert not guilty


def test_no_package_answers_to_a_name_that_others_own() -> None:
    """Distributions called `services` and `adapters` exist; two of one name overwrite each other silently."""
    for folder in ("services", "adapters", "client"):
        assert not (source_tree.ROOT / folder / "__init__.py").exists()
