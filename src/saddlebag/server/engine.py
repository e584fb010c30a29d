"""Spyne inside: a service's declaration compiled to a Spyne application for each SOAP version, and its transport.

Belongs here: everything that Spyne has to be told, and what of it is replaced. May not know: HTTP, threads, the store.

Spyne keeps the types, the operations and the dispatch of a call through its contexts. Replaced, by overriding:
  parsing and envelope   done before (`prescan`, `envelope`): Spyne is handed the tree (S9-S12, S28)
  id/href, xsi:type      off (S24, S27)
  validation             the published schema's validator, our errors (S13, S26)
  reading and writing    the compiled codecs of `messages`: values map as in stored records (S23, S25, V1-V6)
  error handling         exceptions pass through to the one outermost handler (S14-S16, S31)
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from lxml import etree

from saddlebag.contract import namespaces
from saddlebag.contract.recent import Recent
from saddlebag.contract.spec import Blob, Operation, Service
from saddlebag.kernel.errors import UNKNOWN_OPERATION, SaddlebagError
from saddlebag.model.entities import Schema
from saddlebag.server import compat
from saddlebag.server.envelope import SOAP12, VERSIONS, Message, Version
from saddlebag.server.messages import MessageCodec, compile_service
from saddlebag.server.models import Models

# Compat comes first: without it Spyne does not import.
# isort: split
from spyne import MethodContext
from spyne.application import Application
from spyne.decorator import rpc
from spyne.protocol.soap.soap11 import Soap11
from spyne.protocol.soap.soap12 import Soap12
from spyne.server._base import ServerBase
from spyne.service import ServiceBase, ServiceMeta

compat.install()

KEPT: Final = 64
"""Compiled services that are kept: eight schemas of eight services; one costs about 1.5 MB (S20)."""

Validate = Callable[[etree._Element], object]
"""Raises SCHEMA_INVALID for a request element that the published schema does not allow."""

logging.getLogger("spyne").setLevel(logging.ERROR)  # it logs whole messages; our own log line says what is needed


class Written(NamedTuple):
    """An answer's envelope, and the content that stands in it as `xop.INCLUDED` (None for none)."""

    envelope: bytes
    content: Blob | None


class _Ours:
    """What both of our protocols replace in Spyne's."""

    validate: Validate
    codecs: Mapping[str, MessageCodec]
    envelope: tuple[str, str]

    def set_contract(self, codecs: Mapping[str, MessageCodec], validate: Validate, version: Version) -> None:
        self.codecs, self.validate = codecs, validate
        # No XML declaration: whether the caller is given one is decided when the answer goes out.
        start = f'<soap:Envelope xmlns:soap="{version.namespace}"><soap:Body>'
        self.envelope = (start, "</soap:Body></soap:Envelope>")

    def create_in_document(self, ctx: Any, charset: str | None = None) -> None:
        """The transport has put the parsed message where Spyne looks for its string."""
        (ctx.in_document,) = ctx.in_string

    def decompose_incoming_envelope(self, ctx: Any, message: Any = None) -> None:
        opened: Message = ctx.in_document
        ctx.in_body_doc = opened.operation
        ctx.method_request_string = opened.operation.tag
        self.validate_body(ctx, message)

    def validate_body(self, ctx: Any, message: Any) -> None:
        self.codecs[ctx.method_request_string].check_counts(ctx.in_body_doc)
        self.validate(ctx.in_body_doc)

    def deserialize(self, ctx: Any, message: Any) -> None:
        codec = self.codecs[ctx.method_request_string]
        values = codec.read(ctx.in_body_doc)
        codec.fill(values, ctx.in_document.parts)
        ctx.in_object = [values]

    def serialize(self, ctx: Any, message: Any) -> None:
        """Set the answer's bytes: Spyne writes none of its own where `out_string` is set."""
        (values,) = ctx.out_object
        start, end = self.envelope
        codec = self.codecs[ctx.method_request_string]
        ctx.out_string = [f"{start}{codec.write(values)}{end}".encode()]
        ctx.out_document = codec.content(values)  # what Spyne would serialise; it does not where `out_string` is set


class _Protocol11(_Ours, Soap11):  # type: ignore[misc]  # Spyne has no types
    """SOAP 1.1 as the hub speaks it."""


class _Protocol12(_Ours, Soap12):  # type: ignore[misc]  # Spyne has no types
    """SOAP 1.2 as the hub speaks it."""


