"""Every installed service goes through the front: compiled, described, and calling it without a session is refused."""

from __future__ import annotations

import pytest
from lxml import etree

from saddlebag.contract import namespaces
from saddlebag.contract.spec import Access
from saddlebag.model.builtin import BUILTIN
from saddlebag.records.call import Hub
from saddlebag.server import plugins
from saddlebag.server.root import make_front
from soap_probe import Caller, Reply, envelope

SERVICES = plugins.services(BUILTIN)


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize("version", [namespaces.SOAP11, namespaces.SOAP12], ids=["1.1", "1.2"])
def test_operations_that_need_a_session_are_refused_without_one(hub: Hub, name: str, version: str) -> None:
    """Before anything of the body is looked at: an empty wrapper is schema-invalid for most of them."""
    caller = Caller(make_front(hub, list(SERVICES.values())))
    kind = "text/xml" if version == namespaces.SOAP11 else "application/soap+xml"
    codes = {}
    for operation in SERVICES[name].operations:
        if operation.access is not Access.PUBLIC:
            body = f'<x:{operation.name} xmlns:x="{namespaces.service(name)}"/>'
            answer = caller.raw(envelope(body, version=version), path=f"/acme/{name}/v1", content_type=kind)
            code = answer.note["code"] if operation.one_way else Reply(answer, etree.fromstring(answer.body)).code
            codes[operation.name] = code
    assert set(codes.values()) == {"SB2002"}


@pytest.mark.parametrize("name", SERVICES)
def test_the_wsdl_is_served_at_its_address(hub: Hub, name: str) -> None:
    caller = Caller(make_front(hub, list(SERVICES.values())))
    answer = caller.raw(method="GET", path=f"/acme/{name}/v1", query="wsdl")
    assert f'location="https://hub.example/acme/{name}/v1"'.encode() in answer.body
