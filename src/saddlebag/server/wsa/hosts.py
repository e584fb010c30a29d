"""Which addresses an answer may go to: named origins, and never a machine inside the operator's network by accident.

Belongs here: the allow-list, the look at resolved addresses, one POST to one of them. May not know: SOAP, the store.
An answer's address comes from the caller, so that the hub would otherwise be her way around a firewall (SSRF). What is
checked is the address that the connection is made to, not one that was resolved before.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from saddlebag.kernel.errors import SETTING_INVALID, SaddlebagError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Sequence[str]]
"""Host and port to the IP addresses that they have now."""

_PORTS: Final = {"https": 443, "http": 80}
_ANSWER_BYTES: Final = 65_536
"""What is read of an answer to an answer: nobody wants its content."""
_SECONDS: Final = 20.0


class Refused(Exception):
    """The address may not be sent to."""


@dataclass(frozen=True, slots=True)
class ReplyHosts:
    """Origins (scheme, host, port) that answers may go to, and private networks in which they may lie."""

    origins: frozenset[tuple[str, str, int]] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def read(cls, origins: str, networks: str) -> ReplyHosts:
        """From settings, each a list parted by commas; raises SETTING_INVALID."""
        try:
            return cls(
                frozenset(_origin(each.strip()) for each in origins.split(",") if each.strip()),
                tuple(ipaddress.ip_network(each.strip()) for each in networks.split(",") if each.strip()),
            )
        except ValueError:
            sentence = "[addressing] names origins as https://HOST:PORT and networks as 10.0.0.0/8."
            raise SaddlebagError(SETTING_INVALID, sentence, field="reply_origins") from None

    def allows(self, url: str) -> bool:
        """Whether the URL is at one of the origins."""
        try:
            return _origin(url) in self.origins
        except ValueError:
            return False

    def usable(self, addresses: Sequence[str]) -> str:
        """The first of these IP addresses; raises Refused if any of them is private and in no named network.

        One bad address refuses all: a name that has both a public and a private one is an attack, or a mistake.
        """
        if not addresses:
            raise Refused("the host has no address")
        for each in map(ipaddress.ip_address, addresses):
            if not self._reachable(each):
                raise Refused("the host is in a private network")
        return addresses[0]

    def _reachable(self, address: Address) -> bool:
        plain = getattr(address, "ipv4_mapped", None) or address
        if any(plain in each for each in self.networks if each.version == plain.version):
            return True
        return plain.is_global and not plain.is_multicast


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None or parts.password is not None:
        raise ValueError(url)
    return parts.scheme, parts.hostname.lower(), parts.port or _PORTS[parts.scheme]


def resolve(host: str, port: int) -> list[str]:
    """The system's resolver."""
    return [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def post(
    hosts: ReplyHosts,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    context: ssl.SSLContext,
    resolver: Resolve = resolve,
) -> int:
    """Send a POST and give the answer's status; redirects are not followed. Raises Refused and OSError."""
    if not hosts.allows(url):
        raise Refused("the origin is not allowed")
    parts = urlsplit(url)
    _, host, port = _origin(url)
    address = hosts.usable(resolver(host, port))
    connection = http.client.HTTPConnection(host, port, timeout=_SECONDS)
    connection.sock = socket.create_connection((address, port), timeout=_SECONDS)
    try:
        if parts.scheme == "https":
            connection.sock = context.wrap_socket(connection.sock, server_hostname=host)
        connection.request("POST", _target(parts), body, dict(headers))
        answer = connection.getresponse()
        answer.read(_ANSWER_BYTES)
    except http.client.HTTPException as problem:
        raise ConnectionError(type(problem).__name__) from problem
    finally:
        connection.close()
    return answer.status


def _target(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
