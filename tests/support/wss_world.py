"""A front that is asked with WS-Security: its clock, its accounts, and what is expected of its answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from conformance.wss_messages import (
    WSSE,
    Pair,
    envelope,
    pair,
    security,
    timestamp,
    token,
)
from lxml import etree

from saddlebag.contract import namespaces
from saddlebag.contract.codec import codec_for
from saddlebag.kernel.digest import record_hash
from saddlebag.model.builtin import BUILTIN
from saddlebag.records import access, wss
from saddlebag.records.call import Hub
from saddlebag.security.masterkeys import MasterKeys
from saddlebag.server.front import Options
from saddlebag.server.root import make_front
from saddlebag.server.wss.answer import Signer
from saddlebag.store.base import ChangeKind, RecordWrite, Store, StoredRecord, Transaction
from saddlebag.store.tables import WssSeen
from soap_probe import NOW, SERVICE, TENANT, Caller, Reply

START = NOW - timedelta(days=1)
SECRET = "a-secret-that-administration-issued"
KEYS = MasterKeys([b"k" * 32])
SOAP11, SOAP12 = namespaces.SOAP11, namespaces.SOAP12
WHO = "<p:Who/>"
STRANGE_IDENTIFIER = "<wsse:KeyIdentifier ValueType='urn:x'>AA==</wsse:KeyIdentifier>"

Ask = Callable[..., Reply]


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The hub's clock."""
    return Clock()


@pytest.fixture
def ada(store: Store) -> Pair:
    """The signing certificate of u1."""
    return registered(store, pair("ada", START))


@pytest.fixture
def asked(hub: Hub, clock: Clock) -> Ask:
    """Sends a whole envelope; the hub signs with a key of its own."""
    own = pair("hub", START)
    front = make_front(
        replace(hub, now=clock, master_keys=lambda: KEYS),
        [SERVICE],
        Options(),
        signer=Signer(own.pem, own.key_pem),
    )
    caller = Caller(front)

    def ask(message: bytes | Any, version: str = SOAP11, **more: Any) -> Reply:
        data = message if isinstance(message, bytes) else etree.tostring(message)
        kind = "application/soap+xml" if version == SOAP12 else "text/xml"
        answer = caller.raw(data, content_type=f"{kind}; charset=utf-8", **more)
        return Reply(answer, etree.fromstring(answer.body))

    return ask


def registered(store: Store, signer: Pair, user: str = "u1", now: datetime = NOW) -> Pair:
    store.run(TENANT.name, lambda tx: wss.register(tx, user, signer.certificate, now))
    return signer


def with_secret(store: Store) -> None:
    store.run(TENANT.name, lambda tx: wss.issue_secret(tx, "u1", KEYS, SECRET, b"n" * 12, NOW))


def second_user(tx: Transaction) -> None:
    """Eve, with the password that Ada has."""
    values = {"name": "Eve", "login": "eve", "role": "rep", "active": True}
    version = tx.allocate(1)
    fragment, tail = codec_for(BUILTIN)["User"].render("u2", version, values, NOW, NOW)
    digest = record_hash("User", "u2", version, fragment)
    record = StoredRecord("User", "u2", version, version, values, {}, fragment, tail, digest, NOW, NOW, "")
    tx.write([RecordWrite(record, ChangeKind.CREATE, tuple(values))])
    access.set_password(tx, "u2", "eve", "correct horse", NOW, lambda: "salt")


def remembered(store: Store) -> int:
    return len(store.run(TENANT.name, lambda tx: tx.rows.select(WssSeen), read_only=True))


def message(signer: Pair, *extra: str, version: str = SOAP11, body: str = WHO, created: datetime = NOW) -> Any:
    """An envelope to be signed: a token, a Timestamp and header blocks."""
    block = security(token(signer.der) + timestamp(created))
    return envelope(body, block + "".join(extra), version)


def refusal(reply: Reply, store: Store | None = None) -> tuple[str | None, str]:
    """The catalogue's code of a fault, and that of WS-Security; nobody was let in, and nothing was remembered."""
    fault = reply.root.find(f".//{{{etree.QName(reply.root).namespace}}}Fault")
    assert fault is not None, reply.answer.body
    element = fault.find("faultcode")
    if element is None:
        element = fault.find(f".//{{{SOAP12}}}Subcode/{{{SOAP12}}}Value")
    prefix, _, local = element.text.partition(":")
    assert (element.nsmap[prefix], reply.text("user")) == (WSSE, [])
    assert store is None or remembered(store) == 0
    return reply.code, local
