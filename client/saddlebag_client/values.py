"""Values as people write them, made lexical and checked before they leave the keyboard.

Belongs here: one reader per kind of field, required fields, bounds. May not know: where values are kept. The hub checks
everything again; what is refused here is refused early, with a sentence, while the person still knows what she meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Final

from saddlebag.kernel import canon
from saddlebag.kernel.canon import LexicalError
from saddlebag.kernel.errors import INVALID_VALUE, READ_ONLY_FIELD, REQUIRED_FIELD, SaddlebagError
from saddlebag_client.describe import EntityInfo, FieldInfo
from saddlebag_client.rows import Texts

_YES: Final = {"yes": "true", "y": "true", "no": "false", "n": "false"}


Resolve = Callable[[str, str], str]
"""Gives the id of the record of an entity that a person names."""


def assignments(
    entity: EntityInfo, words: Iterable[str], resolve: Resolve, zone: tzinfo | None = None
) -> dict[str, Texts]:
    """The fields that `field=value` words set; an empty value clears. References are looked up by `resolve`."""
    found: dict[str, Texts] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise SaddlebagError(INVALID_VALUE, f"Write field=value, not {word!r}.", entity=entity.name)
        info = entity.field(name.strip())
        if info.target and text.strip() and not info.read_only:
            text = resolve(info.target, text)
        found[info.name] = value(entity, info, text, zone)
    return found


def value(entity: EntityInfo, info: FieldInfo, text: str, zone: tzinfo | None = None) -> Texts:
    """The field's lexical text for what a person wrote; a time without a zone is in `zone`."""
    if info.read_only:
        reason = f"{info.title} is kept by the office and cannot be changed here."
        raise SaddlebagError(READ_ONLY_FIELD, reason, entity=entity.name, field=info.name)
    if not text.strip():
        if info.required:
            raise _missing(entity, info)
        return None
    try:
        return _read(info, text, zone)
    except LexicalError as problem:
        reason = f"{info.title}: {problem}."
        raise SaddlebagError(INVALID_VALUE, reason, entity=entity.name, field=info.name) from None


def complete(entity: EntityInfo, values: Mapping[str, Texts]) -> None:
    """Check that a new record has every field that it needs."""
    for info in entity.fields:
        if info.required and not info.read_only and not values.get(info.name) and info.default is None:
            raise _missing(entity, info)


def _missing(entity: EntityInfo, info: FieldInfo) -> SaddlebagError:
    return SaddlebagError(REQUIRED_FIELD, f"{entity.name} needs a {info.title}.", entity=entity.name, field=info.name)


def _read(info: FieldInfo, text: str, zone: tzinfo | None) -> Texts:
    if info.is_list:
        tags = sorted({_bounded(info, each.strip()) for each in text.split(",") if each.strip()})
        return tuple(tags) or None
    return _READERS.get(info.kind, _bounded)(info, text) if info.kind != "datetime" else _time(text, zone)


def _bounded(info: FieldInfo, text: str) -> str:
    text = canon.clean_text(text)
    if info.length and len(text) > info.length:
        raise LexicalError(f"at most {info.length} characters, not {len(text)}")
    return text


def _code(info: FieldInfo, text: str) -> str:
    for each in info.values:
        if each.lower() == text.strip().lower():
            return each
    raise LexicalError(f"expected one of {', '.join(info.values)}")


def _boolean(info: FieldInfo, text: str) -> str:
    text = text.strip().lower()
    return canon.write_boolean(canon.read_boolean(_YES.get(text, text)))


def _integer(info: FieldInfo, text: str) -> str:
    number = canon.read_integer(text)
    _in_range(info, Decimal(number))
    return canon.write_integer(number)


def _decimal(info: FieldInfo, text: str) -> str:
    number = canon.read_decimal(text)
    _in_range(info, number)
    written = canon.write_decimal(number, info.scale)
    if info.digits and len(written.strip("-").replace(".", "").lstrip("0")) > info.digits:
        raise LexicalError(f"at most {info.digits} digits")
    return written


def _in_range(info: FieldInfo, number: Decimal) -> None:
    if info.minimum is not None and number < Decimal(info.minimum):
        raise LexicalError(f"at least {info.minimum}")
    if info.maximum is not None and number > Decimal(info.maximum):
        raise LexicalError(f"at most {info.maximum}")


def _date(info: FieldInfo, text: str) -> str:
    return canon.write_date(canon.read_date(text))


def _time(text: str, zone: tzinfo | None) -> str:
    """XML Schema's form, or "2026-11-25 14:00" in the reader's own zone."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise LexicalError("expected a time as YYYY-MM-DD hh:mm") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone) if zone else moment.astimezone()
    return canon.write_datetime(moment)


_READERS: Final[Mapping[str, Callable[[FieldInfo, str], str]]] = {
    "code": _code,
    "boolean": _boolean,
    "integer": _integer,
    "decimal": _decimal,
    "date": _date,
}
