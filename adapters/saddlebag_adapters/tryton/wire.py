"""Tryton's JSON: values that JSON has no form for, both ways.

Belongs here: encoding and decoding. May not know: HTTP, models.

    {"__class__": "Decimal", "decimal": "12.3400"}
    {"__class__": "date", "year": 2026, "month": 11, "day": 21}
    {"__class__": "datetime", ..., "hour": 17, "minute": 38, "second": 26, "microsecond": 945794}     UTC, no offset
    {"__class__": "time" | "timedelta" | "bytes" | ...}

Quantities come as JSON numbers with a fraction: they are read as the decimal that was written, never as a binary float.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any


def encode(value: object) -> bytes:
    """The JSON of a request."""
    return json.dumps(value, default=_table, separators=(",", ":")).encode()


def decode(content: bytes) -> Any:
    """The value of an answer; raises ValueError for what is no JSON or holds an impossible date."""
    return json.loads(content, object_hook=_value, parse_float=Decimal)


def _table(value: object) -> dict[str, object]:
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
        return {"__class__": "datetime", **{name: getattr(moment, name) for name in names}}
    if isinstance(value, date):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    raise TypeError(f"{type(value).__name__} has no form in Tryton's JSON")


def _value(table: dict[str, Any]) -> Any:
    reader = _READERS.get(str(table.get("__class__", "")))
    return reader(table) if reader else table


def _datetime(table: Mapping[str, Any]) -> datetime:
    day = datetime(int(table["year"]), int(table["month"]), int(table["day"]), tzinfo=UTC)
    names = ("hour", "minute", "second", "microsecond")
    hour, minute, second, microsecond = (int(table.get(name, 0)) for name in names)
    return day.replace(hour=hour, minute=minute, second=second, microsecond=microsecond)


_READERS: dict[str, Callable[[Mapping[str, Any]], object]] = {
    "Decimal": lambda table: Decimal(str(table["decimal"])),
    "date": lambda table: date(int(table["year"]), int(table["month"]), int(table["day"])),
    "datetime": _datetime,
}
