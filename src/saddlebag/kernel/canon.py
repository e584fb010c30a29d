"""Lexical forms: how a value is written as text, and read back, the same on the hub and on a device.

Belongs here: the mapping between Python values and XML Schema lexical forms (XSD 1.1 Part 2), with one canonical form
for each value. May not know: fields, entities, elements.

    kind       Python value            canonical text
    string     str                     itself (XML 1.0 characters only, CR and CRLF as LF)
    boolean    bool                    true | false
    integer    int                     -?[0-9]+ without leading zeros
    decimal    Decimal                 plain digits, exactly the declared scale, never an exponent
    date       date                    YYYY-MM-DD
    datetime   aware datetime, UTC     YYYY-MM-DDThh:mm:ss[.ffffff]Z, no trailing zeros
    binary     bytes                   base64 without white space
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal, InvalidOperation


class LexicalError(ValueError):
    """The text is not a lexical form of the kind; the message says what was expected and never repeats the text."""


_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(Z|[+-][0-9]{2}:[0-9]{2})?")
_DATETIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_XML_SPACE = " \t\r\n"
_DIGITS_MAX = 40


def clean_text(text: str) -> str:
    """Return `text` with line ends as LF (XML 1.0, 2.11); raise LexicalError for a character that XML 1.0 forbids."""
    if _NOT_XML.search(text):
        raise LexicalError("the text holds a character that XML 1.0 does not allow")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def escape(text: str) -> str:
    """Escape character data canonically (Canonical XML 1.1, 2.3: & < > and CR)."""
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    if "\r" in text:
        text = text.replace("\r", "&#xD;")
    return text


def unescape(text: str) -> str:
    """Undo `escape`; other references never occur in canonical text."""
    if "&" not in text:
        return text
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&#xD;", "\r").replace("&amp;", "&")


def read_boolean(text: str) -> bool:
    """Read xs:boolean, white space collapsed."""
    try:
        return _BOOLEANS[text.strip(_XML_SPACE)]
    except KeyError:
        raise LexicalError("expected true or false") from None


def write_boolean(value: bool) -> str:
    """Write xs:boolean canonically."""
    return "true" if value else "false"


def read_integer(text: str) -> int:
    """Read xs:integer of at most 19 digits."""
    text = text.strip(_XML_SPACE)
    if _INTEGER.fullmatch(text) is None:
        raise LexicalError("expected a whole number of at most 19 digits")
    return int(text)


def write_integer(value: int) -> str:
    """Write xs:integer canonically."""
    return str(int(value))


def read_decimal(text: str) -> Decimal:
    """Read xs:decimal exactly: no exponent, no NaN, at most 40 digits."""
    text = text.strip(_XML_SPACE)
    if len(text) > _DIGITS_MAX or _DECIMAL.fullmatch(text) is None:
        raise LexicalError("expected a decimal number without exponent")
    return Decimal(text)


def write_decimal(value: Decimal, scale: int) -> str:
    """Write xs:decimal with exactly `scale` fraction digits; raise LexicalError where digits would be lost."""
    try:
        fixed = value.quantize(Decimal(1).scaleb(-scale))
    except InvalidOperation:
        raise LexicalError("the number has too many digits") from None
    if fixed != value:
        raise LexicalError(f"the number has more than {scale} fraction digits")
    if fixed.is_zero():
        fixed = abs(fixed)
    return format(fixed, "f")


def read_date(text: str) -> date:
    """Read xs:date; a time zone is allowed and dropped, as a calendar day is meant."""
    match = _DATE.fullmatch(text.strip(_XML_SPACE))
    if match is None:
        raise LexicalError("expected a date as YYYY-MM-DD")
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        raise LexicalError("the date does not exist") from None


def write_date(value: date) -> str:
    """Write xs:date canonically."""
    return f"{value.year:04d}-{value.month:02d}-{value.day:02d}"


def _offset(zone: str) -> timezone:
    if zone == "Z":
        return UTC
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    if minutes > 59 or hours * 60 + minutes > 14 * 60:
        raise LexicalError("the time zone is beyond 14 hours")
    delta = timedelta(hours=hours, minutes=minutes)
    return timezone(-delta if zone[0] == "-" else delta)


def read_datetime(text: str) -> datetime:
    """Read xs:dateTime into UTC; without a zone it is refused, 24:00:00 is the next day's start (XSD Part 2, 3.3.7)."""
    match = _DATETIME.fullmatch(text.strip(_XML_SPACE))
    if match is None:
        raise LexicalError("expected a time as YYYY-MM-DDThh:mm:ssZ")
    day, hour, minute, second, fraction, zone = match.groups()
    if zone is None:
        raise LexicalError("the time has no zone: add Z or an offset")
    micros = int((fraction or "0")[:6].ljust(6, "0"))
    next_day = hour == "24"
    if int(hour) > 24:
        raise LexicalError("the time does not exist")
    if next_day and (minute, second, micros) != ("00", "00", 0):
        raise LexicalError("the time does not exist")
    try:
        start = datetime.combine(
            date.fromisoformat(day), time(int(hour) % 24, int(minute), int(second), micros, _offset(zone))
        )
        return (start + timedelta(days=int(next_day))).astimezone(UTC)
    except (ValueError, OverflowError) as problem:
        if isinstance(problem, LexicalError):
            raise
        raise LexicalError("the time does not exist") from None


def write_datetime(value: datetime) -> str:
    """Write xs:dateTime canonically, in UTC; raise LexicalError for a time without zone."""
    if value.tzinfo is None:
        raise LexicalError("the time has no zone")
    text = value.astimezone(UTC).replace(tzinfo=None).isoformat()
    if value.microsecond:
        text = text.rstrip("0")
    return text + "Z"


def read_binary(text: str) -> bytes:
    """Read xs:base64Binary; garbage is refused, empty is empty."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise LexicalError("expected base64") from None


def write_binary(value: bytes) -> str:
    """Write xs:base64Binary canonically."""
    return base64.b64encode(value).decode("ascii")
