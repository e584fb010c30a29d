"""What a scope's closed conditions hold: evaluation asks stage by stage and must hold the same."""

from __future__ import annotations

from saddlebag.model.condition import either
from saddlebag.store.base import Transaction
from saddlebag.sync.target import Question, bound_claims


def closed(tx: Transaction, asked: Question) -> dict[str, set[str]]:
    """Ids by entity."""
    bound = bound_claims(asked.scope, asked.known, asked.principal, tx.schema)
    found = {
        entity: {each.id for each in tx.stamps(entity, either(*(claim.where for claim in listed)))}
        for entity, listed in bound.items()
    }
    return {entity: ids for entity, ids in found.items() if ids}
