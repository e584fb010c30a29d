"""`interop/soap4r/`: Ruby's soap4r, driven by the published WSDLs; SOAP 1.1.

Belongs here: finding Ruby's library and starting the client beside this file. May not know: what the answers must hold.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from conformance.compiled import WSDLS, programs
from conformance.foreign import Play, Program, base, declare
from conformance.report import Skip, Suite
from conformance.wire import Target

SUITE = Suite("interop/soap4r", brief=())
_CLIENT = Path(__file__).with_name("ruby") / "client.rb"


def _open(target: Target, version: str) -> Play:
    if version != "1.1":
        raise Skip("soap4r speaks SOAP 1.1 only")
    (ruby,) = programs("ruby")
    if subprocess.run([ruby, "-W0", "-rsoap/wsdlDriver", "-e", ""], capture_output=True, check=False).returncode:
        raise Skip("ruby without soap4r")
    trust = {"SSL_CERT_FILE": str(target.ca)} if target.ca else {}
    return Program([ruby, "-W0", str(_CLIENT), base(target), str(WSDLS["session"].parent)], trust)


declare(SUITE, _open, nil=False)
