"""The technical row kinds of the hub.

Belongs here: declarations only, one dataclass a table. May not know: SQL, or what the values mean to the floors above.
Times are UTC. JSON values are text that the owner of the row renders and reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from saddlebag.store.rows import row_kind


@row_kind("credential", key=("user",), indexes=(("login",),))
@dataclass(frozen=True, slots=True)
class Credential:
    """How a user proves who she is. `user` is the User record's id; `password` is a salted scrypt hash, "" for none."""

    user: str
    login: str
    password: str
    changed_at: datetime
    failures: int = 0
    failed_at: datetime | None = None


@row_kind("certificate", key=("fingerprint",))
@dataclass(frozen=True, slots=True)
class Certificate:
    """A client certificate (SHA-256 fingerprint, lower-case hex) that stands for a user, for mutual TLS."""

    fingerprint: str
    user: str
    added_at: datetime


@row_kind("wss_secret", key=("user",))
@dataclass(frozen=True, slots=True)
class WssSecret:
    """The secret that a user's password digests are made with, sealed under the hub's master key."""

    user: str
    sealed: bytes
    issued_at: datetime


@row_kind("wss_certificate", key=("fingerprint",), indexes=(("user",), ("thumbprint",), ("serial",), ("subject_key",)))
@dataclass(frozen=True, slots=True)
class WssCertificate:
    """A certificate that a user signs messages with.

    `certificate` is its DER form; the other texts are what messages refer to it by: SHA-256 and SHA-1 of the DER form
    and the subject key identifier in lower-case hex ("" where it has none), the serial number in decimal.
    """

    fingerprint: str
    user: str
    certificate: bytes
    thumbprint: str
    serial: str
    subject_key: str
    added_at: datetime


@row_kind("wss_seen", key=("message",), indexes=(("expires_at",),))
@dataclass(frozen=True, slots=True)
class WssSeen:
    """A nonce or signature that has come (SHA-256, lower-case hex), to be remembered until such a message is stale."""

    message: str
    expires_at: datetime


@row_kind("wss_count", key=("user",))
@dataclass(frozen=True, slots=True)
class WssCount:
    """How many messages of an account were remembered in the window that ends at `until`."""

    user: str
    until: datetime
    count: int


@row_kind("wss_account", key=("user",))
@dataclass(frozen=True, slots=True)
class WssAccount:
    """The proofs of who calls that an account accepts, where they are fewer than its tenant's; parted by spaces."""

    user: str
    proofs: str


@row_kind("session", key=("token_hash",), indexes=(("user",), ("expires_at",)))
@dataclass(frozen=True, slots=True)
class Session:
    """A log-in that lasts; only the SHA-256 of its token is kept. `device` is "" for sessions of no device."""

    token_hash: str
    user: str
    device: str
    created_at: datetime
    expires_at: datetime


@row_kind("idempotency", key=("user", "key"), indexes=(("created_at",),))
@dataclass(frozen=True, slots=True)
class Idempotency:
    """The answer to a write call, kept under the caller's key; `answer` is the body's bytes."""

    user: str
    key: str
    payload_hash: bytes
    answer: bytes
    created_at: datetime


@row_kind("scope_rule", key=("name",))
@dataclass(frozen=True, slots=True)
class ScopeRuleRow:
    """One named scope of the tenant as JSON; `version` counts its edits."""

    name: str
    version: int
    rules: str


@row_kind("pin", key=("user", "entity", "record"))
@dataclass(frozen=True, slots=True)
class Pin:
    """A record that a user wants on her devices whatever the rules say."""

    user: str
    entity: str
    record: str


@row_kind("device", key=("device",), indexes=(("user",),))
@dataclass(frozen=True, slots=True)
class Device:
    """A registered device: whose, which incarnation, the checkpoint it has acknowledged and the one sent after it."""

    device: str
    user: str
    name: str
    platform: str
    key_hash: str
    incarnation: int
    checkpoint: int
    pending_checkpoint: int
    enabled: bool
    registered_at: datetime
    seen_at: datetime


@row_kind("wrapping_key", key=("device",))
@dataclass(frozen=True, slots=True)
class WrappingKey:
    """The key that a device's file key is wrapped under, sealed with the hub's master key, and its latest lease."""

    device: str
    sealed: bytes
    created_at: datetime
    leased_until: datetime


@row_kind("manifest", key=("device", "slot"))
@dataclass(frozen=True, slots=True)
class ManifestSlot:
    """A packed part of what a device has proved it holds."""

    device: str
    slot: int
    entries: bytes


@row_kind("pending", key=("device",))
@dataclass(frozen=True, slots=True)
class PendingPage:
    """What the page after the acknowledged checkpoint said, packed."""

    device: str
    checkpoint: int
    entries: bytes


@row_kind("operation_result", key=("device", "incarnation", "sequence"))
@dataclass(frozen=True, slots=True)
class OperationResult:
    """The stored result of one pushed operation, as JSON, with the hash of its payload."""

    device: str
    incarnation: int
    sequence: int
    payload_hash: bytes
    result: str


@row_kind("settled", key=("device", "incarnation", "part"))
@dataclass(frozen=True, slots=True)
class Settled:
    """Which operations of a device are done although their results are no longer kept, packed by range of sequences."""

    device: str
    incarnation: int
    part: int
    entries: bytes


