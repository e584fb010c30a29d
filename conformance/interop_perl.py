"""`interop/soap-lite/`: Perl's SOAP::Lite, both SOAP versions, without a WSDL: it reads none of document/literal.

Belongs here: finding Perl's module and starting the client beside this file. May not know: what the answers must hold.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from conformance.foreign import Play, Program, base, declare
from conformance.report import Skip, Suite
from conformance.translate import as_pairs
from conformance.wire import Target

SUITE = Suite("interop/soap-lite", brief=())
_CLIENT = Path(__file__).with_name("perl") / "client.pl"


def _open(target: Target, version: str) -> Play:
    perl = shutil.which("perl")
    if perl is None:
        raise Skip("no perl on this machine")
    for module in ("SOAP::Lite", "LWP::Protocol::https"):
        if subprocess.run([perl, f"-M{module}", "-e", "1"], capture_output=True, check=False).returncode:
            raise Skip(f"perl without {module}")
    return Program([perl, str(_CLIENT), base(target), version, str(target.ca or "")])


declare(SUITE, _open, form=as_pairs)
