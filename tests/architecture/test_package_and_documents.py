"""What the project promises on paper exists: pins, entry points, commands and paths named in documents."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import source_tree
from source_tree import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
GROUPS = {**PROJECT["entry-points"], "console_scripts": PROJECT["scripts"]}
ENTRY_POINTS = [EntryPoint(name, value, group) for group, entries in GROUPS.items() for name, value in entries.items()]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
DOCUMENTS = [path for path in source_tree.files() if path.suffix == ".md" and path.parent in (ROOT, ROOT / "docs")]
TOP_FOLDERS = "src|services|adapters|client|wsdl|schemas|tests|conformance|bench|docs|tools|requirements"


def _name(value: object) -> str:
    return value.name if isinstance(value, Path | EntryPoint) else str(value)


def _code_of(document: Path) -> str:
    """The code of a Markdown document: fenced and indented blocks, and spans between backticks."""
    text = document.read_text(encoding="utf-8")
    blocks = re.findall(r"^```.*?$(.*?)^```", text, re.MULTILINE | re.DOTALL)
    indented = re.findall(r"^ {4}(.+)$", text, re.MULTILINE)
    return "\n".join([*blocks, *indented, *re.findall(r"`([^`\n]+)`", text)])


@pytest.mark.parametrize("entry_point", ENTRY_POINTS, ids=_name)
def test_every_entry_point_leads_to_something(entry_point: EntryPoint) -> None:
    assert entry_point.load() is not None


@pytest.mark.parametrize("lock", LOCKS, ids=_name)
def test_every_pin_is_exact_and_carries_hashes(lock: Path) -> None:
    logical = re.sub(r"\\\n\s*", " ", lock.read_text(encoding="utf-8")).splitlines()
    pins = [line for line in logical if line.strip() and not line.lstrip().startswith("#")]
    assert pins
    assert [pin for pin in pins if "==" not in pin or "--hash=sha256:" not in pin] == []


def test_what_runs_is_what_is_tested() -> None:
    """Each pin of the runtime stands unchanged among those of development."""
    runtime, dev = (
        set(re.findall(r"^[\w.\[\]-]+==\S+", (ROOT / "requirements" / name).read_text(), re.MULTILINE))
        for name in ("runtime.txt", "dev.txt")
    )
    assert runtime <= dev


def test_every_declared_dependency_is_pinned() -> None:
    pinned = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements/runtime.txt").read_text(), re.MULTILINE))
    declared = {re.split(r"[\[<>=;! ]", line)[0] for line in PROJECT["dependencies"]}
    assert declared <= pinned


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_every_make_target_a_document_names_exists(document: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z][\w-]*)", _code_of(document))) <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_every_path_a_document_names_exists(document: Path) -> None:
    text = _code_of(document)
    named = set(re.findall(rf"(?<![\w./-])((?:{TOP_FOLDERS})/[\w./-]*[\w/])", text))
    linked = set(re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")))
    places = [*(ROOT / path for path in named), *(document.parent / path for path in linked)]
    assert [place for place in sorted(places) if not place.exists()] == []


def test_the_manual_lists_its_pages() -> None:
    manual = ROOT / "docs/README.md"
    listed = re.findall(r"^\| \[([\w-]+\.md)\]\(\1\) \|", manual.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(path.name for path in manual.parent.glob("*.md") if path != manual)


def test_the_readme_names_every_service() -> None:
    named = set(re.findall(r"`([^`\n]+)`", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert set(PROJECT["entry-points"]["saddlebag.services"]) <= named


def test_every_command_a_document_names_is_one_saddlebag_knows() -> None:
    named = {
        command
        for document in DOCUMENTS
        for command in re.findall(r"(?<![\w/.-])saddlebag ([a-z]+)(?![\w.])", _code_of(document))
    }
    program = "import sys; from saddlebag.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    assert named <= set(re.findall(r"[a-z]+", shown.stdout))
