"""An encrypted laptop against the real hub and the real library: what is in the clear, who opens it, and until when."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from front_transport import FrontTransport
from laptop import Killed
from real_office import PASSWORD, Rita, office, rita, stored
from records_world import TENANT, update
from saddlebag.cli.client_build import build_pyz
from saddlebag.kernel import errors
from saddlebag.kernel.errors import ErrorKind, SaddlebagError
from saddlebag.security.masterkeys import MasterKeys
from saddlebag.store.tables import WrappingKey
from saddlebag.sync import fleet, keys
from saddlebag_client import vault, vault_commands, vault_library
from saddlebag_client.local import open_file

__all__ = ["office", "rita"]

HOURS = 72
EDIT = ("edit", "deal", "d-1", "nextStep=Bring the samples")


@pytest.fixture
def locked(rita: Rita) -> Rita:
    """Her laptop with an edit that waits, encrypted."""
    rita.good(*EDIT)
    rita.good("encrypt")
    return rita


def beside(laptop: Rita, suffix: str) -> Any:
    """A file beside hers."""
    return laptop.path.with_name(laptop.path.name + suffix)


def refused(laptop: Rita, *words: str) -> tuple[int, ErrorKind]:
    """Exit code and kind of a command that fails."""
    code, data, text = laptop.run(*words)
    assert code != 0
    kind = errors.CATALOGUE[data["error"]["code"]]
    assert kind.cure in text
    return code, kind


def later(office: Any, laptop: Rita, **step: int) -> None:
    """Let time pass for both."""
    office.tick(**step)
    laptop.now += timedelta(**step)


def set_enabled(office: Any, laptop: Rita, *, enabled: bool) -> None:
    """What an administrator does with her laptop."""
    device = vault.read_door(laptop.path).device
    office.run(lambda tx: fleet.set_enabled(tx, office.principal("adam"), device, enabled=enabled))


def everything(laptop: Rita) -> bytes:
    """All bytes of all files that belong to hers."""
    return b"".join(each.read_bytes() for each in laptop.path.parent.glob("rita*") if each.is_file())


# What encryption changes, and what it does not.


def test_nothing_of_the_records_the_edits_or_the_secrets_is_left_in_the_clear(rita: Rita) -> None:
    rita.good(*EDIT)
    file = rita.file()
    secrets = [file.need("device_key"), file.need("token"), "Pumps", "Käufer", "Bring the samples"]
    file.close()
    assert all(each.encode() in everything(rita) for each in secrets)
    rita.good("encrypt")
    assert not any(each.encode() in everything(rita) for each in secrets)
    assert {each.name for each in rita.path.parent.glob("rita*")} == {
        f"rita.sqlite{suffix}" for suffix in ("", ".key", ".key.spare", ".lease", ".lock")
    }
    assert {each.stat().st_mode & 0o077 for each in rita.path.parent.glob("rita*")} == {0}


def test_rows_unsent_work_and_cursor_are_kept_and_the_next_sync_is_like_any_other(office: Any, rita: Rita) -> None:
    rita.good(*EDIT)

    def inside() -> list[Any]:
        file = rita.file()
        tables = ("rows", "dirty", "outbox")
        found = [file.db.execute(f"SELECT * FROM {each} ORDER BY 1, 2").fetchall() for each in tables]
        found += [file.get(each) for each in ("cursor", "incarnation", "sequence", "device", "entities")]
        found += file.db.execute("SELECT name, sql FROM sqlite_master ORDER BY 1").fetchall()
        file.close()
        return found

    before = inside()
    rita.good("encrypt")
    assert inside() == before
    rita.hub.calls.clear()
    told = rita.good("sync")
    assert (told["healed"], len(told["sent"])) == (0, 1)
    assert rita.hub.calls == ["Push", "Pull", "LeaseKey"]
    assert office.stored("Deal", "d-1").values["nextStep"] == "Bring the samples"
    assert rita.held() == stored(office, rita)


def test_it_works_offline_until_the_lease_ends(office: Any, locked: Rita) -> None:
    locked.hub.weather = lambda: "request lost"
    later(office, locked, hours=HOURS - 1)
    locked.good("edit", "deal", "d-2", "nextStep=Call")
    assert locked.good("status")["encrypted"]
    assert locked.run("sync")[0] == 3
    later(office, locked, hours=1)
    assert refused(locked, "status") == (4, errors.LEASE_ENDED)


def test_each_sync_renews_the_lease(office: Any, locked: Rita) -> None:
    for _ in range(4):
        later(office, locked, hours=HOURS - 1)
        locked.good("sync")
    assert locked.good("status")["unsent"] == 0


def test_a_tenant_sets_how_long_a_lease_lasts(office: Any, locked: Rita) -> None:
    office.run(lambda tx: keys.set_hours(tx, office.principal("adam"), 2))
    locked.good("sync")
    later(office, locked, hours=2)
    assert refused(locked, "status") == (4, errors.LEASE_ENDED)


# The end of a lease.


def test_the_key_is_erased_with_the_lease_and_setting_the_clock_back_does_not_help(office: Any, locked: Rita) -> None:
    lease = beside(locked, ".lease")
    key = json.loads(lease.read_bytes())["key"].encode()
    assert key in everything(locked)
    later(office, locked, hours=HOURS)
    refused(locked, "list", "deal")
    assert not lease.exists()
    assert key not in everything(locked)
    locked.now -= timedelta(hours=HOURS)
    assert refused(locked, "list", "deal") == (4, errors.LEASE_ENDED)


def test_the_erased_key_was_overwritten_where_it_lay(office: Any, locked: Rita) -> None:
    kept = beside(locked, ".kept")
    os.link(beside(locked, ".lease"), kept)  # another name of the same sectors
    later(office, locked, hours=HOURS)
    refused(locked, "status")
    assert kept.read_bytes() == bytes(512)


def test_a_clock_that_goes_back_ends_the_lease(office: Any, locked: Rita) -> None:
    later(office, locked, hours=10)
    locked.good("status")
    locked.now -= timedelta(hours=1)
    assert refused(locked, "status") == (4, errors.LEASE_ENDED)
    locked.now += timedelta(hours=1)
    assert refused(locked, "status") == (4, errors.LEASE_ENDED)


def test_a_clock_that_a_time_server_corrects_does_not(office: Any, locked: Rita) -> None:
    locked.now -= timedelta(seconds=vault.CLOCK_SLACK - 2)
    assert locked.good("status")["unsent"] == 1


def test_a_locked_file_is_unlocked_with_its_users_password_and_nothing_is_lost(office: Any, locked: Rita) -> None:
    later(office, locked, days=30)
    refused(locked, "sync")
    locked.password = "guessed"
    assert refused(locked, "unlock") == (4, errors.INVALID_CREDENTIALS)
    locked.password = PASSWORD
    locked.good("unlock")
    assert locked.good("status")["unsent"] == 1
    locked.good("sync")
    assert office.stored("Deal", "d-1").values["nextStep"] == "Bring the samples"


def test_unlocking_needs_the_hub(office: Any, locked: Rita) -> None:
    later(office, locked, hours=HOURS)
    locked.hub.weather = lambda: "request lost"
    assert refused(locked, "unlock") == (3, errors.NO_CONNECTION)


@pytest.mark.parametrize("content", [b"", b"{", bytes(512), b'{"key": "zz", "until": 9, "seen": 1}', b"[]"])
def test_a_lease_that_cannot_be_read_is_none(locked: Rita, content: bytes) -> None:
    beside(locked, ".lease").write_bytes(content)
    assert refused(locked, "status") == (4, errors.LEASE_ENDED)
    locked.good("unlock")
    assert locked.good("status")["unsent"] == 1


# A lease that a restart ends.


def test_a_lease_in_memory_ends_with_a_restart_and_leaves_no_key_on_the_disk(office: Any, rita: Rita) -> None:
    rita.volatile = rita.path.parent / "run"
    rita.volatile.mkdir()
    rita.good(*EDIT)
    rita.good("encrypt", "--until-restart")
    rita.good("sync")
    assert not beside(rita, ".lease").exists()
    (lease,) = rita.volatile.iterdir()
    assert json.loads(lease.read_bytes())["key"].encode() not in everything(rita)
    lease.unlink()
    assert refused(rita, "status") == (4, errors.LEASE_ENDED)
    rita.good("unlock")
    assert rita.held() == stored(office, rita)
    later(office, rita, hours=HOURS)
    assert refused(rita, "status") == (4, errors.LEASE_ENDED)
    assert not list(rita.volatile.iterdir())


def test_where_the_lease_is_kept_can_be_changed_at_any_time(rita: Rita) -> None:
    rita.volatile = rita.path.parent / "run"
    rita.volatile.mkdir()
    rita.good("encrypt")
    end = rita.good("status")["lease_until"]
    rita.good("encrypt", "--until-restart")
    assert rita.good("encrypt")["lease_until"] == rita.good("status")["lease_until"] == end
    assert (beside(rita, ".lease").exists(), len(list(rita.volatile.iterdir()))) == (False, 1)
    rita.good("encrypt", "--no-until-restart")
    assert (beside(rita, ".lease").exists(), len(list(rita.volatile.iterdir()))) == (True, 0)
    assert rita.good("status")["lease_until"] == end


def test_a_system_without_such_a_folder_is_told_before_anything_changes(rita: Rita) -> None:
    assert refused(rita, "encrypt", "--until-restart") == (1, errors.INVALID_VALUE)
    assert not beside(rita, ".key").exists()
    assert not rita.good("status")["encrypted"]


# A device that the hub has disabled.


def test_a_disabled_device_gives_up_its_records_and_gets_no_lease_while_its_edits_wait(
    office: Any, locked: Rita
) -> None:
    set_enabled(office, locked, enabled=False)
    end = locked.good("status")["lease_until"]
    code, data, text = locked.run("sync")
    assert (code, data["error"]["code"]) == (1, errors.LEASE_REFUSED.code)
    assert "1 changes wait here" in text
    assert locked.held() == {}
    status = locked.good("status")
    assert (status["unsent"], status["lease_until"]) == (1, end)
    assert refused(locked, "sync") == (1, errors.LEASE_REFUSED)
    assert refused(locked, "sync") == (1, errors.DEVICE_DISABLED)
    later(office, locked, hours=HOURS)
    assert refused(locked, "status") == (4, errors.LEASE_ENDED)
    assert refused(locked, "unlock") == (4, errors.LEASE_REFUSED)


def test_enabled_again_it_is_unlocked_and_its_edits_go_out(office: Any, locked: Rita) -> None:
    set_enabled(office, locked, enabled=False)
    locked.run("sync")
    later(office, locked, hours=HOURS)
    refused(locked, "status")
    set_enabled(office, locked, enabled=True)
    locked.good("unlock")
    locked.good("sync")
    assert office.stored("Deal", "d-1").values["nextStep"] == "Bring the samples"
    assert locked.held() == stored(office, locked)


def test_a_removed_device_is_shut_for_good(office: Any, locked: Rita) -> None:
    device = vault.read_door(locked.path).device
    office.run(lambda tx: fleet.remove(tx, office.principal("adam"), device))
    later(office, locked, hours=HOURS)
    code, data, text = locked.run("unlock")
    assert (code, data["error"]["code"]) == (4, errors.LEASE_REFUSED.code)
    assert "removed" in text


def test_a_user_who_lost_her_rights_does_not_unlock(office: Any, locked: Rita) -> None:
    later(office, locked, hours=HOURS)
    office.write("hub", update("User", "rita", active=False))
    assert refused(locked, "unlock") == (4, errors.INVALID_CREDENTIALS)


# Keys and files that are wrong, damaged or missing.


def test_a_hub_with_another_key_for_the_device_is_told_apart(office: Any, locked: Rita) -> None:
    device = vault.read_door(locked.path).device
    office.run(lambda tx: tx.rows.delete(WrappingKey, device=device))
    assert refused(locked, "sync") == (1, errors.WRONG_KEY)
    assert locked.good("status")["unsent"] == 0
    later(office, locked, hours=HOURS)
    assert refused(locked, "unlock")[1] is errors.WRONG_KEY
    assert not beside(locked, ".lease").exists()


def test_a_hub_that_cannot_open_its_keys_says_so_and_the_lease_goes_on(office: Any, locked: Rita) -> None:
    locked.hub = FrontTransport(office, MasterKeys([b"x" * 32]))  # type: ignore[assignment]
    assert refused(locked, "sync") == (1, errors.MASTER_KEY)
    locked.good("status")


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b"null", b"\xff", b'{"url": "https://evil", "check": ""}', None])
def test_a_damaged_key_file_is_read_from_its_spare_copy_and_without_it_it_is_said(
    locked: Rita, damage: bytes | None
) -> None:
    def spoil(suffix: str) -> None:
        if damage is None:
            beside(locked, suffix).unlink()
        else:
            beside(locked, suffix).write_bytes(damage)

    spoil(".key")
    assert locked.good("status")["unsent"] == 1
    spoil(".key.spare")
    assert refused(locked, "status") == (1, errors.KEY_FILE)
    assert refused(locked, "unlock") == (1, errors.KEY_FILE)


def test_a_key_file_whose_wrapped_key_was_altered_is_damaged(locked: Rita) -> None:
    door = vault.read_door(locked.path)
    vault.keep_door(locked.path, replace(door, wrapped="00" * 40))
    assert refused(locked, "status") == (1, errors.KEY_FILE)
    vault.keep_door(locked.path, replace(door, wrapped="no hex"))
    assert refused(locked, "status") == (1, errors.KEY_FILE)


@pytest.mark.parametrize("library", ["sqlcipher3", "cryptography.hazmat.primitives.keywrap"])
def test_without_the_library_it_is_said_how_to_get_it(
    locked: Rita, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget(library, monkeypatch)
    assert refused(locked, "status") == (1, errors.NO_ENCRYPTION)
    monkeypatch.undo()
    assert locked.good("status")["unsent"] == 1


@pytest.mark.parametrize("library", ["sqlcipher3", "cryptography.hazmat.primitives.keywrap"])
def test_without_the_library_nothing_is_encrypted_and_all_goes_on_as_before(
    rita: Rita, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget(library, monkeypatch)
    before = rita.held()
    assert refused(rita, "encrypt") == (1, errors.NO_ENCRYPTION)
    assert not rita.good("status")["encrypted"]
    assert rita.held() == before
    rita.good("sync")


def forget(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine where it is not installed."""
    monkeypatch.setitem(sys.modules, library, None)
    parent, _, name = library.rpartition(".")
    if parent:
        monkeypatch.delattr(sys.modules[parent], name, raising=False)


