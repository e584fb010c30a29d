"""`interop/suds/`: suds-community, which speaks SOAP 1.1 and, with its SOAP 1.2 envelope, 1.2.

Belongs here: each step as a user of suds would write it. May not know: what the answers must hold.
"""

from __future__ import annotations

import importlib.util
import ssl
import urllib.request
from collections.abc import Mapping
from typing import Any

from conformance.foreign import declare
from conformance.report import Skip, Suite
from conformance.wire import TYPES, Target

SUITE = Suite("interop/suds")


def _carry(target: Target, given: Mapping[str, str]) -> Any:
    if importlib.util.find_spec("suds") is None:
        raise Skip("suds-community is not installed")
    if given["version"] == "1.2":
        raise Skip("suds speaks SOAP 1.1 only")
    return _plain(_STEPS[given["step"]](target, given))


def _client(target: Target, given: Mapping[str, str], service: str) -> Any:
    from suds.client import Client
    from suds.transport.http import HttpTransport

    class Trusting(HttpTransport):  # type: ignore[misc]
        """suds' own transport with the hub's authority."""

        def u2handlers(self) -> list[Any]:
            context = ssl.create_default_context(cafile=str(target.ca) if target.ca else None)
            return [*super().u2handlers(), urllib.request.HTTPSHandler(context=context)]

    client = Client(f"{given['base']}/{service}/v1?wsdl", transport=Trusting(), cache=None, timeout=120)
    if given["token"]:
        session = client.factory.create(f"{{{TYPES}}}Session")
        session.token = given["token"]
        client.set_options(soapheaders={"Session": session})
    return client


def _login(target: Target, given: Mapping[str, str]) -> Any:
    return _client(target, given, "session").service.Login(user=given["user"], password=given["password"])


def _get(target: Target, given: Mapping[str, str]) -> Any:
    return _client(target, given, "customer").service.GetCustomers(id=[given["id"], "no-such-customer"])


def _search(target: Target, given: Mapping[str, str]) -> Any:
    terms = [{"field": "number", "op": "eq", "value": [given["number"]]}]
    return _client(target, given, "customer").service.SearchCustomers(filter=terms, limit=10)


def _upsert(target: Target, given: Mapping[str, str]) -> Any:
    record = {"id": given["id"], "name": given["name"], "segments": ["key", "växt"]}
    return {"result": _client(target, given, "customer").service.UpsertCustomers(customer=[record])}


def _fault(target: Target, given: Mapping[str, str]) -> Any:
    from suds import WebFault

    terms = [{"field": "nosuchfield", "op": "eq", "value": ["1"]}]
    try:
        _client(target, given, "customer").service.SearchCustomers(filter=terms)
    except WebFault as problem:
        return {"faultcode": problem.fault.faultcode, "detail": problem.fault.detail.SaddlebagFault}
    raise AssertionError("no fault came")


_STEPS = {"login": _login, "get": _get, "search": _search, "upsert": _upsert, "fault": _fault}


def _plain(value: Any) -> Any:
    """suds' objects as dictionaries and lists."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    keys = getattr(value, "__keylist__", None)
    if keys is not None:
        return {name: _plain(getattr(value, name)) for name in keys}
    return str(value) if isinstance(value, str) else value


declare(SUITE, _carry)
