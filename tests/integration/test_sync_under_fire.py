"""Sync over real sockets while hubs and laptops are killed: nothing is lost or done twice, and all agree in the end.

Each history is made from a seed. Those of `under_fire_seeds.txt` beside this file are played always, so that the gate
asks the same of every change; `--explore` plays a new one besides, and writes a seed that fails into that file.
"""

from __future__ import annotations

import json
import random
import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from saddlebag.kernel.digest import Digest, record_hash
from saddlebag.kernel.errors import EDIT_PARKED, NOT_ALLOWED
from saddlebag.model.builtin import BUILTIN
from saddlebag.sync.defaults import CLOSING, DEFAULT
from saddlebag.sync.rules import write_scope
from saddlebag.sync.scope import Scope
from throwaway_postgres import Server
from under_fire import FieldLaptop, Fleet, Unsettled

pytestmark = pytest.mark.heavy

SEEDS = Path(__file__).with_name("under_fire_seeds.txt")
STEPS = 20
DEALS = 6

SHORT = replace(
    DEFAULT,
    rules=(
        replace(
            CLOSING,
            fields=("stage", "notes", "closeDate"),
            hops=tuple(replace(each, fields=("number",) if each.entity == "Customer" else ()) for each in CLOSING.hops),
        ),
    ),
)
"""A scope that carries some fields only of deals and customers."""


