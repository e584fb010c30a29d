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
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
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
from saddlebag.kernel.errors import SETTING_INVALID, SaddlebagError
from saddlebag.kernel.ids import uuid7
from saddlebag.records.access import authenticate
from saddlebag.records.call import Hub
from saddlebag.server import keyfile, logs, plugins
from saddlebag.server.config import Settings
from saddlebag.server.documents import ServedDocuments
from saddlebag.server.engine import Mounts
from saddlebag.server.front import Front, Options
from saddlebag.server.site import Bounds, HubSite, PooledWorkers
from saddlebag.server.tls import TlsFactory, server_context
from saddlebag.store import open_store
from saddlebag.store.base import Store

log = logging.getLogger(__name__)

_BACKLOG: Final = 512
_DRAIN_STEP: Final = 0.05
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


def make_front(hub: Hub, services: Sequence[Service], options: Options | None = None) -> Front:
    """The front of a hub with these services."""
    mounts = Mounts(lambda service, schema: validator_for(service, schema).check)
    documents = ServedDocuments(hub.store.schema, hub.public_url)
    return Front(hub, services, mounts, authenticate, documents, options)


class Serving:
    """A hub that accepts calls until it is stopped."""

    def __init__(self, settings: Settings, reactor: Any, store: Store | None = None) -> None:
        self.settings = settings
        self._reactor = reactor
        self._socket = _listen(settings.listen, settings.port)
        self.port: int = self._socket.getsockname()[1]
        self.url = _with_port(settings.public_url, self.port) if settings.port == 0 else settings.public_url
        self._store = store or open_store(settings.database, connections=settings.threads)
        self._pool = ThreadPool(settings.threads, settings.threads, "saddlebag")
        self._pool.threadFactory = _daemon  # type: ignore[assignment]
        most = settings.threads + settings.queue
        self._workers = PooledWorkers(self._pool, most, reactor.callFromThread)
        self._port: Any = None
        self._site: HubSite | None = None

    def start(self, services: Sequence[Service] | None = None) -> None:
        """Accept calls; raises SETTING_INVALID, UNAVAILABLE and SCHEMA_OUTDATED."""
        settings = self.settings
        self._store.check()
        hub = make_hub(self._store, settings, self.url)
        if services is None:
            services = list(plugins.services(self._store.schema).values())
        options = Options(message_bytes=settings.message_bytes, sender_status=settings.sender_status)
        bounds = Bounds(
            settings.message_bytes,
            settings.header_seconds,
            settings.body_seconds,
            settings.idle_seconds,
            settings.connections,
        )
        front = make_front(hub, services, options)
        site = self._site = HubSite(front, self._workers, bounds, new_request_id, self._reactor)
        context = _context(settings)
        self._pool.start()
        with self._socket as listening:
            self._port = self._reactor.adoptStreamPort(
                listening.fileno(), listening.family, TlsFactory(context, site, lambda: site.full, self._reactor)
            )
        log.info("serving", extra={"address": self.url})
        if settings.ready_file is not None:
            _announce(settings.ready_file, self.url)

    def stop(self) -> Deferred[None]:
        """Accept no more, let the calls under way end (for `drain_seconds`), then release everything."""
        if self.settings.ready_file is not None:
            self.settings.ready_file.unlink(missing_ok=True)
        self._workers.close()
        done: Deferred[None] = maybeDeferred(self._port.stopListening)
        done.addCallback(lambda _: self._wait(lambda: not self._workers.under_way, self.settings.drain_seconds))
        done.addCallback(lambda _: self._hang_up())
        done.addCallback(lambda _: self._release())
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

    def _release(self) -> None:
        if self._workers.under_way:
            log.warning("stopped with calls under way")  # their threads end with the process
        else:
            self._pool.stop()
        self._store.close()
        log.info("stopped", extra={"address": self.url})


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    logs.set_up(settings.log_level, settings.log_file)
    from twisted.internet import reactor as installed  # installs the reactor: not before it is needed

    reactor: Any = installed
    serving = Serving(settings, reactor)
    serving.start()
    # What start-up made stays: walking it again and again in full collections took 8 ms of a first sync's 20.
    gc.collect()
    gc.freeze()
    reactor.addSystemEventTrigger("before", "shutdown", serving.stop)
    reactor.run()


def _announce(file: Path, url: str) -> None:
    """Write the file in one step: who waits for it must not find it empty."""
    fresh = file.with_name(file.name + ".new")
    fresh.write_text(url + "\n", encoding="utf-8")
    fresh.replace(file)


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen(_BACKLOG)
        listening.setblocking(False)
    except OSError as problem:
        listening.close()
        sentence = f"Cannot listen on {address} port {port}: {problem.strerror}."
        raise SaddlebagError(SETTING_INVALID, sentence, field="port") from problem
    return listening


def _with_port(url: str, port: int) -> str:
    """The public URL with the port that was free: only a test or a demonstration asks for any port."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.hostname}:{port}"))


def _context(settings: Settings) -> Any:
    read: Callable[[Path], bytes] = Path.read_bytes
    try:
        authority = read(settings.client_authority) if settings.client_authority is not None else None
        return server_context(read(settings.certificate), read(settings.key), authority)
    except OSError as problem:
        sentence = "A certificate or key file cannot be read: run `saddlebag init`, or correct [tls]."
        raise SaddlebagError(SETTING_INVALID, sentence, field="certificate") from problem


def _daemon(*args: Any, **kwargs: Any) -> Thread:
    """Threads that do not keep a stopped process alive."""
    return Thread(*args, **{**kwargs, "daemon": True})
