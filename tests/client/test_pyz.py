"""The packed client: one small file that any bare Python runs, and that is the same whoever packs it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from saddlebag import __version__
from saddlebag.cli.client_build import build_pyz, packed
from saddlebag.kernel import limits


@pytest.fixture(scope="module")
def pyz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("pyz") / "saddlebag.pyz"
    build_pyz(target)
    return target


def bare(pyz: Path, *words: str, file: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the file isolated, without site packages, and with a home of its own."""
    home = {"HOME": str(pyz.parent), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-I", "-S", str(pyz), *(["--file", str(file)] if file else []), *words]
    return subprocess.run(command, capture_output=True, text=True, env=home, check=False)


def test_the_same_source_gives_the_same_bytes(pyz):
    assert packed() == pyz.read_bytes()


def test_what_is_told_of_the_file_is_true(tmp_path):
    told = build_pyz(tmp_path / "deep" / "saddlebag.pyz")
    data = (tmp_path / "deep" / "saddlebag.pyz").read_bytes()
    assert (told.version, told.sha256, told.size) == (__version__, hashlib.sha256(data).hexdigest(), len(data))
    assert told.size < limits.CLIENT_BYTES
    assert os.access(tmp_path / "deep" / "saddlebag.pyz", os.X_OK)


def test_only_the_client_and_the_kernel_are_inside(pyz):
    with zipfile.ZipFile(pyz) as archive:
        names = archive.namelist()
    assert names == sorted(names)
    tops = {"/".join(name.split("/")[:2]) if name.startswith("saddlebag/") else name.split("/")[0] for name in names}
    assert tops == {"__main__.py", "saddlebag/__init__.py", "saddlebag/kernel", "saddlebag_client"}
    assert "saddlebag/kernel/merge.py" not in names


def test_a_bare_python_runs_every_module_of_it(pyz):
    with zipfile.ZipFile(pyz) as archive:
        modules = [
            name.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
            for name in archive.namelist()
            if name != "__main__.py"
        ]
    program = f"import sys; sys.path.insert(0, {str(pyz)!r})\n"
    program += f"for each in {modules!r}: __import__(each)\nprint('all', sys.path)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("all"), done.stderr
    assert "site-packages" not in done.stdout


def test_help_and_version_answer_at_once_without_the_networks_modules(pyz):
    assert bare(pyz, "--version").stdout == f"saddlebag {__version__}\n"
    command = [sys.executable, "-I", "-S", "-X", "importtime", str(pyz), "--file", str(pyz.parent / "none"), "status"]
    loaded = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    assert "saddlebag_client.outbox" in loaded
    assert not {"ssl", "http.client", "email.parser"} & {
        line.rpartition("|")[2].strip() for line in loaded.splitlines()
    }


@pytest.mark.parametrize(
    ("words", "code"), [(["status"], 4), (["list", "Deal"], 4), (["fly"], 2), ([], 2), (["edit", "Deal"], 2)]
)
def test_exit_codes_tell_scripts_what_happened(pyz, tmp_path, words, code):
    done = bare(pyz, *words, file=tmp_path / "none.sqlite")
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_errors_are_json_for_scripts_and_words_for_people(pyz, tmp_path):
    told = json.loads(bare(pyz, "status", "--json", file=tmp_path / "none.sqlite").stdout)
    assert told["error"]["name"] == "NotLoggedIn"
    assert "Run `login`." in bare(pyz, "status", file=tmp_path / "none.sqlite").stderr


def test_the_files_place_comes_from_the_environment_or_the_home(pyz):
    told = json.loads(bare(pyz, "--json", "status").stdout)
    assert "saddlebag.sqlite" in told["error"]["message"]
    environment = {"SADDLEBAG_FILE": str(pyz.parent / "other.db"), "PATH": os.environ["PATH"], "HOME": str(pyz.parent)}
    command = [sys.executable, "-I", "-S", str(pyz), "--json", "status"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert "other.db" in json.loads(done.stdout)["error"]["message"]


def test_the_program_before_an_upgrade_goes_when_the_new_one_starts(pyz):
    old = pyz.with_suffix(".old")
    old.write_bytes(b"the program before")
    bare(pyz, "--json", "status")
    assert not old.exists()
