"""The vectors for other clients are what our own kernel, hub and client do today."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from laptop import Laptop
from saddlebag.kernel import errors, fragment, manifest, patch
from saddlebag.kernel.digest import Digest, record_hash, shard_of
from saddlebag.kernel.errors import SaddlebagError
from saddlebag.kernel.manifest import Held
from saddlebag.kernel.patch import Patch
from saddlebag_client import describe, outbox
from saddlebag_client.describe import EntityInfo
from saddlebag_client.local import open_file
from saddlebag_client.metered import Meter
from vectors import SCENARIOS, VECTORS, everything, state_of

COMMAND = "python tests/support/vectors.py"


def test_the_vectors_are_current() -> None:
    kept = {
        path.relative_to(VECTORS).as_posix(): path.read_text(encoding="utf-8")
        for path in VECTORS.rglob("*")
        if path.suffix in (".json", ".xml")
    }
    made = everything()
    changed = sorted(name for name in kept.keys() | made.keys() if kept.get(name) != made.get(name))
    assert not changed, f"write them anew with {COMMAND}: {changed}"


def _vectors(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


def test_our_kernel_hashes_and_packs_as_the_files_say() -> None:
    for each in _vectors("hashes")["records"]:
        key = (each["entity"], each["id"])
        assert record_hash(*key, int(each["version"]), each["content"]) == int(each["hash"])
        assert shard_of(*key) == each["shard"]
    for each in _vectors("hashes")["digests"]:
        digest = Digest.of(map(int, each["hashes"]))
        assert (digest.count, digest.hex) == (each["count"], each["sum"])
    for each in _vectors("manifests")["packed"]:
        entries = [Held(e["entity"], e["id"], int(e["version"]), int(e["hash"])) for e in each["entries"]]
        packed = bytes.fromhex(each["packed"])
        assert manifest.pack(reversed(entries)) == packed
        assert sorted(manifest.unpack(packed)) == sorted(entries)
        summed = manifest.shard_sums(entries)
        assert {str(place): str(value) for place, value in enumerate(summed) if value} == each["sums"]
    for each in _vectors("manifests")["refused"]:
        with pytest.raises(ValueError, match=r"manifest|id"):
            manifest.unpack(bytes.fromhex(each))


def test_our_kernel_cuts_fragments_as_the_files_say() -> None:
    for each in _vectors("canonical")["fragments"]:
        assert [list(pair) for pair in fragment.split(each["fragment"])] == each["fields"]


def test_our_kernel_merges_as_the_files_say() -> None:
    for each in _vectors("patches")["merged"]:
        assert patch.merge(each["held"], _read(each)) == each["merged"]
    for each in _vectors("patches")["unmergeable"]:
        with pytest.raises(ValueError, match=r"record|fragment"):
            patch.merge(each["held"], _read(each))


def _read(vector: dict[str, str]) -> Patch:
    return patch.read(fragment.split(vector["patch"]), vector["at"])


class Replay:
    """A hub that says only what was recorded, and only to whom asks as was recorded."""

    def __init__(self, folder: Path, exchanges: list[dict[str, Any]]) -> None:
        self.meter = Meter()
        self._folder = folder
        self.left = list(exchanges)

    def get(self, path: str) -> bytes:
        """No session fetches files."""
        raise AssertionError(path)

    def post(self, path: str, action: str, body: bytes, *, safe: bool) -> bytes:
        """Compare the request, give the answer."""
        self.meter.requests += 1
        exchange = self.left.pop(0)
        assert _canonical(body) == _canonical((self._folder / exchange["request"]).read_bytes())
        if exchange["answer"] is None:
            raise SaddlebagError(errors.NO_CONNECTION)
        return (self._folder / exchange["answer"]).read_bytes()


def _canonical(body: bytes) -> bytes:
    return etree.tostring(etree.fromstring(body), method="c14n2", strip_text=False)


def _filled(path: Path, before: dict[str, Any]) -> None:
    """A device's file as the session finds it."""
    file = open_file(path, create=True)
    with file.transaction() as db:
        file.put(url="https://hub.example", tenant="acme", user="rita", user_id="rita", device_key="secret", ca="")
        file.put(**{name: before[name] for name in ("device", "incarnation", "cursor", "token", "page_wise")})
        rows = [(e["entity"], e["id"], int(e["version"]), e["fragment"], b"") for e in before["rows"]]
        db.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?)", rows)
        for each in before["operations"]:
            kept = {name: each[name] for name in each if name not in ("sequence", "entity", "id", "status")}
            row = (each["sequence"], "key", each["entity"], each["id"], outbox.UNSENT, json.dumps(kept), None)
            db.execute("INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        names = {e["entity"] for e in (*before["rows"], *before["operations"])} | {
            "Deal",
            "Customer",
            "Contact",
            "DealLine",
            "Product",
            "StockLevel",
            "Warehouse",
            "Activity",
        }
        describe.save(file, [EntityInfo(name, f"{name}s", "", "id", "", ()) for name in sorted(names)])
    file.close()


@pytest.mark.parametrize("name", SCENARIOS)
def test_our_client_passes_the_session(tmp_path: Path, name: str) -> None:
    folder = VECTORS / "sessions" / name
    story = json.loads((folder / "session.json").read_text(encoding="utf-8"))
    path = tmp_path / "rita.sqlite"
    _filled(path, story["before"])
    hub = Replay(folder, story["exchanges"])
    laptop = Laptop(path, hub)  # type: ignore[arg-type]
    while hub.left:
        laptop.run("sync")
    after = state_of(laptop)
    assert after == story["after"]