@pytest.mark.parametrize("place", [100, 5000, 20000])
def test_a_flipped_bit_in_the_encrypted_file_is_told(locked: Rita, place: int) -> None:
    data = bytearray(locked.path.read_bytes())
    data[place] ^= 1
    locked.path.write_bytes(data)
    told = {locked.run(*words)[1]["error"]["code"] for words in (["list", "deal"], ["sync"], ["status"]) if True}
    assert told == {errors.FILE_DAMAGED.code}


def test_a_key_of_another_file_opens_nothing(locked: Rita) -> None:
    with pytest.raises(SaddlebagError) as caught:
        open_file(locked.path, cipher=vault_library.Cipher(b"k" * 32))
    assert caught.value.kind is errors.FILE_DAMAGED


# Conversion, whatever happens on the way.

STEPS = ("key file", "lease", "export", "replace", "overwrite", "contents")


@contextmanager
def killed_at(step: str, monkeypatch: pytest.MonkeyPatch, *, after: bool) -> Iterator[None]:
    """The program dies at a step of the conversion, before or after it."""
    from saddlebag_client.vault_contents import SealedContents

    owner, name = {
        "key file": (vault, "keep_door"),
        "lease": (vault, "keep_lease"),
        "export": (vault_library.Cipher, "export"),
        "replace": (vault_commands.os, "replace"),
        "overwrite": (vault, "overwrite"),
        "contents": (SealedContents, "keep"),
    }[step]
    honest = getattr(owner, name)

    def deadly(*given: Any) -> Any:
        if step != "replace" or str(given[0]).endswith(".sealing"):
            if after:
                honest(*given)
            raise Killed
        return honest(*given)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, deadly)
        yield


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_a_conversion_that_is_killed_loses_nothing_and_is_done_again(
    office: Any, rita: Rita, step: str, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rita.good(*EDIT)
    photo = rita.path.with_name("photo.jpg")
    photo.write_bytes(b"a photo " * 1000)
    rita.good("attach", "deal", "d-1", str(photo))
    before = rita.held()
    with killed_at(step, monkeypatch, after=after), pytest.raises(Killed):
        rita.run("encrypt")
    assert rita.held() == before
    assert rita.good("status")["unsent"] == 2
    rita.good("encrypt")
    assert rita.held() == before
    assert b"a photo " not in everything(rita)
    assert not beside(rita, ".attachments").exists()
    rita.good("sync")
    assert office.stored("Deal", "d-1").values["nextStep"] == "Bring the samples"
    target = rita.path.with_name("again.jpg")
    rita.good("fetch", "photo.jpg", "--to", str(target))
    assert target.read_bytes() == photo.read_bytes()


def test_a_sync_takes_over_the_contents_that_a_conversion_left_in_the_clear(
    rita: Rita, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = rita.path.with_name("photo.jpg")
    photo.write_bytes(b"a photo " * 1000)
    rita.good("attach", "deal", "d-1", str(photo))
    with killed_at("contents", monkeypatch, after=False), pytest.raises(Killed):
        rita.run("encrypt")
    assert b"a photo " in b"".join(each.read_bytes() for each in beside(rita, ".attachments").iterdir())
    rita.good("sync")
    assert not beside(rita, ".attachments").exists()


def test_what_was_in_the_clear_is_overwritten_where_it_lay(rita: Rita) -> None:
    kept = beside(rita, ".kept")
    os.link(rita.path, kept)  # another name of the same sectors
    rita.good("encrypt")
    assert set(kept.read_bytes()) == {0}


OTHER = """
import sys
from pathlib import Path
from saddlebag.kernel.errors import SaddlebagError
from saddlebag_client.local import open_file
file = open_file(Path(sys.argv[1]))
if sys.argv[2] == "writing":
    file.db.execute("BEGIN IMMEDIATE")
file.get("cursor")
print("ready", flush=True)
sys.stdin.readline()
try:
    file.put(mark="written")
    print("written")
except SaddlebagError as error:
    print(error.kind.name)
"""


@contextmanager
def another_command(laptop: Rita, what: str) -> Iterator[Callable[[], str]]:
    """Another process with her file open; what is given lets it write on, and tells what came of that."""
    command = [sys.executable, "-c", OTHER, str(laptop.path), what]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield lambda: process.communicate("go on\n")[0].strip()


def test_a_command_that_opened_the_file_before_does_not_write_into_the_old_one(rita: Rita) -> None:
    with another_command(rita, "waiting") as go_on:
        rita.good("encrypt")
        assert go_on() == errors.FILE_IN_USE.name
    assert rita.file().get("mark") is None
    assert rita.held()


def test_a_file_that_is_being_written_is_not_converted(rita: Rita, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault_commands, "BUSY_SECONDS", 0.0)
    with another_command(rita, "writing") as go_on:
        assert refused(rita, "encrypt") == (1, errors.FILE_IN_USE)
        assert go_on() == "written"
    assert not rita.good("status")["encrypted"]
    rita.good("encrypt")
    assert rita.held()


def test_encrypting_twice_changes_nothing(locked: Rita) -> None:
    before = locked.path.read_bytes()
    key = beside(locked, ".key").read_bytes()
    locked.good("encrypt")
    assert (locked.path.read_bytes(), beside(locked, ".key").read_bytes()) == (before, key)


def test_logging_in_again_keeps_the_key_and_learns_the_hubs_new_address(locked: Rita) -> None:
    before = vault.read_door(locked.path)
    locked.good("login", "https://moved.example", "--tenant", TENANT, "--user", "rita")
    assert vault.read_door(locked.path) == replace(before, url="https://moved.example")
    locked.good("sync")


# Attachments of an encrypted laptop.


def test_contents_are_kept_encrypted_and_travel_as_others_do(office: Any, locked: Rita) -> None:
    photo = locked.path.with_name("photo.jpg")
    photo.write_bytes(bytes(range(256)) * 3000)
    locked.good("attach", "deal", "d-1", str(photo), "--always")
    assert locked.good("sync")["attachments"]["sent"] == 1
    other = Rita(locked.path.with_name("rita2.sqlite"), locked.hub, now=locked.now)
    other.login()
    other.good("encrypt")
    assert other.good("sync")["attachments"]["fetched"] == 1
    for each in (locked, other):
        target = each.path.with_name(f"{each.path.stem}-copy.jpg")
        each.good("fetch", "photo.jpg", "--to", str(target))
        assert target.read_bytes() == photo.read_bytes()
        target.unlink()
        assert bytes(range(256)) not in everything(each)


def test_a_broken_off_content_goes_on_where_it_ended(office: Any, locked: Rita) -> None:
    photo = locked.path.with_name("photo.jpg")
    photo.write_bytes(bytes(range(256)) * 5000)
    locked.good("attach", "deal", "d-1", str(photo), "--always")
    locked.good("sync")
    other = Rita(locked.path.with_name("rita2.sqlite"), locked.hub, now=locked.now)
    other.login()
    other.good("encrypt")
    locked.hub.calls.clear()
    locked.hub.weather = lambda: "answer lost" if locked.hub.calls.count("GetChunk") == 2 else "calm"
    assert other.run("sync")[0] == 3
    assert locked.hub.calls.count("GetChunk") == 3
    locked.hub.weather = lambda: "calm"
    assert other.good("sync")["attachments"]["fetched"] == 1
    assert locked.hub.calls.count("GetChunk") == 4


# The packed program, as people run it.


@pytest.mark.parametrize(
    ("options", "seconds", "code", "kind"),
    [
        (["-I"], 3600, 0, None),
        (["-I"], -60, 4, errors.LEASE_ENDED),  # the clock of `rita` runs ahead of the one that the program reads
        (["-I", "-S"], 3600, 1, errors.NO_ENCRYPTION),
    ],
)
def test_the_packed_program_opens_an_encrypted_file_where_the_libraries_are(
    rita: Rita, tmp_path: Path, options: list[str], seconds: int, code: int, kind: ErrorKind | None
) -> None:
    rita.now = datetime.now(UTC)
    rita.good("encrypt")
    wrapping = bytes.fromhex(json.loads(beside(rita, ".lease").read_bytes())["key"])
    vault.keep_lease(rita.setting(), wrapping, seconds)
    build_pyz(tmp_path / "saddlebag.pyz")
    command = [sys.executable, *options, str(tmp_path / "saddlebag.pyz"), "--file", str(rita.path), "--json", "status"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (code, "")
    assert told["encrypted"] if kind is None else told["error"]["code"] == kind.code
