"""Pages are seen all at once, or each as it comes; a kill anywhere costs one page."""

from __future__ import annotations

import sqlite3

import pytest

from laptop import Bomb, Killed, Laptop, matches
from memory_hub import MemoryHub
from saddlebag_client import local, rows

MODES = ("--at-once", "--page-wise")


@pytest.fixture
def small(hub: MemoryHub, laptop: Laptop) -> Laptop:
    """A laptop that holds all; since then a page's worth has changed, left and come, three times over."""
    for number in range(4):
        hub.write("Deal", f"d-{number}", title=f"Old {number}", customer="c1", amount="7.00", owner="u1")
    laptop.login()
    laptop.good("sync")
    for number in range(4):
        hub.write("Deal", f"d-{number}", title=f"New {number}")
        hub.write("Activity", f"a-{number}", kind="visit", subject="x", customer="c1")
    hub.outside |= {("Deal", "d-one")}
    hub.delete("Deal", "d-two")
    hub.calls.clear()
    return laptop


def seen(laptop: Laptop) -> set[tuple[str, str]]:
    """Titles and kinds of what its reader sees."""
    return {(key[1], version_and_content[1]) for key, version_and_content in laptop.held().items()}


def broken_off(laptop: Laptop, mode: str, commits: int, *, after: bool) -> bool:
    """A sync that is killed at this commit; whether it lived so long."""
    bomb = Bomb()
    bomb.left, bomb.after = commits, after
    with bomb.armed():
        try:
            laptop.run("sync", mode)
        except Killed:
            return True
    return False


def test_pages_are_seen_when_the_last_has_come(hub: MemoryHub, small: Laptop) -> None:
    before = seen(small)
    hub.weather = lambda: "request lost" if len(hub.calls) == 2 else "calm"
    assert small.run("sync")[0] == 3
    assert hub.calls == ["Pull", "Pull"]
    assert seen(small) == before
    hub.weather = lambda: "calm"
    small.good("sync")
    assert matches(small)


def test_page_wise_each_is_seen_as_it_comes_and_that_is_remembered(hub: MemoryHub, small: Laptop) -> None:
    before = seen(small)
    small.good("sync", "--page-wise")
    hub.write("Deal", "d-0", title="Newer")
    for number in range(5):
        hub.write("Activity", f"b-{number}", kind="visit", subject="x", customer="c1")
    middle = seen(small)
    assert middle != before
    hub.calls.clear()
    hub.weather = lambda: "request lost" if len(hub.calls) == 1 else "calm"
    assert small.run("sync")[0] == 3
    assert seen(small) != middle
    hub.weather = lambda: "calm"
    small.good("sync", "--at-once")
    assert matches(small)


def test_what_is_on_the_stage_is_seen_when_the_device_turns_to_page_wise(hub: MemoryHub, small: Laptop) -> None:
    hub.weather = lambda: "request lost" if len(hub.calls) == 2 else "calm"
    small.run("sync")
    before = seen(small)
    hub.calls.clear()
    hub.weather = lambda: "request lost" if len(hub.calls) == 1 else "calm"
    small.run("sync", "--page-wise")
    file = small.file()
    assert file.db.execute("SELECT count(*) FROM staged").fetchone() == (0,)
    file.close()
    assert seen(small) != before


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("after", [False, True], ids=["before the commit", "after the commit"])
def test_a_kill_at_any_commit_costs_at_most_one_page(hub: MemoryHub, small: Laptop, mode: str, after: bool) -> None:
    """What is seen in between is the old state whole, or, page-wise, a step on the way."""
    image, states, pages = small.path.read_bytes(), set[frozenset[tuple[str, str]]](), 4
    held, sent = dict(hub.holding), (hub.checkpoint, hub.pending)
    old = frozenset(seen(small))
    for commits in range(1, 20):
        small.path.write_bytes(image)
        hub.holding, (hub.checkpoint, hub.pending) = dict(held), sent
        hub.calls.clear()
        killed = broken_off(small, mode, commits, after=after)
        states.add(frozenset(seen(small)))
        small.good("sync", mode)
        assert matches(small)
        assert hub.calls.count("Pull") <= pages + 1 + killed
        assert "Reconcile" not in hub.calls
        if not killed:
            break
    assert not killed
    new = frozenset(seen(small))
    assert old in states
    assert new in states
    assert len(states) == 2 if mode == "--at-once" else len(states) > 2


def test_what_is_on_the_stage_is_counted_when_hub_and_laptop_compare(hub: MemoryHub, small: Laptop) -> None:
    """The hub loses its trust after two of the pages: only what did not come yet is sent."""
    hub.weather = lambda: "request lost" if len(hub.calls) == 2 else "calm"
    small.run("sync")
    hub.weather = lambda: "calm"
    hub.incarnation += 5
    data = small.good("sync")
    assert data["healed"] > 0
    assert matches(small)
    assert sum(data["received"].values()) + len(data["removed"]) <= len(hub.target())


def test_what_is_revoked_leaves_with_its_page(hub: MemoryHub, small: Laptop) -> None:
    hub.reasons["Deal", "d-one"] = "revoked"
    hub.weather = lambda: "request lost" if len(hub.calls) == 1 else "calm"
    small.run("sync")
    assert "d-one" not in {key[1] for key in small.held()}
    assert "d-two" in {key[1] for key in small.held()}


def test_a_patch_is_merged_into_what_is_on_the_stage(hub: MemoryHub, small: Laptop) -> None:
    hub.weather = lambda: "request lost" if len(hub.calls) == 3 else "calm"
    small.run("sync")
    for key in [key for key in hub.target() if key[0] == "Deal"]:
        hub.write(*key, stage="won")
    hub.weather = lambda: "calm"
    data = small.good("sync")
    assert data["healed"] == 0
    assert matches(small)


def test_a_patch_for_a_row_that_is_not_there_ends_in_healing(hub: MemoryHub, small: Laptop) -> None:
    file = small.file()
    with file.transaction() as db:
        rows.remove(db, "Deal", "d-0")
        db.execute("UPDATE rows SET fragment = 'rubbish' WHERE id = 'd-1'")
    file.close()
    data = small.good("sync")
    assert data["healed"] > 0
    assert matches(small)


def schema(db: sqlite3.Connection) -> list[tuple[object, ...]]:
    found = db.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
    return [*found, *db.execute("PRAGMA user_version")]


def test_a_file_of_the_first_format_is_brought_up_and_equals_a_fresh_one(laptop: Laptop) -> None:
    old = sqlite3.connect(laptop.path)
    old.executescript(f"{local._SCHEMA} PRAGMA user_version = 1; INSERT INTO state VALUES ('cursor', '\"c\"');")
    old.close()
    file = laptop.file()
    assert file.need("cursor") == "c"
    fresh = local.open_file(laptop.path.with_name("fresh.sqlite"), create=True)
    assert schema(file.db) == schema(fresh.db)
    file.close()
    fresh.close()
