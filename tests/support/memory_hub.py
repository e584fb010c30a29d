"""A hub in memory that speaks the sync wire: small enough to read, with weather that loses and repeats messages.

It keeps to the same promises as the real engine (state-diff pages, acknowledgement by presenting, exactly-once results,
parking, healing) without its stores and services, so that the laptop's own logic can be driven through thousands of
histories. The real engine is met over TLS in the integration tests.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.etree import ElementTree

from saddlebag.kernel import errors, fragment, manifest, patch, wire
from saddlebag.kernel.canon import escape
from saddlebag.kernel.digest import Digest, record_hash
from saddlebag.kernel.errors import ErrorKind, SaddlebagError
from saddlebag_client.metered import Meter

Key = tuple[str, str]
Texts = tuple[str, ...]

ENTITIES = """
<entity><name>Customer</name><plural>Customers</plural><doc>Buys.</doc><label>name</label><owner>owner</owner>
 <field><name>name</name><type>string</type><required>true</required><length>20</length><policy>latest-edit</policy></field>
 <field><name>status</name><type>code</type><value>prospect</value><value>active</value></field>
 <field><name>owner</name><type>reference</type><target>User</target></field>
 <field><name>segments</name><type>tags</type><length>10</length></field>
 <field><name>creditLimit</name><type>decimal</type><digits>10</digits><scale>2</scale><master>erp</master></field>
 <field><name>taxNumber</name><type>string</type><sync>hub</sync></field></entity>
<entity><name>Deal</name><plural>Deals</plural><doc>A sale.</doc><label>title</label><owner>owner</owner>
 <field><name>title</name><type>string</type><required>true</required><length>40</length></field>
 <field><name>customer</name><type>reference</type><required>true</required><target>Customer</target></field>
 <field><name>owner</name><type>reference</type><target>User</target></field>
 <field><name>stage</name><type>code</type><value>prospect</value><value>won</value></field>
 <field><name>amount</name><type>decimal</type><digits>8</digits><scale>2</scale><minimum>0</minimum></field>
 <field><name>probability</name><type>integer</type><minimum>0</minimum><maximum>100</maximum></field>
 <field><name>closeDate</name><type>date</type></field></entity>
<entity><name>Activity</name><plural>Activities</plural><doc>A visit.</doc><label>subject</label><owner>owner</owner>
 <field><name>kind</name><type>code</type><required>true</required><value>visit</value><value>call</value></field>
 <field><name>customer</name><type>reference</type><required>true</required><target>Customer</target></field>
 <field><name>deal</name><type>reference</type><target>Deal</target></field>
 <field><name>owner</name><type>reference</type><target>User</target></field>
 <field><name>subject</name><type>string</type><required>true</required></field>
 <field><name>body</name><type>text</type></field>
 <field><name>startsAt</name><type>datetime</type></field>
 <field><name>done</name><type>boolean</type></field></entity>
<entity><name>User</name><plural>Users</plural><doc>Works here.</doc><label>name</label><owner></owner>
 <field><name>name</name><type>string</type><master>erp</master></field></entity>
"""


@dataclass
class Record:
    """A record as the hub keeps it; `changed` is the version of each field's last change, `born` of its first."""

    version: int
    fields: dict[str, Texts]
    changed: dict[str, int] = field(default_factory=dict)
    born: int = 0


def calm() -> str:
    """Weather in which every message arrives once."""
    return "calm"


