"""Which deals make up a rep's week, as the demonstration picks its actors.

Belongs here: one question to the store. May not know: how the sync engine answers it.
"""

from __future__ import annotations

from datetime import date, timedelta

from saddlebag.model.builtin import OPEN_STAGES
from saddlebag.model.condition import And, Compare, Op, eq
from saddlebag.store.base import Store, StoredRecord

_DAYS = 7


def deals_of_week(store: Store, tenant: str, user: str, today: date) -> list[StoredRecord]:
    """The user's open deals that close from today on within seven days, by closing day."""
    where = And(
        (
            eq("owner", user),
            Compare("stage", Op.IN, OPEN_STAGES),
            Compare("closeDate", Op.GE, today),
            Compare("closeDate", Op.LT, today + timedelta(days=_DAYS)),
        )
    )
    found = store.run(tenant, lambda tx: tx.find("Deal", where), read_only=True)
    return sorted(found, key=lambda deal: (str(deal.values["closeDate"]), deal.id))