class History:
    """What happens to a fleet, drawn from a seed."""

    def __init__(self, fleet: Fleet, seed: int) -> None:
        self.fleet = fleet
        self.random = random.Random(seed)
        self.count = 0
        self.visits: set[str] = set()
        self.words: dict[str, set[str]] = {}
        self.lent: set[str] = set()
        self.killed: Counter[str] = Counter()
        self.today = datetime.now(UTC).date()
        people = {each.name: each.id for each in self.office("metadata", "SearchUsers").user}
        self.alice, self.bob = people["alice"], people["bob"]
        customer = {"number": "C-1", "name": "Pumps & Søn", "owner": self.alice, "currency": "EUR"}
        self.customer = self.office("customer", "CreateCustomers", customer=[customer])[0].id
        self.deals = [self._deal(number) for number in range(DEALS)]
        self.scope = 0
        self.files: dict[str, bytes] = {}
        self.groups: list[list[tuple[str, str]]] = []
        self.spoilt: set[str] = set()

    def office(self, service: str, operation: str, **members: Any) -> Any:
        """One call of the back office at any of the hubs."""
        hub = self.random.choice(self.fleet.hubs)
        return getattr(hub.service(service), operation)(**members, _soapheaders=hub.login("office"))

    def set_scope(self, scope: Scope) -> None:
        """Rules for everybody, by the administrator's hand."""
        hub = self.random.choice(self.fleet.hubs)
        members = {"name": "default", "version": self.scope, "rules": write_scope(scope, BUILTIN)}
        self.scope = hub.service("scope").SaveScope(**members, _soapheaders=hub.login("boss"))

    def _deal(self, number: int) -> str:
        deal = {
            "number": f"D-{number}",
            "customer": self.customer,
            "owner": self.alice,
            "title": f"Deal {number}",
            "stage": "propose",
            "closeDate": self.today + timedelta(days=3),
        }
        return str(self.office("deal", "CreateDeals", deal=[deal])[0].id)

    def play(self) -> None:
        """All steps, then peace."""
        self.sync_all()
        for _ in range(STEPS):
            self.random.choice(self.acts())()
            if self.random.random() < 0.6:
                self.fire()
        self.set_scope(SHORT)  # what stays by grace leaves with it, and all agree on what is carried
        self.sync_all()
        self.sync_all()

    def acts(self) -> list[Callable[[], None]]:
        """What may happen between two syncs."""
        office = [self.office_edits, self.office_moves, self.office_changes_the_scope]
        rep = [self.rep_writes, self.rep_writes, self.rep_visits, self.rep_wins_a_customer, self.rep_attaches]
        return [*office, *rep]

    def office_edits(self) -> None:
        changed = {"id": self.random.choice(self.deals), "title": f"Title {self._number()}"}
        assert self.office("deal", "UpdateDeals", deal=[changed])[0].success

    def office_moves(self) -> None:
        """A deal leaves the scope or comes back."""
        move = self.random.choice(
            [
                {"owner": self.bob},
                {"owner": self.alice},
                {"closeDate": self.today + timedelta(days=30)},
                {"closeDate": self.today + timedelta(days=2), "owner": self.alice},
            ]
        )
        changed = {"id": self.random.choice(self.deals), **move}
        if changed.get("owner") == self.bob:
            self.lent.add(changed["id"])
        assert self.office("deal", "UpdateDeals", deal=[changed])[0].success

    def office_changes_the_scope(self) -> None:
        """With a day of grace or none, with all fields or some."""
        self.set_scope(self.random.choice([DEFAULT, SHORT, replace(DEFAULT, grace=24), replace(SHORT, grace=24)]))

    def rep_wins_a_customer(self) -> None:
        """Records that refer to one another are created offline, all of them or, where one is wrong, none."""
        number = self._number()
        ids = [f"{kind}-{number}" for kind in ("customer", "contact", "deal", "line")]
        customer, contact, deal, line = ids
        close = (self.today + timedelta(days=2)).isoformat()
        rows = [
            ("Customer", customer, {"name": f"Won {number}", "owner": self.alice}),
            ("Contact", contact, {"customer": customer, "lastName": f"Person {number}"}),
            ("Deal", deal, {"customer": customer, "owner": self.alice, "title": f"Deal {number}", "closeDate": close}),
        ]
        if self.random.random() < 0.4:
            rows.append(("DealLine", line, {"deal": deal, "product": "no-such", "quantity": "1"}))
            self.spoilt |= set(ids)
        self.random.choice(self.fleet.laptops).create_together(rows, f"group-{number}")
        self.groups.append([(entity, key) for entity, key, _ in rows])

    def rep_attaches(self) -> None:
        """A photo: its record goes with the others, its bytes on a queue of their own, chunk by chunk."""
        laptop = self.random.choice(self.fleet.laptops)
        if ("Customer", self.customer) in laptop.held():
            content = self.random.randbytes(self.random.choice([1_000, 700_000]))
            path = laptop.path.with_name(f"photo-{self._number()}.jpg")
            path.write_bytes(content)
            said = json.loads(laptop.run("attach", "customer", self.customer, str(path)))
            self.files[said["id"]] = content

    def rep_writes(self) -> None:
        """She adds a word to what her laptop shows, so that each word stands once if it was taken once."""
        laptop = self.random.choice(self.fleet.laptops)
        held = sorted(key for entity, key in laptop.held() if entity == "Deal")
        if held:
            deal, word = self.random.choice(held), f"word-{self._number()}."
            notes = json.loads(laptop.run("show", "deal", deal))["fields"].get("notes") or ""
            laptop.run("edit", "deal", deal, f"notes={notes} {word}".replace("= ", "="))
            self.words.setdefault(deal, set()).add(word)

    def rep_visits(self) -> None:
        laptop = self.random.choice(self.fleet.laptops)
        if ("Customer", self.customer) in laptop.held():
            said = json.loads(laptop.run("log", "visit", self.customer, f"Visit {self._number()}"))
            self.visits.add(said["id"])

    def fire(self) -> None:
        """Both laptops sync at once; one of them, a hub or nobody is killed meanwhile."""
        running = [laptop.start_sync() for laptop in self.fleet.laptops]
        victim = self.random.choice(["hub", "laptop", "laptop", "nobody"])
        time.sleep(self.random.uniform(0.1, 0.6))
        if victim == "hub":
            hub = self.random.choice(self.fleet.hubs)
            hub.restart()
        elif victim == "laptop":
            self.random.choice(running).kill()
        self.killed[victim] += 1
        for each in running:
            output, _ = each.communicate()
            assert each.returncode in (0, 3, -9), output

    def sync_all(self) -> None:
        """Every laptop, one after the other, in peace."""
        for laptop in self.fleet.laptops:
            laptop.run("sync")

    def _number(self) -> int:
        self.count += 1
        return self.count

    def judge(self) -> list[str]:
        """What is not as it must be in the end."""
        expected = self.fleet.projection(self.alice)
        made, notes = self.fleet.effects()
        wrong = [] if Counter(made) == Counter(self.visits) else [f"visits {made}, {self.visits} were noted"]
        for laptop in self.fleet.laptops:
            if laptop.held() != expected or _digest(laptop) != _digest(self.fleet.laptops[0]):
                wrong.append(f"{laptop.path.parent.name} holds {sorted(laptop.held())}, not {sorted(expected)}")
            wrong += [f"unsettled: {each}" for each in laptop.unsettled() if not self._refused_rightly(each)]
        wrong += [f"{group} came in part" for group in self.groups if not self._whole(group)]
        wrong += [f"{each} has other bytes" for each, content in self.files.items() if self._stored(each) != content]
        refused = {word for each in self._all_unsettled() for word in _words(each)}
        for deal, words in self.words.items():
            if any(notes[deal].count(word) != (word not in refused) for word in words):
                wrong.append(f"{words} without {refused} in {notes[deal]!r}")
        return wrong

    def _whole(self, group: list[tuple[str, str]]) -> bool:
        """All of a group or, of one that was wrong, nothing."""
        return self.fleet.there(group) == [key not in self.spoilt for _, key in group]

    def _stored(self, attachment: str) -> bytes:
        """An attachment's bytes as the hub has them."""
        data = b""
        while True:
            told = self.office("attachment", "GetChunk", id=attachment, offset=len(data))
            data += told.data
            if len(data) >= told.size:
                return data

    def _all_unsettled(self) -> list[Unsettled]:
        return [each for laptop in self.fleet.laptops for each in laptop.unsettled()]

    def _refused_rightly(self, each: Unsettled) -> bool:
        """An edit that reached the hub while the deal was another rep's stays parked, and so does a group that was
        wrong: refused and not lost.
        """
        if each.id in self.spoilt:
            return each.status == "parked"
        codes = (NOT_ALLOWED.code, EDIT_PARKED.code)
        return each.status == "parked" and each.code in codes and each.id in self.lent


