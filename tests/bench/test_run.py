"""The harnesses run against a real hub, small: what they report is there, and every device was exact."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bench.main import main

SYNC = {"first", "empty", "beside", "delta", "roll", "push_and_pull"}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def _run(cache: Path, *words: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of a run by their figure."""
    file = cache / "figures.json"
    assert main([*words, "--cache", str(cache), "--runs", "1", "--json", str(file)]) == 0
    rows: dict[str, list[dict[str, Any]]] = {}
    for each in json.loads(file.read_text(encoding="utf-8")):
        rows.setdefault(each["figure"], []).append(each)
    return rows


@pytest.mark.heavy
def test_sync_measures_hub_and_floor_and_judges_the_goals(cache: Path) -> None:
    rows = _run(cache, "sync", "--customers", "2000")
    assert {f"sync.{each}.wall" for each in SYNC} <= rows.keys()
    assert {"", "floor gzip"} <= {each["versus"] for each in rows["sync.first.wire"]}
    assert rows["sync.push.requests"][0]["value"] == 1
    assert rows["goal: nothing new, body"][0]["versus"] == "met: at most 400"
    assert not list(cache.glob("saddlebag-bench-*"))


@pytest.mark.heavy
def test_throughput_measures_one_worker_and_two(cache: Path) -> None:
    rows = _run(cache, "throughput", "--customers", "2000", "--devices", "8")
    for stage in ("first", "empty", "delta"):
        assert [each["versus"] for each in rows[f"throughput.{stage}.rate"]] == ["1 worker", "2 workers"]


@pytest.mark.heavy
def test_growth_compares_the_smallest_with_the_largest(cache: Path) -> None:
    rows = _run(cache, "growth", "--growth", "1000,2000")
    assert {"growth.customers.touched", "growth.devices.touched", "growth.devices.write"} <= rows.keys()
