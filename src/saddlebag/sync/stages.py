"""Stages: a scope's claims asked one after another, each from the ids that the one before it was found to hold.

Belongs here: the order of asking. May not know: caps, pages, digests, where stamps come from.

The closed condition of a claim repeats the whole way from the root, so twelve of them walk its first steps twelve
times. In stages each step is walked once, and what it found is a parameter of those that start from it:

    closing            Deal: mine, open, closing this week                      asked: three hops start from it
    closing/customers  Customer: id in (customer of the deals that were found)  asked
    closing/contacts   Contact: customer in the customers that were found       left: nothing starts from it

What is left is asked with the others of its entity, in one question. Both ways mean the same records
(`tests/sync/test_stages.py`); the closed form is for single questions and for `touch`, which must see every subquery.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from saddlebag.model.condition import NEVER, Condition
from saddlebag.model.fields import Value
from saddlebag.store.base import Stamp
from saddlebag.sync.scope import Circumstances, Claim, Rule, held

Ask = Callable[[Claim, Condition], Sequence[Stamp]]
"""Gives the stamps of the records that meet a claim's bound condition."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A claim with its bound condition, and what it holds where that was asked (None: not yet)."""

    claim: Claim
    where: Condition
    found: Sequence[Stamp] | None


def staged(rules: Iterable[tuple[Rule, Mapping[str, Claim]]], known: Circumstances, ask: Ask) -> list[Stage]:
    """The stages of rules, each given with its `scope.stage_claims`."""
    made: list[Stage] = []
    for rule, claims in rules:
        made += _stages(rule, claims, known, ask)
    return made


def _stages(rule: Rule, claims: Mapping[str, Claim], known: Circumstances, ask: Ask) -> list[Stage]:
    starts = {hop.start for hop in rule.hops}
    ids: dict[str, Value] = {}
    made: list[Stage] = []
    for name, claim in claims.items():
        nowhere = claim.hop is not None and not ids[held(claim.hop.start)]
        where = NEVER if nowhere else known.bind(claim, rule.entity, ids)
        found = (() if nowhere else ask(claim, where)) if name in starts else None
        if found is not None:
            ids[held(name)] = tuple([each.id for each in found])
        made.append(Stage(claim, where, found))
    return made
