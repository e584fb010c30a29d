"""The composition root: from settings to a hub that serves, and back to nothing.

Belongs here: building every part once and joining them; the sources of time, ids and secrets; the process's life. May
not know: what any part does inside, or which services there are: they are found by entry point.
"""

from __future__ import annotations

import gc
import logging
import os
import secrets
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.python.threadpool import ThreadPool

import saddlebag
from saddlebag.contract.spec import Service
from saddlebag.contract.validate import validator_for
from saddlebag.kernel import limits
from saddlebag.kernel.errors import INTERNAL, SETTING_INVALID, SaddlebagError
from saddlebag.kernel.ids import uuid7
from saddlebag.records.access import authenticate
from saddlebag.records.call import Hub
from saddlebag.server import keyfile, logs, plugins
from saddlebag.server.across import OpenCounts, Shared, SharedBook, SharedPlaces
from saddlebag.server.config import Settings
from saddlebag.server.dispatch import Dispatcher, Job
from saddlebag.server.documents import ServedDocuments
from saddlebag.server.engine import Mounts
from saddlebag.server.front import Front, Options
from saddlebag.server.gate import Gate, LocalPlaces
from saddlebag.server.listening import Lifeline, accept_from, bind, open_up
from saddlebag.server.queues import Bounds as QueueBounds
from saddlebag.server.queues import FairQueue
from saddlebag.server.rates import LocalBook, Meter, Rate, Rates, parse_tenants
from saddlebag.server.replying import Elsewhere
from saddlebag.server.signing import signer_of
from saddlebag.server.site import Bounds, HubSite
from saddlebag.server.tls import TlsFactory, server_context
from saddlebag.server.workers import Parent
from saddlebag.server.wsa.courier import Courier
from saddlebag.server.wsa.hosts import ReplyHosts, post
from saddlebag.server.wsa.rounds import Rounds
from saddlebag.server.wss.answer import Signer
from saddlebag.server.wss.guard import Guard
from saddlebag.store import open_store
from saddlebag.store.base import Store

log = logging.getLogger(__name__)

_DRAIN_STEP: Final = 0.05
_LOOK_SECONDS: Final = 0.02
"""How long a call that waits for a place may miss that another worker has given one back."""
_HANG_UP_SECONDS: Final = 1
"""A caller that does not answer the end of its TLS connection is not waited for any longer."""


def now() -> datetime:
    """The hub's clock."""
    return datetime.now(UTC)


def new_id() -> str:
    """A new record id: a UUID of version 7."""
    return uuid7(now(), os.urandom(10))


def new_secret() -> str:
    """A new 256-bit token."""
    return secrets.token_urlsafe(32)


def new_request_id() -> str:
    """A new request id: it links a fault to its line in the log."""
    return os.urandom(8).hex()


def make_hub(store: Store, settings: Settings, public_url: str) -> Hub:
    """The hub over an open store; `public_url` holds the port that was taken."""
    client = None
    if settings.client_file is not None:
        with suppress(FileNotFoundError):  # it is built on demand; without it there is nothing to download
            client = settings.client_file.read_bytes()
    hub = Hub(store, new_id, new_secret, now, saddlebag.__version__, public_url, client, settings.session_seconds)
    if settings.master_keys is None:
        return hub
    return replace(hub, master_keys=partial(keyfile.load, settings.master_keys))


def make_front(
    hub: Hub,
    services: Sequence[Service],
    options: Options | None = None,
    meter: Meter | None = None,
    elsewhere: Elsewhere | None = None,
    signer: Signer | None = None,
) -> Front:
    """The front of a hub with these services; without a meter no rate is bounded, without `elsewhere` every answer goes
    back the way its request came.
    """
    hub = replace(hub, services=tuple(each.name for each in services))
    mounts = Mounts(lambda service, schema: validator_for(service, schema).check)
    guard = Guard(hub, signer)
    documents = ServedDocuments(hub.store.schema, hub.public_url, lambda tenant: guard.policy(tenant, hub.now()))
    return Front(hub, services, mounts, authenticate, documents, options, meter, elsewhere, guard)


def make_courier(hub: Hub, settings: Settings) -> Courier | None:
    """What takes answers to other addresses; None where the settings allow none. Raises SETTING_INVALID."""
    if not settings.reply_origins:
        return None
    hosts = ReplyHosts.read(settings.reply_origins, settings.reply_networks)
    authority = settings.reply_authority
    try:
        context = ssl.create_default_context(cafile=None if authority is None else str(authority))
    except OSError as problem:
        sentence = "The file of authorities in [addressing] cannot be read."
        raise SaddlebagError(SETTING_INVALID, sentence, field="reply_authority") from problem
    send = partial(post, hosts, context=context)
    return Courier(hub.store, hub.new_id, hub.now, send, hosts.allows)


def front_options(settings: Settings) -> Options:
    """What the settings decide for the front."""
    return Options(
        message_bytes=settings.message_bytes,
        sender_status=settings.sender_status,
        user_calls=settings.user_calls,
        stranger_calls=settings.stranger_calls,
    )


