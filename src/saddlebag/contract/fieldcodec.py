"""One field between value and text: what is allowed, and its canonical form.

Belongs here: `FieldCodec`, made once for a field from its declaration, on the lexical forms of
`saddlebag.kernel.canon`. May not know: elements, records, storage. The XSD builder publishes the same bounds; a test
compares the two.

    kind                 white space   empty text      further bounds
    string, text         kept          is no value     length
    code, reference      trimmed       refused         listed values; form of an id
    tags                 trimmed       refused         length of each; kept sorted, each once
    boolean, date,       trimmed       refused         -
    datetime                                           zone required
    integer, decimal     trimmed       refused         minimum, maximum, 64 bit; digits, scale
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from saddlebag.kernel import canon, ids
from saddlebag.kernel.canon import LexicalError
from saddlebag.kernel.errors import INVALID_VALUE, SaddlebagError
from saddlebag.model.fields import Field, Kind, Value

LONG_MIN = -(2**63)
"""The least xs:long: what every database and every client language holds."""
LONG_MAX = 2**63 - 1
"""The greatest xs:long."""

_ID = re.compile(ids.ID_PATTERN)
_SPACE = " \t\r\n"
_RUN_OF_SPACE = re.compile(f"[{_SPACE}]+")

Checker = Callable[[Any], Value]
"""Takes a value of any type, gives the normal form of it; raises LexicalError."""


class FieldCodec:
    """A field's way from text to value and back.

    `check` takes a Python value, `parse` a text; both give the value's normal form (None for an empty string) or raise
    LexicalError with a sentence that never repeats what was sent. `text` writes a normal value canonically.
    """

    __slots__ = ("check", "entity", "field", "is_list", "name", "parse", "text")

    def __init__(self, entity: str, field: Field) -> None:
        self.entity = entity
        self.field = field
        self.name = field.name
        self.is_list = field.is_list
        self.check, self.parse, self.text = _BUILDERS[field.kind](field)

    def checked(self, value: Value) -> Value:
        """The normal form of a value, a tuple for a list; raises INVALID_VALUE."""
        if value is None:
            return None
        try:
            return self._each(self.check, value) if self.is_list else self.check(value)
        except LexicalError as problem:
            raise self.refusal(str(problem)) from None

    def parsed(self, text: str | Iterable[str] | None) -> Value:
        """The value of a text, of several for a list; raises INVALID_VALUE."""
        if text is None:
            return None
        try:
            if self.is_list:
                return self._each(self.parse, (text,) if isinstance(text, str) else text)
            if not isinstance(text, str):
                raise LexicalError("expected one value")
            return self.parse(text)
        except LexicalError as problem:
            raise self.refusal(str(problem)) from None

    def refusal(self, sentence: str) -> SaddlebagError:
        """INVALID_VALUE that names entity and field."""
        return SaddlebagError(
            INVALID_VALUE, f"{self.entity}.{self.name}: {sentence}.", entity=self.entity, field=self.name
        )

    @staticmethod
    def _each(one: Checker, given: Any) -> Value:
        if isinstance(given, str) or not isinstance(given, Iterable):
            raise LexicalError("expected a list")
        return tuple(sorted({str(one(each)) for each in given})) or None


Built = tuple[Checker, Callable[[str], Value], Callable[[Any], str]]


def _text(field: Field) -> Built:
    length = field.length

    def check(value: Any) -> Value:
        if not isinstance(value, str):
            raise LexicalError("expected text")
        if not value.isprintable():
            value = canon.clean_text(value)
        if len(value) > length:
            raise LexicalError(f"the text is longer than {length} characters")
        return value or None

    return check, check, str


def _tag(field: Field) -> Built:
    length = field.length

    def check(value: Any) -> Value:
        if not isinstance(value, str):
            raise LexicalError("expected text")
        tag = _RUN_OF_SPACE.sub(" ", canon.clean_text(value)).strip(" ")
        if not 0 < len(tag) <= length:
            raise LexicalError(f"expected 1 to {length} characters")
        return tag

    return check, check, str


def _code(field: Field) -> Built:
    allowed = {each: each for each in field.values}

    def parse(text: str) -> Value:
        try:
            return allowed[text.strip(_SPACE)]
        except (KeyError, AttributeError, TypeError):
            raise LexicalError("expected one of " + ", ".join(field.values)) from None

    return parse, parse, str


def _reference(field: Field) -> Built:
    def parse(text: Any) -> Value:
        if not isinstance(text, str) or _ID.fullmatch(text := text.strip(_SPACE)) is None:
            raise LexicalError(f"expected the id of a {field.target}")
        return text

    return parse, parse, str


def _boolean(field: Field) -> Built:
    def check(value: Any) -> Value:
        if not isinstance(value, bool):
            raise LexicalError("expected true or false")
        return value

    return check, canon.read_boolean, canon.write_boolean


def _integer(field: Field) -> Built:
    least, most = integer_bounds(field)

    def check(value: Any) -> Value:
        if not isinstance(value, int) or isinstance(value, bool):
            raise LexicalError("expected a whole number")
        if not least <= value <= most:
            raise LexicalError(f"expected a number from {least} to {most}")
        return value

    return check, lambda text: check(canon.read_integer(text)), str


def _decimal(field: Field) -> Built:
    least, most = decimal_bounds(field)
    scale, step = field.scale, Decimal(1).scaleb(-field.scale)

    def check(value: Any) -> Value:
        if isinstance(value, int) and not isinstance(value, bool):
            value = Decimal(value)
        if not isinstance(value, Decimal) or not value.is_finite():
            raise LexicalError("expected a decimal number")
        if not least <= value <= most:
            raise LexicalError(f"expected a number from {least} to {most}")
        fixed = value.quantize(step)
        if fixed != value:
            raise LexicalError(f"the number has more than {scale} fraction digits")
        return fixed if fixed else abs(fixed)

    return check, lambda text: check(canon.read_decimal(text)), lambda value: canon.write_decimal(value, scale)


def _date(field: Field) -> Built:
    def check(value: Any) -> Value:
        if not isinstance(value, date) or isinstance(value, datetime):
            raise LexicalError("expected a date")
        return value

    return check, canon.read_date, canon.write_date


def _datetime(field: Field) -> Built:
    def check(value: Any) -> Value:
        if not isinstance(value, datetime):
            raise LexicalError("expected a time")
        if value.tzinfo is None:
            raise LexicalError("the time has no zone")
        return value.astimezone(UTC)

    return check, canon.read_datetime, canon.write_datetime


_BUILDERS: dict[Kind, Callable[[Field], Built]] = {
    Kind.STRING: _text,
    Kind.TEXT: _text,
    Kind.CODE: _code,
    Kind.BOOLEAN: _boolean,
    Kind.INTEGER: _integer,
    Kind.DECIMAL: _decimal,
    Kind.DATE: _date,
    Kind.DATETIME: _datetime,
    Kind.REFERENCE: _reference,
    Kind.TAGS: _tag,
}


def integer_bounds(field: Field) -> tuple[int, int]:
    """Least and greatest value of an integer field: the declared ones, else those of 64 bit."""
    least = LONG_MIN if field.minimum is None else field.minimum
    most = LONG_MAX if field.maximum is None else field.maximum
    return least, most


def decimal_bounds(field: Field) -> tuple[Decimal, Decimal]:
    """Least and greatest value of a decimal field: the declared ones, else what digits and scale can hold.

    The digits before the point are `digits - scale`, as in SQL's NUMERIC; XSD's totalDigits alone would let more in.
    """
    most = (Decimal(10) ** field.digits - 1).scaleb(-field.scale)
    least = -most if field.minimum is None else Decimal(field.minimum)
    return least, most if field.maximum is None else min(most, Decimal(field.maximum))
