"""What a scope's closed conditions hold by the reference meaning of conditions, record by record and without SQL.

Evaluation asks the store stage by stage, and must hold the same.
"""

from __future__ import annotations

from saddlebag.model.condition import ALWAYS, Within, holds
from saddlebag.model.fields import Value
from saddlebag.store.base import Transaction
from saddlebag.sync.target import Question, bound_claims


def closed(tx: Transaction, asked: Question) -> dict[str, set[str]]:
    """Ids by entity."""
    read: dict[str, list[dict[str, Value]]] = {}
    selected: dict[Within, frozenset[Value]] = {}

    def records(entity: str) -> list[dict[str, Value]]:
        if entity not in read:
            read[entity] = [{**each.values, "id": each.id} for each in tx.find(entity, ALWAYS)]
        return read[entity]

    def subquery(within: Within) -> frozenset[Value]:
        if within not in selected:
            found = [each for each in records(within.entity) if holds(within.where, each, subquery)]
            selected[within] = frozenset(value for each in found if (value := each.get(within.select)) is not None)
        return selected[within]

    bound = bound_claims(asked.scope, asked.known, asked.principal, tx.schema)
    found = {
        entity: {
            str(each["id"]) for each in records(entity) if any(holds(claim.where, each, subquery) for claim in listed)
        }
        for entity, listed in bound.items()
    }
    return {entity: ids for entity, ids in found.items() if ids}
