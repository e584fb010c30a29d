"""Every bound of the hub by name, with its value, unit and reason.

Belongs here: numbers that a caller can meet. May not know: how they are enforced.
A limit is a constant, never a literal somewhere else, so that the manual can list them.
"""

from __future__ import annotations

from typing import Final

RECORDS_PER_CALL: Final = 200
"""Records in one write call or one page of a search (the figure that Salesforce and Dynamics integrators know)."""

MERGE_REFERENCES: Final = 5_000
"""References that one call of a Merge operation moves to the master: writers of the tenant wait meanwhile."""

DUPLICATE_RULES: Final = 20
"""Duplicate rules of one tenant."""

DUPLICATE_FIELDS: Final = 5
"""Fields that one duplicate rule compares."""

DUPLICATE_MATCHES: Final = 10
"""Records that are listed as matches of one refused record."""

DUPLICATE_STEP: Final = 5_000
"""Records that one call of SaveDuplicateRule reads to prepare the rule."""

ID_LENGTH: Final = 36
"""Characters of a record id: a UUID's textual form fits."""

EXTERNAL_ID_LENGTH: Final = 128
"""Characters of an outside system's id."""

KEY_LENGTH: Final = 128
"""Characters of an idempotency key or session token."""

CLIENT_LENGTH: Final = 64
"""Characters of a calling program's name."""

LANGUAGE_LENGTH: Final = 35
"""Characters of a language tag (RFC 5646, 4.4.1)."""

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

XML_ELEMENTS: Final = 75_000
"""Elements in one message: a push of 1,000 operations of 20 fields fits, and no more than 150 ms of CPU go into a
refusal.
"""

XML_ATTRIBUTES: Final = 64
"""Attributes of one element: lxml's `items()` is quadratic in them."""

XML_ATTRIBUTES_TOTAL: Final = 30_000
"""Attributes, namespace declarations among them, in one message: 50,000 cost 200 ms of CPU, a million 200 MB."""

QUEUE_SECONDS: Final = 30
"""How long a call may wait for its turn: most callers have given up by then."""

QUEUE_SHARE: Final = 4
"""One caller's part of the calls that may wait, as a divisor: a quarter."""

BODIES_BYTES: Final = 128 * 1024 * 1024
"""Bytes of all request bodies that have come in and are not answered yet; those of one address may be a quarter."""

MESSAGE_PARTS: Final = 16
"""Parts of one multipart message (MTOM): the envelope and what it includes."""

INLINE_BYTES: Final = 700_000
"""Bytes of binary content that are put into an envelope as Base64; they fit one run of text."""

SPOOL_BYTES: Final = 1024 * 1024 * 1024
"""Bytes on disk of all multipart messages that are coming in or going out at once; a quarter for one address."""

HEADER_BLOCKS: Final = 32
"""Header blocks in one envelope."""

XML_NAMESPACES: Final = 64
"""Different namespace names in one message, and declarations in scope at once; zeep gives each element a new prefix."""

XML_NAME_LENGTH: Final = 256
"""Characters of an element or attribute name."""

XML_NAMES_LENGTH: Final = 2_000_000
"""Characters of all names of elements and attributes in one message: seven million cost 250 ms of CPU."""

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

RESULTS_FORGOTTEN: Final = 2 * PUSH_OPERATIONS
"""Operation results that one push lets go of, of those that its device says it has stored."""

ATTACHMENT_BYTES: Final = 128 * 1024 * 1024
"""Bytes of one attachment: a photo, a scanned contract, a drawing; not a film."""

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

SESSION_LONGEST_SECONDS: Final = 30 * 24 * 3600
"""A session's life from Login however often KeepAlive renews it."""

LOGIN_FAILURES: Final = 10
"""Failed log-ins of one account in `LOGIN_WINDOW_SECONDS` before it has to wait."""

LOGIN_WINDOW_SECONDS: Final = 300
"""Seconds over which failed log-ins count."""

ADDRESS_LENGTH: Final = 2_048
"""Characters of an IRI in an addressing header."""

REFERENCE_PARAMETERS: Final = 16
"""Reference parameters of one endpoint reference that an answer takes along."""

REFERENCE_BYTES: Final = 8_192
"""Characters that the reference parameters of one endpoint reference have together."""

REPLIES_WAITING: Final = 1_000
"""Answers of one tenant that wait to be sent to addresses elsewhere."""

REPLY_HOURS: Final = 24
"""Hours for which an answer to an address elsewhere is tried again before it is given up."""

WSS_SKEW_SECONDS: Final = 60
"""Seconds by which a caller's clock may be ahead of the hub's in a Timestamp or a UsernameToken's Created."""

WSS_FRESH_SECONDS: Final = 300
"""Seconds after its Created that a message is taken, clock skew apart, however late its Expires."""

WSS_REPLAYS: Final = 200_000
"""Nonces and signatures of one account that are remembered at once; a call beyond it is refused, none is forgotten."""

WSS_REFERENCES: Final = 12
"""Elements that one signature may cover."""

WSS_SIGNED_BYTES: Final = 1_500_000
"""Bytes of a signed message: the verifying library reads the whole of it once for each element that is signed."""

WSS_SIGNED_ELEMENTS: Final = 10_000
"""Elements of a signed message: 200 records of 50 fields."""

WSS_TOKEN_LENGTH: Final = 16_384
"""Characters of a certificate in a message, in Base64."""

WSS_TEXT_LENGTH: Final = 1_024
"""Characters of any other text in a Security header: name, password, nonce, digest, signature value."""

WSS_ELEMENTS: Final = 160
"""Elements in a Security header."""

WSS_ID_LENGTH: Final = 128
"""Characters of an Id that a signature refers to."""

WSS_CERTIFICATES: Final = 16
"""Signing certificates of one account."""

WSS_RSA_BITS: Final = 2_048
"""Least bits of an RSA key that signs; the most is twice as many."""

WSS_POLICY_SECONDS: Final = 5
"""Seconds after which a changed security policy holds in every process of the hub."""

WSS_PROVING: Final = 4
"""Passwords of UsernameTokens that one process checks at once, one fewer of a single tenant: each is 50 ms of CPU."""

WSS_PROVED_SECONDS: Final = 300
"""Seconds for which a password that was proved in a UsernameToken is not hashed again by the same process."""

WSS_PROVED: Final = 10_000
"""Passwords that one process remembers as proved."""

IDEMPOTENCY_SECONDS: Final = 7 * 24 * 3600
"""How long an idempotency key and its answer are kept."""

ANSWER_BYTES: Final = 32 * 1024 * 1024
"""Bytes of one answer that the laptop client reads, before and after decompression: the largest page many times."""

CLIENT_BYTES: Final = 200 * 1024
"""Bytes of the laptop client's one file."""

KEY_LEASE_HOURS: Final = 72
"""Hours that a laptop may open its encrypted file without asking the hub, where its tenant sets no other time."""

KEY_LEASE_HOURS_MAX: Final = 90 * 24
"""The longest such time that a tenant may set, in hours."""
