"""Random histories against the real hub: bad weather and kills here, office work there, days going by.

After every calm sync the laptop's rows are the hub's stored fragments, byte for byte, and no edit took effect twice.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from examples import examples
from front_transport import FrontTransport
from laptop import Bomb, Killed, Laptop
from records_world import TENANT, create, update, world
from saddlebag.kernel.fragment import join, split
from saddlebag.model.builtin import BUILTIN
from saddlebag.records import access
from saddlebag.store.tables import ScopeRuleRow
from saddlebag.sync.defaults import CLOSING, DEFAULT
from saddlebag.sync.rules import write_scope
from saddlebag_client import outbox

_FAST = Path("/dev/shm")
DEALS = ("d-0", "d-1", "d-2")
WEATHER = ("calm", "request lost", "answer lost", "sent twice")


class RealHub(RuleBasedStateMachine):
    """Rita's laptop and the office."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=_FAST if _FAST.is_dir() else None))
        self.stack = ExitStack()
        self.office = self.stack.enter_context(world(f"sqlite:///{self.folder / 'hub.sqlite'}"))
        soon = self.office.now.date() + timedelta(days=3)
        self.office.write("hub", *(create("Deal", each, title=each, **self._hers(soon)) for each in DEALS))
        password = "correct horse battery"
        self.office.store.run(
            TENANT, lambda tx: access.set_password(tx, "rita", "rita", password, self.office.now, lambda: "s" * 16)
        )
        self.hub = FrontTransport(self.office)
        self.laptop = Laptop(self.folder / "rita.sqlite", self.hub, password, self.office.now)  # type: ignore[arg-type]
        self.laptop.good("login", "https://hub.example", "--tenant", TENANT, "--user", "rita")
        self.counter = 0
        self.notes: dict[str, list[str]] = {each: [] for each in DEALS}
        self.carried: tuple[str, ...] = ()

    def teardown(self) -> None:
        self.stack.close()
        shutil.rmtree(self.folder)

    def _hers(self, day: object) -> dict[str, object]:
        return {"customer": "c-rita", "owner": "rita", "stage": "propose", "closeDate": day}

    @rule(deal=st.sampled_from(DEALS), owner=st.sampled_from(["rita", "sam"]))
    def office_gives_a_deal_away_or_back(self, deal: str, owner: str) -> None:
        self.office.apply("hub", update("Deal", deal, owner=owner))

    @rule(deal=st.sampled_from(DEALS))
    def office_edits(self, deal: str) -> None:
        self.counter += 1
        self.office.apply("hub", update("Deal", deal, title=f"{deal} {self.counter}", nextStep=f"o{self.counter}"))

    @rule(deal=st.sampled_from(DEALS))
    def office_clears_what_she_may_hold(self, deal: str) -> None:
        """The laptop gets it as a patch, merged into the row that it holds."""
        self.office.apply("hub", update("Deal", deal, nextStep=None))

    @rule(grace=st.sampled_from([0, 24]), fields=st.sampled_from([(), ("notes", "nextStep", "stage")]))
    def office_changes_the_scope(self, grace: int, fields: tuple[str, ...]) -> None:
        """What has left stays for a while or does not; deals are carried whole, or with some of their fields."""
        self.carried = fields
        scope = replace(DEFAULT, rules=(replace(CLOSING, fields=fields),), grace=grace)
        self.office.run(lambda tx: tx.rows.put(ScopeRuleRow("default", 1, write_scope(scope, BUILTIN))))

    @rule(days=st.integers(0, 2))
    def days_go_by(self, days: int) -> None:
        self.office.tick(days=days, hours=5)
        self.laptop.now = max(self.laptop.now, self.office.now)

    @rule(deal=st.sampled_from(DEALS))
    def she_adds_a_note(self, deal: str) -> None:
        """Notes are appended, so that one taken twice stands there twice."""
        self.counter += 1
        note = f"note-{self.counter}."
        code, _, _ = self.laptop.run("edit", "deal", deal, f"notes={note}", f"nextStep=m{self.counter}")
        if code == 0:
            self.notes[deal].append(note)

    @rule()
    def she_logs_a_visit(self) -> None:
        self.counter += 1
        self.laptop.run("log", "visit", "c-rita", f"visit {self.counter}")

    @rule(weather=st.lists(st.sampled_from(WEATHER), max_size=6))
    def sync_in_bad_weather(self, weather: list[str]) -> None:
        coming = iter(weather)
        self.hub.weather = lambda: next(coming, "calm")
        code, data, _ = self.laptop.run("sync")
        assert code in (0, 3), data
        self.hub.weather = lambda: "calm"

    @rule(at=st.integers(1, 10), after=st.booleans())
    def sync_is_killed(self, at: int, after: bool) -> None:
        bomb = Bomb()
        bomb.left, bomb.after = at, after
        with bomb.armed():
            try:
                self.laptop.run("sync")
            except Killed:
                bomb.left = 0

    @rule()
    def calm_sync(self) -> None:
        self.laptop.good("sync")
        held = self.laptop.held()
        stored = {key: self.office.stored(*key) for key in held}
        assert held == {key: (record.version, self._carried(key[0], record.fragment)) for key, record in stored.items()}
        assert not any(record.deleted for record in stored.values())
        file = self.laptop.file()
        assert not outbox.operations(file, outbox.UNSENT, outbox.SENT)
        file.close()

    def _carried(self, entity: str, fragment: str) -> str:
        """What of a record the rules carry."""
        if entity != "Deal" or not self.carried:
            return fragment
        names = {"id", "version", "title", "customer", "owner", "partner", *self.carried}
        return join((name, text) for name, text in split(fragment) if name in names)

    @invariant()
    def no_note_stands_twice(self) -> None:
        for deal, notes in getattr(self, "notes", {}).items():
            stands = str(self.office.stored("Deal", deal).values.get("notes") or "")
            assert all(stands.count(note) <= 1 for note in notes), stands

    @invariant()
    def bad_weather_needs_no_healing(self) -> None:
        assert not hasattr(self, "hub") or "Reconcile" not in self.hub.calls


TestRealHub = RealHub.TestCase
TestRealHub.settings = settings(max_examples=examples(12), stateful_step_count=25)
