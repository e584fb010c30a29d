"""The hub as the laptop sees it: each operation that it calls, from values to values.

Belongs here: which members a request has, and its answer as a value. May not know: the file, the order of calls.
A session that has ended is replaced with the device's key, once, without anybody noticing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from saddlebag.kernel import canon, errors, wire
from saddlebag.kernel.errors import SaddlebagError
from saddlebag.kernel.wire import Members
from saddlebag_client import describe, messages
from saddlebag_client.describe import EntityInfo
from saddlebag_client.messages import Eviction, Healing, Open, Page, Registration
from saddlebag_client.outbox import Operation
from saddlebag_client.settle import Result
from saddlebag_client.transport import Transport

PAGE_BYTES: Final = 1024 * 1024
"""Bytes of records that the laptop asks for in one page: the most that a lost answer costs again."""

SMALL_PAGE_BYTES: Final = 64 * 1024
"""The same where it shows each page as it comes, for want of room."""

_WAIT_MOST: Final = 30
_WAITS: Final = 3
_SESSION_ENDED: Final = (errors.SESSION_EXPIRED.code, errors.SESSION_REQUIRED.code)


class HubCalls:
    """Calls of one tenant's services with one session."""

    def __init__(
        self,
        transport: Transport,
        tenant: str,
        pause: Callable[[float], None],
        token: str = "",
        device: tuple[str, str] | None = None,
        renewed: Callable[[str], None] = lambda token: None,
    ) -> None:
        self.transport = transport
        self.token = token
        self._tenant = tenant
        self._pause = pause
        self._device = device
        self._renewed = renewed

    def log_in(self, user: str, password: str) -> str:
        """Open a user's session; returns her id."""
        members = [("user", user), ("password", password)]
        root = self._call("session", "Login", members, open_to_all=True).root
        self.token = root.get("token")
        return root.get("userId")

    def log_in_device(self, device: str, key: str) -> None:
        """Open the device's own session; INVALID_CREDENTIALS once the hub no longer accepts the device."""
        members = [("device", device), ("deviceKey", key)]
        self.token = self._call("session", "LoginDevice", members, open_to_all=True).root.get("token")
        self._device = (device, key)
        self._renewed(self.token)

    def log_out(self) -> None:
        """End the session."""
        self._call("session", "Logout", [])
        self.token = ""

    def register(self, name: str, platform: str, version: str, device: str | None = None) -> Registration:
        """Register this device, or the one that the file was before."""
        members = [("name", name), ("platform", platform), ("clientVersion", version), ("device", device)]
        root = self._call("sync", "RegisterDevice", members, safe=device is not None).root
        return Registration(
            root.get("device"),
            root.get("deviceKey"),
            root.number("incarnation"),
            root.get("cursor"),
            root.get("userId"),
            root.get("timeZone"),
        )

    def lease_key(self, device: str) -> tuple[bytes, int]:
        """The key that the device's file key is wrapped under, and for how many seconds it may be kept.

        Raises LEASE_REFUSED for a device that is disabled or that the hub does not know any more.
        """
        try:
            root = self._call("device", "LeaseKey", [("device", device)]).root
        except SaddlebagError as error:
            if error.kind.code == errors.DEVICE_DISABLED.code:
                raise SaddlebagError(errors.LEASE_REFUSED) from None
            if error.kind.code == errors.UNKNOWN_DEVICE.code:
                gone = "The hub has removed this laptop and its key: nobody can open the file once its lease has ended."
                raise SaddlebagError(errors.LEASE_REFUSED, gone) from None
            raise
        return messages.lease(root)

    def describe(self) -> list[EntityInfo]:
        """The tenant's entities."""
        return describe.read_answer(self._call("metadata", "DescribeEntities", []).root)

    def pull(self, cursor: str, most: int = PAGE_BYTES) -> Page:
        """The page after `cursor`, of at most so many bytes of records."""
        members = [("cursor", cursor), ("maxBytes", str(most)), ("patches", "true")]
        answer, size = self._measured("sync", "Pull", members, "put")
        root = answer.root
        evictions = (Eviction(each.get("entity"), each.get("id"), each.get("reason")) for each in root.all("evict"))
        return Page(
            root.get("cursor", cursor),
            root.flag("more"),
            root.flag("reconcile"),
            answer.records,
            tuple(messages.patched(each) for each in root.all("patch")),
            tuple(evictions),
            messages.digest(root),
            size,
        )

    def push(
        self, device: str, incarnation: int, operations: Iterable[Operation], acknowledged: int = 0
    ) -> list[Result]:
        """Send operations, give the hub's word on each; all results up to `acknowledged` are stored."""
        members: list[tuple[str, str | Members | None]] = [("device", device), ("incarnation", str(incarnation))]
        members += [("operation", messages.operation_members(each)) for each in operations]
        members.append(("acknowledged", str(acknowledged) if acknowledged else None))
        return [messages.result(each) for each in self._call("sync", "Push", members).root.all("result")]

    def reconcile(self, device: str, incarnation: int, sums: bytes, keys: bytes | None) -> Healing:
        """Send shard sums, and the keys of the shards that were asked for."""
        members = [
            ("device", device),
            ("incarnation", str(incarnation)),
            ("shards", canon.write_binary(sums)),
            ("keys", None if keys is None else canon.write_binary(keys)),
        ]
        root = self._call("sync", "Reconcile", members).root
        wanted = tuple(messages.shard(each) for each in root.all("shard"))
        return Healing(root.number("incarnation"), root.get("cursor"), wanted)

    def conflicts(self, entity: str, record_id: str) -> list[Open]:
        """The user's conflicts of a record that nobody has decided."""
        found: list[Open] = []
        locator = None
        while True:
            members = [("entity", entity), ("id", record_id), ("locator", locator)]
            root = self._call("conflict", "ListConflicts", members).root
            found += [messages.open_conflict(each) for each in root.all("conflict")]
            locator = root.optional("locator")
            if locator is None:
                return found

    def resolve(self, conflict: str, take: str, texts: Iterable[str] = ()) -> None:
        """Let a value stand: mine, theirs, or another, none to clear; raises what the hub says against it."""
        members = [("conflict", conflict), ("take", take), *(("value", each) for each in texts)]
        result = self._call("conflict", "ResolveConflict", members).root.child("result")
        problem = result.child("error") if result else None
        if problem is not None:
            raise wire.error_of(problem)

    def begin_upload(self, attachment: str) -> tuple[int, int, bool]:
        """Open or find an upload: the first byte that the hub wants, of how many, and whether it has them all."""
        return messages.upload(self._call("attachment", "BeginUpload", [("id", attachment)]).root)

    def put_chunk(self, attachment: str, offset: int, data: bytes) -> tuple[int, int, bool]:
        """Send bytes of a content; as `begin_upload`."""
        members = [("id", attachment), ("offset", str(offset)), ("data", canon.write_binary(data))]
        return messages.upload(self._call("attachment", "PutChunk", members).root)

    def finish_upload(self, attachment: str) -> None:
        """Let the hub verify the content; CONTENT_MISMATCH where it is not the announced one."""
        self._call("attachment", "FinishUpload", [("id", attachment)])

    def get_chunk(self, attachment: str, offset: int) -> tuple[int, bytes]:
        """The size of a content and its bytes from `offset` on."""
        members = [("id", attachment), ("offset", str(offset))]
        return messages.chunk(self._call("attachment", "GetChunk", members).root)

    def _call(
        self, service: str, operation: str, members: Members, *, safe: bool = True, open_to_all: bool = False
    ) -> wire.Answer:
        return self._measured(service, operation, members, safe=safe, open_to_all=open_to_all)[0]

    def _measured(
        self,
        service: str,
        operation: str,
        members: Members,
        records_in: str = "",
        *,
        safe: bool = True,
        open_to_all: bool = False,
    ) -> tuple[wire.Answer, int]:
        waits, renewed = 0, open_to_all or self._device is None
        while True:
            try:
                return self._once(service, operation, members, records_in, safe, open_to_all)
            except SaddlebagError as error:
                if error.kind.code in _SESSION_ENDED and not renewed and self._device is not None:
                    renewed = True
                    self.log_in_device(*self._device)
                elif error.retry_after is not None and error.retry_after <= _WAIT_MOST and waits < _WAITS:
                    waits += 1
                    self._pause(error.retry_after)
                else:
                    raise

    def _once(
        self, service: str, operation: str, members: Members, records_in: str, safe: bool, open_to_all: bool
    ) -> tuple[wire.Answer, int]:
        body = wire.request(service, operation, members, None if open_to_all else self.token)
        path = f"/{self._tenant}/{service}/v1"
        answer = self.transport.post(path, wire.soap_action(service, operation), body, safe=safe)
        return wire.answer(answer, operation, records_in), len(answer)
