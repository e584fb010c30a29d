"""Every bound of the hub by name, with its value, unit and reason.

Belongs here: numbers that a caller can meet. May not know: how they are enforced.
A limit is a constant, never a literal somewhere else, so that the manual can list them.
"""

from __future__ import annotations

from typing import Final

RECORDS_PER_CALL: Final = 200
"""Records in one write call or one page of a search (the figure that Salesforce and Dynamics integrators know)."""

ID_LENGTH: Final = 36
"""Characters of a record id: a UUID's textual form fits."""

EXTERNAL_ID_LENGTH: Final = 128
"""Characters of an outside system's id."""

KEY_LENGTH: Final = 128
"""Characters of an idempotency key or client name."""

STRING_LENGTH: Final = 255
"""Characters of a string field that declares no other length."""

TEXT_LENGTH: Final = 32_000
"""Characters of a text field that declares no other length."""

FILTER_TERMS: Final = 20
"""Terms in one search filter."""

FILTER_VALUES: Final = 200
"""Values in one `in` term of a filter."""

ORDER_TERMS: Final = 3
"""Fields that a search may be ordered by."""

MESSAGE_BYTES: Final = 8 * 1024 * 1024
"""Bytes of one request body after decompression."""

COMPRESSED_BYTES: Final = 2 * 1024 * 1024
"""Bytes of one request body as it comes in, when it is compressed."""

COMPRESSION_RATIO: Final = 100
"""Decompressed bytes for a compressed one, beyond the first 64 KiB."""

XML_DEPTH: Final = 32
"""Open elements at once."""

XML_ELEMENTS: Final = 100_000
"""Elements in one message."""

XML_ATTRIBUTES: Final = 64
"""Attributes of one element: lxml's `items()` is quadratic in them."""

XML_ATTRIBUTES_TOTAL: Final = 50_000
"""Attributes, namespace declarations among them, in one message: a million cost 200 MB of tree."""

HEADER_BLOCKS: Final = 32
"""Header blocks in one envelope."""

XML_NAMESPACES: Final = 64
"""Different namespace names in one message, and declarations in scope at once; zeep gives each element a new prefix."""

XML_NAME_LENGTH: Final = 256
"""Characters of an element or attribute name."""

XML_TEXT_LENGTH: Final = 1_000_000
"""Characters of one run of text or one attribute value."""

PAGE_BYTES_DEFAULT: Final = 256 * 1024
"""Uncompressed bytes of records in one page of a pull where the device asks for none."""

PAGE_BYTES_MAX: Final = 4 * 1024 * 1024
"""Uncompressed bytes of records in one page that a device may ask for."""

PAGE_BYTES_MIN: Final = 4 * 1024
"""The smallest page budget: one record always fits, whatever its size."""

PUSH_OPERATIONS: Final = 1_000
"""Operations in one push."""

ATTACHMENT_BYTES: Final = 25 * 1024 * 1024
"""Bytes of one attachment: a photo or a scanned contract, not a film."""

ATTACHMENT_CHUNK: Final = 64 * 1024
"""Bytes of one stored piece of an attachment; uploads go on at a multiple of it."""

ATTACHMENT_PIECE: Final = 8 * ATTACHMENT_CHUNK
"""Bytes of an attachment in one message: as Base64 they fit one run of text."""

UPLOADS: Final = 20
"""Unfinished uploads of one user."""

UPLOAD_SECONDS: Final = 14 * 24 * 3600
"""How long an upload that nobody goes on with is kept."""

SHARDS: Final = 256
"""Parts that a device's keys are divided into for the manifest and for healing."""

SCOPE_RECORDS: Final = 100_000
"""Records that one device may hold."""

SESSION_SECONDS: Final = 12 * 3600
"""A session's life from Login when it is not used otherwise."""

LOGIN_FAILURES: Final = 10
"""Failed log-ins of one account in `LOGIN_WINDOW_SECONDS` before it has to wait."""

LOGIN_WINDOW_SECONDS: Final = 300
"""Seconds over which failed log-ins count."""

IDEMPOTENCY_SECONDS: Final = 7 * 24 * 3600
"""How long an idempotency key and its answer are kept."""

ANSWER_BYTES: Final = 32 * 1024 * 1024
"""Bytes of one answer that the laptop client reads, before and after decompression: the largest page many times."""

CLIENT_BYTES: Final = 200 * 1024
"""Bytes of the laptop client's one file."""
