"""`interop/jax-ws/`: the classes that JAX-WS RI's wsimport makes of every WSDL; both SOAP versions.

Belongs here: generating, compiling and starting the client. May not know: what the answers must hold.
"""

from __future__ import annotations

from pathlib import Path

from conformance.compiled import WSDLS, made, programs, run
from conformance.foreign import Play, Program, base, declare, in_words
from conformance.report import Suite
from conformance.translate import as_text
from conformance.wire import Target

SUITE = Suite("interop/jax-ws", brief=())
_HERE = Path(__file__).with_name("java")
_SOURCES = (_HERE / "Client.java", _HERE / "bare.xml")
_LIBRARIES = "/usr/share/jaxws/lib/*"
"""Where Debian's package keeps JAX-WS RI, which left the JDK with version 11."""


def _make(folder: Path) -> None:
    generate, compiler = programs("wsimport", "javac")
    sources = folder / "sources"
    sources.mkdir()
    options = ("-quiet", "-extension", "-Xnocompile", "-encoding", "UTF-8")  # by -extension it takes SOAP 1.2
    for name, file in WSDLS.items():
        run([generate, *options, "-s", sources, "-p", name, "-b", _SOURCES[1], file], folder)
    files = [_SOURCES[0], *sorted(sources.rglob("*.java"))]
    run([compiler, "-nowarn", "-encoding", "UTF-8", "-cp", _LIBRARIES, "-d", folder, *files], folder)


def _open(target: Target, version: str) -> Play:
    java, *_ = programs("java", "wsimport", "javac")
    folder = made("jax-ws", [Path(__file__), *_SOURCES], _make)
    command = [java, "-cp", f"{folder}:{_LIBRARIES}", "Client", base(target), version, str(target.ca or "")]
    return in_words(Program([*command, str(WSDLS["session"].parent)]))


declare(SUITE, _open, form=as_text, nil=False)
