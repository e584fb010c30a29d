"""The last step of an answer: what WS-Addressing adds to it, where it goes, and the empty one of a one-way call.

Belongs here: WS-I BP 1.1 R2714 (one-way), WS-Addressing's way of answers and faults. May not know: how an answer came
about. Nothing is lost here: an answer that cannot be kept for its address goes back the way its request came.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from saddlebag.contract.spec import Operation
from saddlebag.kernel.errors import SaddlebagError
from saddlebag.kernel.ids import IdSource
from saddlebag.server.http_rules import Answer
from saddlebag.server.outgoing import QualifiedFault, with_blocks
from saddlebag.server.wsa.answering import blocks, check, check_ways, fault_action, way
from saddlebag.server.wsa.reading import ANONYMOUS, WSA, Addressing, Endpoint

log = logging.getLogger(__name__)


class Elsewhere(Protocol):
    """Takes answers for other addresses (`wsa.courier.Courier`)."""

    @property
    def allows(self) -> Callable[[str], bool]:
        """Whether answers may go to a URL at all."""
        ...

    def keep(self, tenant: str, url: str, media_type: str, action: str, body: bytes) -> None:
        """Take an answer over; raises SaddlebagError where it cannot."""
        ...


@dataclass(slots=True)
class Conversation:
    """What a call has said of its answer, as far as it has been read."""

    tenant: str = ""
    asked: Addressing | None = None
    action: str = ""
    """wsa:Action of the operation's answer."""
    fault_action: str | None = None
    one_way: bool = False
    sign: Callable[[bytes], bytes] | None = None
    """Puts the hub's signature on the answer, where there is to be one; it comes last, as it covers header blocks."""

    def signed(self, envelope: bytes) -> bytes:
        """The answer, signed where it is to be."""
        return envelope if self.sign is None else self.sign(envelope)

    @property
    def straight(self) -> bool:
        """Whether the answer goes back the way its request came, with nothing to be signed in it."""
        replies = None if self.asked is None else self.asked.reply_to
        return self.sign is None and (replies is None or replies.address == ANONYMOUS)

    def opened(self, operation: Operation, namespace: str) -> None:
        """The operation is known; `namespace` is its service's."""
        self.action = f"{namespace}/{operation.name}Response"
        self.fault_action = f"{namespace}/{operation.name}/Fault/SaddlebagFault"
        self.one_way = operation.one_way


@dataclass(frozen=True, slots=True)
class Replies:
    """Finishes the answers of one hub; without `elsewhere` they all go back the way their requests came."""

    new_id: IdSource
    elsewhere: Elsewhere | None = None

    def check(self, talk: Conversation, path: str, soap_action: str, action: str) -> None:
        """Refuse an addressed call that is not for us or cannot be answered; raises QualifiedFault."""
        if talk.asked is not None:
            check(talk.asked, path, soap_action, action, answered=not talk.one_way)
            check_ways(talk.asked, self._allows)

    def _allows(self, url: str) -> bool:
        return self.elsewhere is not None and self.elsewhere.allows(url)

    def finish(self, talk: Conversation, media_type: str, answer: Answer, problem: SaddlebagError | None) -> Answer:
        """The answer as it goes back over HTTP; `problem` is what a fault tells of."""
        asked = talk.asked
        if asked is None and isinstance(problem, QualifiedFault) and problem.codes[0].namespace == WSA:
            asked = Addressing()
        if talk.one_way and (asked is None or problem is None):
            return _empty(answer, 202 if problem is None else answer.status)
        if asked is None:
            return replace(answer, body=talk.signed(answer.body))
        endpoint = way(asked, problem)
        if endpoint is None:
            return _empty(answer, 202)
        return self._addressed(talk, asked, endpoint, media_type, answer, problem)

    def _addressed(
        self, talk: Conversation, asked: Addressing, endpoint: Endpoint, media_type: str, answer: Answer,
        problem: SaddlebagError | None,
    ) -> Answer:  # fmt: skip
        action = talk.action if problem is None else fault_action(problem, talk.fault_action)
        body = talk.signed(with_blocks(answer.body, blocks(asked, endpoint, action, f"urn:uuid:{self.new_id()}")))
        answer = replace(answer, body=body)
        if endpoint.address == ANONYMOUS or self.elsewhere is None or not self._allows(endpoint.address):
            return answer
        try:
            self.elsewhere.keep(talk.tenant, endpoint.address, media_type, action, body)
        except SaddlebagError as reason:
            log.warning("answer not kept for its address", extra={"code": reason.kind.code, **answer.note})
            return answer
        return _empty(answer, 202)


def _empty(answer: Answer, status: int) -> Answer:
    """The same answer with nothing in it (WS-I BP 1.1 R2714, R2727)."""
    return replace(answer, status=status, media_type="", body=b"")
