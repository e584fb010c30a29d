"""Column types: how a value lies in SQLite and in PostgreSQL so that both compare, order and add it alike.

Belongs here: the mapping of values to columns. May not know: entities, tables, statements.

    value      SQLite                              PostgreSQL
    text       TEXT (bytes of UTF-8 compared)      TEXT COLLATE "C" (the same order: code points)
    decimal    scaled integer, or digits as text   NUMERIC(digits, scale)
    datetime   microseconds since 1970, UTC        TIMESTAMP WITH TIME ZONE
    tags       JSON text                           JSON text
    hash       signed 64 bit                       signed 64 bit
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

from sqlalchemy import BigInteger, DateTime, Numeric, Text
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

TEXT: TypeEngine[str] = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""Text that both databases compare by code point."""

WIDE = Context(prec=200)
"""Arithmetic that loses no digit of any number that the wire can carry."""

INTEGER_DIGITS = 18
"""The most digits of a scaled integer: 10^18 - 1 fits 64 bits."""

INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TWO_64 = 1 << 64


def to_signed(unsigned: int) -> int:
    """An unsigned 64-bit number as the signed one of the same bits."""
    return unsigned - _TWO_64 if unsigned > INT64_MAX else unsigned


def to_unsigned(signed: int) -> int:
    """Undo `to_signed`."""
    return signed + _TWO_64 if signed < 0 else signed


def tags_to_text(tags: Sequence[str]) -> str | None:
    """Tags as JSON in which a quotation mark or comma always is punctuation; None for no tag.

    Tags escape both inside themselves, so that `tag_needle` is found exactly where the tag is an item.
    """
    return f"[{','.join([tag_needle(each) for each in tags])}]" if tags else None


def tag_needle(tag: str) -> str:
    """The text that `tags_to_text` holds if and only if `tag` is among the tags."""
    inner = json.dumps(tag, ensure_ascii=False)[1:-1]
    return '"' + inner.replace('\\"', "\\u0022").replace(",", "\\u002c") + '"'


class Hash64(TypeDecorator[int]):
    """An unsigned 64-bit number; SQL has only signed ones."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        return None if value is None else to_signed(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> int | None:
        return None if value is None else to_unsigned(value)


class UtcTime(TypeDecorator[datetime]):
    """A moment; a datetime without zone is refused, as it would mean another moment on each machine."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        native = dialect.name == "postgresql"
        return dialect.type_descriptor(DateTime(timezone=True) if native else BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime to be stored has no time zone")
        return value if dialect.name == "postgresql" else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if dialect.name != "postgresql":
            return _EPOCH + timedelta(microseconds=value)
        moment: datetime = value
        return moment.astimezone(UTC)


class Tags(TypeDecorator[tuple[str, ...]]):
    """Tags in their order; no tag is no value."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(TEXT.dialect_impl(dialect))

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:
        return None if value is None else tags_to_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[str, ...] | None:
        return None if value is None else tuple(json.loads(value))


class Exact(TypeDecorator[Decimal]):
    """A decimal of declared digits and scale; SQLite would make a binary float of it, so it gets whole numbers.

    Beyond 18 digits SQLite gets `value * 10^scale + 10^digits` as text of fixed width, which orders as the numbers do.
    """

    impl = Numeric
    cache_ok = True

    def __init__(self, digits: int, scale: int) -> None:
        super().__init__(digits, scale)
        self.digits = digits
        self.scale = scale

    @property
    def is_text(self) -> bool:
        """Whether SQLite holds the number as text."""
        return self.digits > INTEGER_DIGITS

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Numeric(self.digits, self.scale))
        return dialect.type_descriptor(Text() if self.is_text else BigInteger())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        scaled = Decimal(value).scaleb(self.scale, WIDE)
        whole = int(scaled)
        if whole != scaled or abs(whole) >= 10**self.digits:
            raise ValueError(f"a number does not fit {self.digits} digits with {self.scale} after the point")
        if dialect.name == "postgresql":
            return value
        return f"{whole + 10**self.digits:0{self.digits + 1}d}" if self.is_text else whole

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        if value is None or dialect.name == "postgresql":
            return value  # type: ignore[no-any-return]
        whole = int(value) - 10**self.digits if self.is_text else value
        return self.of_whole(whole)

    def of_whole(self, whole: int) -> Decimal:
        """The number of a count of its smallest units."""
        return Decimal(whole).scaleb(-self.scale, WIDE)


class TextList(TypeDecorator[list[str]]):
    """A parameter of any number of texts, one parameter to the database whatever their number."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        native = dialect.name == "postgresql"
        return dialect.type_descriptor(postgresql.ARRAY(Text()) if native else Text())

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else json.dumps(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> list[str] | None:
        raise TypeError("a list of texts is a parameter, never a column")
