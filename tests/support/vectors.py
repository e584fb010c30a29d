"""Vectors for clients in other languages, written from our own kernel and from real sessions with the real hub.

Belongs here: what the files in `conformance/vectors` hold. `python tests/support/vectors.py` writes them anew; without
a change of the protocol it changes nothing.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from front_transport import FrontTransport
from laptop import Laptop
from records_world import TENANT, World, create, delete, update, world
from saddlebag.kernel import canon, fragment, manifest, patch
from saddlebag.kernel.digest import Digest, record_hash, shard_of
from saddlebag.kernel.errors import INVALID_CURSOR, NO_CONNECTION, SaddlebagError
from saddlebag.kernel.manifest import Held
from saddlebag.kernel.patch import Patch
from saddlebag.records import access
from saddlebag.store.tables import Device

VECTORS = Path(__file__).parents[2] / "conformance" / "vectors"
PASSWORD = "correct horse battery"
UUID = "0192f3a1-7c4d-7e55-9b11-0a1b2c3d4e5f"

Files = dict[str, str]
"""Path below the folder of vectors, and content."""


def as_json(value: object) -> str:
    """JSON as it stands in a file."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


# Canonical forms.

_GIVEN: Mapping[str, tuple[Callable[[str], str], tuple[str, ...], tuple[str, ...]]] = {
    "boolean": (
        lambda text: canon.write_boolean(canon.read_boolean(text)),
        ("true", "1", " false ", "0"),
        ("TRUE", "yes", ""),
    ),
    "integer": (
        lambda text: canon.write_integer(canon.read_integer(text)),
        ("7", "-7", "+7", "007", "0", "-0", "9223372036854775807"),
        ("1.0", "1e3", "", "--1", "१"),
    ),
    "decimal with 2 fraction digits": (
        lambda text: canon.write_decimal(canon.read_decimal(text), 2),
        ("1", "1.5", "+1.50", "-0", "0.10", ".5", "5.", "100000000000000000.01"),
        ("1e3", "NaN", "INF", "", "1,5"),
    ),
    "decimal with 4 fraction digits": (
        lambda text: canon.write_decimal(canon.read_decimal(text), 4),
        ("1", "12.34", "-0.0001"),
        ("1.2.3",),
    ),
    "date": (
        lambda text: canon.write_date(canon.read_date(text)),
        ("2026-03-02", " 2024-02-29 "),
        ("2026-02-29", "26-03-02", "2026-3-2", "02.03.2026"),
    ),
    "datetime": (
        lambda text: canon.write_datetime(canon.read_datetime(text)),
        ("2026-03-02T09:00:00Z", "2026-03-02T10:00:00+01:00", "2026-03-02T09:00:00.500Z", "2026-03-02T09:00:00.12000Z"),
        ("2026-03-02", "2026-03-02 09:00:00Z", "2026-03-02T25:00:00Z"),
    ),
    "binary": (
        lambda text: canon.write_binary(canon.read_binary(text)),
        ("", "AA==", "3q2+7w==", " 3q2+ 7w== "),
        ("A", "*"),
    ),
}

_TEXTS = ("plain", "a & b", "<b>bold</b>", "a > b", "quotes \" and '", "Søn 株式会社 \U0001f69a", "two\nlines", "\ttab")

_FRAGMENTS: tuple[tuple[tuple[str, str], ...], ...] = (
    (("id", UUID), ("version", "7"), ("title", "Pumps & more <1>")),
    (("id", "c-1"), ("version", "1"), ("name", "Ünder > Söhne"), ("segments", "export"), ("segments", "gold")),
    (("id", "d-1"), ("version", "12"), ("notes", "first\nsecond")),
)


def canonical() -> dict[str, Any]:
    """Lexical forms, escaping and fragments."""
    kinds = {}
    for kind, (write, good, bad) in _GIVEN.items():
        for each in bad:
            try:
                write(each)
            except canon.LexicalError:
                continue
            raise ValueError(f"{kind} {each!r} is not refused")
        kinds[kind] = {
            "canonical": [{"given": each, "canonical": write(each)} for each in good],
            "refused": list(bad),
        }
    return {
        "kinds": kinds,
        "escaped": [{"text": each, "escaped": canon.escape(each)} for each in _TEXTS],
        "line ends": [{"given": each, "text": canon.clean_text(each)} for each in ("a\r\nb", "a\rb", "a\nb")],
        "fragments": [{"fields": each, "fragment": fragment.join(each)} for each in _FRAGMENTS],
    }


