"""`interop/php/`: PHP's SoapClient, both SOAP versions.

Belongs here: finding PHP and running the client beside this file. May not know: what the answers must hold.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.foreign import declare, program
from conformance.report import Skip, Suite
from conformance.wire import Target

SUITE = Suite("interop/php")
_CLIENT = Path(__file__).with_name("php") / "client.php"


def _carry(_target: Target, given: Mapping[str, str]) -> Any:
    php = shutil.which("php")
    if php is None:
        raise Skip("no php on this machine")
    if subprocess.run([php, "-r", "exit(extension_loaded('soap') ? 0 : 1);"], check=False).returncode:
        raise Skip("php without its soap extension")
    return program([php, str(_CLIENT)], given)


declare(SUITE, _carry)
