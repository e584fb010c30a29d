"""The Security header block as values; what is not of its profiles is refused.

Belongs here: SOAP Message Security 1.1 (sections 6 and 10), UsernameToken Profile 1.1, BinarySecurityToken of the X.509
Token Profile 1.1. May not know: keys, users, the rest of the message.

Strict on purpose: an element that is not known here could mean something to the caller that the hub would not keep to.
A Nonce or Created that comes with a password's text is checked like a digest's; alone, TLS has to keep it from others.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from lxml import etree

from saddlebag.kernel import limits
from saddlebag.kernel.canon import LexicalError, read_datetime
from saddlebag.kernel.errors import MESSAGE_EXPIRED, SECURITY_HEADER, SECURITY_TOKEN, TOKEN_UNSUPPORTED, SaddlebagError
from saddlebag.server.envelope import Element
from saddlebag.server.wss.names import BASE64, ID, PASSWORD_DIGEST, PASSWORD_TEXT, X509V3, ds, refusal, wsse, wsu

_SPACE: Final = " \t\r\n"
_SKEW: Final = timedelta(seconds=limits.WSS_SKEW_SECONDS)
_FRESH: Final = timedelta(seconds=limits.WSS_FRESH_SECONDS)


@dataclass(frozen=True, slots=True)
class Timestamp:
    """When a message was made, and when it ends by its own word."""

    created: datetime
    expires: datetime | None = None

    def check(self, now: datetime) -> None:
        """Raise MESSAGE_EXPIRED for a message from the future, and for one that has ended or is too old."""
        if self.created > now + _SKEW:
            raise refusal(MESSAGE_EXPIRED, "The message's Created lies in the future.")
        if now > self.created + _FRESH + _SKEW or (self.expires is not None and now > self.expires + _SKEW):
            raise refusal(MESSAGE_EXPIRED)


@dataclass(frozen=True, slots=True, repr=False)
class UsernameToken:
    """A name with a password's text or digest; `nonce` and `created` are empty where there are none."""

    name: str
    password: str
    digest: bool
    nonce: bytes = b""
    created: str = ""

    def check(self, now: datetime) -> None:
        """Raise MESSAGE_EXPIRED as a Timestamp does."""
        if self.created:
            Timestamp(_time(self.created)).check(now)


@dataclass(frozen=True, slots=True, repr=False)
class SecurityBlock:
    """What one Security header block holds; `tokens` are certificates in DER form by Id."""

    element: Element
    timestamp: Element | None
    username: UsernameToken | None
    username_element: Element | None
    signature: Element | None
    tokens: dict[str, bytes]


def read_block(block: Element) -> SecurityBlock:
    """Read a Security header block; raises SECURITY_HEADER, SECURITY_TOKEN, TOKEN_UNSUPPORTED."""
    if sum(1 for _ in block.iter()) > limits.WSS_ELEMENTS:
        raise refusal(SECURITY_HEADER, "The Security header has too many elements.")
    found: dict[str, Element] = {}
    tokens: dict[str, bytes] = {}
    for child in block:
        tag = str(child.tag)
        if tag == wsse("BinarySecurityToken"):
            name = child.get(ID, "")
            if not name or name in tokens:
                raise refusal(SECURITY_TOKEN, "A BinarySecurityToken needs an Id of its own.")
            tokens[name] = _certificate(child)
        elif tag not in _KNOWN:
            raise refusal(TOKEN_UNSUPPORTED)
        elif tag in found:
            raise refusal(SECURITY_HEADER, f"The Security header holds two elements {etree.QName(child).localname}.")
        else:
            found[tag] = child
    timestamp, username = found.get(wsu("Timestamp")), found.get(wsse("UsernameToken"))
    if timestamp is not None:
        read_timestamp(timestamp)  # refused here for its form, judged once it is known whether it was signed
    token = None if username is None else read_username(username)
    return SecurityBlock(block, timestamp, token, username, found.get(ds("Signature")), tokens)


_KNOWN: Final = frozenset({wsu("Timestamp"), wsse("UsernameToken"), ds("Signature")})


