"""The one catalogue of errors: stable code, cause, cure, and what the caller may do next.

Belongs here: every kind of failure that may leave the hub or an adapter, and the exceptions that carry one.
May not know: SOAP, HTTP, SQL. A code is never reused; a kind that goes stays listed as retired.
The manual's page on faults is generated from this catalogue, so picture and code cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Side(StrEnum):
    """Who has to act: the caller (SOAP Client/Sender) or the hub (SOAP Server/Receiver)."""

    CLIENT = "Client"
    SERVER = "Server"


class Retry(StrEnum):
    """Whether sending the same message again may help."""

    NEVER = "never"
    AFTER_CHANGE = "after-change"
    LATER = "later"


class Family(StrEnum):
    """What the failure is about; the first digit of the code."""

    PROTOCOL = "protocol"
    ACCESS = "access"
    DATA = "data"
    CONFLICT = "conflict"
    LIMIT = "limit"
    SYNC = "sync"
    BRIDGE = "bridge"
    HUB = "hub"
    LAPTOP = "laptop"


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """One line of the catalogue: a stable code and name, the cause in one sentence, the cure in another."""

    code: str
    name: str
    family: Family
    side: Side
    retry: Retry
    cause: str
    cure: str


class SaddlebagError(Exception):
    """A failure of a catalogued kind.

    `message` is one sentence for the caller, free of secrets, server paths and foreign parser text. `entity`,
    `record_id`, `field` locate it; `retry_after` is in seconds; `rule`, `count`, `limit` tell which bound was met.
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str | None = None,
        *,
        entity: str | None = None,
        record_id: str | None = None,
        field: str | None = None,
        rule: str | None = None,
        count: int | None = None,
        limit: int | None = None,
        retry_after: int | None = None,
    ) -> None:
        self.kind = kind
        self.message = message or kind.cause
        self.entity = entity
        self.record_id = record_id
        self.field = field
        self.rule = rule
        self.count = count
        self.limit = limit
        self.retry_after = retry_after
        super().__init__(f"{kind.code} {kind.name}: {self.message}")


_CATALOGUE: dict[str, ErrorKind] = {}


def _kind(code: str, name: str, family: Family, side: Side, retry: Retry, cause: str, cure: str) -> ErrorKind:
    if code in _CATALOGUE:
        raise ValueError(f"error code {code} is used twice")
    kind = ErrorKind(code, name, family, side, retry, cause, cure)
    _CATALOGUE[code] = kind
    return kind


_P, _A, _D, _C = Family.PROTOCOL, Family.ACCESS, Family.DATA, Family.CONFLICT
_L, _S, _B, _H = Family.LIMIT, Family.SYNC, Family.BRIDGE, Family.HUB
_YOU, _HUB = Side.CLIENT, Side.SERVER
_NO, _CHANGE, _LATER = Retry.NEVER, Retry.AFTER_CHANGE, Retry.LATER

# A table, one kind a line.
# fmt: off
# 1xxx: the message is not one the contract allows.
MALFORMED_XML = _kind("SB1001", "MalformedXml", _P, _YOU, _CHANGE, "The body is not well-formed XML.", "Send well-formed XML 1.0 in UTF-8 or UTF-16.")
FORBIDDEN_XML = _kind("SB1002", "ForbiddenXml", _P, _YOU, _CHANGE, "The message holds a document type declaration or a processing instruction.", "Send neither: SOAP forbids both.")
NOT_SOAP = _kind("SB1003", "NotSoap", _P, _YOU, _CHANGE, "The document is not a SOAP envelope.", "Send a SOAP 1.1 or 1.2 Envelope with one Body.")
VERSION_MISMATCH = _kind("SB1004", "VersionMismatch", _P, _YOU, _CHANGE, "The envelope's namespace is neither SOAP 1.1 nor SOAP 1.2.", "Use one of the two envelope namespaces.")
NOT_UNDERSTOOD = _kind("SB1005", "NotUnderstood", _P, _YOU, _CHANGE, "A header block that must be understood is not.", "Remove the header block or its mustUnderstand attribute.")
UNKNOWN_OPERATION = _kind("SB1006", "UnknownOperation", _P, _YOU, _CHANGE, "The service has no such operation.", "Call an operation that the service's WSDL lists.")
SCHEMA_INVALID = _kind("SB1007", "SchemaInvalid", _P, _YOU, _CHANGE, "The message does not follow the published schema.", "Validate the message against the service's WSDL; the fault names the element.")
MEDIA_TYPE = _kind("SB1008", "UnsupportedMediaType", _P, _YOU, _CHANGE, "The media type or charset is not one of SOAP's.", "Send text/xml (SOAP 1.1) or application/soap+xml (SOAP 1.2) in UTF-8 or UTF-16.")
CONTENT_CODING = _kind("SB1009", "UnsupportedContentCoding", _P, _YOU, _CHANGE, "The content coding is not supported or its data is damaged.", "Send identity or gzip.")
UNKNOWN_SERVICE = _kind("SB1010", "UnknownService", _P, _YOU, _CHANGE, "There is no such tenant or service at this address.", "Use an address that the WSDL or DescribeTenant gives.")
ENCODING_STYLE = _kind("SB1011", "EncodingStyle", _P, _YOU, _CHANGE, "The message uses SOAP encoding.", "Send document/literal without encodingStyle.")

