"""The hub's own pages: health, the laptop client for download, and a line for people who come by.

Belongs here: what is served without SOAP and without log-in. May not know: Twisted, tenants' data.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Final

from saddlebag.kernel.errors import SaddlebagError
from saddlebag.records.call import Hub
from saddlebag.server.http_rules import Answer, Place, Request, document

JSON: Final = "application/json"
TEXT: Final = "text/plain; charset=utf-8"
_ARCHIVE: Final = "application/zip"
_READING: Final = frozenset({"GET", "HEAD"})


class Pages:
    """The pages of one hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._client = hub.client_file
        self._client_version = _version(hub.version, self._client) if self._client is not None else None

    def answer(self, place: Place, request: Request) -> Answer:
        """The page at `place`."""
        if request.method not in _READING:
            return Answer(405, TEXT, b"This page can only be read.\n", {"Allow": "GET, HEAD"})
        if place is Place.HEALTH:
            return self._health()
        if place is Place.INDEX:
            text = f"Saddlebag {self._hub.version}. Services: {self._hub.public_url}/TENANT/SERVICE/v1?wsdl\n"
            return Answer(200, TEXT, text.encode())
        if place is Place.CLIENT_FILE and self._client is not None:
            return document(request, _ARCHIVE, self._client, pack=False)
        if place is Place.CLIENT_VERSION and self._client_version is not None:
            return document(request, JSON, self._client_version)
        return nothing_here()

    def _health(self) -> Answer:
        """200 while the store can serve, else 503: what a load balancer asks every few seconds."""
        try:
            self._hub.store.check()
        except SaddlebagError as problem:
            return _json(503, {"status": "unavailable", "version": self._hub.version, "database": problem.kind.code})
        return _json(200, {"status": "ok", "version": self._hub.version, "database": "ok"})


def nothing_here() -> Answer:
    """The answer to a reader of an address where there is nothing."""
    return Answer(404, TEXT, b"There is nothing at this address.\n")


def _json(status: int, value: dict[str, str]) -> Answer:
    return Answer(status, JSON, json.dumps(value).encode() + b"\n", {"Cache-Control": "no-store"})


def _version(version: str, client: bytes) -> bytes:
    value = {"version": version, "sha256": sha256(client).hexdigest(), "size": len(client)}
    return json.dumps(value).encode() + b"\n"
