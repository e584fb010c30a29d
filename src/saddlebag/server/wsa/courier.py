"""Answers that go to an address elsewhere: kept with the tenant's data, sent until they arrive or are given up.

Belongs here: the queue and its turns. May not know: Twisted, what an answer says. An answer is kept before its request
is told 202, so that a hub that dies owes it still; it may arrive twice, which its MessageID shows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from saddlebag.kernel import limits
from saddlebag.kernel.errors import BUSY, SaddlebagError
from saddlebag.kernel.ids import IdSource
from saddlebag.server.wsa.hosts import Refused
from saddlebag.store.base import Store, Transaction
from saddlebag.store.tables import Reply, ReplyBody

log = logging.getLogger(__name__)

_TURN: Final = 20
"""Answers of one tenant in one turn: no tenant keeps the others waiting."""
_FIRST_WAIT: Final = timedelta(seconds=5)
_LONGEST_WAIT: Final = timedelta(hours=1)
_CLAIM: Final = timedelta(minutes=2)
"""How long a worker has an answer to itself; longer than one POST may last."""


class Send(Protocol):
    """`hosts.post` with the allow-list bound: URL, headers and body to a status; raises Refused and OSError."""

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes, /) -> int: ...


@dataclass(frozen=True, slots=True)
class Courier:
    """Keeps and sends answers for one hub; several workers may take turns at once."""

    store: Store
    new_id: IdSource
    now: Callable[[], datetime]
    send: Send
    allows: Callable[[str], bool]

    def keep(self, tenant: str, url: str, media_type: str, action: str, body: bytes) -> None:
        """Take an answer over; raises BUSY where the tenant has as many waiting as it may."""
        now = self.now()
        row = Reply(self.new_id(), url, media_type, action, 0, now, now)

        def work(tx: Transaction) -> None:
            if len(tx.rows.select(Reply, order=("due_at",), limit=limits.REPLIES_WAITING)) >= limits.REPLIES_WAITING:
                raise SaddlebagError(
                    BUSY, "Too many answers wait for their addresses.", limit=limits.REPLIES_WAITING, retry_after=60
                )
            tx.rows.put(row)
            tx.rows.put(ReplyBody(row.id, body))

        self.store.run(tenant, work)

    def turn(self) -> int:
        """Send what is due, some of each tenant; how many arrived."""
        return sum(self._turn_of(each.name) for each in self.store.tenants() if each.enabled)

    def _turn_of(self, tenant: str) -> int:
        now = self.now()
        due = self.store.run(
            tenant,
            lambda tx: [each for each in tx.rows.select(Reply, order=("due_at",), limit=_TURN) if each.due_at <= now],
            read_only=True,
        )
        return sum(self._deliver(tenant, each) for each in due)

    def _deliver(self, tenant: str, reply: Reply) -> bool:
        claimed = replace(reply, attempts=reply.attempts + 1, due_at=self.now() + _CLAIM)
        if not self.store.run(tenant, lambda tx: self._claim(tx, reply, claimed)):
            return False
        body = self.store.run(tenant, lambda tx: tx.rows.get(ReplyBody, reply.id), read_only=True)
        arrived = body is not None and self._try(tenant, claimed, body.body)
        self.store.run(tenant, lambda tx: self._settle(tx, claimed, arrived=arrived))
        return arrived

    @staticmethod
    def _claim(tx: Transaction, reply: Reply, claimed: Reply) -> bool:
        """Take the answer unless another worker has: its row is still the one that was read."""
        return tx.rows.delete(Reply, id=reply.id, attempts=reply.attempts) == 1 and tx.rows.add(claimed)

    def _try(self, tenant: str, reply: Reply, body: bytes) -> bool:
        headers = {"Content-Type": f"{reply.media_type}; charset=utf-8", "User-Agent": "Saddlebag"}
        if reply.media_type == "text/xml":
            headers["SOAPAction"] = f'"{reply.action}"'
        else:
            headers["Content-Type"] += f'; action="{reply.action}"'
        try:
            status = self.send(reply.url, headers, body)
        except (Refused, OSError) as problem:
            log.warning(
                "answer not delivered", extra={"tenant": tenant, "reply": reply.id, "reason": str(problem)[:200]}
            )
            return False
        if not 200 <= status < 300:
            log.warning("answer refused", extra={"tenant": tenant, "reply": reply.id, "status": status})
        return 200 <= status < 300

    def _settle(self, tx: Transaction, reply: Reply, *, arrived: bool) -> None:
        now = self.now()
        if arrived or now - reply.created_at > timedelta(hours=limits.REPLY_HOURS):
            tx.rows.delete(Reply, id=reply.id)
            tx.rows.delete(ReplyBody, reply=reply.id)
            if not arrived:
                log.error(
                    "answer given up", extra={"tenant": tx.tenant.name, "reply": reply.id, "attempts": reply.attempts}
                )
            return
        wait = min(_FIRST_WAIT * 2 ** min(reply.attempts - 1, 12), _LONGEST_WAIT)
        tx.rows.put(replace(reply, due_at=now + wait))
