"""S1 and S2: Spyne imports on every Python that we support."""

from __future__ import annotations

import subprocess
import sys

import pytest

from saddlebag.server import compat

_ENGINE = "import spyne.protocol.soap.soap12, spyne.application, spyne.server._base, spyne.interface.wsdl"


def _run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_s1_spyne_imports_after_compat() -> None:
    done = _run(f"from saddlebag.server import compat; {_ENGINE}; print(spyne.__version__)")
    assert (done.stdout.strip(), done.stderr) == ("2.14.0", "")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Spyne's own copy of six still works before Python 3.12")
def test_s1_plain_spyne_does_not_import() -> None:
    """The day this fails, `compat` can go."""
    assert "ModuleNotFoundError: No module named 'spyne.util.six.moves'" in _run(_ENGINE).stderr


def test_s2_cgi_is_there_on_every_python() -> None:
    assert _run("import cgi; print(cgi.parse_header('a; b=c'))").stdout == "('a', {'b': 'c'})\n"


def test_plain_s3_its_twisted_transport_does_not_import() -> None:
    """The day this fails, Spyne's own transport can be looked at again."""
    done = _run("from saddlebag.server import compat; import spyne.server.twisted")
    assert "ModuleNotFoundError: No module named 'twisted.python.constants'" in done.stderr


def test_every_part_of_six_that_spyne_asks_for_is_there() -> None:
    compat.install()
    six = sys.modules[compat.SPYNE_SIX]
    assert six.get_function_name(_run) == "_run"
    assert {f"{compat.SPYNE_SIX}.moves.{name}" for name in compat.MOVES} <= sys.modules.keys()


def test_installing_twice_changes_nothing() -> None:
    before = sys.modules[compat.SPYNE_SIX]
    compat.install()
    assert sys.modules[compat.SPYNE_SIX] is before