def _words(each: Unsettled) -> set[str]:
    """The words that the operation would have added."""
    old, new = each.fields.get("notes", ("", ""))
    return set((new or "").split()) - set((old or "").split())


def _digest(laptop: FieldLaptop) -> Digest:
    return Digest.of(record_hash(*key, version, text) for key, (version, text) in laptop.held().items())


def seeds() -> list[int | None]:
    """Those that are kept, and None for a new one (drawn at run time: test processes must collect alike)."""
    return [*map(int, SEEDS.read_text().split()), None]


@pytest.fixture(params=seeds(), ids=lambda seed: f"seed-{seed or 'new'}")
def seed(request: pytest.FixtureRequest) -> int:
    """A seed; a new one only where it was asked for."""
    if request.param is not None:
        return int(request.param)
    if not request.config.getoption("explore"):
        pytest.skip("new histories are played with --explore")
    return secrets.randbelow(1_000_000)


def play(folder: Path, database: str, hubs: int, seed: int) -> list[str]:
    """One history from its seed to its judgement."""
    print(f"seed {seed}")
    agreed, fleet = False, Fleet(folder, database, hubs)
    try:
        history = History(fleet, seed)
        history.play()
        wrong = history.judge()
        print(f"{history.count} edits, killed: {dict(history.killed)}")
        agreed = not wrong
        return wrong
    finally:
        fleet.end()
        if not agreed:
            _keep(seed)


def _keep(seed: int) -> None:
    """Replay this seed from now on."""
    known = SEEDS.read_text().split()
    SEEDS.write_text("\n".join(sorted({*known, str(seed)}, key=int)) + "\n")


def test_one_hub_on_sqlite_and_its_laptops_agree_after_any_kill(tmp_path: Path, seed: int) -> None:
    assert not play(tmp_path, "", 1, seed)


@pytest.mark.postgres
def test_two_hubs_on_one_postgresql_and_their_laptops_agree_after_any_kill(
    tmp_path: Path, postgres_server: Server, seed: int | None
) -> None:
    database = postgres_server.create_database()
    try:
        assert not play(tmp_path, database, 2, seed)
    finally:
        postgres_server.drop_database(database)
