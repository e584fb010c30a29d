"""The measured hub lives on the workload's day, and moves when it is told to."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

from bench.clocked import Clock
from bench.workload import TODAY

_ASK = """
import sys
from saddlebag.server import root
for line in sys.stdin:
    print(root.now().date(), flush=True)
"""


def test_a_hub_process_shows_the_workloads_day_and_follows_when_it_is_moved(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock", TODAY)
    environment = {**os.environ, **clock.environment}
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", _ASK], stdin=pipe, stdout=pipe, text=True, env=environment) as hub:
        assert hub.stdin is not None
        assert hub.stdout is not None

        def day() -> date:
            print("day?", file=hub.stdin, flush=True)
            return date.fromisoformat(hub.stdout.readline().strip())  # type: ignore[union-attr]

        assert day() == clock.today == TODAY
        clock.move(1)
        assert day() == clock.today == date(2026, 3, 3)
        hub.stdin.close()
