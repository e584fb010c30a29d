"""The laptop client joined in memory to the real hub: its front, its services, its engine and a store.

Belongs here: a transport without a socket, with weather. May not know: what is called.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from memory_hub import calm
from records_world import World
from saddlebag.kernel import errors
from saddlebag.kernel.errors import SaddlebagError
from saddlebag.records.call import Hub
from saddlebag.security.masterkeys import MasterKeys
from saddlebag.server import plugins
from saddlebag.server.http_rules import Request
from saddlebag.server.root import make_front
from saddlebag_client.metered import Meter

MASTERS = MasterKeys([b"m" * 32])


class FrontTransport:
    """Gives each message to the front as a connection would."""

    def __init__(self, world: World, masters: MasterKeys = MASTERS) -> None:
        secrets = count()
        hub = Hub(
            world.store,
            world.new_id,
            lambda: f"secret-{next(secrets):032}",
            lambda: world.now,
            "1.0",
            "https://hub.example",
            b"PYZ",
            master_keys=lambda: masters,
        )
        self.meter = Meter()
        self.weather: Callable[[], str] = calm
        self.calls: list[str] = []
        self._front = make_front(hub, list(plugins.services(world.store.schema).values()))

    def get(self, path: str) -> bytes:
        """A page of the hub."""
        return self._front.answer(Request("GET", path, "", {}, b"", "req")).body

    def post(self, path: str, action: str, body: bytes, *, safe: bool) -> bytes:
        """One call."""
        weather = self.weather()
        self.meter.requests += 1
        self.meter.up += len(body)
        self.calls.append(action.rpartition("/")[2])
        if weather == "request lost":
            raise SaddlebagError(errors.NO_CONNECTION)
        headers = {"content-type": "text/xml; charset=utf-8", "soapaction": f'"{action}"'}
        request = Request("POST", path, "", headers, body, "req")
        answer = self._front.answer(request).body
        if weather == "sent twice":
            answer = self._front.answer(request).body
        if weather == "answer lost":
            raise SaddlebagError(errors.NO_CONNECTION)
        self.meter.down += len(answer)
        return answer
