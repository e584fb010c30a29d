"""Sync over real sockets while hubs and laptops are killed: nothing is lost or done twice, and all agree in the end.

Each history is made from a seed, which is printed. A seed that fails is written to `under_fire_seeds.txt` beside this
file and replayed ever after.
"""

from __future__ import annotations

import json
import random
import secrets
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from saddlebag.kernel.digest import Digest, record_hash
from throwaway_postgres import Server
from under_fire import FieldLaptop, Fleet

pytestmark = pytest.mark.heavy

SEEDS = Path(__file__).with_name("under_fire_seeds.txt")
STEPS = 18
DEALS = 6


class History:
    """What happens to a fleet, drawn from a seed."""

    def __init__(self, fleet: Fleet, seed: int) -> None:
        self.fleet = fleet
        self.random = random.Random(seed)
        self.count = 0
        self.visits: set[str] = set()
        self.words: dict[str, set[str]] = {}
        self.killed: Counter[str] = Counter()
        self.today = datetime.now(UTC).date()
        people = {each.name: each.id for each in self.office("metadata", "SearchUsers").user}
        self.alice, self.bob = people["alice"], people["bob"]
        customer = {"number": "C-1", "name": "Pumps & Søn", "owner": self.alice, "currency": "EUR"}
        self.customer = self.office("customer", "CreateCustomers", customer=[customer])[0].id
        self.deals = [self._deal(number) for number in range(DEALS)]

    def office(self, service: str, operation: str, **members: Any) -> Any:
        """One call of the back office at any of the hubs."""
        hub = self.random.choice(self.fleet.hubs)
        return getattr(hub.service(service), operation)(**members, _soapheaders=hub.login("office"))

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
        self.sync_all()
        self.sync_all()

    def acts(self) -> list[Callable[[], None]]:
        """What may happen between two syncs."""
        return [self.office_edits, self.office_moves, self.rep_writes, self.rep_writes, self.rep_visits]

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
        assert self.office("deal", "UpdateDeals", deal=[changed])[0].success

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
            if laptop.waiting():
                wrong.append(f"unsettled: {laptop.run('conflicts')}")
        for deal, words in self.words.items():
            if any(notes[deal].count(word) != 1 for word in words):
                wrong.append(f"{words} in {notes[deal]!r}")
        return wrong


def _digest(laptop: FieldLaptop) -> Digest:
    return Digest.of(record_hash(*key, version, text) for key, (version, text) in laptop.held().items())


def seeds() -> list[int | None]:
    """Those that failed once, and None for a new one (drawn at run time: test processes must collect alike)."""
    kept = SEEDS.read_text().split() if SEEDS.exists() else []
    return [*map(int, kept), None]


def play(folder: Path, database: str, hubs: int, seed: int | None) -> list[str]:
    """One history from its seed to its judgement."""
    seed = secrets.randbelow(1_000_000) if seed is None else seed
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
    known = SEEDS.read_text().split() if SEEDS.exists() else []
    SEEDS.write_text("\n".join(sorted({*known, str(seed)}, key=int)) + "\n")


@pytest.mark.parametrize("seed", seeds())
def test_one_hub_on_sqlite_and_its_laptops_agree_after_any_kill(tmp_path: Path, seed: int | None) -> None:
    assert not play(tmp_path, "", 1, seed)


@pytest.mark.postgres
@pytest.mark.parametrize("seed", seeds())
def test_two_hubs_on_one_postgresql_and_their_laptops_agree_after_any_kill(
    tmp_path: Path, postgres_server: Server, seed: int | None
) -> None:
    database = postgres_server.create_database()
    try:
        assert not play(tmp_path, database, 2, seed)
    finally:
        postgres_server.drop_database(database)