class _Application(Application):  # type: ignore[misc]  # Spyne has no types
    """An application whose errors reach the front as they were raised."""

    def process_request(self, ctx: Any) -> None:
        ctx.out_object = [self.call_wrapper(ctx)]
        ctx.protocol = ctx.outprot_ctx


class _Transport(ServerBase):  # type: ignore[misc]  # Spyne has no types
    """Takes a message through one application."""

    transport = "urn:saddlebag:transport:twisted"

    def exchange(self, message: Message, call: object) -> Written:
        """The answer; raises what the protocol or the handler raised."""
        first = MethodContext(self, MethodContext.SERVER)
        first.in_string = [message]
        contexts = self.generate_contexts(first)
        ctx = contexts[0]
        if ctx.in_error is not None:
            raise SaddlebagError(UNKNOWN_OPERATION)
        ctx.udc = call
        self.get_in_object(ctx)
        self.get_out_object(ctx)
        ctx.out_protocol.serialize(ctx, ctx.out_protocol.RESPONSE)
        return Written(b"".join(ctx.out_string), ctx.out_document)


class MountedService:
    """A service of one schema, ready to be called in either SOAP version."""

    def __init__(self, service: Service, schema: Schema, validate: Validate) -> None:
        self.service = service
        self.namespace = namespaces.service(service.name)
        self.codecs = compile_service(service, schema)
        self._transports = {
            version.namespace: _Transport(_application(service, schema, version, self.codecs, validate))
            for version in VERSIONS.values()
        }

    def operation(self, message: Message) -> Operation:
        """The operation that the message calls; raises UNKNOWN_OPERATION."""
        codec = self.codecs.get(str(message.operation.tag))
        if codec is None:
            raise SaddlebagError(UNKNOWN_OPERATION)
        return codec.operation

    def check_action(self, action: str, operation: Operation) -> None:
        """Refuse an action (SOAPAction, or `action` of SOAP 1.2's media type) that names another of our operations.

        Any other text is let pass: toolkits send what they like, and only the body's element decides. But a filter
        in front of the hub may have allowed the call for the action's sake.
        """
        prefix, slash, name = action.rpartition("/")
        if prefix == self.namespace and slash and name != operation.name and self.service.operation(name):
            raise SaddlebagError(UNKNOWN_OPERATION, "The action names another operation than the Body.")

    def exchange(self, message: Message, call: object) -> Written:
        """The answer; raises SaddlebagError, and whatever a handler failed with."""
        answer: Written = self._transports[message.version.namespace].exchange(message, call)
        return answer


def _application(
    service: Service, schema: Schema, version: Version, codecs: Mapping[str, MessageCodec], validate: Validate
) -> Any:
    protocol = _Protocol12 if version is SOAP12 else _Protocol11
    incoming, outgoing = protocol(), protocol()
    for each in (incoming, outgoing):
        each.set_contract(codecs, validate, version)
    namespace = namespaces.service(service.name)
    name = service.name.capitalize()
    return _Application(
        [_spyne_service(service, schema)], tns=namespace, name=name, in_protocol=incoming, out_protocol=outgoing
    )


def _spyne_service(service: Service, schema: Schema) -> Any:
    models = Models(schema)
    body: dict[str, Any] = {}
    for operation in service.operations:
        returned = models.members(operation.response)
        taken = models.members(operation.request)
        options: dict[str, Any] = {"_args": list(taken), "_body_style": "wrapped"}
        if returned:  # Spyne takes names of nothing for an unknown option
            options |= {"_returns": list(returned.values()), "_out_variable_names": list(returned)}
        body[operation.name] = rpc(*taken.values(), **options)(_function(operation))
    return ServiceMeta(f"{service.name.capitalize()}Service", (ServiceBase,), body)


def _function(operation: Operation) -> Callable[[Any, Any], Any]:
    def call(ctx: Any, request: Any) -> Any:
        return operation.handler(ctx.udc, request)

    call.__name__ = operation.name
    return call


class Mounts:
    """The mounted services, by schema and service; the one used longest ago goes when there are too many."""

    def __init__(self, validator: Callable[[Service, Schema], Validate]) -> None:
        self._validator = validator
        self._kept: Recent[tuple[str, str], MountedService] = Recent(KEPT)

    def get(self, service: Service, schema: Schema) -> MountedService:
        """The service, compiled when it is first called."""
        key = (schema.fingerprint, service.name)
        return self._kept.get(key, lambda: MountedService(service, schema, self._validator(service, schema)))
