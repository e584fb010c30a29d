"""Random histories of a laptop: edits, lost and repeated messages, kills at every commit, restored images.

Belongs here: the machines that draw and check them, for the tests that play them. May not know: planted bugs.

Whatever happened, the next calm sync ends with the laptop holding exactly what the hub wants it to, byte for byte, and
with every edit taken over once, or waiting to be read.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from laptop import Bomb, Killed, Laptop, matches
from memory_hub import MemoryHub
from saddlebag_client import edits, outbox, rows

_FAST = Path("/dev/shm")
"""A folder in memory, where there is one: what is tested is the order of commits, not the disk."""

IDS = ("a", "b", "c")
WEATHER = ("calm", "request lost", "answer lost", "sent twice")


class Ordinary(RuleBasedStateMachine):
    """One laptop and one hub, lost and repeated messages, kills: what must never need healing."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=_FAST if _FAST.is_dir() else None))
        self.hub = MemoryHub()
        self.laptop = Laptop(self.folder / "rep.sqlite", self.hub)
        self.counter = 0
        self.images = 0
        self.restored = False
        self.disturbed = False
        self.last: dict[tuple[str, str], str] = {}
        for each in IDS[:2]:
            self.hub.write("Deal", each, title=each, customer="c1")
        self.laptop.login()

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    def value(self) -> str:
        self.counter += 1
        return f"v{self.counter}"

    @rule(record=st.sampled_from(IDS))
    def hub_writes(self, record: str) -> None:
        self.hub.write("Deal", record, title=record, owner=self.value(), customer="c1")

    @rule(record=st.sampled_from(IDS))
    def hub_deletes(self, record: str) -> None:
        self.hub.delete("Deal", record)

    @rule(record=st.sampled_from(IDS))
    def scope_moves(self, record: str) -> None:
        self.hub.outside ^= {("Deal", record)}

    @rule(record=st.sampled_from(IDS), name=st.sampled_from(["title", "stage"]))
    def edit(self, record: str, name: str) -> None:
        text = self.value() if name == "title" else "won"
        code, _, _ = self.laptop.run("edit", "deal", record, f"{name}={text}")
        if code == 0 and name == "title":
            self.last["Deal", record] = text

    @rule()
    def create(self) -> None:
        text = self.value()
        file = self.laptop.file()
        made = f"made-{self.counter}"
        edits.create(file, "Deal", made, {"title": text}, "2026-03-02T12:00:00Z")
        file.close()
        self.last["Deal", made] = text

    @rule(refuse=st.booleans())
    def hub_changes_its_mind(self, refuse: bool) -> None:
        self.hub.refuse = lambda entity, record, fields: "No." if refuse and "stage" in fields else ""

    @rule(record=st.sampled_from(IDS))
    def edit_twice_around_a_lost_answer(self, record: str) -> None:
        """The likeliest trouble, made likelier: what was sent and may have arrived must not change any more."""
        self.edit(record, "title")
        self.sync_in_bad_weather(["answer lost"] * 3)
        self.edit(record, "stage")

    @rule(weather=st.lists(st.sampled_from(WEATHER), max_size=8))
    def sync_in_bad_weather(self, weather: list[str]) -> None:
        coming = iter(weather)
        self.hub.weather = lambda: next(coming, "calm")
        code, data, _ = self.laptop.run("sync")
        assert code in (0, 3), data
        self.hub.weather = lambda: "calm"

    @rule(at=st.integers(1, 12), after=st.booleans(), weather=st.sampled_from(WEATHER))
    def sync_is_killed(self, at: int, after: bool, weather: str) -> None:
        bomb = Bomb()
        bomb.left, bomb.after = at, after
        coming = iter([weather])
        self.hub.weather = lambda: next(coming, "calm")
        with bomb.armed():
            try:
                self.laptop.run("sync")
            except Killed:
                bomb.left = 0
        self.hub.weather = lambda: "calm"

    @rule()
    def calm_sync(self) -> None:
        self.laptop.good("sync")
        assert matches(self.laptop)
        file = self.laptop.file()
        waiting = outbox.operations(file, outbox.UNSENT, outbox.SENT)
        kept = outbox.operations(file, outbox.PARKED, outbox.CONFLICT)
        loose = file.db.execute("SELECT count(*) FROM dirty WHERE settled IS NOT NULL").fetchone()[0]
        incarnation = file.get("incarnation")
        file.close()
        assert not waiting
        assert not loose
        assert incarnation == self.hub.incarnation
        for key, text in self.last.items():
            taken = any(done == key and new.get("title") == (text,) for done, new in self.hub.applied)
            titles = [each.fields.get("title", (None, None))[1] for each in kept if (each.entity, each.id) == key]
            assert taken or text in titles

    @invariant()
    def nothing_took_effect_twice(self) -> None:
        """Of an image, an operation may come again that was merged since: as another one, but never as the same."""
        if not hasattr(self, "hub"):
            return
        titles = [
            (key, new["title"], tuple(sorted(new)) if self.restored else ())
            for key, new in self.hub.applied
            if "title" in new
        ]
        assert len(titles) == len(set(titles))

    @invariant()
    def only_a_real_difference_is_healed(self) -> None:
        """Lost messages and kills are the session's daily bread; they must not end in a comparison of everything."""
        if hasattr(self, "hub") and not self.disturbed:
            assert "Reconcile" not in self.hub.calls

    @invariant()
    def a_reference_reads_as_it_stands_although_its_target_is_not_here(self) -> None:
        if not hasattr(self, "laptop"):
            return
        file = self.laptop.file()
        for held in rows.read(file, "Deal", ()):
            assert held.hub.get("customer") in (["c1"] if held.id in IDS and held.version else [None, "c1"])
        file.close()

    @invariant()
    def the_reader_sees_what_she_wrote_until_it_is_settled(self) -> None:
        if not hasattr(self, "laptop"):
            return
        file = self.laptop.file()
        waiting = outbox.operations(file, outbox.UNSENT, outbox.SENT, outbox.PARKED)
        newest = {(each.id, name): new for each in waiting for name, (_, new) in each.fields.items()}
        gone = {each.id for each in waiting if each.result.get("status") == "gone"}
        for (record, name), new in newest.items():
            held = rows.one(file, "Deal", (), record)
            assert held is None or record in gone or held.text(name) == new
        file.close()


