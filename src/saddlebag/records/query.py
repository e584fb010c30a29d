"""Queries: a caller's filters and orders as a condition, and pages with a locator.

Belongs here: the meaning of filters, and where a search goes on. May not know: SOAP, sessions.

    locator = sealed JSON [digest of the search, [text or null per order term], id of the last record]

A locator holds where the last page ended, not a place in a list: it works after a restart, on another node, and when
records have come and gone. It is bound to the caller and the search; anything else is INVALID_LOCATOR.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol, cast

from saddlebag.contract.codec import EntityCodec, codec_for
from saddlebag.kernel import canon, limits
from saddlebag.kernel.errors import INVALID_FILTER, INVALID_LOCATOR, INVALID_VALUE, TOO_MANY_RECORDS, SaddlebagError
from saddlebag.model.condition import Compare, Condition, Missing, Not, Op, both
from saddlebag.model.entities import SYSTEM_FIELDS, Entity
from saddlebag.model.fields import Kind, Value
from saddlebag.records.path import Records
from saddlebag.security.principal import Principal
from saddlebag.security.tokens import open_seal, seal
from saddlebag.store.base import Order, StoredRecord, Transaction

PAGE: int = 100
"""Records in a page where the caller asks for no number."""

_PURPOSE = "search"
_TEXTS = frozenset({Kind.STRING, Kind.TEXT, Kind.CODE, Kind.REFERENCE})
_ORDERED = frozenset({Op.LT, Op.LE, Op.GT, Op.GE})
_UNORDERED = frozenset({Kind.BOOLEAN, Kind.TAGS, Kind.REFERENCE})
_UNSORTED = frozenset({Kind.TEXT, Kind.TAGS})


class Piece(Protocol):
    """What is streamed of a record."""

    @property
    def id(self) -> str:
        """The record's id."""
        ...

    @property
    def fragment(self) -> str:
        """What devices get."""
        ...

    @property
    def tail(self) -> str:
        """The rest."""
        ...


@dataclass(frozen=True, slots=True)
class Page:
    """Records of a search, and where it goes on (None at its end)."""

    records: Sequence[Piece]
    locator: str | None


@dataclass(frozen=True, slots=True)
class Search:
    """A search as a caller sent it (`filters` and `orders` as contract.common has them), within a `scope`."""

    entity: str
    filters: Sequence[Mapping[str, Any]] = ()
    orders: Sequence[Mapping[str, Any]] = ()
    limit: int | None = None
    locator: str | None = None
    scope: Condition | None = None


def search(tx: Transaction, records: Records, principal: Principal, asked: Search) -> Page:
    """One page of a search.

    Raises INVALID_FILTER, INVALID_LOCATOR, INVALID_VALUE and TOO_MANY_RECORDS.
    """
    codec = codec_for(tx.schema)[tx.schema.entity(asked.entity).name]
    where = both(condition_of(codec, asked.filters), *([asked.scope] if asked.scope else []))
    order = orders_of(codec.entity, asked.orders)
    limit = page_limit(asked.limit)
    digest = _digest(principal, asked)
    after = _position(tx, codec, order, digest, asked.locator)
    if not order:
        where = both(where, *([Compare("id", Op.GT, after[-1])] if after else []))
        pieces: Sequence[Piece] = records.renderings(asked.entity, where, order, limit=limit + 1)
    else:
        pieces = records.search(asked.entity, where, order, after, limit + 1)
    if len(pieces) <= limit:
        return Page(pieces, None)
    return Page(pieces[:limit], _locator(tx, codec, order, digest, pieces[limit - 1]))


def page_limit(limit: int | None) -> int:
    """The number of records of a page; raises TOO_MANY_RECORDS and INVALID_VALUE."""
    if limit is None:
        return PAGE
    if limit > limits.RECORDS_PER_CALL:
        raise SaddlebagError(TOO_MANY_RECORDS, field="limit", count=limit, limit=limits.RECORDS_PER_CALL)
    if limit < 1:
        raise SaddlebagError(INVALID_VALUE, "A limit is at least 1.", field="limit")
    return limit


def condition_of(codec: EntityCodec, filters: Sequence[Mapping[str, Any]]) -> Condition:
    """The condition that all terms state; raises INVALID_FILTER naming the field."""
    if len(filters) > limits.FILTER_TERMS:
        raise SaddlebagError(INVALID_FILTER, "The search has too many terms.", limit=limits.FILTER_TERMS)
    return both(*(_term(codec, each) for each in filters))


