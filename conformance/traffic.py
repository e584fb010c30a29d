"""What went over the wire while zeep called the operations: kept to be judged by the profile's rules for messages.

Belongs here: keeping a bounded number of exchanges. May not know: any rule, what an operation does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import requests
from lxml import etree

from conformance.wire import body_of

EACH = 4
"""Exchanges that are kept of one operation, version and status."""


@dataclass(frozen=True)
class Exchange:
    """A call as it was sent and answered; header names are lower-case."""

    service: str
    method: str
    sent: Mapping[str, str]
    request: bytes
    status: int
    protocol: int
    """HTTP version of the answer, as 11."""
    head: Mapping[str, str]
    answer: bytes

    @cached_property
    def question_tree(self) -> Any:
        """The request's envelope."""
        return etree.fromstring(self.request)

    @cached_property
    def answer_tree(self) -> Any:
        """The answer's envelope, None where the answer has no body."""
        return etree.fromstring(self.answer) if self.answer else None

    @property
    def version(self) -> str:
        """The namespace of the request's envelope."""
        return str(etree.QName(self.question_tree).namespace)

    @property
    def operation(self) -> str:
        """The local name of what was called."""
        return str(etree.QName(body_of(self.question_tree)[0]).localname)


class Traffic:
    """The exchanges that were kept of each hub."""

    def __init__(self) -> None:
        self._kept: dict[str, list[Exchange]] = {}
        self._count: Counter[tuple[str, str, str, str, int]] = Counter()

    def keep(self, response: requests.Response, *_: object, **__: object) -> None:
        """Keep a call; a hook of `requests`. WSDLs and packages of MTOM are passed over."""
        body = response.request.body
        kind = (response.request.headers.get("Content-Type") or "").partition(";")[0]
        if response.request.method != "POST" or kind not in ("text/xml", "application/soap+xml") or not body:
            return
        where = urlsplit(response.url)
        origin = f"{where.scheme}://{where.netloc}"
        found = Exchange(
            where.path.split("/")[2], "POST", _lower(response.request.headers),
            body if isinstance(body, bytes) else body.encode(), response.status_code,
            response.raw.version, _lower(response.headers), response.content,
        )  # fmt: skip
        key = (origin, found.service, found.operation, found.version, found.status)
        self._count[key] += 1
        if self._count[key] <= EACH:
            self._kept.setdefault(origin, []).append(found)

    def of(self, origin: str, version: str) -> list[Exchange]:
        """What was kept of the hub at this origin, in one version of SOAP."""
        return [each for each in self._kept.get(origin, []) if each.version == version]


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name.lower(): value.decode("latin-1") if isinstance(value, bytes) else str(value)
        for name, value in headers.items()
    }


TRAFFIC = Traffic()
"""Of the whole run: zeep's session keeps its calls here."""
