"""A run of an adapter that is killed (SIGKILL) between its commits is made good by the next one."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path

from saddlebag.bridge.runs import DONE, INTERRUPTED
from saddlebag.cli import main as command
from saddlebag.cli.setup import make_hub
from saddlebag.model.condition import ALWAYS
from saddlebag.store import open_store
from saddlebag.store.base import Store
from saddlebag.store.tables import AdapterRun, Binding

CUSTOMERS = 2000


def _export(folder: Path) -> None:
    folder.mkdir()
    with (folder / "customers.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "number", "name"])
        writer.writerows([f"c{number}", f"{number}", f"Customer {number}"] for number in range(CUSTOMERS))


def _count(store: Store) -> int:
    return store.run("acme", lambda tx: tx.count("Customer", ALWAYS), read_only=True)


def test_a_killed_run_leaves_whole_batches_and_the_next_run_completes_them(tmp_path: Path) -> None:
    _export(tmp_path / "export")
    (tmp_path / "files.json").write_text(json.dumps({"folder": str(tmp_path / "export")}))
    make_hub(tmp_path / "hub", ["crm.example.com"], listen="127.0.0.1", port=0, database="sqlite:///hub.sqlite")
    config = ["--config", str(tmp_path / "hub" / "saddlebag.toml")]
    assert command.main(["tenant", "add", "acme", *config]) == 0
    words = ["adapter", "run", "acme", "documents", "--settings", str(tmp_path / "files.json"), *config]
    program = [sys.executable, "-c", "import sys; from saddlebag.cli.main import main; sys.exit(main())", *words]
    store = open_store(f"sqlite:///{tmp_path / 'hub' / 'hub.sqlite'}")
    for enough in (200, 800):
        process = subprocess.Popen(program, stdout=subprocess.DEVNULL)
        while process.poll() is None and _count(store) < enough:
            pass
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert _count(store) % 200 == 0
        assert _count(store) == len(store.run("acme", lambda tx: tx.rows.select(Binding)))
    assert subprocess.run(program, stdout=subprocess.DEVNULL, check=False).returncode == 0
    assert _count(store) == CUSTOMERS == len(store.run("acme", lambda tx: tx.rows.select(Binding)))
    runs = store.run("acme", lambda tx: tx.rows.select(AdapterRun, order=("started_at",), stream="customers"))
    assert [row.outcome for row in runs] == [INTERRUPTED, INTERRUPTED, DONE]
    store.close()
