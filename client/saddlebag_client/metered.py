"""A TLS stream that counts what goes over the wire: records, handshake and all.

Belongs here: TLS over a plain socket by way of memory buffers, as `ssl.MemoryBIO` gives them (a wrapped socket
hides its encrypted bytes). May not know: HTTP. It offers what `http.client` asks of a socket, nothing more.
"""

from __future__ import annotations

import io
import socket
import ssl
from dataclasses import dataclass
from typing import Any, Final

_CHUNK: Final = 64 * 1024


@dataclass(slots=True)
class Meter:
    """Bytes over the wire and requests since the count began."""

    up: int = 0
    down: int = 0
    requests: int = 0


class MeteredTls(io.RawIOBase):
    """One TLS connection; the certificate and name are verified by `context` before any byte of ours is sent."""

    def __init__(self, plain: socket.socket, context: ssl.SSLContext, host: str, meter: Meter) -> None:
        self._plain = plain
        self._meter = meter
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=host)
        self._handshake()

    def sendall(self, data: bytes) -> None:
        """Encrypt and send all of `data`."""
        view = memoryview(data)
        while view:
            sent = self._tls.write(view[:_CHUNK])
            view = view[sent:]
            self._flush()

    def readable(self) -> bool:
        """As a raw stream it is read."""
        return True

    def readinto(self, target: Any) -> int:
        """Decrypt the next bytes into `target`; 0 at the end of the stream."""
        view = memoryview(target).cast("B")
        while True:
            try:
                data = self._tls.read(len(view))
                view[: len(data)] = data
                return len(data)
            except ssl.SSLWantReadError:
                self._flush()
                if not self._fill():
                    return 0
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return 0

    def makefile(self, mode: str = "rb", buffering: int = -1) -> io.BufferedReader:
        """A buffered reader over the stream; closing it leaves the connection open."""
        return io.BufferedReader(_Unclosed(self), _CHUNK)

    def close(self) -> None:
        """Close the connection."""
        self._plain.close()
        super().close()

    def _handshake(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                if not self._fill():
                    raise ConnectionResetError("the connection ended during the handshake") from None
            else:
                self._flush()
                return

    def _flush(self) -> None:
        data = self._out.read()
        if data:
            self._plain.sendall(data)
            self._meter.up += len(data)

    def _fill(self) -> bool:
        data = self._plain.recv(_CHUNK)
        self._meter.down += len(data)
        if not data:
            self._in.write_eof()
            return False
        self._in.write(data)
        return True


class _Unclosed(io.RawIOBase):
    """http.client closes its reader after each answer; the connection under it lives on."""

    def __init__(self, stream: MeteredTls) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        return self._stream.readinto(target)
