"""The command `status`: what is on this laptop and what waits to be sent. It needs no connection.

Belongs here: counting. May not know: the network.
"""

from __future__ import annotations

import argparse

from saddlebag_client import outbox, rows, transfers
from saddlebag_client.local import open_file
from saddlebag_client.setting import Said, Setting, counted


def status(setting: Setting, given: argparse.Namespace) -> Said:
    """What is on this laptop and what waits to be sent."""
    file = open_file(setting.path)
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
    }
    lines = [
        f"{data['user']} of {data['tenant']} at {data['hub']}",
        f"Last sync: {data['last_sync'] or 'never'}. File: {file.size:,} bytes.",
        f"Holds {sum(held.values())} records" + (f": {counted(held)}." if held else "."),
        f"Not sent yet: {waiting}. Refused: {parked}. Conflicts to read: {lost}.",
    ]
    if data["uploads"]:
        lines.append(f"Attachments to be sent: {data['uploads']}.")
    if damaged:
        lines.append(f"{damaged} records were damaged on disk; the next sync mends them.")
    return Said(data, "\n".join(lines))