# Hashes, digests, manifests.


def _records() -> list[tuple[str, str, int, str]]:
    return [
        ("Deal", UUID, 7, fragment.join(_FRAGMENTS[0])),
        ("Customer", "c-1", 1, fragment.join(_FRAGMENTS[1])),
        ("Deal", "d-1", 12, fragment.join(_FRAGMENTS[2])),
        ("Deal", "d-1", 13, fragment.join(_FRAGMENTS[2])),
        ("Contact", "d-1", 12, ""),
        ("Activity", "A" * 36, 2**53 + 1, "<id>x</id>"),
    ]


def hashes() -> dict[str, Any]:
    """Hashes and shards of records, digests of several."""
    listed = [record_hash(*each) for each in _records()]
    lists = [[], listed[:1], listed, [listed[0], listed[0]], [2**64 - 1, 2]]
    return {
        "records": [
            {
                "entity": entity,
                "id": record,
                "version": str(version),
                "content": content,
                "hash": str(hashed),
                "shard": shard_of(entity, record),
            }
            for (entity, record, version, content), hashed in zip(_records(), listed, strict=True)
        ],
        "digests": [
            {"hashes": list(map(str, each)), "count": Digest.of(each).count, "sum": Digest.of(each).hex}
            for each in lists
        ],
    }


def manifests() -> dict[str, Any]:
    """Packed manifests, sums by shard and how two of them differ."""
    held = [
        Held(entity, record, version, record_hash(*each))
        for each in _records()
        if (entity := each[0]) and (record := each[1]) and (version := each[2]) != 13
    ]
    sets = [[], held[:1], held[1:3], held]
    sums = [manifest.shard_sums(each) for each in sets]
    refused = [b"\2", b"\x01\x04Deal", b"\x01\x04Deal\0\0\0\0\x02" + b"\0" * 40, b"\x01\x04Deal\xff\0\0\0\x01"]
    for each in refused:
        try:
            manifest.unpack(each)
        except ValueError:
            continue
        raise ValueError(f"{each.hex()} is not refused")
    return {
        "packed": [
            {
                "entries": [
                    {"entity": each.entity, "id": each.id, "version": str(each.version), "hash": str(each.hash)}
                    for each in entries
                ],
                "packed": manifest.pack(entries).hex(),
                "sums": {str(place): str(each) for place, each in enumerate(summed) if each},
                "sums_hash": blake2b(manifest.pack_sums(summed), digest_size=16).hexdigest(),
            }
            for entries, summed in zip(sets, sums, strict=True)
        ],
        "differing": [
            {"one": one, "other": other, "shards": manifest.differing(sums[one], sums[other])}
            for one in range(len(sets))
            for other in range(len(sets))
        ],
        "refused": [each.hex() for each in refused],
    }


def patches() -> dict[str, Any]:
    """Records held, what changed, and what comes of it."""
    held = "<id>d-1</id><version>7</version><title>Pumps</title><tag>a</tag><tag>b</tag><notes>n</notes>"
    new = (
        ("title", "<id>d-1</id><version>9</version><title>P &amp; V</title><tag>a</tag><tag>b</tag><notes>n</notes>"),
        ("notes", "<id>d-1</id><version>9</version><title>Pumps</title><tag>a</tag><tag>b</tag>"),
        (
            "stage tag",
            "<id>d-1</id><version>9</version><title>Pumps</title><stage>won</stage><tag>c</tag><notes>n</notes>",
        ),
        ("title tag amount", "<id>d-1</id><version>9</version><notes>n</notes><amount>1.00</amount>"),
        ("", "<id>d-1</id><version>9</version><title>Pumps</title><tag>a</tag><tag>b</tag><notes>n</notes>"),
    )
    merged = []
    for names, after in new:
        made = patch.make(after, names.split())
        if made is None or patch.merge(held, made) != after:
            raise ValueError(f"a patch of {names!r} does not give the record")
        merged.append({"held": held, "patch": made.content, "at": made.at, "merged": after})
    known = Patch("d-1", 9, (("amount", "<amount>1.00</amount>", 9),))
    unmergeable = []
    for other in (held, "", "<id>d-2</id><version>7</version>", "rubbish"):
        try:
            patch.merge(other, known)
        except ValueError:
            unmergeable.append({"held": other, "patch": known.content, "at": known.at})
    if len(unmergeable) != 4:
        raise ValueError("a patch is merged into what it is not for")
    return {"merged": merged, "unmergeable": unmergeable}


