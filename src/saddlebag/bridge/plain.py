"""Plain data: what adapters hand over, how it is written as canonical JSON, and how it is read back.

Belongs here: the type and its one textual form, used for dead letters, content hashes and states. May not know:
entities. Binary floats are not plain data: money would change its last digit on the way.

    Decimal    {"$decimal": "1.20"}
    date       {"$date": "2026-11-21"}
    datetime   {"$datetime": "2026-11-21T10:00:00+00:00"}
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

Plain = str | bool | int | Decimal | date | datetime | None | Sequence["Plain"] | Mapping[str, "Plain"]
"""Text, truth, whole and exact decimal numbers, days, times, nothing, and lists and tables of these."""


def dumps(value: object) -> str:
    """The canonical JSON of plain data: sorted names, no white space, every character itself; raises TypeError."""
    return json.dumps(_to_json(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def loads(text: str) -> Any:
    """Plain data from its JSON."""
    return json.loads(text, object_hook=_from_json, parse_float=Decimal)


def digest(value: object) -> bytes:
    """The SHA-256 of the canonical JSON: equal data, equal bytes."""
    return sha256(dumps(value).encode("utf-8", "surrogatepass")).digest()


def _to_json(value: object) -> object:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Decimal):
        return {"$decimal": format(value, "f")}
    if isinstance(value, datetime):
        return {"$datetime": value.isoformat()}
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    if isinstance(value, Mapping):
        return {str(name): _to_json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_to_json(each) for each in value]
    raise TypeError(f"{type(value).__name__} is not plain data")


def _from_json(table: dict[str, Any]) -> Any:
    if len(table) == 1:
        ((name, text),) = table.items()
        if name in _READERS and isinstance(text, str):
            return _READERS[name](text)
    return table


_READERS: dict[str, Any] = {
    "$decimal": Decimal,
    "$date": date.fromisoformat,
    "$datetime": datetime.fromisoformat,
}