def read_timestamp(element: Element) -> Timestamp:
    """Created, and Expires after it where there is one (section 10)."""
    parts = _children(element, wsu("Created"), wsu("Expires"))
    created, expires = parts.get(wsu("Created")), parts.get(wsu("Expires"))
    if created is None:
        raise refusal(SECURITY_HEADER, "The Timestamp has no Created.")
    return Timestamp(_time(_text(created)), None if expires is None else _time(_text(expires)))


def read_username(element: Element) -> UsernameToken:
    """A UsernameToken with a password; a digest needs Nonce and Created (UsernameToken Profile 1.1, section 3.1)."""
    names = (wsse("Username"), wsse("Password"), wsse("Nonce"), wsu("Created"))
    parts = _children(element, *names)
    name, password, nonce, created = (parts.get(each) for each in names)
    if name is None or password is None:
        raise refusal(SECURITY_TOKEN, "The UsernameToken needs a Username and a Password.")
    kind = password.get("Type", PASSWORD_TEXT)
    if kind not in (PASSWORD_TEXT, PASSWORD_DIGEST):
        raise refusal(SECURITY_TOKEN, "The Password's Type is neither PasswordText nor PasswordDigest.")
    digest = kind == PASSWORD_DIGEST
    if digest and (nonce is None or created is None):
        raise refusal(SECURITY_TOKEN, "A password digest needs a Nonce and a Created.")
    if nonce is not None and created is None:
        raise refusal(SECURITY_TOKEN, "A Nonce needs a Created: without it no nonce could ever be forgotten.")
    token = UsernameToken(
        _text(name).strip(_SPACE),
        _text(password).strip(_SPACE) if digest else _text(password),
        digest,
        b"" if nonce is None else _nonce(nonce),
        "" if created is None else _text(created).strip(_SPACE),
    )
    if token.created:
        _time(token.created)
    return token


def _children(element: Element, *known: str) -> dict[str, Element]:
    """The element's children by tag: each of the known ones at most once, and no other."""
    found: dict[str, Element] = {}
    for child in element:
        tag = str(child.tag)
        if tag not in known or tag in found:
            raise _wrong(element, "holds an element that does not belong there, or one twice")
        found[tag] = child
    return found


def _wrong(element: Element, what: str) -> SaddlebagError:
    kind = SECURITY_HEADER if element.tag == wsu("Timestamp") else SECURITY_TOKEN
    return refusal(kind, f"The {etree.QName(element).localname} {what}.")


def _text(element: Element, most: int = limits.WSS_TEXT_LENGTH) -> str:
    text = element.text or ""
    if len(element) or len(text) > most:
        raise _wrong(element, f"must be text of at most {most} characters")
    return text


def _time(text: str) -> datetime:
    try:
        return read_datetime(text)
    except LexicalError:
        raise refusal(SECURITY_HEADER, "A time of the Security header is no dateTime with a zone.") from None


def decoded(element: Element, most: int = limits.WSS_TEXT_LENGTH) -> bytes:
    """The bytes that an element holds in Base64, white space apart."""
    try:
        return b64decode("".join(_text(element, most).split()), validate=True)
    except (binascii.Error, ValueError):
        raise _wrong(element, "is not Base64") from None


def _nonce(element: Element) -> bytes:
    if element.get("EncodingType", BASE64) != BASE64:
        raise _wrong(element, "has an unknown EncodingType")
    nonce = decoded(element)
    if not nonce:
        raise _wrong(element, "is empty")
    return nonce


def _certificate(element: Element) -> bytes:
    if element.get("ValueType") != X509V3:
        raise refusal(TOKEN_UNSUPPORTED, "A BinarySecurityToken must be an X509v3 certificate.")
    if element.get("EncodingType", BASE64) != BASE64:
        raise _wrong(element, "has an unknown EncodingType")
    return decoded(element, limits.WSS_TOKEN_LENGTH)


def ids(root: Element) -> Iterator[str]:
    """Every attribute of the message that a signature could find an element by, whatever its namespace."""
    yield from root.xpath("//@*[local-name()='Id' or local-name()='ID' or local-name()='id']")