def cursors() -> dict[str, Any]:
    """What a device may think of a cursor: nothing."""
    return {
        "rules": [
            "A cursor is text of 1 to 160 characters of A-Z a-z 0-9 - _; nothing else follows from it.",
            "Store a page and its cursor in one local transaction; send the cursor stored last, unchanged.",
            "A cursor never expires. Presenting a page's cursor says that the page was applied.",
            "A page that was lost is asked for by presenting the cursor before it again.",
            "An answer without news repeats the cursor that was presented.",
            f"The fault {INVALID_CURSOR.code} is answered by RegisterDevice with the same device, then Reconcile.",
            "A cursor belongs to one device of one tenant: never carry it to another file.",
        ],
        "texts": [stand_in(number) for number in range(3)] + ["A", "-", "_" * 160],
    }


def stand_in(number: int) -> str:
    """Text of a cursor's alphabet and length that nobody signed."""
    seed = b"".join(blake2b(f"{number}:{part}".encode(), digest_size=36).digest() for part in range(2))
    return urlsafe_b64encode(seed).decode().rstrip("=")


# Sessions.


class Recorder:
    """A transport that keeps what is said, with a stand-in for each cursor."""

    def __init__(self, inner: FrontTransport) -> None:
        self.inner = inner
        self.meter = inner.meter
        self.exchanges: list[tuple[str, bytes, bytes | None]] = []
        self.cursors: dict[str, str] = {}
        self.recording = False
        self.lose: set[int] = set()

    def get(self, path: str) -> bytes:
        """A page of the hub."""
        return self.inner.get(path)

    def post(self, path: str, action: str, body: bytes, *, safe: bool) -> bytes:
        """One call, kept while recording; the answers numbered in `lose` do not arrive."""
        answer = self.inner.post(path, action, body, safe=safe)
        if not self.recording:
            return answer
        lost = len(self.exchanges) in self.lose
        self.exchanges.append((action.rpartition("/")[2], body, None if lost else answer))
        if lost:
            raise SaddlebagError(NO_CONNECTION)
        return answer

    def opaque(self, text: str) -> str:
        """The text with every cursor seen so far replaced."""
        for real, standing in self.cursors.items():
            text = text.replace(real, standing)
        return text

    def see(self, cursor: str) -> None:
        """Give a cursor its stand-in."""
        self.cursors.setdefault(cursor, stand_in(100 + len(self.cursors)))


class Play:
    """One recorded session: the office and rita's laptop before it, and what each scenario does first."""

    def __init__(self, office: World, folder: Path) -> None:
        self.office = office
        self.recorder = Recorder(FrontTransport(office))
        self.laptop = Laptop(folder / "rita.sqlite", self.recorder, PASSWORD, office.now)  # type: ignore[arg-type]
        self.laptop.good("login", "https://hub.example", "--tenant", TENANT, "--user", "rita")

    def recorded(self) -> Files:
        """Sync and keep what was said; the files of one session."""
        before = state_of(self.laptop)
        self.recorder.recording = True
        for _ in range(len(self.recorder.lose) + 1):
            self.laptop.run("sync")
        after = state_of(self.laptop)
        return self._files(before, after)

    def _files(self, before: dict[str, Any], after: dict[str, Any]) -> Files:
        for state in (before, after):
            self.recorder.see(state["cursor"])
        for _, _, answer in self.recorder.exchanges:
            _, opened, rest = (answer or b"").decode().partition("cursor>")
            if opened:
                self.recorder.see(rest.partition("<")[0])
        files, listed = {}, []
        for number, (name, request, answer) in enumerate(self.recorder.exchanges, 1):
            stem = f"{number:02}-{name}"
            files[f"{stem}.request.xml"] = self.recorder.opaque(request.decode())
            if answer is not None:
                files[f"{stem}.answer.xml"] = self.recorder.opaque(answer.decode())
            said = None if answer is None else f"{stem}.answer.xml"
            listed.append({"request": f"{stem}.request.xml", "answer": said})
        story = {"before": before, "exchanges": listed, "after": after}
        files["session.json"] = self.recorder.opaque(as_json(story))
        return files