ADDRESSING_INVALID = _kind("SB1012", "InvalidAddressing", _P, _YOU, _CHANGE, "A WS-Addressing header block is wrong, or names an address that the hub does not answer to.", "Correct the header block that the fault names; leave ReplyTo and FaultTo out to be answered the same way.")
ADDRESSING_REQUIRED = _kind("SB1013", "AddressingRequired", _P, _YOU, _CHANGE, "An addressed message lacks a WS-Addressing header block.", "Send Action and MessageID, or no addressing header at all.")
ACTION_NOT_SUPPORTED = _kind("SB1014", "ActionNotSupported", _P, _YOU, _CHANGE, "The WS-Addressing action is not the one of the operation in the Body.", "Send the wsam:Action that the service's WSDL gives for the operation.")
DESTINATION_UNREACHABLE = _kind("SB1015", "DestinationUnreachable", _P, _YOU, _CHANGE, "The WS-Addressing header To names another endpoint than the one called.", "Send the message to the address in To, or the service's address in To.")

# 2xxx: who is calling, and may they.
INVALID_CREDENTIALS = _kind("SB2001", "InvalidCredentials", _A, _YOU, _CHANGE, "The user name or password is wrong, or the account is disabled.", "Check both; ask the tenant's administrator.")
SESSION_REQUIRED = _kind("SB2002", "SessionRequired", _A, _YOU, _CHANGE, "The call carries neither a Session header nor a known client certificate.", "Call Login first and send its token in the Session header.")
SESSION_EXPIRED = _kind("SB2003", "SessionExpired", _A, _YOU, _CHANGE, "The session has ended or was never given out for this tenant.", "Call Login again.")
NOT_ALLOWED = _kind("SB2004", "NotAllowed", _A, _YOU, _NO, "The caller's role does not allow this.", "Ask the tenant's administrator for the role.")
TOO_MANY_ATTEMPTS = _kind("SB2005", "TooManyAttempts", _A, _YOU, _LATER, "Too many failed log-ins for this account.", "Wait for the given time.")
SECURITY_HEADER = _kind("SB2006", "InvalidSecurity", _A, _YOU, _CHANGE, "The Security header is not one that the hub takes.", "Send one Security header as docs/ws-security.md describes it.")
SECURITY_TOKEN = _kind("SB2007", "InvalidSecurityToken", _A, _YOU, _CHANGE, "A security token is not of the form that its profile gives it.", "Send a UsernameToken or an X.509 v3 certificate as docs/ws-security.md describes them.")
TOKEN_UNSUPPORTED = _kind("SB2008", "UnsupportedSecurityToken", _A, _YOU, _CHANGE, "The Security header holds a token that the hub does not know.", "Send only Timestamp, UsernameToken, BinarySecurityToken and Signature.")
ALGORITHM_UNSUPPORTED = _kind("SB2009", "UnsupportedAlgorithm", _A, _YOU, _CHANGE, "The signature uses an algorithm or transform that the hub does not take.", "Sign by RSA or ECDSA with SHA-256, digest by SHA-256, and use exclusive canonicalization alone.")
AUTHENTICATION_FAILED = _kind("SB2010", "FailedAuthentication", _A, _YOU, _CHANGE, "The security token or signature does not prove who calls.", "Check name, secret, certificate and key; ask the tenant's administrator which of them the hub knows.")
CHECK_FAILED = _kind("SB2011", "FailedCheck", _A, _YOU, _CHANGE, "What was signed is not what was sent.", "Sign the message last, and let nothing change it on the way.")
MESSAGE_EXPIRED = _kind("SB2012", "MessageExpired", _A, _YOU, _CHANGE, "The message was made too long ago, or in the future.", "Set the caller's clock and send the message anew with a fresh time.")
MESSAGE_REPLAYED = _kind("SB2013", "MessageReplayed", _A, _YOU, _CHANGE, "A message with this nonce or signature has come before.", "Send each message with a nonce, time and signature of its own; repeat a write under its IdempotencyKey.")
PROOF_REQUIRED = _kind("SB2014", "ProofRequired", _A, _YOU, _CHANGE, "The tenant or the account asks for another proof of who calls.", "Use a proof that the WSDL's policy lists and the account accepts.")