def _bounds(settings: Settings) -> Bounds:
    return Bounds(
        body_bytes=settings.message_bytes,
        header_seconds=settings.header_seconds,
        body_seconds=settings.body_seconds,
        answer_seconds=settings.answer_seconds,
        idle_seconds=settings.idle_seconds,
        connections=settings.connections,
        address_connections=settings.address_connections,
        slowest_bytes=settings.slowest_bytes,
    )


def _meter(settings: Settings, worker: WorkerPart | None) -> Meter:
    rates = Rates(
        tenant=Rate(settings.tenant_rate, settings.tenant_burst),
        principal=Rate(settings.user_rate, settings.user_burst),
        address=Rate(settings.address_rate, settings.address_burst),
        tenants=parse_tenants(settings.tenant_rates),
    )
    return Meter(rates, LocalBook() if worker is None else SharedBook(worker.shared), time.monotonic)


@dataclass(frozen=True, slots=True)
class WorkerPart:
    """What a worker is given by its parent."""

    number: int
    listening: socket.socket
    shared: Shared
    context: Any
    """One TLS context for all: its ticket keys let a session be resumed by another worker, and by a later one."""
    lifeline: int
    """Reading end of a pipe that ends with the parent."""


class Serving:
    """A hub that accepts calls until it is stopped: the whole of it, or one of its workers."""

    def __init__(
        self, settings: Settings, reactor: Any, store: Store | None = None, worker: WorkerPart | None = None
    ) -> None:
        self.settings = settings
        self._reactor = reactor
        self._worker = worker
        self._socket = worker.listening if worker is not None else bind(settings.listen, settings.port)
        self.port: int = self._socket.getsockname()[1]
        self.url = _public_url(settings, self.port)
        self._store = store or open_store(settings.database, connections=settings.threads)
        self._pool = ThreadPool(settings.threads, settings.threads, "saddlebag")
        self._pool.threadFactory = _daemon  # type: ignore[assignment]
        self._port: Any = None
        self._site: HubSite | None = None
        self._dispatcher: Dispatcher | None = None
        self._rounds: Rounds | None = None

    def start(self, services: Sequence[Service] | None = None) -> None:
        """Accept calls; raises SETTING_INVALID, UNAVAILABLE and SCHEMA_OUTDATED."""
        settings, worker = self.settings, self._worker
        self._store.check()
        context = _context(settings) if worker is None else worker.context
        hub = make_hub(self._store, settings, self.url)
        if services is None:
            services = list(plugins.services(self._store.schema).values())
        courier = make_courier(hub, settings)
        meter, signer = _meter(settings, worker), signer_of(settings)
        front = make_front(hub, services, front_options(settings), meter, courier, signer)
        front.know(each.name for each in self._store.tenants() if each.enabled)
        dispatcher = self._dispatcher = self._make_dispatcher(front)
        site = self._site = HubSite(front, dispatcher, _bounds(settings), new_request_id, self._reactor)
        self._pool.start()
        counts = None
        if worker is None:
            open_up(self._socket)
        else:
            counts = site.counts = OpenCounts(worker.shared, worker.number, settings.workers)
            counts.put(0)
        with self._socket as listening:
            factory = TlsFactory(context, site, site.full, self._reactor)
            self._port = accept_from(self._reactor, listening, factory, counts)
        if courier is not None:
            self._rounds = Rounds(courier.turn)
            self._rounds.start()
        log.info("serving", extra={"address": self.url})
        if settings.ready_file is not None and worker is None:
            _announce(settings.ready_file, self.url)

    def _make_dispatcher(self, front: Front) -> Dispatcher:
        settings, worker = self.settings, self._worker
        party = max(1, settings.queue // limits.QUEUE_SHARE)
        # One thread is always left to other tenants: a call cannot be interrupted to let another one have its turn.
        queue: FairQueue[Job] = FairQueue(QueueBounds(settings.queue, party, max(1, settings.threads - 1)))
        gate: Gate[Job] = Gate(LocalPlaces() if worker is None else SharedPlaces(worker.shared), party)
        reactor = self._reactor
        look_later = None if worker is None else partial(reactor.callLater, _LOOK_SECONDS)
        return Dispatcher(
            front, queue, gate, self._pool, settings.threads, reactor.callFromThread, reactor.seconds, look_later
        )

    def stop(self) -> Deferred[None]:
        """Accept no more, let the calls under way end (for `drain_seconds`), then release everything."""
        if self.settings.ready_file is not None and self._worker is None:
            self.settings.ready_file.unlink(missing_ok=True)
        dispatcher = self._dispatcher
        if dispatcher is None:
            return succeed(None)
        dispatcher.close()
        if self._rounds is not None:
            self._rounds.stop()
        done: Deferred[None] = maybeDeferred(self._port.stopListening)
        done.addCallback(lambda _: self._wait(lambda: not dispatcher.under_way, self.settings.drain_seconds))
        done.addCallback(lambda _: self._hang_up())
        done.addCallback(lambda _: self._release(dispatcher))
        return done

    def _hang_up(self) -> Deferred[None]:
        """Answers are in the connections' buffers; ending the process now would lose them."""
        site = self._site
        if site is None:
            return succeed(None)
        site.hang_up()
        return self._wait(lambda: not site.channels, _HANG_UP_SECONDS)

    def _wait(self, until: Callable[[], bool], seconds: float) -> Deferred[None]:
        """Fires when `until` holds, at the latest after `seconds`."""
        deadline = self._reactor.seconds() + seconds
        done: Deferred[None] = Deferred()

        def look() -> None:
            if until() or self._reactor.seconds() >= deadline:
                done.callback(None)
            else:
                self._reactor.callLater(_DRAIN_STEP, look)

        look()
        return done

    def _release(self, dispatcher: Dispatcher) -> None:
        if dispatcher.under_way:
            log.warning("stopped with calls under way")  # their threads end with the process
        else:
            self._pool.stop()
        self._store.close()
        log.info("stopped", extra={"address": self.url})


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; raises SETTING_INVALID, UNAVAILABLE and SCHEMA_OUTDATED."""
    logs.set_up(settings.log_level, settings.log_file)
    if settings.workers > 1:
        _serve_with_workers(settings)
    else:
        _run(lambda reactor: Serving(settings, reactor), None)


def _serve_with_workers(settings: Settings) -> None:
    """The parent: takes the port, loads what all workers share, opens the port, and keeps the workers at work."""
    if not hasattr(os, "fork"):
        raise SaddlebagError(SETTING_INVALID, "More than one worker needs a POSIX system.", field="workers")
    listening = bind(settings.listen, settings.port)
    url = _public_url(settings, listening.getsockname()[1])
    store = open_store(settings.database, connections=1)
    store.check()
    services = list(plugins.services(store.schema).values())
    store.close()  # a connection must not be in two processes
    context = _context(settings)
    _meter(settings, None)  # what is wrong with a setting is said here, not by workers that die one after another
    shared = Shared()
    open_up(listening)
    gc.collect()
    gc.freeze()

    def work(number: int, lifeline: int, ready: Callable[[], None]) -> None:
        logs.mark(number)
        part = WorkerPart(number, listening, shared, context, lifeline)
        _run(lambda reactor: Serving(settings, reactor, worker=part), part, services, ready)

    def on_ready() -> None:
        if settings.ready_file is not None:
            _announce(settings.ready_file, url)

    parent = Parent(
        settings.workers,
        work,
        settings.drain_seconds,
        on_ready,
        lambda number: OpenCounts(shared, number, settings.workers).absent(),
        on_stop=lambda: _withdraw(settings, listening),
    )
    hopeful = parent.run()
    log.info("stopped", extra={"address": url})
    if not hopeful:
        raise SaddlebagError(INTERNAL, "Workers ended before the hub accepted calls; its log says why.")


def _withdraw(settings: Settings, listening: socket.socket) -> None:
    """The hub is stopping: who connects from now on is refused once the workers have closed the socket, too."""
    if settings.ready_file is not None:
        settings.ready_file.unlink(missing_ok=True)
    listening.close()


def _run(
    make: Callable[[Any], Serving],
    part: WorkerPart | None,
    services: Sequence[Service] | None = None,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve in this process until a signal, or the end of the lifeline, stops it."""
    from twisted.internet import reactor as installed  # installs the reactor: not before it is needed

    reactor: Any = installed
    serving = make(reactor)
    serving.start(services)
    # What start-up made stays: walking it again and again in full collections took 8 ms of a first sync's 20.
    gc.collect()
    gc.freeze()
    reactor.addSystemEventTrigger("before", "shutdown", serving.stop)
    if part is not None:
        reactor.addReader(Lifeline(part.lifeline, reactor))
    reactor.callWhenRunning(ready)
    reactor.run()


def _announce(file: Path, url: str) -> None:
    """Write the file in one step: who waits for it must not find it empty."""
    fresh = file.with_name(file.name + ".new")
    fresh.write_text(url + "\n", encoding="utf-8")
    fresh.replace(file)


def _public_url(settings: Settings, port: int) -> str:
    return _with_port(settings.public_url, port) if settings.port == 0 else settings.public_url


def _with_port(url: str, port: int) -> str:
    """The public URL with the port that was free: only a test or a demonstration asks for any port."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.hostname}:{port}"))


def _context(settings: Settings) -> Any:
    read: Callable[[Path], bytes] = Path.read_bytes
    try:
        authority = read(settings.client_authority) if settings.client_authority is not None else None
        return server_context(read(settings.certificate), read(settings.key), authority, tickets=settings.workers > 1)
    except OSError as problem:
        sentence = "A certificate or key file cannot be read: run `saddlebag init`, or correct [tls]."
        raise SaddlebagError(SETTING_INVALID, sentence, field="certificate") from problem


def _daemon(*args: Any, **kwargs: Any) -> Thread:
    """Threads that do not keep a stopped process alive."""
    return Thread(*args, **{**kwargs, "daemon": True})
