"""`interop/suds/`: suds-community, which speaks SOAP 1.1.

Belongs here: each call as a user of suds would write it. May not know: what the answers must hold.
"""

from __future__ import annotations

import base64
import importlib.util
import ssl
import urllib.request
from collections.abc import Mapping
from typing import Any

from conformance.foreign import BRIEF, Play, base, declare
from conformance.report import Skip, Suite
from conformance.wire import TYPES, Target

SUITE = Suite("interop/suds", brief=BRIEF)


def _open(target: Target, version: str) -> Play:
    if version != "1.1":
        raise Skip("suds speaks SOAP 1.1 only")
    if importlib.util.find_spec("suds") is None:
        raise Skip("suds-community is not installed")
    clients: dict[str, Any] = {}

    def play(told: Mapping[str, Any]) -> Mapping[str, Any]:
        service = told["service"]
        if service not in clients:
            clients[service] = _client(target, service)
        return _play(clients[service], told)

    return play


def _client(target: Target, service: str) -> Any:
    from suds.client import Client
    from suds.transport.http import HttpTransport

    class Trusting(HttpTransport):  # type: ignore[misc]
        """suds' own transport with the hub's authority."""

        def u2handlers(self) -> list[Any]:
            context = ssl.create_default_context(cafile=str(target.ca) if target.ca else None)
            return [*super().u2handlers(), urllib.request.HTTPSHandler(context=context)]

    # Its unwrapping would give an answer's only member for the answer, so that a list of one and the one look alike.
    return Client(f"{base(target)}/{service}/v1?wsdl", transport=Trusting(), cache=None, timeout=120, unwrap=False)


def _play(client: Any, told: Mapping[str, Any]) -> Mapping[str, Any]:
    from suds import WebFault

    blocks = {name: _block(client, name, members) for name, members in told["headers"].items()}
    client.set_options(soapheaders=blocks)
    try:
        answer = getattr(client.service, told["operation"])(_given(told["request"]))
    except WebFault as problem:
        detail = _plain(problem.fault.detail.SaddlebagFault)
        return {"fault": {"code": str(problem.fault.faultcode), "detail": detail}}
    return {"answer": _plain(answer)}


def _block(client: Any, name: str, members: Mapping[str, Any]) -> Any:
    made = client.factory.create(f"{{{TYPES}}}{name}")
    for member, value in members.items():
        setattr(made, member, value)
    return made


def _given(value: Any) -> Any:
    """JSON values as suds takes them."""
    if isinstance(value, list):
        return [_given(each) for each in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"base64"}:
        return value["base64"]  # suds leaves this coding to its user
    return {name: _given(each) for name, each in value.items()}


def _plain(value: Any) -> Any:
    """suds' objects as dictionaries and lists, its times and days as text."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    keys = getattr(value, "__keylist__", None)
    if keys is not None:
        return {name: _plain(getattr(value, name)) for name in keys}
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value if value is None or isinstance(value, bool) else str(value)


declare(SUITE, _open, nil=False)