@row_kind("parked", key=("device", "entity", "record"))
@dataclass(frozen=True, slots=True)
class Parked:
    """A record with a rejected operation of a device: later operations on it wait until it is settled."""

    device: str
    entity: str
    record: str
    sequence: int


@row_kind("conflict", key=("conflict",), indexes=(("entity", "record"), ("user",)))
@dataclass(frozen=True, slots=True)
class Conflict:
    """Two values for one field and which won; texts are lexical forms. A losing value is never dropped."""

    conflict: str
    entity: str
    record: str
    field: str
    base: str | None
    mine: str | None
    theirs: str | None
    won: str
    rule: str
    user: str
    device: str
    at: datetime
    resolved_at: datetime | None = None


@row_kind("upload", key=("attachment",), indexes=(("user",), ("touched_at",)))
@dataclass(frozen=True, slots=True)
class Upload:
    """Content that is on its way to the hub; its first `received` bytes are in the chunks of `blob`."""

    attachment: str
    blob: str
    sha256: str
    size: int
    received: int
    user: str
    touched_at: datetime


@row_kind("blob_chunk", key=("blob", "number"))
@dataclass(frozen=True, slots=True)
class BlobChunk:
    """A piece of content; all but the last are `limits.ATTACHMENT_CHUNK` long."""

    blob: str
    number: int
    data: bytes


@row_kind("content", key=("sha256",))
@dataclass(frozen=True, slots=True)
class Content:
    """Content that is whole and verified, kept once whatever number of attachments have it."""

    sha256: str
    blob: str
    size: int
    stored_at: datetime


@row_kind("attachment_content", key=("attachment",), indexes=(("sha256",),))
@dataclass(frozen=True, slots=True)
class AttachmentContent:
    """An attachment whose content was proved: uploaded for it, or readable to its writer by another attachment."""

    attachment: str
    sha256: str


@row_kind("binding", key=("system", "entity", "external_id"), indexes=(("entity", "record"),))
@dataclass(frozen=True, slots=True)
class Binding:
    """Which record an outside system's id stands for, and the content hash last seen there.

    `seen` holds, as JSON, the lexical texts of the fields that the hub masters as they were last seen there: the base
    of the three-way comparison that keeps two masters from writing over each other in turn.
    """

    system: str
    entity: str
    external_id: str
    record: str
    external_version: str
    content_hash: bytes
    seen_at: datetime
    seen: str = "{}"


@row_kind("adapter_state", key=("system", "stream"))
@dataclass(frozen=True, slots=True)
class AdapterState:
    """Where the reading of a stream has come to, as the adapter's own JSON."""

    system: str
    stream: str
    state: str
    at: datetime


@row_kind("adapter_run", key=("run",), indexes=(("system", "started_at"),))
@dataclass(frozen=True, slots=True)
class AdapterRun:
    """One run of one stream: counts, duration, outcome."""

    run: str
    system: str
    stream: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str
    read: int
    created: int
    updated: int
    deleted: int
    unchanged: int
    failed: int
    message: str


@row_kind("dead_letter", key=("letter",), indexes=(("system", "stream"),))
@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that could not be taken over or sent, with the reason and what it held."""

    letter: str
    system: str
    stream: str
    external_id: str
    code: str
    reason: str
    payload: str
    at: datetime


@row_kind("outbox", key=("sequence", "destination"), indexes=(("destination", "due_at"),))
@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A change to be delivered to an outside system, written in the transaction of the change itself."""

    sequence: int
    destination: str
    entity: str
    record: str
    kind: str
    due_at: datetime
    attempts: int = 0
    lease_until: datetime | None = None


@row_kind("reply", key=("id",), indexes=(("due_at",),))
@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to a call that goes to an address elsewhere (WS-Addressing), until it has arrived."""

    id: str
    url: str
    media_type: str
    action: str
    attempts: int
    due_at: datetime
    created_at: datetime


@row_kind("reply_body", key=("reply",))
@dataclass(frozen=True, slots=True)
class ReplyBody:
    """The envelope of a `Reply`: apart from it, so that those that wait can be counted without reading them."""

    reply: str
    body: bytes


@row_kind("tenant_setting", key=("name",))
@dataclass(frozen=True, slots=True)
class TenantSetting:
    """A setting of the tenant as text: time zone, outbox subscriptions, connector settings."""

    name: str
    value: str


@row_kind("duplicate_rule", key=("name",))
@dataclass(frozen=True, slots=True)
class DuplicateRuleRow:
    """A rule by which the tenant tells that two records are the same; `terms` are JSON, [field, how] each.

    `indexed_to` is the id of the last record that its index was prepared up to; `ready` says that none is left.
    """

    name: str
    entity: str
    version: int
    terms: str
    indexed_to: str
    ready: bool


@row_kind("duplicate_entry", key=("rule", "record"), indexes=(("rule", "value"),))
@dataclass(frozen=True, slots=True)
class DuplicateEntry:
    """What a duplicate rule knows a record by: 32 hexadecimal digits, equal for records that are the same."""

    rule: str
    record: str
    value: str
