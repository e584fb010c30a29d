"""`interop/node-soap/`: node-soap, both SOAP versions, installed from the lock file beside its client.

Belongs here: finding node and installing the module. May not know: what the answers must hold.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from conformance.foreign import BRIEF, Play, Program, base, declare
from conformance.report import Skip, Suite, expect
from conformance.wire import Target

SUITE = Suite("interop/node-soap", brief=BRIEF)
_HERE = Path(__file__).with_name("node")
_INSTALLED = Path(__file__).resolve().parents[1] / "var" / "conformance-node"
_INSTALL_SECONDS = 300


def _open(target: Target, version: str) -> Play:
    node, modules = _installed()
    environment = {"NODE_PATH": str(modules), "NODE_EXTRA_CA_CERTS": str(target.ca or "")}
    return Program([node, str(_HERE / "client.js"), base(target), version], environment)


def who(target: Target, version: str, security: Mapping[str, str]) -> Mapping[str, Any]:
    """Who calls, as node-soap is told in a process of its own when it proves itself by WS-Security."""
    call = {"service": "session", "operation": "GetUserInfo", "headers": {}, "request": {}, "security": security}
    told = _open(target, version)(call)
    expect("answer" in told, f"the client said: {told!r:.600}")
    answer: Mapping[str, Any] = told["answer"]
    return answer


@cache
def _install() -> str:
    """Install the locked modules unless they are there; "" or the reason why that cannot be."""
    npm = shutil.which("npm")
    if shutil.which("node") is None or npm is None:
        return "no node or npm on this machine"
    lock = (_HERE / "package-lock.json").read_bytes()
    if _marker().exists() and _marker().read_bytes() == lock:
        return ""
    _INSTALLED.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(_HERE / name, _INSTALLED / name)
    command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(_INSTALLED)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, cwd=_INSTALLED)
    except subprocess.TimeoutExpired:
        return "npm did not end"
    if done.returncode:
        return f"npm could not install: {(done.stderr.strip().splitlines() or ['no word'])[0]}"
    _marker().write_bytes(lock)
    return ""


def _marker() -> Path:
    return _INSTALLED / "installed.json"


def _installed() -> tuple[str, Path]:
    reason = _install()
    if reason:
        raise Skip(reason)
    return str(shutil.which("node")), _INSTALLED / "node_modules"


declare(SUITE, _open)
