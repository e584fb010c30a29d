"""The connection to the hub: HTTPS with a verified certificate, kept alive, packed both ways, patient but bounded.

Belongs here: requests, retries, sizes, times. May not know: what a call means. Retried is only what its caller calls
safe; a fault is an answer, whatever its HTTP status, and is never retried here.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

from saddlebag.kernel import limits
from saddlebag.kernel.errors import BUSY, DAMAGED_ANSWER, NO_CONNECTION, UNTRUSTED_HUB, ErrorKind, SaddlebagError
from saddlebag.kernel.packing import GZIP, PREFIX, DamagedStream, OversizeStream, standard_zstd, unpacked
from saddlebag_client.agreed import Packing
from saddlebag_client.metered import Meter, MeteredTls

CONNECT_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 60.0
TRIES: Final = 3
"""Attempts of a safe request before the hub counts as unreachable."""

_GZIP_FROM: Final = 1024
"""Bytes of a request body from which compressing it pays."""

_DICTIONARY_FROM: Final = 128
"""The same where the hub is known to have the dictionary."""

_UNSUPPORTED: Final = 415
"""The status of a request whose coding the hub does not have (RFC 9110, 15.5.16)."""


class _OtherDictionary(Exception):
    """The hub has another dictionary by now."""


class Transport(Protocol):
    """What the hub's calls need: one exchange, and the count of bytes."""

    meter: Meter
    packing: Packing

    def post(self, path: str, action: str, body: bytes, *, safe: bool) -> bytes:
        """Send an envelope, give the answer's body; raises NO_CONNECTION, UNTRUSTED_HUB, DAMAGED_ANSWER."""

    def get(self, path: str) -> bytes:
        """Fetch a file."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Where waiting comes from: `pause` sleeps seconds, `chance` gives a number from 0 to 1."""

    pause: Callable[[float], None]
    chance: Callable[[], float]

    def before(self, attempt: int) -> None:
        """Wait before the attempt of this number (from 1): about half a second, then twice as long each time."""
        self.pause(0.5 * 2 ** (attempt - 1) * (0.5 + self.chance()))


class Https:
    """A connection to one hub, opened at the first request. `ca` is PEM text, "" for the machine's own authorities."""

    def __init__(self, url: str, ca: str, patience: Patience) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise SaddlebagError(UNTRUSTED_HUB, "The hub's address begins with https:// and has a host name.")
        self.meter = Meter()
        self.packing = Packing()
        self._zstd = standard_zstd()
        self._host, self._port = parts.hostname, parts.port or 443
        self._name = parts.netloc.rpartition("@")[2]
        self._patience = patience
        self._context = _context(ca)
        self._connection: http.client.HTTPConnection | None = None

    def post(self, path: str, action: str, body: bytes, *, safe: bool) -> bytes:
        """Send an envelope, give the answer's body."""
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"'}
        tries = TRIES if safe else 1
        known = self.packing.dictionary
        if known is not None and self.packing.agreed and len(body) >= _DICTIONARY_FROM:
            try:
                ours = {**headers, "Content-Encoding": known.coding}
                return self._repeat("POST", path, known.packed(body), ours, tries)
            except _OtherDictionary:  # refused before it was read, so nothing was done
                self.packing.agree(False)
        if len(body) >= _GZIP_FROM:
            body = _gzip(body)
            headers["Content-Encoding"] = "gzip"
        return self._repeat("POST", path, body, headers, tries)

    def get(self, path: str) -> bytes:
        """Fetch a file."""
        return self._repeat("GET", path, None, {}, TRIES)

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _repeat(self, method: str, path: str, body: bytes | None, headers: dict[str, str], tries: int) -> bytes:
        for attempt in range(1, tries + 1):
            try:
                return self._once(method, path, body, headers)
            except ssl.SSLCertVerificationError as problem:
                self.close()
                raise SaddlebagError(UNTRUSTED_HUB, _verification(problem)) from None
            except (OSError, http.client.HTTPException):
                self.close()
                if attempt == tries:
                    break
                self._patience.before(attempt)
        raise SaddlebagError(NO_CONNECTION, f"The hub at {self._name} cannot be reached.")

    def _once(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        connection = self._connection or self._open()
        self.meter.requests += 1
        given = {"Accept-Encoding": self._accepted, "Host": self._name, **headers}
        connection.request(method, path, body=body, headers=given)
        answer = connection.getresponse()
        data = answer.read(limits.ANSWER_BYTES + 1)
        if len(data) > limits.ANSWER_BYTES:
            self.close()
            raise _too_large()
        if answer.will_close:
            self.close()
        if answer.status == _UNSUPPORTED and headers.get("Content-Encoding", "").startswith(PREFIX):
            raise _OtherDictionary
        data = self._unpacked(data, answer.getheader("Content-Encoding", "identity"))
        if answer.status != 200 and (method == "GET" or not data.lstrip().startswith(b"<")):
            raise SaddlebagError(_status_kind(answer.status), f"The hub answered {answer.status} {answer.reason}.")
        return data

    @property
    def _accepted(self) -> str:
        """The content codings that an answer may have (RFC 9110, 12.5.3)."""
        known = self.packing.dictionary
        return ", ".join(["gzip", *(["zstd"] if self._zstd else ()), *([known.coding] if known else ())])

    def _unpacked(self, data: bytes, coding: str) -> bytes:
        """The answer without its content coding, never beyond the bound: a small one must not grow without end."""
        known = self.packing.dictionary
        try:
            if known is not None and coding == known.coding:
                self.packing.agree(True)
                return known.unpacked(data, limits.ANSWER_BYTES)
            if coding == "zstd" and self._zstd is not None:
                return self._zstd.unpacked(data, limits.ANSWER_BYTES)
            return unpacked(data, limits.ANSWER_BYTES) if coding == "gzip" else data
        except OversizeStream:
            raise _too_large() from None
        except DamagedStream:
            raise SaddlebagError(DAMAGED_ANSWER, "The hub's answer is damaged, or breaks off.") from None

    def _open(self) -> http.client.HTTPConnection:
        plain = socket.create_connection((self._host, self._port), CONNECT_SECONDS)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream = MeteredTls(plain, self._context, self._host, self.meter)
            plain.settimeout(ANSWER_SECONDS)
        except BaseException:
            plain.close()
            raise
        connection = http.client.HTTPConnection(self._host, self._port)
        connection.sock = stream
        self._connection = connection
        return connection


def _context(ca: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=ca or None)
    except ssl.SSLError:
        raise SaddlebagError(UNTRUSTED_HUB, "The CA file holds no certificate.") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _verification(problem: ssl.SSLCertVerificationError) -> str:
    return f"The hub's certificate cannot be verified: {problem.verify_message}."


def _status_kind(status: int) -> ErrorKind:
    return BUSY if status in (429, 503) else DAMAGED_ANSWER


def _too_large() -> SaddlebagError:
    return SaddlebagError(DAMAGED_ANSWER, "The hub's answer is larger than any page.", limit=limits.ANSWER_BYTES)


def _gzip(body: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, GZIP)
    return packer.compress(body) + packer.flush()
