"""The front: one request in, one answer out, in the order that each step may trust the one before it.

    route -> media type, coding, charset -> pre-scan -> envelope -> header pipeline -> operation -> caller
          -> (Spyne: validate, read, handler, write) -> gzip

Belongs here: that order, and the one outermost handler of errors. May not know: Twisted, threads, what a service does.
Whatever goes wrong, the caller gets a SOAP fault of the version it speaks; what nobody foresaw is found in the log by
its request id (S31).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from saddlebag.contract.spec import Access, Operation, Service
from saddlebag.kernel import limits
from saddlebag.kernel.errors import (
    DEVICE_DISABLED,
    INTERNAL,
    MEDIA_TYPE,
    NOT_SOAP,
    SESSION_EXPIRED,
    SESSION_REQUIRED,
    TOO_LARGE,
    UNKNOWN_SERVICE,
    UNKNOWN_TENANT,
    SaddlebagError,
)
from saddlebag.records.call import Call, Hub
from saddlebag.security.principal import Principal, Role
from saddlebag.server.coding import decode_body, to_utf8
from saddlebag.server.engine import MountedService, Mounts
from saddlebag.server.envelope import SOAP11, SOAP12, Message, Version, open_envelope, parse, version_of
from saddlebag.server.faults import render_fault, status_of
from saddlebag.server.headers import CallHeaders, read_headers
from saddlebag.server.http_rules import (
    Answer,
    Place,
    Request,
    Route,
    media_type,
    packed,
    query_names,
    route,
    version_for,
)
from saddlebag.server.pages import Pages, nothing_here
from saddlebag.server.prescan import prescan
from saddlebag.store.base import Tenant, Transaction

log = logging.getLogger(__name__)

Authenticate = Callable[[Transaction, str | None, str | None, datetime], tuple[Principal, object]]
"""`saddlebag.records.access.authenticate`: token, certificate fingerprint, time -> principal and session."""


class Documents(Protocol):
    """Gives the published documents of a service."""

    def answer(self, request: Request, service: Service, tenant: str, names: dict[str, str]) -> Answer | None:
        """The WSDL or schema that the query `names` asks for; None where it asks for neither."""
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """What the composition root decides for the front."""

    message_bytes: int = limits.MESSAGE_BYTES
    sender_status: int = 500


class _Trace:
    """What is known of a call while it goes through: for its fault and its log line."""

    __slots__ = ("note", "version")

    def __init__(self, route: Route) -> None:
        self.version: Version = SOAP11
        self.note: dict[str, str] = {"tenant": route.tenant, "service": route.service}


class Front:
    """Answers requests for one hub; safe to use from several threads."""

    def __init__(
        self,
        hub: Hub,
        services: Sequence[Service],
        mounts: Mounts,
        authenticate: Authenticate,
        documents: Documents,
        options: Options | None = None,
    ) -> None:
        self._hub = hub
        self._services = {each.name: each for each in services}
        self._mounts = mounts
        self._authenticate = authenticate
        self._documents = documents
        self._options = options or Options()
        self._pages = Pages(hub)

    def answer(self, request: Request) -> Answer:
        """The answer to a request; it never raises."""
        where = route(request.path)
        trace = _Trace(where)
        try:
            if where.place is not Place.SERVICE:
                if where.place is Place.NOTHING and request.method == "POST":
                    raise SaddlebagError(UNKNOWN_SERVICE)
                return nothing_here() if where.place is Place.NOTHING else self._pages.answer(where.place, request)
            if request.method != "POST":
                return self._read(request, where, trace)
            body = self._call(request, where, trace)
            kind = f"{trace.version.media_type}; charset=utf-8"
            return packed(request, Answer(200, kind, body, _NEVER_KEPT, trace.note))
        except SaddlebagError as problem:
            return self._fault(request, problem, trace)
        except Exception:
            log.exception("call failed", extra={"request_id": request.request_id, **trace.note})
            return self._fault(request, SaddlebagError(INTERNAL), trace)

    def refuse(self, request: Request, problem: SaddlebagError) -> Answer:
        """The fault for a request that is not carried out at all: too large, or no worker free."""
        return self._fault(request, problem, _Trace(route(request.path)))

    def _fault(self, request: Request, problem: SaddlebagError, trace: _Trace) -> Answer:
        if media_type(request.headers.get("content-type", ""))[0] == SOAP12.media_type:
            trace.version = SOAP12
        headers = dict(_NEVER_KEPT)
        if problem.retry_after is not None:
            headers["Retry-After"] = str(problem.retry_after)
        status = status_of(problem, trace.version, self._options.sender_status)
        if isinstance(problem, _WrongMethod):
            status, headers["Allow"] = 405, "POST"
        body = render_fault(problem, trace.version, request.request_id).encode()
        note = {**trace.note, "code": problem.kind.code}
        return Answer(status, f"{trace.version.media_type}; charset=utf-8", body, headers, note)

    def _read(self, request: Request, where: Route, trace: _Trace) -> Answer:
        """A WSDL or schema; anything else that is not POST is refused."""
        names = query_names(request.query)
        service = self._services.get(where.service)
        if request.method in ("GET", "HEAD") and names:
            if service is None or self._tenant(where.tenant) is None:
                return nothing_here()
            found = self._documents.answer(request, service, where.tenant, names)
            if found is not None:
                return replace(found, note=trace.note)
        raise _WrongMethod(NOT_SOAP, "Calls are sent with POST; the WSDL is at ?wsdl.")

    def _call(self, request: Request, where: Route, trace: _Trace) -> bytes:
        message, action = self._message(request, trace)
        headers = read_headers(message)
        service = self._services.get(where.service)
        if service is None:
            raise SaddlebagError(UNKNOWN_SERVICE)
        mounted = self._mounts.get(service, self._hub.store.schema)
        operation = mounted.operation(message)
        trace.note["operation"] = operation.name
        mounted.check_action(action, operation)
        return self._run(request, where, mounted, operation, message, headers)

    def _message(self, request: Request, trace: _Trace) -> tuple[Message, str]:
        """The message and the action that came with it."""
        kind, parameters = media_type(request.headers.get("content-type", ""))
        spoken = version_for(kind)
        trace.version = spoken
        most = self._options.message_bytes
        body = decode_body(request.body, request.headers.get("content-encoding", ""), most)
        if len(body) > most:
            raise SaddlebagError(TOO_LARGE, limit=most)
        data, settled = to_utf8(body, parameters.get("charset"))
        prescan(data, charset_known=settled)
        root = parse(data)
        version = version_of(root)
        if version is not spoken:
            trace.version = version
            raise SaddlebagError(MEDIA_TYPE, "The media type is that of the other SOAP version.")
        action = request.headers.get("soapaction", "").strip().strip('"') if version is SOAP11 else ""
        return open_envelope(root), action or parameters.get("action", "")

    def _run(
        self, request: Request, where: Route, mounted: MountedService, operation: Operation, message: Message,
        headers: CallHeaders,
    ) -> bytes:  # fmt: skip
        tenant = self._tenant(where.tenant)
        now = self._hub.now()
        principal = None
        if operation.access is not Access.PUBLIC:
            principal = self._caller(tenant, headers.session_token, request.fingerprint, now)
            if principal.role is Role.REVOKED and operation.access is not Access.LEAVING:
                raise SaddlebagError(DEVICE_DISABLED)
        if tenant is None:
            raise SaddlebagError(UNKNOWN_SERVICE)
        call = Call(
            self._hub,
            tenant,
            principal,
            now,
            request.request_id,
            all_or_none=headers.all_or_none and operation.writes,
            if_version=headers.if_version and operation.writes,
            idempotency_key=headers.idempotency_key if operation.writes else None,
            session_token=headers.session_token,
        )
        return mounted.exchange(message, call)

    def _caller(self, tenant: Tenant | None, token: str | None, fingerprint: str | None, now: datetime) -> Principal:
        """Who calls; a tenant that does not exist is refused as one where the caller has no session."""
        if tenant is None:
            raise SaddlebagError(SESSION_REQUIRED if token is None else SESSION_EXPIRED)
        principal, _ = self._hub.store.run(
            tenant.name, lambda tx: self._authenticate(tx, token, fingerprint, now), read_only=True
        )
        return principal

    def _tenant(self, name: str) -> Tenant | None:
        try:
            tenant = self._hub.store.tenant(name)
        except SaddlebagError as problem:
            if problem.kind is UNKNOWN_TENANT:
                return None
            raise
        return tenant if tenant.enabled else None


class _WrongMethod(SaddlebagError):
    """A request that is neither a call nor a reading of a document."""


_NEVER_KEPT: Final = {"Cache-Control": "no-store"}
