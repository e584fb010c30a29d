"""From a system's plain value to a field's value: types, code tables, rounding, hygiene.

Belongs here: one conversion per kind of field. May not know: where the value came from or what becomes of it. Length,
range and required are judged by the records path; here a value is only made to be of the field's type.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from saddlebag.bridge.rules import FieldRule
from saddlebag.kernel import canon
from saddlebag.kernel.errors import ADAPTER_RECORD, SaddlebagError
from saddlebag.model.fields import Field, Kind, Value


def convert(rule: FieldRule, raw: Any) -> Value:
    """The field's value of a system's value; raises ADAPTER_RECORD with the field."""
    if isinstance(raw, float):
        raise refusal(rule.field, "came as a binary float; the adapter must deliver exact decimals")
    try:
        if isinstance(raw, str):
            raw = _tidy(rule, raw)
        if raw is None or raw == "" or raw == []:
            return None
        return _KINDS[rule.field.kind](rule, raw)
    except (ValueError, TypeError, InvalidOperation) as problem:
        reason = str(problem) if isinstance(problem, canon.LexicalError) else f"is not a {rule.field.kind.value}"
        raise refusal(rule.field, reason) from None


def refusal(field: Field, reason: str) -> SaddlebagError:
    """Why a record cannot be taken over, for one of its fields; the foreign value itself is in the dead letter only."""
    return SaddlebagError(ADAPTER_RECORD, f"The value for {field.name} {reason}.", field=field.name)


def _tidy(rule: FieldRule, text: str) -> str:
    if rule.unescape:
        text = html.unescape(text)
    text = canon.clean_text(text).strip()
    if rule.lines:
        text = rule.lines.join(each.strip() for each in text.split("\n") if each.strip())
    return text


def _string(rule: FieldRule, raw: Any) -> str:
    if isinstance(raw, list | tuple):
        raw = (rule.join or ", ").join(_plain_text(each) for each in raw)
    text = _plain_text(raw)
    return text[: rule.field.length].rstrip() if rule.clip else text


def _plain_text(raw: Any) -> str:
    if isinstance(raw, str):
        return raw
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal):
        raise TypeError("not text")
    return format(raw, "f") if isinstance(raw, Decimal) else str(raw)


def _code(rule: FieldRule, raw: Any) -> str:
    text = str(raw).lower() if isinstance(raw, bool) else str(raw)
    if rule.codes and text in rule.codes:
        return rule.codes[text]
    if text in rule.field.values:
        return text
    raise canon.LexicalError("has no entry in the mapping's code table")


def _boolean(rule: FieldRule, raw: Any) -> bool:
    if isinstance(raw, bool | int) and raw in (0, 1):
        return bool(raw)
    return canon.read_boolean(str(raw).lower())


def _decimal(rule: FieldRule, raw: Any) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal | str):
        raise TypeError("not a number")
    number = canon.read_decimal(raw) if isinstance(raw, str) else Decimal(raw)
    if not number.is_finite():
        raise ValueError("not a number")
    number = number * rule.factor
    if rule.round:
        number = number.quantize(Decimal(1).scaleb(-rule.field.scale), ROUND_HALF_EVEN)
    return number


def _integer(rule: FieldRule, raw: Any) -> int:
    number = _decimal(rule, raw)
    whole = number.to_integral_value(ROUND_HALF_EVEN)
    if whole != number and not rule.round:
        raise canon.LexicalError("is not a whole number")
    return int(whole)


def _date(rule: FieldRule, raw: Any) -> date:
    if isinstance(raw, datetime):
        return _zoned(rule, raw).date()
    return raw if isinstance(raw, date) else canon.read_date(str(raw))


def _datetime(rule: FieldRule, raw: Any) -> datetime:
    if not isinstance(raw, datetime):
        raw = datetime.fromisoformat(str(raw))
    return _zoned(rule, raw).astimezone(UTC)


def _zoned(rule: FieldRule, moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(rule.zone))


def _tags(rule: FieldRule, raw: Any) -> tuple[str, ...]:
    listed = raw if isinstance(raw, list | tuple) else [raw]
    return tuple(dict.fromkeys(_plain_text(each) for each in listed))


_KINDS: Mapping[Kind, Callable[[FieldRule, Any], Value]] = {
    Kind.STRING: _string,
    Kind.TEXT: _string,
    Kind.CODE: _code,
    Kind.BOOLEAN: _boolean,
    Kind.INTEGER: _integer,
    Kind.DECIMAL: _decimal,
    Kind.DATE: _date,
    Kind.DATETIME: _datetime,
    Kind.REFERENCE: _string,
    Kind.TAGS: _tags,
}