def state_of(laptop: Laptop) -> dict[str, Any]:
    """What a device holds, in words of the protocol."""
    file = laptop.file()
    rows = file.db.execute("SELECT entity, id, version, fragment FROM rows WHERE version > 0 ORDER BY entity, id")
    operations = file.db.execute("SELECT sequence, entity, id, status, payload FROM outbox ORDER BY sequence")
    state = {
        "device": file.get("device"),
        "incarnation": file.get("incarnation"),
        "cursor": file.get("cursor"),
        "token": file.get("token"),
        "page_wise": bool(file.get("page_wise")),
        "rows": [{"entity": e, "id": i, "version": str(v), "fragment": f} for e, i, v, f in rows],
        "operations": [
            {"sequence": s, "entity": e, "id": i, "status": status, **json.loads(payload)}
            for s, e, i, status, payload in operations
        ],
    }
    file.close()
    held = Digest.of(record_hash(e["entity"], e["id"], int(e["version"]), e["fragment"]) for e in state["rows"])
    return {**state, "count": held.count, "sum": held.hex}


def _first_sync(play: Play) -> None:
    """An empty device gets its week."""


def _nothing_new(play: Play) -> None:
    play.laptop.good("sync")


def _records_change_and_leave(play: Play) -> None:
    play.laptop.good("sync")
    play.office.write(
        "hub",
        update("Deal", "d-1", title="Pumps, larger"),
        update("Deal", "d-2", owner="sam"),
        delete("Contact", "k-rita"),
    )


def _fields_change_and_are_cleared(play: Play) -> None:
    """A device whose version is known gets patches: fields that were set, changed, cleared; a version alone."""
    play.office.write("hub", update("Deal", "d-1", notes="as agreed " * 30, nextStep="Call", probability=20))
    play.laptop.good("sync")
    play.office.write(
        "hub",
        update("Deal", "d-1", title="Pumps, larger", nextStep=None, lossReason="price"),
        update("Customer", "c-rita", taxNumber="DE 1"),
        create("Contact", "k-new", customer="c-rita", lastName="Cern"),
    )


def _several_pages(play: Play) -> None:
    """A device with little room: each page is proved by the cursor that asks for the next; the second is lost once."""
    play.laptop.good("sync", "--page-wise")
    play.office.write("hub", update("Deal", "d-1", title="Pumps, larger"), update("Deal", "d-2", owner="sam"))
    notes = {"customer": "c-rita", "kind": "note", "body": "what was said " * 1900}
    play.office.write("hub", *(create("Activity", f"a-{n}", subject=f"Note {n}", **notes) for n in range(5)))
    play.recorder.lose = {1}


def _a_patch_for_a_row_that_is_lost(play: Play) -> None:
    """The row is gone from the disk when a patch comes for it: the digest tells, and healing brings it whole."""
    play.office.write("hub", update("Deal", "d-1", notes="as agreed " * 30))
    play.laptop.good("sync")
    play.office.write("hub", update("Deal", "d-1", title="Pumps, larger"))
    file = play.laptop.file()
    with file.transaction() as db:
        db.execute("DELETE FROM rows WHERE entity = 'Deal' AND id = 'd-1'")
    file.close()


def _an_old_image(play: Play) -> None:
    """What the hub has let go of is sent again by a restored image: told by its status, and never done twice."""
    laptop, office = play.laptop, play.office
    laptop.good("sync")
    laptop.good("edit", "deal", "d-1", "notes=called")
    image = laptop.path.read_bytes()
    laptop.good("sync")
    laptop.good("edit", "deal", "d-2", "notes=called too")
    laptop.good("sync")
    office.tick(minutes=5)
    laptop.path.write_bytes(image)


