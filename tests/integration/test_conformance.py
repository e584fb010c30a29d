"""The conformance suite against a real hub on SQLite, as `make conformance` runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_hub_passes_every_conformance_check_that_can_run_here(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, str(ROOT / "conformance" / "run"), "--brief", "--json", str(report)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PATH": path})
    assert report.exists(), done.stderr[-3000:]
    results = json.loads(report.read_text(encoding="utf-8"))
    failed = [f"{each['id']}: {each['reason']}" for each in results if each["status"] == "fail"]
    assert not failed, "\n".join(failed)
    assert done.returncode == 0, done.stderr[-3000:]
    families = {each["id"].partition("/")[0] for each in results if each["status"] == "pass"}
    assert families >= {"http", "soap11", "soap12", "bp", "bad-input", "interop", "attacks", "wss"}
