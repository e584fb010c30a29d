"""Attachments from laptop to hub and on to another laptop: after the records, resumed at any piece, gone with them."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from front_transport import FrontTransport
from laptop import Laptop
from real_office import Rita, office, rita, stored
from records_world import create, update
from saddlebag.kernel import errors, limits
from saddlebag.records.attachments import Attachments
from saddlebag.store.tables import Upload

__all__ = ["office", "rita"]

PHOTO = bytes(range(256)) * 2 * 1024 * 3 + b"the end"
"""Three pieces and a rest."""


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    made = tmp_path / "plant.jpg"
    made.write_bytes(PHOTO)
    return made


def folder(laptop: Laptop) -> list[str]:
    """What lies beside the laptop's file."""
    found = laptop.path.with_name(laptop.path.name + ".attachments")
    return sorted(each.name for each in found.iterdir()) if found.exists() else []


def another(office: Any, tmp_path: Path) -> Rita:
    """Rita's second laptop."""
    made = Rita(tmp_path / "second.sqlite", FrontTransport(office), now=office.now)  # type: ignore[arg-type]
    made.login()
    made.good("sync")
    return made


def attached(rita: Any, photo: Path, *more: str) -> str:
    """Attach the photo to a deal and sync until the hub has it."""
    made = str(rita.good("attach", "deal", "d-1", str(photo), *more)["id"])
    assert rita.good("sync")["attachments"] == {"sent": 1, "fetched": 0, "problems": []}
    return made


def content(office: Any, attachment: str) -> bytes:
    """What the hub gives of it."""
    reader = office.principal("rita")

    def whole(tx: Any) -> bytes:
        attachments, found = Attachments(tx, reader, now=office.now, new_id=office.new_id), b""
        while data := attachments.read(attachment, len(found)).data:
            found += data
        return found

    return bytes(office.run(whole, read_only=True))


def test_a_photo_made_offline_comes_to_the_hub_after_its_record(office, rita, photo):
    visit = rita.good("log", "visit", "c-rita", "Saw the plant")["id"]
    made = rita.good("attach", "activity", visit, str(photo))
    assert (made["size"], made["sha256"]) == (len(PHOTO), sha256(PHOTO).hexdigest())
    told = rita.good("sync")
    assert [each["status"] for each in told["sent"]] == ["applied", "applied"]
    assert told["attachments"] == {"sent": 1, "fetched": 0, "problems": []}
    calls = rita.hub.calls
    assert calls.index("Pull", calls.index("Push")) < calls.index("BeginUpload")
    assert content(office, made["id"]) == PHOTO
    values = office.stored("Attachment", made["id"]).values
    assert (values["name"], values["mediaType"], values["customer"]) == ("plant.jpg", "image/jpeg", "c-rita")


def test_a_second_laptop_gets_the_record_and_fetches_the_content_when_asked(office, rita, photo, tmp_path):
    made = attached(rita, photo)
    second = another(office, tmp_path)
    assert folder(second) == []
    told = second.good("fetch", made, "--to", str(tmp_path / "out.jpg"))
    assert told["fetched"]
    assert (tmp_path / "out.jpg").read_bytes() == PHOTO
    requests = len(second.hub.calls)
    assert not second.good("fetch", "plant.jpg", "--to", str(tmp_path / "again.jpg"))["fetched"]
    assert len(second.hub.calls) == requests


def test_what_is_always_wanted_comes_with_a_sync(office, rita, photo, tmp_path):
    attached(rita, photo, "--always")
    second = another(office, tmp_path)
    assert folder(second) == [sha256(PHOTO).hexdigest()]
    assert second.good("sync")["requests"] == 1


@pytest.mark.parametrize("weather", ["request lost", "answer lost", "sent twice"])
@pytest.mark.parametrize("place", range(6))
def test_an_upload_goes_on_from_any_piece(office, rita, photo, weather, place):
    made = rita.good("attach", "deal", "d-1", str(photo))["id"]
    rita.hub.weather = iter(["calm"] * (2 + place) + [weather] + ["calm"] * 99).__next__
    rita.run("sync")
    before = rita.hub.calls.count("PutChunk")
    rita.good("sync")
    assert content(office, made) == PHOTO
    assert rita.hub.calls.count("PutChunk") <= 5
    assert before <= 5
    assert rita.good("sync")["attachments"]["sent"] == 0


@pytest.mark.parametrize("place", range(4))
def test_a_download_goes_on_from_any_piece(office, rita, photo, tmp_path, place):
    made = attached(rita, photo)
    second = another(office, tmp_path)
    second.hub.weather = iter(["calm"] * place + ["answer lost"] + ["calm"] * 99).__next__
    target = tmp_path / "out.jpg"
    assert second.run("fetch", made, "--to", str(target))[0] == 3
    assert not target.exists()
    second.good("fetch", made, "--to", str(target))
    assert target.read_bytes() == PHOTO
    assert second.hub.calls.count("GetChunk") <= 5


