"""The published documents of a service as they are asked for: ?wsdl, ?singleWsdl, ?xsd=NAME, ?wsdl&soap=1.1.

Belongs here: which document a query means, and keeping those that were built. May not know: Twisted, or how a
WSDL is made.
Addresses in them come from the configured public URL only: a caller's Host header could send others elsewhere (S21).

    ?wsdl, ?singleWsdl   one document with its schemas inside: what most stacks take most easily
    ?wsdl=split          the WSDL that leads to ?xsd=types and ?xsd=NAME
    &soap=1.1            without the SOAP 1.2 binding, which Axis 1 refuses a WSDL for
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from saddlebag.contract import namespaces
from saddlebag.contract.documents import TYPES_NAME, served_xsd, single_wsdl, split_wsdl
from saddlebag.contract.policy import DEFAULT, SecurityPolicy, write_proofs
from saddlebag.contract.recent import Recent
from saddlebag.contract.spec import Service
from saddlebag.model.entities import Schema
from saddlebag.server.http_rules import Answer, Request, document

XML: Final = "text/xml; charset=utf-8"
KEPT: Final = 256
"""Documents kept: a tenant has its own address in each, and building one takes milliseconds."""


class ServedDocuments:
    """The documents of one schema's services at one public address."""

    def __init__(
        self, schema: Schema, public_url: str, policy: Callable[[str], SecurityPolicy] = lambda tenant: DEFAULT
    ) -> None:  # fmt: skip
        """`policy` tells what a tenant asks of callers, which its WSDLs say."""
        self._policy = policy
        self._schema = schema
        self._public_url = public_url
        self._kept: Recent[tuple[str, ...], bytes | None] = Recent(KEPT)

    def answer(self, request: Request, service: Service, tenant: str, names: Mapping[str, str]) -> Answer | None:
        """The document that the query `names` asks for, or None."""
        form = _form(names)
        if form is None or (form[0] == "xsd" and form[1] not in (TYPES_NAME, service.name)):
            return None
        policy = self._policy(tenant)
        key = (service.name, tenant, write_proofs(policy.accepts), str(policy.sign_answers), *form)
        body = self._kept.get(key, lambda: self._build(service, tenant, policy, *form))
        return None if body is None else document(request, XML, body)

    def _build(
        self, service: Service, tenant: str, policy: SecurityPolicy, form: str, detail: str
    ) -> bytes | None:  # fmt: skip
        address = f"{self._public_url}/{tenant}/{service.name}/{namespaces.VERSION}"
        if form == "xsd":
            return served_xsd(service, self._schema, detail, address)
        build = split_wsdl if form == "split" else single_wsdl
        return build(service, self._schema, address, soap11_only=detail == "1.1", policy=policy)


def _form(names: Mapping[str, str]) -> tuple[str, str] | None:
    """The form asked for, and its detail: a schema's name or a SOAP version."""
    if "xsd" in names:
        return "xsd", names["xsd"]
    if "wsdl" in names or "singlewsdl" in names:
        soap = "1.1" if names.get("soap") == "1.1" else ""
        return ("split" if names.get("wsdl", "").lower() == "split" else "single", soap)
    return None
