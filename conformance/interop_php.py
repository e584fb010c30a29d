"""`interop/php/`: PHP's SoapClient, both SOAP versions.

Belongs here: finding PHP and starting the client beside this file. May not know: what the answers must hold.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from conformance.foreign import BRIEF, Play, Program, base, declare
from conformance.report import Skip, Suite
from conformance.wire import Target

SUITE = Suite("interop/php", brief=BRIEF)
_CLIENT = Path(__file__).with_name("php") / "client.php"


def _open(target: Target, version: str) -> Play:
    php = shutil.which("php")
    if php is None:
        raise Skip("no php on this machine")
    if subprocess.run([php, "-r", "exit(extension_loaded('soap') ? 0 : 1);"], check=False).returncode:
        raise Skip("php without its soap extension")
    return Program([php, str(_CLIENT), base(target), version, str(target.ca or "")])


declare(SUITE, _open, nil=False)