# 3xxx: the data itself.
NOT_FOUND = _kind("SB3001", "NotFound", _D, _YOU, _NO, "There is no such record, or the caller may not see it.", "Check the id; search for the record.")
UNKNOWN_ENTITY = _kind("SB3002", "UnknownEntity", _D, _YOU, _CHANGE, "The tenant's schema has no such entity.", "Use an entity that DescribeEntities lists.")
UNKNOWN_FIELD = _kind("SB3003", "UnknownField", _D, _YOU, _CHANGE, "The entity has no such field.", "Use a field that DescribeEntities lists.")
REQUIRED_FIELD = _kind("SB3004", "RequiredField", _D, _YOU, _CHANGE, "A required field is missing or empty.", "Give the field a value.")
INVALID_VALUE = _kind("SB3005", "InvalidValue", _D, _YOU, _CHANGE, "A value is outside what its field allows.", "Send a value of the field's type, length, range or list.")
READ_ONLY_FIELD = _kind("SB3006", "ReadOnlyField", _D, _YOU, _CHANGE, "The field is kept by the hub or mastered by another system.", "Leave the field out, or change it in its master system.")
BROKEN_REFERENCE = _kind("SB3007", "BrokenReference", _D, _YOU, _CHANGE, "A reference names a record that does not exist or that the caller may not see.", "Create the record first or correct the reference.")
DUPLICATE_KEY = _kind("SB3008", "DuplicateKey", _D, _YOU, _CHANGE, "Another record already has this key.", "Use Upsert, or give another key.")
INVALID_LOCATOR = _kind("SB3009", "InvalidLocator", _D, _YOU, _CHANGE, "The search locator was altered or belongs to another search.", "Start the search again.")
INVALID_FILTER = _kind("SB3010", "InvalidFilter", _D, _YOU, _CHANGE, "A filter or order names an unknown field or does not fit its type.", "Correct the filter named in the fault.")
STILL_REFERENCED = _kind("SB3011", "StillReferenced", _D, _YOU, _CHANGE, "Other records still refer to this one.", "Delete or move them first.")
INVALID_ID = _kind("SB3012", "InvalidId", _D, _YOU, _CHANGE, "An identifier has characters or a length that identifiers may not have.", "Use 1 to 36 letters, digits, '.', '_' or '-'.")
CONTENT_MISMATCH = _kind("SB3013", "ContentMismatch", _D, _YOU, _CHANGE, "The content that was uploaded is not the one that the attachment announces.", "Upload the file again from its beginning, or announce what it really is.")
MERGED_AWAY = _kind("SB3014", "MergedAway", _D, _YOU, _CHANGE, "The record was merged into another one.", "Use the id of the record that it was merged into; Get tells it under `merged`.")
DUPLICATE_RECORD = _kind("SB3015", "DuplicateRecord", _D, _YOU, _CHANGE, "A duplicate rule of the tenant finds that the record is there already.", "Use one of the records listed, or send the call with the DuplicateRule header `allow`.")
INVALID_DUPLICATE_RULE = _kind("SB3016", "InvalidDuplicateRule", _D, _YOU, _CHANGE, "A duplicate rule does not fit the tenant's schema.", "Correct the field or match named in the fault.")

# 4xxx: the data has moved on.
STALE_VERSION = _kind("SB4001", "StaleVersion", _C, _YOU, _CHANGE, "The record has changed since the version given.", "Get the record again and repeat the change on it.")
IDEMPOTENCY_MISMATCH = _kind("SB4002", "IdempotencyMismatch", _C, _YOU, _CHANGE, "The idempotency key was used with another payload.", "Use a new key for a new request.")
ALL_OR_NONE = _kind("SB4003", "AllOrNone", _C, _YOU, _CHANGE, "Another record of the group failed, so this one was not written.", "Mend the failing record and send the group again.")
INVALID_TRANSITION = _kind("SB4004", "InvalidTransition", _C, _YOU, _CHANGE, "The field may not move from its present value to the given one.", "Follow the transitions that DescribeEntities lists.")
IN_PROGRESS = _kind("SB4005", "InProgress", _C, _YOU, _LATER, "A request with the same idempotency key is still running.", "Ask again in a moment.")