def test_records_do_not_wait_for_a_content_that_breaks_off(office, rita, photo):
    rita.good("edit", "deal", "d-1", "nextStep=Call")
    rita.good("attach", "deal", "d-1", str(photo))
    rita.hub.weather = iter(["calm"] * 2 + ["request lost"] * 9).__next__
    code, told, _ = rita.run("sync")
    assert (code, [each["status"] for each in told["sent"]]) == (3, ["applied", "applied"])
    assert rita.good("status")["last_sync"] is not None
    assert rita.held() == stored(office, rita)


def test_content_leaves_with_its_record(office, rita, photo, tmp_path):
    attached(rita, photo, "--always")
    second = another(office, tmp_path)
    assert len(folder(second)) == 1
    office.write(
        "hub",
        update("Deal", "d-1", owner="sam"),
        update("Deal", "d-2", owner="sam"),
        update("Customer", "c-rita", owner="sam"),
        update("Deal", "d-rita", owner="sam"),
    )
    second.good("sync")
    assert folder(second) == []
    assert ("Attachment" in {entity for entity, _ in second.held()}) is False


def test_equal_content_is_sent_once(office, rita, photo):
    attached(rita, photo)
    before = rita.hub.calls.count("PutChunk")
    again = attached(rita, photo, "--name", "again.jpg")
    assert rita.hub.calls.count("PutChunk") == before
    assert content(office, again) == PHOTO


def test_content_waits_while_its_record_is_refused(office, rita, photo):
    rita.good("sync")
    office.write("hub", create("Customer", "c-new", name="New", owner="rita"))
    made = rita.good("attach", "deal", "d-1", str(photo))["id"]
    office.write(
        "hub",
        *[update("Deal", each, owner="sam") for each in ("d-1", "d-2", "d-rita")],
        update("Customer", "c-rita", owner="sam"),
    )
    told = rita.good("sync")
    assert [each["status"] for each in told["sent"]] == ["rejected"]
    assert told["attachments"] == {"sent": 0, "fetched": 0, "problems": []}
    assert len(folder(rita)) == 1
    rita.good("conflicts", "--discard", str(rita.good("conflicts")[0]["id"]))
    rita.good("sync")
    rita.good("sync")
    assert (folder(rita), rita.run("fetch", made)[0]) == ([], 1)


def test_a_file_that_is_too_large_is_refused_at_once(rita, tmp_path):
    large = tmp_path / "film.mp4"
    with large.open("wb") as film:
        film.truncate(limits.ATTACHMENT_BYTES + 1)
    code, told, _ = rita.run("attach", "deal", "d-1", str(large))
    assert (code, told["error"]["code"]) == (1, errors.TOO_LARGE.code)
    assert rita.good("status")["unsent"] == 0
    assert folder(rita) == []


def test_a_damaged_partial_file_is_noticed_and_fetched_anew(office, rita, photo, tmp_path):
    made = attached(rita, photo)
    second = another(office, tmp_path)
    second.hub.weather = iter(["calm", "calm", "request lost"] + ["calm"] * 99).__next__
    second.run("fetch", made, "--to", str(tmp_path / "out.jpg"))
    part = second.path.with_name(second.path.name + ".attachments") / folder(second)[0]
    part.write_bytes(b"x" * part.stat().st_size)
    code, told, _ = second.run("fetch", made, "--to", str(tmp_path / "out.jpg"))
    assert (code, told["error"]["code"]) == (1, errors.CONTENT_MISMATCH.code)
    second.good("fetch", made, "--to", str(tmp_path / "out.jpg"))
    assert (tmp_path / "out.jpg").read_bytes() == PHOTO


def test_a_content_that_was_lost_here_is_said_and_holds_nothing_up(office, rita, photo, tmp_path):
    rita.good("attach", "deal", "d-1", str(photo))
    other = tmp_path / "form.pdf"
    other.write_bytes(b"signed")
    made = rita.good("attach", "deal", "d-1", str(other))["id"]
    (rita.path.with_name(rita.path.name + ".attachments") / sha256(PHOTO).hexdigest()).unlink()
    assert rita.good("status")["uploads"] == 2
    told = rita.good("sync")["attachments"]
    assert (told["sent"], len(told["problems"])) == (1, 1)
    assert content(office, made) == b"signed"
    assert rita.good("status")["uploads"] == 0


def test_a_refusal_that_may_pass_keeps_the_content_waiting(office, rita, photo):
    rita.good("attach", "deal", "d-1", str(photo))
    rows = [Upload(f"x{n}", f"b{n}", "", 1, 0, "rita", office.now) for n in range(limits.UPLOADS)]
    office.run(lambda tx: tx.rows.put_all(rows))
    assert len(rita.good("sync")["attachments"]["problems"]) == 1
    assert rita.good("status")["uploads"] == 1
    office.run(lambda tx: tx.rows.delete(Upload, user="rita"))
    assert rita.good("sync")["attachments"]["sent"] == 1


def test_a_file_is_never_written_over(rita, photo, tmp_path):
    made = attached(rita, photo)
    (tmp_path / "out.jpg").write_text("mine")
    assert rita.run("fetch", made, "--to", str(tmp_path / "out.jpg"))[0] == 1
    assert (tmp_path / "out.jpg").read_text() == "mine"
