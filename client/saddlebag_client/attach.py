"""The commands `attach` and `fetch`: a file to a record, and an attachment to a file.

Belongs here: from words to the outbox and the queue of contents, and back to a file. May not know: how bytes travel.
"""

from __future__ import annotations

import argparse
import mimetypes
from pathlib import Path

from saddlebag.kernel.canon import clean_text
from saddlebag.kernel.errors import INVALID_VALUE, NOT_FOUND, SaddlebagError
from saddlebag_client import contents, edits, transfers
from saddlebag_client.describe import descriptions
from saddlebag_client.find import Finder
from saddlebag_client.local import only_sync
from saddlebag_client.setting import Said, Setting
from saddlebag_client.vault import open_for


def attach(setting: Setting, given: argparse.Namespace) -> Said:
    """Attach a file to a record; record and content go out with the next sync, the content last."""
    file = open_for(setting)
    known = descriptions(file)
    known.entity(transfers.ENTITY)
    info = known.entity(given.entity)
    record = Finder(file, known).record(info, given.record)
    content, size = contents.of(file).keep(given.path)
    name = clean_text(given.name or given.path.name)
    attachment = setting.new_id()
    values = {
        "entity": info.name,
        "record": record.id,
        "name": name,
        "mediaType": given.media_type or mimetypes.guess_type(name)[0] or "application/octet-stream",
        "size": str(size),
        "sha256": content,
        "policy": "always" if given.always else "on-demand",
    }
    with file.transaction():
        edits.create(file, transfers.ENTITY, attachment, values, setting.stamp)
        transfers.enqueue(file, attachment, content)
    data = {"id": attachment, "size": size, "sha256": content}
    return Said(data, f"Attached {name} ({size:,} bytes) as {attachment}. It goes out with the next sync.")


def fetch(setting: Setting, given: argparse.Namespace) -> Said:
    """Write an attachment's content to a file, fetched from the hub unless it is here."""
    file = open_for(setting)
    known = descriptions(file)
    info = known.entity(transfers.ENTITY)
    attachment = Finder(file, known).record(info, given.attachment)
    target = given.to or Path(Path(str(attachment.text("name")).replace("\\", "/")).name or attachment.id)
    if target.exists():
        raise SaddlebagError(INVALID_VALUE, f"There is a file {target.name}: give another with --to.")
    kept, content = contents.of(file), str(attachment.text("sha256"))
    here = kept.has(content)
    if not here:
        if attachment.text("stored") != "true":
            raise SaddlebagError(NOT_FOUND, "The hub does not have the content yet: sync later.")
        from saddlebag_client import account  # the network's modules, which `attach` does without

        with only_sync(setting.path):
            hub = account.hub_of(file, setting.connect, setting.pause)
            transfers.Transfers(file, hub, setting.progress).fetch(attachment)
    kept.write_to(content, target)
    return Said({"id": attachment.id, "file": str(target), "fetched": not here}, f"Wrote {target}.")
