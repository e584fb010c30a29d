"""House rules that no linter knows: sizes, opening docstrings, purity, words that must not be in the tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

import source_tree
from source_tree import Module

OUR_CODE = source_tree.under("src", "services", "adapters", "client", "bench", "conformance", "tools")
TESTS = source_tree.under("tests")
PURE = ("kernel", "model", "contract", "records", "sync", "bridge")
IMPURE_CALLS = re.compile(
    r"""time\.(time|time_ns|monotonic|monotonic_ns|perf_counter|perf_counter_ns|localtime|gmtime)
      | datetime\.(datetime|date)\.(now|utcnow|today)
      | random\..+ | secrets\..+ | uuid\.uuid[14] | os\.(urandom|getrandom|getenv|environ.*)""",
    re.VERBOSE,
)

# Written in pieces, or this file would be the first to break the rule.
REGISTRIES = [
    "pypi" + ".org",
    "files.python" + "hosted.org",
    "npmjs" + ".org",
    "npmjs" + ".com",
    "crates" + ".io",
    "proxy.golang" + ".org",
    "repo1.maven" + ".org",
    "repo.maven" + ".apache.org",
    "rubygems" + ".org",
]
MACHINE_PATHS = re.compile(
    r"(?<![\w.:/-])/(root|home/\w+|work/(main|shared)|tmp/brief|opt/(pypi|wheels))\b(?=/|$|[\"'`\s])"
)


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    long = [f"{module.where}: {module.lines} lines" for module in OUR_CODE if module.lines > 600]
    long += [f"{module.where}: {module.lines} lines" for module in TESTS if module.lines > 900]
    assert not long


def test_no_function_is_longer_than_eighty_lines() -> None:
    long = [
        f"{module.where}:{line} {name}: {length} lines"
        for module in OUR_CODE + TESTS
        for name, line, length in source_tree.functions(module)
        if length > 80
    ]
    assert not long


def test_every_module_opens_by_saying_what_belongs_in_it() -> None:
    """The package's own file holds its version and nothing else: it travels in the client."""
    silent = [module.where for module in OUR_CODE if not ast.get_docstring(module.tree)]
    assert silent == ["src/saddlebag/__init__.py"]


@pytest.mark.parametrize("package", PURE)
def test_protocol_and_sync_logic_is_given_time_and_chance(package: str) -> None:
    impure = [
        f"{module.where}:{line} calls {name}"
        for module in source_tree.package(f"saddlebag.{package}")
        for line, name in source_tree.calls(module)
        if IMPURE_CALLS.fullmatch(name)
    ]
    assert not impure


def test_nothing_is_left_for_later_and_nothing_is_pretended() -> None:
    """No stub in our code, no test double from `unittest.mock` in the tests."""
    stubs = [
        f"{module.where}:{node.lineno}"
        for module in OUR_CODE
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Name) and node.id == "NotImplementedError"
    ]
    doubles = [
        f"{module.where}:{line}"
        for module in TESTS
        for line, name in source_tree.imports(module)
        if name.startswith("unittest.mock")
    ]
    assert not stubs + doubles


def test_every_test_asserts_something() -> None:
    silent = [
        f"{module.where}:{node.lineno} {node.name}"
        for module in TESTS
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not _asserts(node, module)
    ]
    assert not silent


def test_no_file_names_a_package_registry_or_a_folder_of_one_machine() -> None:
    guilty = [
        f"{where}:{number} names {found}"
        for where, number, line in _text_lines()
        for found in [*(host for host in REGISTRIES if host in line), *_machine_paths(line)]
    ]
    assert not guilty


def _asserts(test: ast.FunctionDef, module: Module) -> bool:
    """True for an assert, for `raises`, and for a helper that is named an assertion: a check elsewhere may be none."""
    for node in ast.walk(test):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            if re.match(r"_?(raises|assert|run_state_machine)", name):
                return True
    return False


def _machine_paths(line: str) -> list[str]:
    return [match.group() for match in MACHINE_PATHS.finditer(line)]


def _text_lines() -> Iterator[tuple[str, int, str]]:
    for path in source_tree.files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:  # a binary file
            continue
        for number, line in enumerate(text.splitlines(), 1):
            yield path.relative_to(source_tree.ROOT).as_posix(), number, line
