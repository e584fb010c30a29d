"""`saddlebag tenant sweep`: what deleted attachments have left behind goes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from saddlebag.cli import main as command
from saddlebag.cli.setup import make_hub
from saddlebag.store import open_store
from saddlebag.store.base import Tenant
from saddlebag.store.tables import AttachmentContent, BlobChunk, Content

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_content_without_an_attachment_is_dropped(tmp_path: Path) -> None:
    hub = make_hub(tmp_path / "hub", ["crm.example.com"], listen="127.0.0.1", port=0, database="sqlite:///hub.sqlite")
    store = open_store(hub.database)
    store.create_tenant(Tenant("acme", "Acme", "UTC", b"s" * 32, NOW))
    left = (Content("0" * 64, "blob", 1, NOW), BlobChunk("blob", 0, b"x"), AttachmentContent("gone", "0" * 64))
    for row in left:
        store.run("acme", lambda tx, row=row: tx.rows.put(row))
    assert command.main(["tenant", "sweep", "acme", "--config", str(tmp_path / "hub" / "saddlebag.toml")]) == 0
    kinds = [type(row) for row in left]
    assert store.run("acme", lambda tx: [tx.rows.select(kind) for kind in kinds], read_only=True) == [[], [], []]
    store.close()
