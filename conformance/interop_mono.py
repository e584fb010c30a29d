"""`interop/mono/`: the proxies that Mono's wsdl makes of every WSDL, as .NET's wsdl would; both SOAP versions.

Belongs here: generating, compiling and starting the client. May not know: what the answers must hold.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from conformance.compiled import SCHEMAS, WSDLS, made, programs, run
from conformance.foreign import Play, Program, base, declare
from conformance.report import Suite
from conformance.wire import Target

SUITE = Suite("interop/mono", brief=())
_SOURCE = Path(__file__).with_name("mono") / "client.cs"
_LIBRARIES = ("System.Web.Services", "System.Web.Extensions")


def _make(folder: Path) -> None:
    wsdl, compiler = programs("wsdl", "mcs")
    for name, file in WSDLS.items():
        schemas = (SCHEMAS / "types.xsd", SCHEMAS / f"{name}.xsd")
        run([wsdl, "-protocol:Soap", f"-n:{name}", f"-out:{name}.cs", file, *schemas], folder)
    files = [_SOURCE, *(f"{name}.cs" for name in WSDLS)]
    run([compiler, "-out:client.exe", *(f"-r:{each}" for each in _LIBRARIES), *files], folder)


def _open(target: Target, version: str) -> Play:
    mono, trust, *_ = programs("mono", "cert-sync", "wsdl", "mcs")
    folder = made("mono", [Path(__file__), _SOURCE], _make)
    user = {}
    if target.ca is not None:
        # Mono has no setting for one authority; a user of its own keeps this one out of everybody else's store.
        user = {"HOME": tempfile.mkdtemp(dir=folder), "XDG_CONFIG_HOME": ""}
        subprocess.run([trust, "--user", str(target.ca)], env={**os.environ, **user}, capture_output=True, check=True)
    return Program([mono, str(folder / "client.exe"), base(target), version], user)


declare(SUITE, _open, nil=False)
