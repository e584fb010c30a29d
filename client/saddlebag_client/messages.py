"""What the hub's answers mean: their members as values, and operations as members.

Belongs here: one value type and one function for each message part. May not know: when which is called.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from saddlebag.kernel import canon, patch
from saddlebag.kernel.canon import LexicalError
from saddlebag.kernel.digest import Digest
from saddlebag.kernel.nodes import Node, WireRecord, damaged, entity_of
from saddlebag.kernel.patch import Patch
from saddlebag.kernel.wire import Members
from saddlebag_client.outbox import Operation
from saddlebag_client.rows import Texts
from saddlebag_client.settle import Result


@dataclass(frozen=True, slots=True)
class Registration:
    """What RegisterDevice gives; `key` is empty when a known device keeps the one it has."""

    device: str
    key: str
    incarnation: int
    cursor: str
    user: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Eviction:
    """A record that has to leave the laptop, and why: left-scope, deleted, revoked or merged-into."""

    entity: str
    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a pull; `patches` are entity and patch of records held, `digest` is the hub's total on the last page,
    `body_bytes` the size of its envelope.
    """

    cursor: str
    more: bool
    distrusted: bool
    records: tuple[WireRecord, ...]
    patches: tuple[tuple[str, Patch], ...]
    evictions: tuple[Eviction, ...]
    digest: Digest | None
    body_bytes: int


@dataclass(frozen=True, slots=True)
class Open:
    """A conflict that the hub keeps until somebody decides."""

    conflict: str
    field: str
    mine: str | None
    device: str


@dataclass(frozen=True, slots=True)
class Healing:
    """What Reconcile answers."""

    incarnation: int
    cursor: str
    wanted: tuple[int, ...]


def digest(root: Node) -> Digest | None:
    """The totals of a last page, None where it has none."""
    if root.optional("sum") is None:
        return None
    try:
        return Digest(root.number("count"), int(root.get("sum"), 16))
    except ValueError:
        raise damaged("The hub's digest is no number.") from None


def patched(node: Node) -> tuple[str, Patch]:
    """The entity and the patch of a SyncPatch."""
    records = [each for each in node.children if each.name != "at"]
    try:
        (record,) = records
        made = patch.read(((each.name, each.text) for each in record.children), node.get("at"))
    except ValueError:
        raise damaged("The hub's answer tells of a change that is none.") from None
    return entity_of(record.name), made


def open_conflict(node: Node) -> Open:
    """The values of a Conflict."""
    return Open(node.get("conflict"), node.get("field"), node.optional("mine"), node.get("device"))


def upload(root: Node) -> tuple[int, int, bool]:
    """How far an upload has come: offset, size, stored."""
    return root.number("offset"), root.number("size"), root.flag("stored")


def chunk(root: Node) -> tuple[int, bytes]:
    """A content's size, and a piece of it."""
    try:
        return root.number("size"), canon.read_binary(root.get("data"))
    except LexicalError:
        raise damaged("The hub's piece of an attachment is no Base64.") from None


def shard(node: Node) -> int:
    """The number of a shard."""
    try:
        return int(canon.read_integer(node.text))
    except LexicalError:
        raise damaged("The hub named a shard that is no number.") from None


def lease(node: Node) -> tuple[bytes, int]:
    """The key and the seconds of a LeaseKey answer."""
    try:
        key = canon.read_binary(node.get("key"))
    except LexicalError:
        key = b""
    if len(key) != 32:
        raise damaged("The hub leased a key that is none.")
    return key, node.number("seconds")


def operation_members(operation: Operation) -> Members:
    """The members of PushOperation."""
    members: list[tuple[str, str | Members | None]] = [
        ("sequence", str(operation.sequence)),
        ("kind", operation.kind),
        ("entity", operation.entity),
        ("id", operation.id),
        ("baseVersion", None if operation.base is None else str(operation.base)),
        ("editedAt", operation.edited_at),
        ("group", operation.group),
        ("settles", None if operation.settles is None else str(operation.settles)),
    ]
    for name, (old, new) in operation.fields.items():
        members.append(("field", [("name", name), *_repeat("old", old), *_repeat("new", new)]))
    return members


def _repeat(name: str, texts: Texts) -> Iterator[tuple[str, str]]:
    for each in (texts,) if isinstance(texts, str) else texts or ():
        yield name, each


def result(node: Node) -> Result:
    """The values of a PushResult."""
    conflicts = tuple(
        {name: each.optional(name) for name in ("field", "base", "mine", "theirs", "won", "rule")}
        for each in node.all("conflict")
    )
    version = node.optional("version")
    return Result(
        node.number("sequence"),
        node.get("status"),
        None if version is None else node.number("version"),
        node.get("code"),
        node.get("message"),
        node.get("field"),
        node.texts("merged"),
        conflicts,
    )