# 5xxx: a bound was met. Every bound is named in `saddlebag.kernel.limits`.
TOO_LARGE = _kind("SB5001", "TooLarge", _L, _YOU, _CHANGE, "The message is larger than the hub accepts.", "Send fewer records a call.")
TOO_COMPLEX = _kind("SB5002", "TooComplex", _L, _YOU, _CHANGE, "The message is deeper or has more elements, attributes or names than the hub accepts.", "Send a simpler message.")
TOO_MANY_RECORDS = _kind("SB5003", "TooManyRecords", _L, _YOU, _CHANGE, "The call holds more records than one call may.", "Split the call.")
RATE_LIMITED = _kind("SB5004", "RateLimited", _L, _YOU, _LATER, "The caller has used up its share for now.", "Wait for the given time.")
BUSY = _kind("SB5005", "Busy", _L, _HUB, _LATER, "The hub has as much work as it takes on at once.", "Wait for the given time.")
SCOPE_CAPPED = _kind("SB5006", "ScopeCapped", _L, _YOU, _CHANGE, "A scope rule yields more records than its cap.", "Narrow the rule or raise its cap.")
QUEUE_FULL = _kind("SB5007", "QueueFull", _L, _YOU, _LATER, "The caller has as many calls waiting as it may.", "Wait for the given time; send fewer calls at once.")
TOO_MANY_REFERENCES = _kind("SB5008", "TooManyReferences", _L, _YOU, _CHANGE, "More records refer to those that are to be merged than one call may move.", "Move some of them first by Update, or merge fewer records a call.")

# 6xxx: sync.
INVALID_CURSOR = _kind("SB6001", "InvalidCursor", _S, _YOU, _CHANGE, "The cursor was altered or belongs to another device or tenant.", "Register the device again; its unsent work is kept.")
UNKNOWN_DEVICE = _kind("SB6002", "UnknownDevice", _S, _YOU, _CHANGE, "The device is not registered for this user.", "Register the device.")
DEVICE_DISABLED = _kind("SB6003", "DeviceDisabled", _S, _YOU, _NO, "The device was disabled at the hub.", "Ask the tenant's administrator.")
OPERATION_MISMATCH = _kind("SB6004", "OperationMismatch", _S, _YOU, _CHANGE, "The operation's key was used with another payload.", "Reconcile the device: it gets a new incarnation.")
EDIT_PARKED = _kind("SB6006", "EditParked", _S, _YOU, _CHANGE, "An earlier edit of the same record was rejected.", "Mend or discard the parked edit first.")
INVALID_SCOPE_RULE = _kind("SB6007", "InvalidScopeRule", _S, _YOU, _CHANGE, "A scope rule does not fit the tenant's schema.", "Correct the rule and field named in the fault.")
RESULT_FORGOTTEN = _kind("SB6008", "ResultForgotten", _S, _YOU, _NO, "The operation was done before, and the device had stored its result, which the hub no longer keeps.", "Pull: what came of it is in the record.")

# 7xxx: outside systems.
ADAPTER_CONFIGURATION = _kind("SB7001", "AdapterConfiguration", _B, _YOU, _CHANGE, "The connector's settings are wrong.", "Correct the setting named and run `saddlebag adapter check`.")
ADAPTER_UNAVAILABLE = _kind("SB7002", "AdapterUnavailable", _B, _HUB, _LATER, "The outside system cannot be reached or is overloaded.", "It is tried again by itself; see the run history.")
ADAPTER_RECORD = _kind("SB7003", "AdapterRecord", _B, _HUB, _CHANGE, "One record of the outside system cannot be taken over.", "Correct the record there or its mapping, then replay it.")
ADAPTER_FATAL = _kind("SB7004", "AdapterFatal", _B, _HUB, _CHANGE, "The outside system answered in a way that the adapter cannot work with.", "See the run history; check the system's version.")
MASS_DELETION = _kind("SB7005", "MassDeletion", _B, _HUB, _CHANGE, "A run would delete more of a stream than its declared share.", "Confirm the run with --allow-deletions if it is meant.")
INVALID_MAPPING = _kind("SB7006", "InvalidMapping", _B, _YOU, _CHANGE, "A mapping does not fit the tenant's schema.", "Correct the stream and field named.")

