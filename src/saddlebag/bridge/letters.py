"""Dead letters: records that could not be taken over, kept with the reason and what they held until they can be.

Belongs here: making, finding and settling letters. May not know: how items are applied. A letter's key follows from
system, stream and external id, so a record that fails again replaces its letter, and one that succeeds removes it.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from saddlebag.bridge import plain
from saddlebag.bridge.port import Item
from saddlebag.kernel.errors import SaddlebagError
from saddlebag.store.base import Transaction
from saddlebag.store.tables import DeadLetter

PAYLOAD_BYTES = 64 * 1024
"""Bytes of a payload that a letter keeps; a larger record is read again from the system instead."""


def key(system: str, stream: str, external_id: str) -> str:
    """The key of the letter that this record has, if it has one."""
    return sha256("\0".join((system, stream, external_id)).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def write(system: str, stream: str, item: Item, error: SaddlebagError, now: datetime) -> DeadLetter:
    """The letter of an item that was refused."""
    where = "".join(f" [{name} {text}]" for name, text in (("field", error.field), ("record", error.record_id)) if text)
    return DeadLetter(
        key(system, stream, item.external_id),
        system,
        stream,
        item.external_id,
        error.kind.code,
        error.message + where,
        payload_of(item),
        now,
    )


def payload_of(item: Item) -> str:
    """An item's data and version as text; "" where it is too large to be kept or the item is a deletion."""
    if item.data is None:
        return ""
    text = plain.dumps({"version": item.version, "data": item.data})
    return text if len(text.encode("utf-8", "surrogatepass")) <= PAYLOAD_BYTES else ""


def item_of(letter: DeadLetter) -> Item | None:
    """The item that a letter keeps, None where its payload was not kept."""
    if not letter.payload:
        return None
    held = plain.loads(letter.payload)
    return Item(letter.external_id, held["data"], held["version"])


def waiting(tx: Transaction, system: str, stream: str | None = None, limit: int | None = None) -> list[DeadLetter]:
    """The letters of a system, or of one of its streams, oldest first."""
    order = ("at", "letter")
    if stream is None:
        return tx.rows.select(DeadLetter, order=order, limit=limit, system=system)
    return tx.rows.select(DeadLetter, order=order, limit=limit, system=system, stream=stream)


def discard(tx: Transaction, letter: str) -> bool:
    """Remove a letter; whether there was one."""
    return tx.rows.delete(DeadLetter, letter=letter) > 0
