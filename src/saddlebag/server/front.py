"""The front: one request in, one answer out, in the order that each step may trust the one before it.

    route -> media type, coding, charset -> pre-scan -> envelope -> header pipeline -> operation -> caller -> rates
          -> a place among the caller's own calls -> (Spyne: validate, read, handler, write) -> gzip

Belongs here: that order, and the one outermost handler of errors. May not know: Twisted, threads, what a service does.
`begin` goes as far as the place, which `dispatch` gives out; `answer` is for who has nobody else to think of.
Whatever goes wrong, the caller gets a SOAP fault of the version it speaks; what nobody foresaw is found in the log by
its request id (S31).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Final, Protocol, TypeVar

from lxml import etree

from saddlebag.contract.common import LIMIT_INFO
from saddlebag.contract.language import spoken
from saddlebag.contract.policy import Proof
from saddlebag.contract.spec import Access, Operation, Service
from saddlebag.kernel import limits
from saddlebag.kernel.errors import (
    AUTHENTICATION_FAILED,
    CONTENT_CODING,
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
from saddlebag.server.coding import Codings, dictionary_of, to_utf8
from saddlebag.server.engine import MountedService, Mounts, Written
from saddlebag.server.envelope import SOAP11, SOAP12, Message, Version, open_envelope, parse, version_of
from saddlebag.server.faults import render_fault, status_of
from saddlebag.server.gate import Want
from saddlebag.server.headers import CallHeaders, addressing_of, read_headers
from saddlebag.server.http_rules import (
    Answer,
    Place,
    Request,
    Route,
    declared,
    media_type,
    packed,
    query_names,
    route,
    version_for,
)
from saddlebag.server.messages import struct_writer
from saddlebag.server.outgoing import with_blocks
from saddlebag.server.pages import Pages, nothing_here
from saddlebag.server.prescan import prescan
from saddlebag.server.queues import Lane
from saddlebag.server.rates import LocalBook, Meter, Rates, Standing
from saddlebag.server.replying import Conversation, Elsewhere, Replies
from saddlebag.server.wss.guard import Guard
from saddlebag.server.xop import MULTIPART, Package, inlined, resolve, takes_packages
from saddlebag.server.xop import packed as xop_packed
from saddlebag.server.zstd import find_zstd
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
    user_calls: int = 4
    """Calls of one user that are at work at once."""
    stranger_calls: int = 4
    """Log-ins that are at work at once for one tenant; half as many from one address."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A call that was read and whose caller is known: it wants its places, then `finish` carries it out.

    The first want is of the caller's own party; without wants it needs no place.
    """

    wants: tuple[Want, ...]
    finish: Callable[[], Answer]


Begun = TypeVar("Begun", Answer, Answer | Admitted)


class _Trace:
    """What is known of a call while it goes through: for its fault and its log line."""

    __slots__ = ("headers", "note", "packages", "talk", "version")

    def __init__(self, route: Route) -> None:
        self.talk = Conversation(route.tenant)
        self.packages = False
        self.headers: Mapping[str, str] = _NEVER_KEPT
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
        meter: Meter | None = None,
        elsewhere: Elsewhere | None = None,
        guard: Guard | None = None,
    ) -> None:
        self._hub = hub
        self._codings = Codings(dictionary_of(hub.store.schema), find_zstd())
        self._services = {each.name: each for each in services}
        self._mounts = mounts
        self._authenticate = authenticate
        self._documents = documents
        self._options = options or Options()
        self._pages = Pages(hub)
        self._meter = meter or Meter(Rates(), LocalBook(), lambda: 0.0)
        self._known: set[str] = set()
        self._replies = Replies(hub.new_id, elsewhere)
        self._guard = guard or Guard(hub)

    def answer(self, request: Request) -> Answer:
        """The answer to a request, which waits for nobody; it never raises."""
        begun = self.begin(request)
        return begun if isinstance(begun, Answer) else begun.finish()

    def begin(self, request: Request) -> Answer | Admitted:
        """The answer, or the call that needs a place before it can be carried out; never raises."""
        where = route(request.path)
        trace = _Trace(where)
        return self._guarded(request, trace, lambda: self._begin(request, where, trace))

    def _begin(self, request: Request, where: Route, trace: _Trace) -> Answer | Admitted:
        if where.place is not Place.SERVICE:
            if where.place is Place.NOTHING and request.method == "POST":
                raise SaddlebagError(UNKNOWN_SERVICE)
            return nothing_here() if where.place is Place.NOTHING else self._pages.answer(where.place, request)
        return self._call(request, where, trace) if request.method == "POST" else self._read(request, where, trace)

    def know(self, tenants: Iterable[str]) -> None:
        """Give these tenants lanes of their own before their first calls; others get theirs by calling."""
        self._known.update(islice(tenants, _KNOWN))

    def lane(self, request: Request) -> Lane:
        """Whose turn a request takes, as far as its head tells; names of no tenant share one lane."""
        where = route(request.path)
        if where.place is not Place.SERVICE:
            return Lane(_PAGES, request.address)
        tenant = where.tenant if where.tenant in self._known else _STRANGERS
        return Lane(tenant, request.fingerprint or request.address)

    def _guarded(self, request: Request, trace: _Trace, step: Callable[[], Begun]) -> Begun | Answer:
        """What the step gives, or the fault for what it raised; what nobody foresaw is logged with its trace."""
        try:
            return step()
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
        headers = dict(trace.headers)
        if problem.retry_after is not None:
            headers["Retry-After"] = str(problem.retry_after)
        status = status_of(problem, trace.version, self._options.sender_status)
        if isinstance(problem, _WrongMethod):
            status, headers["Allow"] = 405, "POST"
        body = render_fault(problem, trace.version, request.request_id).encode()
        note = {**trace.note, "code": problem.kind.code}
        answer = Answer(status, f"{trace.version.media_type}; charset=utf-8", body, headers, note)
        return self._replies.finish(trace.talk, trace.version.media_type, answer, problem)

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

    def _call(self, request: Request, where: Route, trace: _Trace) -> Admitted:
        message, action = self._message(request, trace)
        try:
            trace.talk.asked = addressing_of(message)
        finally:  # a block that is not understood comes before one that is wrong (SOAP 1.2 Part 1, 2.6)
            headers = read_headers(message)
        message, headers = self._secured(request, where, trace, message, headers)
        trace.note["client"] = headers.client
        if headers.language:  # told only to who asks: an answer with nothing new has few bytes
            trace.headers = {**_NEVER_KEPT, "Content-Language": spoken(headers.language)}
        service = self._services.get(where.service)
        if service is None:
            raise SaddlebagError(UNKNOWN_SERVICE)
        mounted = self._mounts.get(service, self._hub.store.schema)
        operation = mounted.operation(message)
        trace.note["operation"] = operation.name
        trace.talk.opened(operation, mounted.namespace)
        mounted.check_action(action, operation)
        self._replies.check(trace.talk, request.path, action, f"{mounted.namespace}/{operation.name}")
        return self._admit(request, where, trace, mounted, operation, message, headers)

    def _message(self, request: Request, trace: _Trace) -> tuple[Message, str]:
        """The message and the action that came with it."""
        kind, parameters = media_type(request.headers.get("content-type", ""))
        most = self._options.message_bytes
        package = _package(request, kind, parameters, most)
        if package is not None:
            trace.packages = True
            kind, parameters = media_type(package.soap_type)[0], {**media_type(package.root_type)[1], **parameters}
        spoken = version_for(kind)
        trace.version = spoken
        body = request.body if package is None else bytes(package.root)
        body = self._codings.decoded(body, request.headers.get("content-encoding", ""), most)
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
        if package is None:
            return open_envelope(root, data), action or parameters.get("action", "")
        parts = resolve(root, package.parts, most)  # a signature is of what the parts stand for (XOP, 1)
        message = open_envelope(root, etree.tostring(root, encoding="utf-8"))
        return replace(message, parts=parts), action or media_type(package.soap_type)[1].get("action", "")

    def _secured(
        self, request: Request, where: Route, trace: _Trace, message: Message, headers: CallHeaders
    ) -> tuple[Message, CallHeaders]:  # fmt: skip
        """What may be used of the message, and who its Security header proves to be calling."""
        tenant, now = self._tenant(where.tenant), self._hub.now()
        if headers.security is not None:
            try:
                charge = partial(self._meter.stranger, request.address)
                proved = self._guard.examine(tenant, message, headers.security, now, charge)
            except SaddlebagError as problem:
                self._failed(request, problem)
                raise
            if proved is not None and proved.signed:  # from here on there is only what was signed
                message = proved.message
                headers, trace.talk.asked = read_headers(message), addressing_of(message)
            headers = replace(headers, proved=proved)
        if tenant is not None and self._guard.signs(tenant, headers.proved, now):
            trace.talk.sign = lambda envelope: self._guard.sign(envelope, trace.version, self._hub.now())
        return message, headers

    def _failed(self, request: Request, problem: SaddlebagError) -> None:
        """Who guesses tokens pays as who guesses passwords does."""
        if problem.kind in _NOBODY:
            self._meter.stranger(request.address)

    def _admit(
        self, request: Request, where: Route, trace: _Trace, mounted: MountedService, operation: Operation,
        message: Message, headers: CallHeaders,
    ) -> Admitted:  # fmt: skip
        tenant = self._tenant(where.tenant)
        began = self._hub.now()
        principal = self._principal(request, tenant, operation, headers, began)
        if tenant is None:
            raise SaddlebagError(UNKNOWN_SERVICE)
        if principal is None:
            standings = self._meter.stranger(request.address)
        else:
            standings = self._meter.member(tenant.name, principal.user)

        def carry_out() -> Answer:
            now, caller = self._hub.now(), principal
            if (now - began).total_seconds() > _STALE_SECONDS:  # it has waited: her rights may have been taken away
                caller = self._principal(request, tenant, operation, headers, now)
            written = mounted.exchange(message, self._as_call(request, tenant, caller, operation, headers, now))
            if headers.limit_info:
                written = written._replace(envelope=with_blocks(written.envelope, _limit_info(standings)))
            return self._answered(request, trace, written)

        wants = self._wants(tenant.name, request.address, principal, operation)
        return Admitted(wants, lambda: self._guarded(request, trace, carry_out))

    def _answered(self, request: Request, trace: _Trace, written: Written) -> Answer:
        """The answer, with its content beside the envelope for a caller who takes it so."""
        media, (body, content) = trace.version.media_type, written
        beside = content is not None and trace.talk.straight and (trace.packages or _takes_packages(request))
        if content is not None and not beside:
            body = inlined(body, content)
        answer = Answer(200, f"{media}; charset=utf-8", body, trace.headers, trace.note)
        answer = self._replies.finish(trace.talk, media, answer, None)
        if content is None or not beside:
            return packed(request, replace(answer, body=declared(request, answer.body)), self._codings)
        kind, spool = xop_packed(answer.body, content, trace.version, self._hub.new_secret())
        return replace(answer, media_type=kind, body=b"", spool=spool)

    def _principal(
        self, request: Request, tenant: Tenant | None, operation: Operation, headers: CallHeaders, now: datetime
    ) -> Principal | None:
        """Who calls, and may call this operation; None where anybody may."""
        if operation.access is Access.PUBLIC:
            return None
        try:
            principal = self._caller(tenant, headers, request.fingerprint, now)
        except SaddlebagError as problem:
            self._failed(request, problem)
            raise
        if principal.role is Role.REVOKED and operation.access is not Access.LEAVING:
            raise SaddlebagError(DEVICE_DISABLED)
        return principal

    def _as_call(
        self, request: Request, tenant: Tenant, principal: Principal | None, operation: Operation,
        headers: CallHeaders, now: datetime,
    ) -> Call:  # fmt: skip
        return Call(
            self._hub,
            tenant,
            principal,
            now,
            request.request_id,
            all_or_none=headers.all_or_none and operation.writes,
            if_version=headers.if_version and operation.writes,
            idempotency_key=headers.idempotency_key if operation.writes else None,
            session_token=headers.session_token,
            client=headers.client,
            language=headers.language,
            duplicates=headers.duplicates,
        )

    def _wants(
        self, tenant: str, address: str, principal: Principal | None, operation: Operation
    ) -> tuple[Want, ...]:  # fmt: skip
        """The places that a call needs; owners are told apart by what no name of a tenant holds."""
        options = self._options
        if principal is None and not operation.logs_in:
            return ()
        if principal is None:
            each = max(1, options.stranger_calls // 2)
            return (
                Want("log-ins from one address", f"address {tenant} {address}", each),
                Want("log-ins", f"strangers {tenant}", options.stranger_calls),
            )
        user = Want("calls of one user", f"user {tenant} {principal.user}", options.user_calls)
        if operation.one_per_device and principal.device:
            owner = f"device {tenant} {principal.device} {operation.name}"
            return (Want(f"calls of {operation.name} by one device", owner, 1), user)
        return (user,)

    def _caller(
        self, tenant: Tenant | None, headers: CallHeaders, fingerprint: str | None, now: datetime
    ) -> Principal:  # fmt: skip
        """Who calls; a tenant that does not exist is refused as one where the caller has no session."""
        token, proved = headers.session_token, headers.proved
        if tenant is None:
            raise SaddlebagError(SESSION_REQUIRED if token is None else SESSION_EXPIRED)

        def who(tx: Transaction) -> Principal:
            if proved is not None and token is None:
                return self._guard.principal(tx, proved)
            principal, _ = self._authenticate(tx, token, fingerprint, now)
            return principal if proved is None else self._guard.principal(tx, proved, principal)

        principal = self._hub.store.run(tenant.name, who, read_only=True)
        if principal.role is not Role.REVOKED:  # she may only let go of what she holds
            by = Proof.CERTIFICATE if token is None else Proof.SESSION
            self._guard.check(tenant, principal.user, by if proved is None else proved.proof, now)
        return principal

    def _tenant(self, name: str) -> Tenant | None:
        try:
            tenant = self._hub.store.tenant(name)
        except SaddlebagError as problem:
            if problem.kind is UNKNOWN_TENANT:
                self._known.discard(name)
                return None
            raise
        if len(self._known) < _KNOWN:
            self._known.add(name)
        return tenant if tenant.enabled else None


def _package(request: Request, kind: str, parameters: Mapping[str, str], most: int) -> Package | None:
    """The multipart message that the request is; raises CONTENT_CODING: only its parts are coded."""
    if kind != MULTIPART:
        return None
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise SaddlebagError(CONTENT_CODING, "A multipart message is sent without content coding.")
    if request.package is not None:
        return request.package
    package = Package(parameters, most)
    package.feed(request.body)
    package.end()
    return package


def _takes_packages(request: Request) -> bool:
    return takes_packages(request.headers.get("accept", ""))


_write_limit_info = struct_writer(LIMIT_INFO, LIMIT_INFO.name)


def _limit_info(standings: Sequence[Standing]) -> str:
    """The header block of that name."""
    rates = [
        {"rule": each.rule, "limit": each.limit, "remaining": each.remaining, "reset": each.reset} for each in standings
    ]
    return _write_limit_info({"rate": rates})


class _WrongMethod(SaddlebagError):
    """A request that is neither a call nor a reading of a document."""


_NEVER_KEPT: Final = {"Cache-Control": "no-store"}
_NOBODY: Final = frozenset({SESSION_REQUIRED, SESSION_EXPIRED, AUTHENTICATION_FAILED})
_STALE_SECONDS: Final = 1.0
_KNOWN: Final = 100_000
"""Tenants that have a lane of their own; those beyond share one."""
_STRANGERS: Final = "~strangers"
_PAGES: Final = "~pages"
"""Lanes that no tenant's name can be."""