class Disturbed(Ordinary):
    """The same with restored images, damaged disks and a hub that forgets."""

    @rule()
    def take_image(self) -> None:
        self.images += 1
        shutil.copy(self.laptop.path, self.folder / f"image-{self.images}")

    @precondition(lambda self: self.images)
    @rule(pick=st.integers(0, 9))
    def restore_image(self, pick: int) -> None:
        self.restored = self.disturbed = True
        self.last.clear()
        shutil.copy(self.folder / f"image-{1 + pick % self.images}", self.laptop.path)

    @rule(record=st.sampled_from(IDS))
    def restore_what_was_sent_since(self, record: str) -> None:
        """The likeliest trouble, made likelier: the image holds unsent what the hub has, and knows less than it had."""
        self.edit(record, "title")
        self.take_image()
        self.create()
        self.sync_in_bad_weather([])
        self.restore_image(self.images - 1)

    @rule()
    def disk_flips_a_bit(self) -> None:
        self.disturbed = True
        file = self.laptop.file()
        row = file.db.execute("SELECT id, fragment FROM rows WHERE version > 0 ORDER BY id LIMIT 1").fetchone()
        if row is not None:
            spoiled = row[1].replace("<title>", "<title>?", 1)
            file.db.execute("UPDATE rows SET fragment = ? WHERE id = ?", (spoiled, row[0]))
        file.close()

    @rule()
    def hub_forgets_the_manifest(self) -> None:
        self.disturbed = True
        self.hub.holding.clear()
