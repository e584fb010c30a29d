"""Cursors: how a device tells which page it has applied, without being able to make such a claim up.

Belongs here: the signed form. May not know: what a checkpoint stands for. No time is in it, so a cursor never expires.

    cursor = base64url, without padding, of body + mac
    body   = format byte 0x02, varint incarnation, varint checkpoint, varint scope version,
             8 bytes schema fingerprint, 4 bytes shape, device id
             format 0x01, of older hubs, has no shape
    mac    = first 16 bytes of HMAC-SHA256 (RFC 2104) under the tenant's secret over "cursor" NUL tenant NUL body
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from typing import Final

from saddlebag.kernel.errors import INVALID_CURSOR, SaddlebagError
from saddlebag.kernel.limits import ID_LENGTH

_FORMAT: Final = 2
_SHAPELESS: Final = 1
_SHAPE: Final = 4
_FORMATS: Final = (_FORMAT, _SHAPELESS)
_MAC: Final = 16
_TEXT_MAX: Final = 160


@dataclass(frozen=True, slots=True)
class Cursor:
    """What a cursor says; `schema` is the fingerprint of the schema that the page was made under (16 hex digits).

    `shape` stands for which fields of each entity are in all that the device holds at this checkpoint, 0 for unknown.
    """

    device: str
    incarnation: int
    checkpoint: int
    scope_version: int
    schema: str
    shape: int = 0


def write_cursor(cursor: Cursor, tenant: str, secret: bytes) -> str:
    """The cursor as signed text; at most 100 characters where the device id is a UUID."""
    numbers = b"".join(map(_varint, (cursor.incarnation, cursor.checkpoint, cursor.scope_version)))
    shape = cursor.shape.to_bytes(_SHAPE, "big")
    body = bytes((_FORMAT,)) + numbers + bytes.fromhex(cursor.schema) + shape + cursor.device.encode("ascii")
    return base64.urlsafe_b64encode(body + _sign(body, tenant, secret)).rstrip(b"=").decode("ascii")


def read_cursor(text: str, tenant: str, secret: bytes) -> Cursor:
    """The cursor that `text` says; raises INVALID_CURSOR, with the same words whatever is wrong with it."""
    try:
        if len(text) > _TEXT_MAX:
            raise ValueError("too long")
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        body, mac = data[:-_MAC], data[-_MAC:]
        # base64 leaves spare bits: another text of the same bytes is not the cursor that was given out.
        spelled = base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
        if spelled != text or not hmac.compare_digest(mac, _sign(body, tenant, secret)) or body[0] not in _FORMATS:
            raise ValueError("not signed by this tenant")
        return _read(body)
    except (ValueError, IndexError, binascii.Error):
        raise SaddlebagError(INVALID_CURSOR) from None


def _read(body: bytes) -> Cursor:
    numbers: list[int] = []
    position = 1
    for _ in range(3):
        number, shift = 0, 0
        while body[position] & 0x80:
            number |= (body[position] & 0x7F) << shift
            position, shift = position + 1, shift + 7
        numbers.append(number | body[position] << shift)
        position += 1
    schema, position = body[position : position + 8].hex(), position + 8
    shape = 0
    if body[0] == _FORMAT:
        shape, position = int.from_bytes(body[position : position + _SHAPE], "big"), position + _SHAPE
    device = body[position:].decode("ascii")
    if len(device) > ID_LENGTH:
        raise ValueError("no device id")
    incarnation, checkpoint, scope_version = numbers
    return Cursor(device, incarnation, checkpoint, scope_version, schema, shape)


def _varint(number: int) -> bytes:
    if number < 0:
        raise ValueError("a cursor's numbers are not negative")
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _sign(body: bytes, tenant: str, secret: bytes) -> bytes:
    return hmac.digest(secret, b"cursor\0" + tenant.encode() + b"\0" + body, "sha256")[:_MAC]
