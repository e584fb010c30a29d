"""zeep as a partner's program: strict, over TLS, every WSDL as the hub serves it; records made at need.

Belongs here: clients, calls, comparison of decoded values. May not know: what an operation promises.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import requests
import zeep
from zeep.cache import InMemoryCache

from conformance.report import expect, same
from conformance.samples import SAMPLES
from conformance.traffic import TRAFFIC
from conformance.wire import TYPES, Target

NIL = zeep.xsd.Nil


class Zeep:
    """All services of one tenant, by one SOAP version."""

    def __init__(self, target: Target, version: str) -> None:
        self.target = target
        self.version = version
        self._clients: dict[str, zeep.Client] = {}
        self._made: dict[str, str] = {}

    def client(self, service: str) -> zeep.Client:
        """The client of a service; strict, nothing is fetched twice."""
        if service not in self._clients:
            location = f"{self.target.url}{self.target.path(service)}?wsdl"
            self._clients[service] = load(self.target, location)
        return self._clients[service]

    def operations(self, service: str) -> list[str]:
        """The names of the service's operations."""
        return sorted(self._bound(service)._operations)

    def call(self, service: str, operation: str, /, *, headers: Mapping[str, Any] | None = None, **members: Any) -> Any:
        """Call an operation in the main session, or with the headers given instead."""
        if headers is None:
            headers = {"Session": {"token": self.target.token()}}
        return self._bound(service)[operation](_soapheaders=headers, **members)

    def headers(self, **more: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        """The main session's header with more header blocks."""
        return {"Session": {"token": self.target.token()}, **more}

    def fault(self, service: str, operation: str, /, **members: Any) -> dict[str, str]:
        """The members of the typed fault that a call ends in."""
        try:
            self.call(service, operation, **members)
        except zeep.exceptions.Fault as problem:
            detail = problem.detail.find(f"{{{TYPES}}}SaddlebagFault") if problem.detail is not None else None
            expect(detail is not None, f"a fault without a typed detail: {problem.message}")
            kind = self.client(service).get_element(f"{{{TYPES}}}SaddlebagFault")
            return dict(zeep.helpers.serialize_object(kind.parse(detail, self.client(service).wsdl.types)))
        raise AssertionError(f"{operation} ended without a fault")

    def _bound(self, service: str) -> Any:
        client = self.client(service)
        (name,) = client.wsdl.services
        ports = client.wsdl.services[name].ports
        port = next(each for each in ports if ("Soap12" in each) == (self.version == "12"))
        return client.bind(name, port)

    def has(self, service: str, operation: str) -> bool:
        """Whether the service offers the operation."""
        return operation in self._bound(service)._operations

    def writer(self, entity: str) -> tuple[str, str] | None:
        """(service, operation) by which records of an entity are made, or None."""
        plural = SAMPLES[entity].plural
        for service in ("customer", "deal", "activity", "billing", "inventory", "attachment", "metadata"):
            for verb in ("Create", "Upsert"):
                if self.has(service, f"{verb}{plural}"):
                    return service, f"{verb}{plural}"
        return None

    def new(self, entity: str, **more: Any) -> tuple[str, dict[str, Any]]:
        """A new full record: its id and the values that were sent."""
        found = self.writer(entity)
        expect(found, f"no operation makes a {entity}")
        assert found is not None
        mark = secrets.token_hex(6)
        values = {**SAMPLES[entity].make(mark, self.some), **more}
        record = f"z-{mark}"
        (result,) = self.call(*found, **{SAMPLES[entity].element: [{"id": record, **values}]})
        expect(result.success, f"{found[1]} refused the sample: {result.error}")
        return record, values

    def some(self, entity: str) -> str:
        """The id of some record of an entity, the same at each call."""
        if entity not in self._made:
            self._made[entity] = self.new(entity)[0]
        return self._made[entity]

    def read(self, entity: str, record: str) -> Any:
        """A record as it stands now, through Get."""
        sample = SAMPLES[entity]
        found = self.writer(entity)
        assert found is not None
        answer = self.call(found[0], f"Get{sample.plural}", id=[record])
        same(len(answer[sample.element]), 1, "records that Get found")
        return answer[sample.element][0]


@cache
def _session(ca: Path | None) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # REQUESTS_CA_BUNDLE would take the place of the authority given here
    session.verify = str(ca) if ca else True
    session.hooks["response"].append(TRAFFIC.keep)
    return session


def load(target: Target, location: str) -> zeep.Client:
    """A strict client of the WSDL at a URL or in a file."""
    transport = zeep.Transport(session=_session(target.ca), cache=InMemoryCache(), timeout=120, operation_timeout=120)
    settings = zeep.Settings(strict=True, forbid_external=False, forbid_dtd=True, forbid_entities=True)
    return zeep.Client(location, transport=transport, settings=settings)


_SHARED: dict[tuple[str, str, str], Zeep] = {}


def shared(target: Target, version: str) -> Zeep:
    """The client that all checks of a hub and a SOAP version share: its WSDLs are read once."""
    return _SHARED.setdefault((target.url, target.tenant, version), Zeep(target, version))


def compare(found: Any, wanted: Mapping[str, Any]) -> None:
    """Every value of `wanted` came back as what it was, in type too."""
    for name, value in wanted.items():
        got = found[name]
        if isinstance(value, list):
            same(sorted(got), sorted(value), name)
        elif isinstance(value, datetime):
            expect(isinstance(got, datetime) and got.tzinfo is not None, f"{name}: no time with a zone: {got!r}")
            same(got, value, name)
        else:
            if isinstance(value, (Decimal, bool)) or value is None:
                same(type(got), type(value), f"type of {name}")
            same(got, value, name)


def absent(found: Any, names: Iterable[str]) -> None:
    """None of these fields has a value."""
    for name in names:
        expect(found[name] is None or found[name] == [], f"{name} came with {found[name]!r} although it has no value")
