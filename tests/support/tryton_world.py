"""The test's Tryton as the kit of adapters sees it, and ways to change what is in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from saddlebag.bridge.settings import checked
from saddlebag_adapters.tryton import ADAPTER
from saddlebag_adapters.tryton.rpc import Rpc
from tryton_server import TrytonServer

HOSTILE = 'Søn & "Daughter" <b>Ltd</b>, 株式会社'
"""The name of the first customer in `tryton_data.py`."""


class TrytonWorld:
    """A running Tryton; `rpc` writes to it as a clerk would."""

    adapter = ADAPTER
    hostile = HOSTILE

    def __init__(self, server: TrytonServer) -> None:
        self.server = server
        self.rpc = Rpc(checked(ADAPTER.settings, server.settings()), self.now)
        self._context = self.rpc.call("model.res.user.get_preferences", True)

    def call(self, method: str, *params: object) -> Any:
        """Call a model's method as the clerk."""
        return self.rpc.call(f"model.{method}", *params, context=self._context)

    def party(self, name: str) -> int:
        """The id of the party of this name."""
        (found,) = self.call("party.party.search", [["name", "=", name]])
        return int(found)

    def spare(self) -> int:
        """A party that nothing refers to."""
        return int(self.call("party.party.search", [["name", "like", "Spare%"]])[0])

    def now(self) -> datetime:
        return datetime.now(UTC)

    def settings(self) -> Mapping[str, Any]:
        return self.server.settings()

    def wrong_settings(self) -> Mapping[str, Any]:
        return {**self.server.settings(), "password": "wrong-" + self.server.password}

    def unreachable_settings(self) -> Mapping[str, Any] | None:
        return {**self.server.settings(), "url": "http://127.0.0.1:9"}

    def change(self) -> tuple[str, str]:
        party = self.spare()
        self.call("party.party.write", [party], {"name": f"Spare at {self.now().isoformat()}"})
        return "customers", str(party)

    def remove(self) -> tuple[str, str]:
        party = self.spare()
        self.call("party.party.delete", [party])
        return "customers", str(party)