# 8xxx: the hub.
INTERNAL = _kind("SB8001", "Internal", _H, _HUB, _LATER, "The hub failed to carry out the call.", "Try again; tell the operator the request id.")
UNAVAILABLE = _kind("SB8002", "Unavailable", _H, _HUB, _LATER, "The hub's database cannot be reached.", "Try again in a moment.")
SETTING_INVALID = _kind("SB8003", "SettingInvalid", _H, _YOU, _CHANGE, "A setting of the hub is missing or has no valid value.", "Correct the setting named; `saddlebag doctor` explains each.")
SCHEMA_OUTDATED = _kind("SB8004", "SchemaOutdated", _H, _YOU, _CHANGE, "The database is of another schema version than this hub.", "Run `saddlebag migrate`.")
TENANT_EXISTS = _kind("SB8005", "TenantExists", _H, _YOU, _CHANGE, "A tenant of this name exists.", "Choose another name.")
UNKNOWN_TENANT = _kind("SB8006", "UnknownTenant", _H, _YOU, _CHANGE, "There is no tenant of this name.", "See `saddlebag tenant list`.")
MASTER_KEY = _kind("SB8007", "MasterKey", _H, _HUB, _CHANGE, "The hub cannot open the keys that it keeps for devices.", "Tell the operator: `saddlebag doctor` looks at the file of master keys, which a backup must bring back.")

# 9xxx: the laptop client itself. The hub never sends these.
NO_CONNECTION = _kind("SB9001", "NoConnection", Family.LAPTOP, _YOU, _LATER, "The hub cannot be reached.", "Go on working; sync again when there is a connection.")
UNTRUSTED_HUB = _kind("SB9002", "UntrustedHub", Family.LAPTOP, _YOU, _CHANGE, "The hub's certificate cannot be verified.", "Ask for the hub's CA file and log in with --ca FILE.")
DAMAGED_ANSWER = _kind("SB9003", "DamagedAnswer", Family.LAPTOP, _HUB, _LATER, "The hub's answer is not what the contract says.", "Sync again; nothing was changed by the answer.")
NOT_LOGGED_IN = _kind("SB9004", "NotLoggedIn", Family.LAPTOP, _YOU, _CHANGE, "This file belongs to no user yet, or the hub no longer accepts it.", "Run `login`.")
AMBIGUOUS_NAME = _kind("SB9005", "AmbiguousName", Family.LAPTOP, _YOU, _CHANGE, "More than one record answers to the name.", "Give the id, or more of the name.")
FILE_IN_USE = _kind("SB9006", "FileInUse", Family.LAPTOP, _YOU, _LATER, "Another program is using the file.", "Wait for it to end.")
BAD_DOWNLOAD = _kind("SB9007", "BadDownload", Family.LAPTOP, _HUB, _LATER, "The downloaded client is not the one that the hub announced.", "Try again; the old client is still in place.")
NOT_HEALED = _kind("SB9008", "NotHealed", Family.LAPTOP, _HUB, _LATER, "Hub and laptop still differ after healing.", "Sync again; tell the operator if it stays so.")
NO_ENCRYPTION = _kind("SB9009", "NoEncryption", Family.LAPTOP, _YOU, _CHANGE, "The file is encrypted, or is to be, and what opens such files is not installed.", "Run `python3 -m pip install sqlcipher3 cryptography` for the Python that runs this program.")
LEASE_ENDED = _kind("SB9010", "LeaseEnded", Family.LAPTOP, _YOU, _CHANGE, "The lease of the file's key has ended, and the key was erased from this laptop.", "Connect to the hub and run `unlock`; everything in the file is kept.")
LEASE_REFUSED = _kind("SB9011", "LeaseRefused", Family.LAPTOP, _YOU, _CHANGE, "The hub does not lease the file's key to this laptop any more.", "Ask the tenant's administrator to enable the device; everything in the file is kept.")
KEY_FILE = _kind("SB9012", "KeyFile", Family.LAPTOP, _YOU, _CHANGE, "The file that holds the wrapped key is missing or damaged, and so is its spare copy.", "Put the .key file back from a backup; without it the encrypted file cannot be opened by anybody.")
WRONG_KEY = _kind("SB9013", "WrongKey", Family.LAPTOP, _YOU, _CHANGE, "The key that the hub leased is not the one that the file's key was wrapped under.", "Log in to the hub that the file belongs to; if its database came from a backup, the operator needs one from after the file was encrypted.")
FILE_DAMAGED = _kind("SB9014", "FileDamaged", Family.LAPTOP, _YOU, _CHANGE, "Part of the file cannot be read: the disk has damaged it.", "Put it back from a backup, with its .key file; without one, move it away and run `login`: all but unsent work comes back.")
# fmt: on

CATALOGUE: Mapping[str, ErrorKind] = MappingProxyType(_CATALOGUE)
"""Every kind by its code."""