class MemoryHub:
    """One tenant, one user, one device."""

    def __init__(self, weather: Callable[[], str] = calm) -> None:
        self.meter = Meter()
        self.weather = weather
        self.counter = 0
        self.records: dict[Key, Record] = {}
        self.outside: set[Key] = set()
        self.reasons: dict[Key, str] = {}
        """Why a record leaves, where that is not plain."""
        self.files: dict[str, bytes] = {}
        self.page_size = 3
        self.hub_wins: frozenset[str] = frozenset()
        self.refuse: Callable[[str, str, dict[str, Texts]], str] = lambda entity, record_id, fields: ""
        self.applied: list[tuple[Key, dict[str, Texts]]] = []
        self.calls: list[str] = []
        self.tokens = {"user-token"}
        self.incarnation = 1
        self.checkpoint = 0
        self.pending_checkpoint = 0
        self.holding: dict[Key, tuple[int, int]] = {}
        self.pending: tuple[int, dict[Key, tuple[int, int] | None]] | None = None
        self.claimed: set[Key] = set()
        """What it knows only by the device's word: that is sent whole when it changes."""
        self.results: dict[tuple[int, int], tuple[str, str]] = {}
        self.parked: dict[Key, int] = {}

    # What the test does at the hub.

    def write(self, entity: str, record_id: str, **fields: str | Texts | None) -> int:
        """Create or change a record as an office user would; returns its version."""
        self.counter += 1
        record = self.records.setdefault((entity, record_id), Record(self.counter, {}, born=self.counter))
        record.version = self.counter
        for name, given in fields.items():
            record.fields[name] = () if given is None else (given,) if isinstance(given, str) else tuple(given)
            record.changed[name] = self.counter
        return self.counter

    def delete(self, entity: str, record_id: str) -> None:
        """Delete a record."""
        self.counter += 1
        self.records.pop((entity, record_id), None)

    def content(self, key: Key) -> str:
        """The record's fragment."""
        record = self.records[key]
        pairs = [("id", key[1]), ("version", str(record.version))]
        pairs += [(name, text) for name in sorted(record.fields) for text in record.fields[name]]
        return fragment.join(pairs)

    def target(self) -> dict[Key, tuple[int, int]]:
        """What the device should hold: version and hash by key."""
        return {
            key: (record.version, record_hash(*key, record.version, self.content(key)))
            for key, record in self.records.items()
            if key not in self.outside
        }

    # The transport.

    def get(self, path: str) -> bytes:
        """A file of the download page."""
        return self.files[path]

    def post(self, path: str, action: str, body: bytes, *, safe: bool) -> bytes:
        """One exchange, as the weather is."""
        weather = self.weather()
        self.meter.requests += 1
        self.meter.up += len(body)
        if weather == "request lost":
            raise SaddlebagError(errors.NO_CONNECTION)
        answer = self._answer(path, body)
        if weather == "sent twice":
            answer = self._answer(path, body)
        if weather == "answer lost":
            raise SaddlebagError(errors.NO_CONNECTION)
        self.meter.down += len(answer)
        return answer

    def _answer(self, path: str, body: bytes) -> bytes:
        envelope = ElementTree.fromstring(body)
        wrapper = next(each for each in envelope if _local(each) == "Body")[0]
        token = next((each.text for each in envelope.iter() if _local(each) == "token"), None)
        operation = _local(wrapper)
        service = path.split("/")[2]
        self.calls.append(operation)
        try:
            if operation not in ("Login", "LoginDevice") and token not in self.tokens:
                raise SaddlebagError(errors.SESSION_EXPIRED)
            content = getattr(self, f"_{operation.lower()}")(wrapper)
        except SaddlebagError as error:
            return _fault(error)
        inner = f'<{operation}Response xmlns="{wire.namespace(service)}">{content}</{operation}Response>'
        return f'<s:Envelope xmlns:s="{wire.ENVELOPE}"><s:Body>{inner}</s:Body></s:Envelope>'.encode()

    # The operations.

    def _login(self, request: ElementTree.Element) -> str:
        if _text(request, "password") != "secret":
            raise SaddlebagError(errors.INVALID_CREDENTIALS)
        return "<token>user-token</token><userId>u1</userId>"

    def _logindevice(self, request: ElementTree.Element) -> str:
        if _text(request, "deviceKey") != "key":
            raise SaddlebagError(errors.INVALID_CREDENTIALS)
        token = f"device-token-{len(self.tokens)}"
        self.tokens.add(token)
        return f"<token>{token}</token>"

    def _logout(self, request: ElementTree.Element) -> str:
        return ""

    def _describeentities(self, request: ElementTree.Element) -> str:
        return ENTITIES

    def _registerdevice(self, request: ElementTree.Element) -> str:
        if _text(request, "device"):
            self.incarnation += 1
            self.pending = None
        return (
            f"<device>d1</device><deviceKey>key</deviceKey><incarnation>{self.incarnation}</incarnation>"
            f"<cursor>{self._cursor(self.checkpoint)}</cursor><userId>u1</userId><timeZone>UTC</timeZone>"
        )

    def _pull(self, request: ElementTree.Element) -> str:
        try:
            incarnation, checkpoint = map(int, _text(request, "cursor").split("."))
        except ValueError:
            raise SaddlebagError(errors.INVALID_CURSOR) from None
        acknowledged = self.pending is not None and self.pending[0] == checkpoint
        if incarnation != self.incarnation or not (acknowledged or checkpoint == self.checkpoint):
            return f"<cursor>{_text(request, 'cursor')}</cursor><more>false</more><reconcile>true</reconcile>"
        if acknowledged and self.pending is not None:
            _apply(self.holding, self.pending[1])
            self.claimed -= self.pending[1].keys()
            self.pending, self.checkpoint = None, checkpoint
        return self._page(checkpoint, _text(request, "patches") == "true")

    def _page(self, checkpoint: int, patches: bool) -> str:
        target = self.target()
        evicts = [key for key in self.holding if key not in target]
        puts = [key for key in target if self.holding.get(key) != target[key]]
        changes = [*evicts, *puts][: self.page_size]
        more = len(changes) < len(evicts) + len(puts)
        if changes:
            effect = {key: target.get(key) for key in changes}
            if self.pending is None or self.pending[1] != effect:
                self.pending_checkpoint += 1
                self.pending = (self.pending_checkpoint, effect)
            checkpoint = self.pending[0]
        content = f"<cursor>{self._cursor(checkpoint)}</cursor><more>{'true' if more else 'false'}</more>"
        told = {key: self._patch(key) if patches else "" for key in changes if key in target}
        puts = "".join(self._put(key) for key in told if not told[key])
        content += f'<put xmlns:t="{wire.TYPES}">{puts}</put>{"".join(told.values())}'
        for entity, record_id in (key for key in changes if key not in target):
            plain = "left-scope" if (entity, record_id) in self.records else "deleted"
            reason = self.reasons.get((entity, record_id), plain)
            content += f"<evict><entity>{entity}</entity><id>{record_id}</id><reason>{reason}</reason></evict>"
        if not more:
            total = Digest.of(each[1] for each in target.values())
            content += f"<count>{total.count}</count><sum>{total.hex}</sum>"
        return content

    def _put(self, key: Key) -> str:
        element = key[0][0].lower() + key[0][1:]
        return f'<{element} xmlns="{wire.TYPES}">{self.content(key)}</{element}>'

    def _patch(self, key: Key) -> str:
        """What changed since the version held, where that is shorter than the record."""
        record, since = self.records[key], self.holding.get(key, (0, 0))[0]
        names = [name for name, changed in record.changed.items() if changed > since]
        known = record.born <= since < record.version and key not in self.claimed
        made = patch.make(self.content(key), names) if known else None
        if made is None or len(made.content) > len(self.content(key)):
            return ""
        element = key[0][0].lower() + key[0][1:]
        at = f"<at>{made.at}</at>" if made.at else ""
        inner = f"{at}<{element}>{made.content}</{element}>"
        return f'<patch xmlns:t="{wire.TYPES}">{inner}</patch>'

    def _push(self, request: ElementTree.Element) -> str:
        incarnation = int(_text(request, "incarnation"))
        operations = [each for each in request if _local(each) == "operation"]
        for each in operations:
            kept = self._kept(incarnation, each)
            if kept is not None and kept[0] != _payload(each):
                raise SaddlebagError(errors.OPERATION_MISMATCH)
        told = "".join(self._result(incarnation, each) for each in operations)
        upto = min(
            [int(_text(request, "acknowledged") or 0), *(int(_text(each, "sequence")) - 1 for each in operations)]
        )
        for key, (payload, result) in self.results.items():
            if key[1] <= upto and key[1] not in self.parked.values():
                self.results[key] = (payload, _forgotten(key[1], result))
        return told

    def _kept(self, incarnation: int, operation: ElementTree.Element) -> tuple[str, str] | None:
        sequence, payload = int(_text(operation, "sequence")), _payload(operation)
        same = (kept for key, kept in self.results.items() if key[1] == sequence and kept[0] == payload)
        return self.results.get((incarnation, sequence)) or next(same, None)

    def _result(self, incarnation: int, operation: ElementTree.Element) -> str:
        sequence = int(_text(operation, "sequence"))
        kept = self._kept(incarnation, operation)
        if kept is None:
            result, keep = self._do(sequence, operation)
            kept = (_payload(operation), f"<result><sequence>{sequence}</sequence>{result}</result>")
            if keep:
                self.results[incarnation, sequence] = kept
        return kept[1]

    def _do(self, sequence: int, operation: ElementTree.Element) -> tuple[str, bool]:
        key = (_text(operation, "entity"), _text(operation, "id"))
        settles = _text(operation, "settles")
        if key in self.parked and settles != str(self.parked[key]):
            return _rejection(errors.EDIT_PARKED, "An earlier edit waits."), False
        edits = {_text(each, "name"): each for each in operation if _local(each) == "field"}
        new = {name: _texts(each, "new") for name, each in edits.items()}
        problem = self.refuse(*key, new)
        if problem:
            self.parked[key] = sequence
            return _rejection(errors.INVALID_VALUE, problem), True
        self.parked.pop(key, None)
        if _text(operation, "kind") != "create" and key not in self.records:
            return f"<status>gone</status><code>{errors.NOT_FOUND.code}</code><message>It is gone.</message>", True
        if not new:
            return "<status>applied</status>", True
        self.applied.append((key, new))
        base = int(_text(operation, "baseVersion") or 0)
        return self._merge(key, base, {name: _texts(each, "old") for name, each in edits.items()}, new), True

    def _merge(self, key: Key, base: int, old: dict[str, Texts], new: dict[str, Texts]) -> str:
        record = self.records.get(key)
        conflicts = ""
        wanted: dict[str, Texts | str | None] = {}
        for name, mine in new.items():
            theirs = record.fields.get(name, ()) if record else ()
            newer = record is not None and record.changed.get(name, 0) > base and theirs != old[name]
            lost = newer and name in self.hub_wins
            if newer and theirs != mine:
                won = "theirs" if lost else "mine"
                texts = "".join(_optional(n, t) for n, t in (("base", old[name]), ("mine", mine), ("theirs", theirs)))
                conflicts += f"<conflict><field>{name}</field>{texts}<won>{won}</won><rule>r</rule></conflict>"
            if not lost:
                wanted[name] = mine
        version = self.write(*key, **wanted)
        return f"<status>{'conflict' if conflicts else 'applied'}</status><version>{version}</version>{conflicts}"

    def _reconcile(self, request: ElementTree.Element) -> str:
        theirs = manifest.unpack_sums(base64.b64decode(_text(request, "shards")))
        held = [manifest.Held(*key, *each) for key, each in self.holding.items()]
        wanted = manifest.differing(manifest.shard_sums(held), theirs)
        keys = _text(request, "keys")
        if wanted and not keys:
            shards = "".join(f"<shard>{each}</shard>" for each in wanted)
            return (
                f"<incarnation>{self.incarnation}</incarnation><cursor>{self._cursor(self.checkpoint)}</cursor>{shards}"
            )
        for each in manifest.in_shards(held, wanted):
            del self.holding[each.entity, each.id]
        for each in manifest.unpack(base64.b64decode(keys)):
            self.holding[each.entity, each.id] = (each.version, each.hash)
            self.claimed.add((each.entity, each.id))
        self.incarnation = max(self.incarnation, int(_text(request, "incarnation"))) + 1
        self.pending_checkpoint += 1
        self.checkpoint, self.pending = self.pending_checkpoint, None
        return f"<incarnation>{self.incarnation}</incarnation><cursor>{self._cursor(self.checkpoint)}</cursor>"

    def _cursor(self, checkpoint: int) -> str:
        return f"{self.incarnation}.{checkpoint}"