def orders_of(entity: Entity, orders: Sequence[Mapping[str, Any]]) -> list[Order]:
    """The order of a search; raises INVALID_FILTER naming the field."""
    if len(orders) > limits.ORDER_TERMS:
        raise SaddlebagError(INVALID_FILTER, "The order has too many terms.", limit=limits.ORDER_TERMS)
    for each in orders:
        name = each["field"]
        if not _known(entity, name) or (entity.has(name) and entity.field(name).kind in _UNSORTED):
            raise _bad(entity, name, "is no field to order by")
    return [Order(each["field"], bool(each.get("descending"))) for each in orders]


def _term(codec: EntityCodec, term: Mapping[str, Any]) -> Condition:
    name, operator, texts = str(term["field"]), str(term["op"]), list(term.get("value") or ())
    if not _known(codec.entity, name):
        raise _bad(codec.entity, name, "is no field of the entity")
    if operator in ("missing", "present"):
        _check_count(codec, name, texts, 0, 0)
        return Missing(name) if operator == "missing" else Not(Missing(name))
    try:
        op = Op(operator)
    except ValueError:
        raise _bad(codec.entity, name, "is compared in an unknown way") from None
    _check_fit(codec, name, op)
    _check_count(codec, name, texts, 1, limits.FILTER_VALUES if op is Op.IN else 1)
    values = [_value(codec, name, op, each) for each in texts]
    return Compare(name, op, cast(Value, tuple(values)) if op is Op.IN else values[0])


def _check_fit(codec: EntityCodec, name: str, op: Op) -> None:
    kind = codec.field(name).field.kind
    fits = (
        kind in _TEXTS
        if op in (Op.PREFIX, Op.CONTAINS)
        else kind not in _UNORDERED
        if op in _ORDERED
        else (kind is Kind.TAGS) == (op is Op.HAS)
    )
    if not fits:
        raise _bad(codec.entity, name, f"cannot be compared by {op}")


def _check_count(codec: EntityCodec, name: str, texts: Sequence[str], least: int, most: int) -> None:
    if not least <= len(texts) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise _bad(codec.entity, name, f"is compared with {len(texts)} values instead of {wanted}")


def _value(codec: EntityCodec, name: str, op: Op, text: str) -> Value:
    try:
        value = canon.clean_text(text) if op in (Op.PREFIX, Op.CONTAINS) else codec.value(name, text)
    except (SaddlebagError, canon.LexicalError):
        raise _bad(codec.entity, name, "is compared with a value that it cannot have") from None
    if op is Op.HAS and isinstance(value, tuple):
        value = value[0]
    if value in (None, ""):
        raise _bad(codec.entity, name, "is compared with no value: use missing or present")
    return value


def _known(entity: Entity, name: str) -> bool:
    return entity.has(name) or name in SYSTEM_FIELDS


def _bad(entity: Entity, name: str, why: str) -> SaddlebagError:
    return SaddlebagError(INVALID_FILTER, f"{name} {why}.", entity=entity.name, field=name)


def _digest(principal: Principal, asked: Search) -> str:
    """What a locator is bound to: who searches, what, and in which order."""
    terms = [[each["field"], each["op"], list(each.get("value") or ())] for each in asked.filters]
    orders = [[each["field"], bool(each.get("descending"))] for each in asked.orders]
    data = json.dumps([principal.user, asked.entity, terms, orders, repr(asked.scope)])
    return sha256(data.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _locator(tx: Transaction, codec: EntityCodec, order: Sequence[Order], digest: str, last: Piece) -> str:
    texts: list[object] = []
    if isinstance(last, StoredRecord):
        texts = [codec.text(each.field, _held(last, each.field)) for each in order]
    content = json.dumps([digest, texts, last.id], separators=(",", ":"))
    return seal(tx.tenant.secret, _PURPOSE, content.encode())


def _position(
    tx: Transaction, codec: EntityCodec, order: Sequence[Order], digest: str, locator: str | None
) -> list[Value] | None:
    if locator is None:
        return None
    content = open_seal(tx.tenant.secret, _PURPOSE, locator)
    if content is None:
        raise SaddlebagError(INVALID_LOCATOR)
    bound, texts, last = json.loads(content)
    if bound != digest or len(texts) != len(order):
        raise SaddlebagError(INVALID_LOCATOR)
    return [*(codec.value(each.field, text) for each, text in zip(order, texts, strict=True)), last]


def _held(record: StoredRecord, name: str) -> Value:
    system: dict[str, Value] = {
        "id": record.id,
        "version": record.version,
        "createdAt": record.created_at,
        "modifiedAt": record.modified_at,
    }
    return system[name] if name in system else record.values.get(name)
