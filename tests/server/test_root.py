"""The composition root: services by entry point, sources of ids and secrets."""

from __future__ import annotations

import re
import sys
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import pytest

from saddlebag.contract.spec import Service
from saddlebag.kernel.ids import check_id
from saddlebag.model.builtin import BUILTIN
from saddlebag.model.entities import Schema
from saddlebag.records.call import Hub
from saddlebag.server import plugins, root
from saddlebag.server.config import Settings


def factory(schema: Schema) -> Service:
    """What an entry point of a third party's package would name."""
    return Service("thirdparty", f"A service over {len(schema.entities)} entities.", ())


def _installed(monkeypatch: pytest.MonkeyPatch, **named: str) -> None:
    points = EntryPoints(EntryPoint(name, value, plugins.SERVICES) for name, value in named.items())
    monkeypatch.setattr(plugins, "entry_points", lambda group: points.select(group=group))


def test_a_service_of_any_package_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "third_party", _Module())
    _installed(monkeypatch, one="third_party:factory")
    assert list(plugins.services(BUILTIN)) == ["thirdparty"]


def test_two_services_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "third_party", _Module())
    _installed(monkeypatch, one="third_party:factory", two="third_party:factory")
    with pytest.raises(ValueError, match="same name"):
        plugins.services(BUILTIN)


def test_ids_and_secrets_are_new_each_time() -> None:
    assert len({root.new_id() for _ in range(100)}) == 100
    assert check_id(root.new_id())
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", root.new_secret())
    assert re.fullmatch(r"[0-9a-f]{16}", root.new_request_id())
    assert root.now().tzinfo is not None


def test_the_settings_reach_the_hub(hub: Hub) -> None:
    settings = Settings(session_seconds=60, client_file=None)
    made = root.make_hub(hub.store, settings, "https://hub.example:7")
    assert (made.session_seconds, made.client_file, made.public_url) == (60, None, "https://hub.example:7")


class _Module:
    factory: Any = staticmethod(factory)
