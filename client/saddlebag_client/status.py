"""The command `status`: what is on this laptop and what waits to be sent. It needs no connection.

Belongs here: counting. May not know: the network.
"""

from __future__ import annotations

import argparse

from saddlebag_client import outbox, rows, transfers, vault
from saddlebag_client.setting import Said, Setting, counted
from saddlebag_client.vault import open_for


def status(setting: Setting, given: argparse.Namespace) -> Said:
    """What is on this laptop and what waits to be sent."""
    file = open_for(setting)
    waiting = len(outbox.operations(file, outbox.UNSENT, outbox.SENT))
    parked, lost = len(outbox.operations(file, outbox.PARKED)), len(outbox.operations(file, outbox.CONFLICT))
    damaged, held = rows.damaged(file), rows.counts(file)
    data = {
        "user": file.need("user"),
        "tenant": file.need("tenant"),
        "hub": file.need("url"),
        "version": setting.this[2],
        "records": held,
        "unsent": waiting,
        "parked": parked,
        "conflicts": lost,
        "uploads": len(transfers.queue(file)),
        "damaged": damaged,
        "last_sync": file.get("last_sync"),
        "size": file.size,
        "encrypted": file.sealed,
        "lease_until": vault.lease_end(setting) if file.sealed else None,
    }
    lines = [
        f"{data['user']} of {data['tenant']} at {data['hub']}",
        f"Last sync: {data['last_sync'] or 'never'}. File: {file.size:,} bytes.",
        f"Holds {sum(held.values())} records" + (f": {counted(held)}." if held else "."),
        f"Not sent yet: {waiting}. Refused: {parked}. Conflicts to read: {lost}.",
    ]
    if data["uploads"]:
        lines.append(f"Attachments to be sent: {data['uploads']}.")
    if file.sealed:
        lines.append(f"Encrypted; it can be opened without the hub until {data['lease_until']}.")
    if damaged:
        lines.append(f"{damaged} records were damaged on disk; the next sync mends them.")
    return Said(data, "\n".join(lines))