def _edits_of_every_fate(play: Play) -> None:
    """Applied, merged, a conflict, a refusal and one that waits behind it, a record that is gone, a new record."""
    laptop, office = play.laptop, play.office
    laptop.good("sync")
    laptop.good("edit", "deal", "d-1", "nextStep=Bring samples", "notes=liked it")
    laptop.good("edit", "deal", "d-2", "amount=100")
    laptop.good("edit", "contact", "k-rita", "title=Dr")
    laptop.good("edit", "customer", "c-rita", "territory=south")
    laptop.good("log", "visit", "c-rita", "Saw <the> plant & more")
    office.tick(minutes=5)
    office.write(
        "hub",
        update("Deal", "d-1", notes="budget is fixed"),
        update("Deal", "d-2", amount=Decimal(900)),
        delete("Contact", "k-rita"),
    )


def _a_lost_answer(play: Play) -> None:
    """The push is sent again as it was, and takes effect once."""
    play.laptop.good("sync")
    play.laptop.good("edit", "deal", "d-1", "notes=called")
    play.recorder.lose = {0}


def _a_damaged_row(play: Play) -> None:
    """A bit has flipped on the disk: sums, keys of the differing shard, then that record again."""
    play.laptop.good("sync")
    file = play.laptop.file()
    with file.transaction() as db:
        db.execute("UPDATE rows SET fragment = replace(fragment, 'Pump', 'Pomp') WHERE entity = 'Deal' AND id = 'd-1'")
    file.close()


def _an_unreadable_cursor(play: Play) -> None:
    """The hub cannot read the cursor: the same device registers again and compares; nothing is sent twice."""
    play.laptop.good("sync")
    file = play.laptop.file()
    file.put(cursor=stand_in(99))
    file.close()


def _a_hub_that_doubts(play: Play) -> None:
    """The device was registered under another life meanwhile: the hub asks it to reconcile."""
    play.laptop.good("sync")

    def next_life(tx: Any) -> None:
        (device,) = tx.rows.select(Device)
        tx.rows.put(type(device)(**{name: getattr(device, name) for name in device.__slots__} | {"incarnation": 5}))

    play.office.run(next_life)


SCENARIOS: Mapping[str, Callable[[Play], None]] = {
    each.__name__.strip("_").replace("_", "-"): each
    for each in (
        _first_sync,
        _nothing_new,
        _records_change_and_leave,
        _fields_change_and_are_cleared,
        _several_pages,
        _a_patch_for_a_row_that_is_lost,
        _an_old_image,
        _edits_of_every_fate,
        _a_lost_answer,
        _a_damaged_row,
        _an_unreadable_cursor,
        _a_hub_that_doubts,
    )
}


def sessions() -> Files:
    """Every scenario, each with an office of its own."""
    files: Files = {}
    for name, prepare in SCENARIOS.items():
        with TemporaryDirectory() as folder, world(f"sqlite:///{folder}/hub.sqlite") as office:
            soon = office.now.date() + timedelta(days=3)
            deal = {"customer": "c-rita", "owner": "rita", "stage": "propose", "closeDate": soon}
            office.write("hub", *(create("Deal", f"d-{n}", title=f"Pumps & more <{n}>", **deal) for n in (1, 2)))
            now = office.now
            office.run(lambda tx, at=now: access.set_password(tx, "rita", "rita", PASSWORD, at, lambda: "salt" * 4))
            play = Play(office, Path(folder))
            prepare(play)
            files |= {f"sessions/{name}/{path}": text for path, text in play.recorded().items()}
    return files


def everything() -> Files:
    """All files but the README."""
    plain: Iterable[tuple[str, Callable[[], dict[str, Any]]]] = (
        ("canonical", canonical),
        ("hashes", hashes),
        ("manifests", manifests),
        ("patches", patches),
        ("cursors", cursors),
    )
    return {**{f"{name}.json": as_json(made()) for name, made in plain}, **sessions()}


def write(folder: Path = VECTORS) -> None:
    """Write all files."""
    for path, text in everything().items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
