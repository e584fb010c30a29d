"""A laptop that knows nothing of the hub but messages: each exchange is an envelope, through the real front and back.

Belongs here: the members of the sync messages and the meaning of their answers. May not know: the engine's insides. It
is a reading of the contract of its own, not the client's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from model_device import Laptop, Lost
from records_world import World
from saddlebag.kernel import canon
from saddlebag.kernel.digest import Digest
from saddlebag.kernel.errors import SESSION_EXPIRED, SESSION_REQUIRED, SaddlebagError
from saddlebag.kernel.nodes import Node
from saddlebag.kernel.ops import OpConflict, Operation, OpResult, OpStatus
from saddlebag.kernel.patch import Patch
from saddlebag.kernel.patch import read as read_patch
from saddlebag.kernel.wire import Answer, Members
from saddlebag.store.base import Rendering
from saddlebag.sync import engine
from saddlebag.sync.page import Evict, Reason
from wire_hub import CALM, Weather, WireHub

_ENDED = (SESSION_EXPIRED, SESSION_REQUIRED)


@dataclass
class WireLaptop(Laptop):
    """A device of one user, at the other end of the wire."""

    hub: WireHub | None = None
    key: str = ""
    token: str = ""
    ends: datetime | None = None
    """When its session ends."""
    weather: Weather = CALM
    """What happens to its next exchange."""
    raw: bytes = b""
    """The last answer as it came."""

    @classmethod
    def of(cls, hub: WireHub, world: World, who: str) -> WireLaptop:
        """A new device of this user."""
        laptop = cls(world, who, hub=hub)
        laptop.register()
        return laptop

    def call(self, service: str, operation: str, members: Members, token: str | None = None) -> Answer:
        """One exchange under the session of the device, or the one given; raises what the fault says, and Lost."""
        if token is None and (not self.token or self.ends is None or self.ends <= self.world.now):
            self.log_in()
        weather, self.weather = self.weather, CALM
        assert self.hub is not None
        try:
            answer, self.raw = self.hub.exchange(
                self.world, service, operation, members, self.token if token is None else token, weather
            )
        except SaddlebagError as problem:
            if token is not None or problem.kind not in _ENDED:
                raise
            self.log_in()
            answer, self.raw = self.hub.exchange(self.world, service, operation, members, self.token)
        return answer

    def log_in(self) -> None:
        """A session by the device's own key; raises INVALID_CREDENTIALS or DEVICE_DISABLED."""
        self.token = ""
        members = [("device", self.device), ("deviceKey", self.key)]
        assert self.hub is not None
        root = self.hub.exchange(self.world, "session", "LoginDevice", members, "")[0].root
        self.token, self.ends = root.get("token"), canon.read_datetime(root.get("expiresAt"))

    def _register(self) -> engine.Registration:
        assert self.hub is not None
        members = [("name", "laptop"), ("platform", "test"), ("clientVersion", "0"), ("device", self.device or None)]
        token = self.hub.session(self.world, self.who)
        root = self.call("sync", "RegisterDevice", members, token).root
        self.key, self.token = root.get("deviceKey"), ""
        return engine.Registration(
            root.get("device"),
            self.key,
            root.number("incarnation"),
            root.get("cursor"),
            root.get("userId"),
            root.get("timeZone"),
        )

    def _push(self, sent: Sequence[Operation]) -> list[OpResult]:
        done = [("operation", operation_members(each)) for each in sent]
        members: Members = [*self._who(), *done, ("acknowledged", str(self.acknowledged))]
        return [_result(each) for each in self.call("sync", "Push", members).root.all("result")]

    def _pull(self, max_bytes: int | None) -> engine.Answer:
        return _page(self.call("sync", "Pull", self.pull_members(max_bytes)))

    def pull_members(self, max_bytes: int | None) -> Members:
        """What it asks for."""
        most = None if max_bytes is None else str(max_bytes)
        return [("cursor", self.cursor), ("maxBytes", most), ("patches", "true" if self.merges else None)]

    def _reconcile(self, sums: bytes, keys: bytes | None) -> engine.Healing:
        listed = None if keys is None else canon.write_binary(keys)
        members = [*self._who(), ("shards", canon.write_binary(sums)), ("keys", listed)]
        root = self.call("sync", "Reconcile", members).root
        shards = tuple(int(each) for each in root.texts("shard"))
        return engine.Healing(root.number("incarnation"), root.get("cursor"), shards)

    def _who(self) -> list[tuple[str, str]]:
        return [("device", self.device), ("incarnation", str(self.incarnation))]


def operation_members(operation: Operation) -> Members:
    """The members of PushOperation."""

    def number(value: int | None) -> str | None:
        return None if value is None else str(value)

    fields = [
        (
            "field",
            [
                ("name", each.name),
                *(("old", text) for text in each.old),
                *(("new", text) for text in each.new),
            ],
        )
        for each in operation.fields
    ]
    return [
        ("sequence", str(operation.sequence)),
        ("kind", str(operation.kind)),
        ("entity", operation.entity),
        ("id", operation.id),
        ("baseVersion", number(operation.base_version)),
        ("editedAt", operation.edited_at),
        ("group", operation.group),
        ("settles", number(operation.settles)),
        *fields,
    ]


def _result(node: Node) -> OpResult:
    conflicts = tuple(
        OpConflict(
            each.get("field"),
            each.optional("base"),
            each.optional("mine"),
            each.optional("theirs"),
            each.get("won"),
            each.get("rule"),
        )
        for each in node.all("conflict")
    )
    return OpResult(
        node.number("sequence"),
        OpStatus(node.get("status")),
        None if node.optional("version") is None else node.number("version"),
        node.optional("code"),
        node.optional("message"),
        node.optional("field"),
        node.flag("retryable") if node.child("retryable") else None,
        node.texts("merged"),
        conflicts,
    )


def _page(answer: Answer) -> engine.Answer:
    root = answer.root
    puts: dict[str, list[Rendering]] = {}
    for each in answer.records:
        puts.setdefault(each.entity, []).append(Rendering(each.id, each.fragment, ""))
    patches: dict[str, list[Patch]] = {}
    for entity, patch in _patches(root):
        patches.setdefault(entity, []).append(patch)
    return engine.Answer(
        root.get("cursor"),
        root.flag("more"),
        root.flag("reconcile"),
        puts,
        patches,
        [Evict(each.get("entity"), each.get("id"), Reason(each.get("reason"))) for each in root.all("evict")],
        _digest(root) if root.child("sum") else None,
        {each.get("entity"): _digest(each) for each in root.all("digest")},
    )


def _patches(root: Node) -> Iterator[tuple[str, Patch]]:
    for each in root.all("patch"):
        (record,) = [child for child in each.children if child.name != "at"]
        texts = [(child.name, child.text) for child in record.children]
        yield record.name[:1].upper() + record.name[1:], read_patch(texts, each.get("at"))


def _digest(node: Node) -> Digest:
    return Digest(node.number("count"), int(node.get("sum"), 16))


__all__ = ["CALM", "Lost", "Weather", "WireLaptop", "operation_members"]