def _local(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _text(element: ElementTree.Element, name: str) -> str:
    return next((each.text or "" for each in element if _local(each) == name), "")


def _texts(element: ElementTree.Element, name: str) -> Texts:
    return tuple(each.text or "" for each in element if _local(each) == name)


def _forgotten(sequence: int, result: str) -> str:
    """What is left of a result that the device has stored: its status."""
    kind = errors.RESULT_FORGOTTEN
    status = result.partition("<status>")[2].partition("<")[0]
    left = f"<status>{status}</status><code>{kind.code}</code><message>{kind.cause}</message>"
    return f"<result><sequence>{sequence}</sequence>{left}</result>"


def _payload(operation: ElementTree.Element) -> str:
    return "|".join(f"{_local(each)}={each.text}" for each in operation.iter() if _local(each) != "sequence")


def _optional(name: str, texts: Texts) -> str:
    return f"<{name}>{escape(','.join(texts))}</{name}>" if texts else ""


def _rejection(kind: ErrorKind, message: str) -> str:
    return f"<status>rejected</status><code>{kind.code}</code><message>{escape(message)}</message>"


def _fault(error: SaddlebagError) -> bytes:
    detail = (
        f"<t:code>{error.kind.code}</t:code><t:name>{error.kind.name}</t:name><t:message>{error.message}</t:message>"
    )
    if error.retry_after is not None:
        detail += f"<t:retryAfter>{error.retry_after}</t:retryAfter>"
    return (
        f'<s:Envelope xmlns:s="{wire.ENVELOPE}" xmlns:t="{wire.TYPES}"><s:Body><s:Fault>'
        f"<faultcode>s:{error.kind.side}</faultcode><faultstring>{error.message}</faultstring>"
        f"<detail><t:SaddlebagFault>{detail}</t:SaddlebagFault></detail></s:Fault></s:Body></s:Envelope>"
    ).encode()


def _apply(holding: dict[Key, tuple[int, int]], effect: dict[Key, tuple[int, int] | None]) -> None:
    for key, each in effect.items():
        if each is None:
            holding.pop(key, None)
        else:
            holding[key] = each
