"""Content of attachments over SOAP: in pieces, resumed, verified, kept once, read by who sees the record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from records_world import World, create, delete, update
from saddlebag.kernel import errors, limits
from saddlebag.records import attachments
from saddlebag.server.xop import Inline
from saddlebag.store.tables import AttachmentContent, BlobChunk, Content, Upload

PIECE, CHUNK = limits.ATTACHMENT_PIECE, limits.ATTACHMENT_CHUNK
FILE = bytes(range(256)) * 2600 + b"end"
"""A piece, some chunks and a rest."""


def announce(desk: Any, name: str, content: bytes, who: str = "rita", record: str = "d-rita") -> str:
    """An attachment of a deal, as its record."""
    values = {
        "entity": "Deal",
        "record": record,
        "name": f"{name}.bin",
        "mediaType": "application/octet-stream",
        "size": len(content),
        "sha256": sha256(content).hexdigest(),
    }
    desk.world.write(who, create("Attachment", name, **values))
    return name


def send(desk: Any, name: str, content: bytes, who: str = "rita") -> Any:
    """Upload from where the hub says; what FinishUpload answers."""
    told = desk.ask(who, "attachment.BeginUpload", {"id": name})
    while told["offset"] < len(content):
        told = put(desk, name, content, told["offset"], who)
    return told if told["stored"] else desk.ask(who, "attachment.FinishUpload", {"id": name})


def put(desk: Any, name: str, content: bytes, offset: int, who: str = "rita") -> Any:
    data = content[offset : offset + PIECE]
    return desk.ask(who, "attachment.PutChunk", {"id": name, "offset": offset, "data": data})


def received(desk: Any, name: str, who: str = "rita", **more: Any) -> Iterator[bytes]:
    offset = 0
    while True:
        told = desk.ask(who, "attachment.GetChunk", {"id": name, "offset": offset, **more})
        if not told["data"]:
            return
        yield told["data"]
        offset += len(told["data"])


def count(world: World, kind: Any) -> int:
    return len(world.run(lambda tx: tx.rows.select(kind), read_only=True))


@pytest.mark.parametrize("content", [b"", b"x", FILE[:CHUNK], FILE[:PIECE], FILE], ids=lambda each: str(len(each)))
def test_what_was_sent_is_what_is_read(desk: Any, content: bytes) -> None:
    announce(desk, "a", content)
    assert send(desk, "a", content)["stored"]
    assert b"".join(received(desk, "a")) == content
    assert desk.world.stored("Attachment", "a").values["stored"] is True


@pytest.mark.parametrize("most", [1000, CHUNK, CHUNK + 1, PIECE])
def test_it_is_read_in_pieces_of_any_size_from_any_place(desk: Any, most: int) -> None:
    content = FILE[: CHUNK * 3 + 77]
    announce(desk, "a", content)
    send(desk, "a", content)
    assert b"".join(received(desk, "a", bytes=most)) == content
    told = desk.ask("rita", "attachment.GetChunk", {"id": "a", "offset": CHUNK - 3, "bytes": 7})
    assert told["data"] == content[CHUNK - 3 : CHUNK + 4]


def test_an_upload_goes_on_where_it_ended(desk: Any) -> None:
    announce(desk, "a", FILE)
    desk.ask("rita", "attachment.BeginUpload", {"id": "a"})
    put(desk, "a", FILE, 0)
    assert desk.ask("rita", "attachment.BeginUpload", {"id": "a"})["offset"] == PIECE
    assert put(desk, "a", FILE, 0)["offset"] == PIECE
    assert put(desk, "a", FILE, PIECE)["offset"] == len(FILE)
    assert desk.ask("rita", "attachment.FinishUpload", {"id": "a"})["stored"]
    assert desk.ask("rita", "attachment.FinishUpload", {"id": "a"})["stored"]
    assert put(desk, "a", FILE, 0)["stored"]
    assert b"".join(received(desk, "a")) == FILE


def test_bytes_that_do_not_join_on_are_left_out(desk: Any) -> None:
    announce(desk, "a", FILE)
    desk.ask("rita", "attachment.BeginUpload", {"id": "a"})
    assert put(desk, "a", FILE, PIECE)["offset"] == 0
    assert count(desk.world, BlobChunk) == 0


@pytest.mark.parametrize(
    ("offset", "length"), [(1, CHUNK), (0, CHUNK + 1), (0, 0), (len(FILE) // CHUNK * CHUNK, CHUNK), (-CHUNK, CHUNK)]
)
def test_bytes_off_the_chunks_are_refused(desk: Any, offset: int, length: int) -> None:
    announce(desk, "a", FILE)
    desk.ask("rita", "attachment.BeginUpload", {"id": "a"})
    request = {"id": "a", "offset": offset, "data": b"x" * length}
    assert desk.refusal("rita", "attachment.PutChunk", request).kind is errors.INVALID_VALUE


def test_content_is_not_finished_before_it_is_whole(desk: Any) -> None:
    announce(desk, "a", FILE)
    assert desk.refusal("rita", "attachment.FinishUpload", {"id": "a"}).kind is errors.NOT_FOUND
    desk.ask("rita", "attachment.BeginUpload", {"id": "a"})
    assert desk.refusal("rita", "attachment.FinishUpload", {"id": "a"}).kind is errors.INVALID_VALUE
    assert desk.refusal("rita", "attachment.GetChunk", {"id": "a", "offset": 0}).kind is errors.NOT_FOUND


def test_other_content_than_announced_is_dropped(desk: Any) -> None:
    announce(desk, "a", FILE)
    desk.ask("rita", "attachment.BeginUpload", {"id": "a"})
    wrong = FILE[:-1] + b"!"
    put(desk, "a", wrong, 0)
    put(desk, "a", wrong, PIECE)
    assert desk.refusal("rita", "attachment.FinishUpload", {"id": "a"}).kind is errors.CONTENT_MISMATCH
    assert (count(desk.world, Upload), count(desk.world, BlobChunk), count(desk.world, Content)) == (0, 0, 0)
    assert send(desk, "a", FILE)["stored"]


def test_content_that_she_can_read_already_is_not_sent_again(desk: Any) -> None:
    for name in ("a", "b"):
        announce(desk, name, FILE)
    send(desk, "a", FILE)
    assert desk.ask("rita", "attachment.BeginUpload", {"id": "b"}) == {
        "offset": len(FILE),
        "size": len(FILE),
        "stored": True,
    }
    assert b"".join(received(desk, "b")) == FILE
    assert count(desk.world, Content) == 1


def test_to_know_a_hash_does_not_open_the_content(desk: Any) -> None:
    """Sam announces what he has once seen the hash of: he gets it when he has sent it, and it is kept once."""
    announce(desk, "a", FILE)
    send(desk, "a", FILE)
    announce(desk, "b", FILE, "sam", "d-sam")
    assert desk.ask("sam", "attachment.BeginUpload", {"id": "b"})["offset"] == 0
    assert desk.refusal("sam", "attachment.GetChunk", {"id": "b", "offset": 0}).kind is errors.NOT_FOUND
    assert send(desk, "b", FILE, "sam")["stored"]
    assert (count(desk.world, Content), count(desk.world, Upload)) == (1, 0)
    assert count(desk.world, BlobChunk) == -(-len(FILE) // CHUNK)


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("BeginUpload", {}),
        ("PutChunk", {"offset": 0, "data": b"x"}),
        ("FinishUpload", {}),
        ("GetChunk", {"offset": 0}),
    ],
)
def test_who_does_not_see_the_record_is_told_what_everybody_is_told_of_none(
    desk: Any, operation: str, request_: dict[str, Any]
) -> None:
    announce(desk, "a", FILE)
    send(desk, "a", FILE)
    kinds = [desk.refusal("sam", f"attachment.{operation}", {"id": each, **request_}).kind for each in ("a", "none")]
    assert kinds == [errors.NOT_FOUND, errors.NOT_FOUND]


def test_content_leaves_with_the_right_to_see_its_record(desk: Any) -> None:
    announce(desk, "a", FILE)
    send(desk, "a", FILE)
    desk.world.write("hub", update("Deal", "d-rita", owner="sam"), update("Customer", "c-rita", owner="sam"))
    assert desk.refusal("rita", "attachment.GetChunk", {"id": "a", "offset": 0}).kind is errors.NOT_FOUND
    assert b"".join(received(desk, "a", "sam")) == FILE


def test_a_hash_that_is_none_is_refused(desk: Any) -> None:
    values = {"entity": "Deal", "record": "d-rita", "name": "x", "mediaType": "a/b", "size": 1, "sha256": "ABC"}
    desk.world.write("rita", create("Attachment", "a", **values))
    assert desk.refusal("rita", "attachment.BeginUpload", {"id": "a"}).field == "sha256"


def test_unfinished_uploads_are_bounded_and_forgotten(desk: Any) -> None:
    for number in range(limits.UPLOADS + 1):
        announce(desk, f"a{number}", b"%d" % number)
    for number in range(limits.UPLOADS):
        desk.ask("rita", "attachment.BeginUpload", {"id": f"a{number}"})
    one_more = {"id": f"a{limits.UPLOADS}"}
    refusal = desk.refusal("rita", "attachment.BeginUpload", one_more)
    assert (refusal.kind, refusal.limit) == (errors.RATE_LIMITED, limits.UPLOADS)
    desk.world.now += timedelta(seconds=limits.UPLOAD_SECONDS)
    assert desk.ask("rita", "attachment.BeginUpload", one_more)["offset"] == 0


def test_content_is_dropped_with_the_last_attachment_that_has_it(desk: Any) -> None:
    for name in ("a", "b"):
        announce(desk, name, FILE)
        send(desk, name, FILE)
    world = desk.world
    for name, left in (("a", 1), ("b", 0)):
        world.write("rita", delete("Attachment", name))
        assert world.run(attachments.collect) is None
        assert (count(world, Content), count(world, AttachmentContent)) == (left, left)
    assert count(world, BlobChunk) == 0


def test_records_of_attachments_are_written_like_any_other(desk: Any) -> None:
    announce(desk, "a", FILE)
    told = desk.ask(
        "rita", "attachment.SearchAttachments", {"filter": [{"field": "record", "op": "eq", "value": ["d-rita"]}]}
    )
    assert [each.id for each in told["attachment"]] == ["a"]


# The whole content in one call


def whole(desk: Any, name: str, content: bytes) -> Any:
    return desk.ask("rita", "attachment.PutContent", {"id": name, "content": Inline(content)})


@pytest.mark.parametrize("content", [b"", b"x", FILE], ids=len)
def test_content_may_be_sent_and_read_as_a_whole(desk: Any, content: bytes) -> None:
    announce(desk, "a", content)
    assert [whole(desk, "a", content)["stored"] for _ in range(2)] == [True, True]
    told = desk.ask("rita", "attachment.GetContent", {"id": "a"})
    assert (told["size"], b"".join(told["content"].pieces(1000))) == (len(content), content)


def test_an_upload_that_broke_off_is_gone_on_with_as_a_whole(desk: Any) -> None:
    announce(desk, "a", FILE)
    desk.ask("rita", "attachment.BeginUpload", {"id": "a"})
    put(desk, "a", FILE, 0)
    assert whole(desk, "a", FILE)["stored"]
    assert b"".join(received(desk, "a")) == FILE


@pytest.mark.parametrize("wrong", [FILE[:-1], FILE + b"!", bytes(len(FILE))], ids=["short", "long", "other"])
def test_other_content_is_refused_as_a_whole_and_leaves_no_upload_behind(desk: Any, wrong: bytes) -> None:
    announce(desk, "a", FILE)
    for _ in range(2):
        refusal = desk.refusal("rita", "attachment.PutContent", {"id": "a", "content": Inline(wrong)})
        assert refusal.kind is errors.CONTENT_MISMATCH
        assert (count(desk.world, Upload), count(desk.world, BlobChunk)) == (0, 0)


def test_an_attachment_that_is_deleted_while_it_is_read_ends_the_reading(desk: Any) -> None:
    announce(desk, "a", FILE)
    whole(desk, "a", FILE)
    pieces = desk.ask("rita", "attachment.GetContent", {"id": "a"})["content"].pieces(PIECE)
    assert next(pieces) == FILE[:PIECE]
    desk.world.write("rita", delete("Attachment", "a"))
    with pytest.raises(errors.SaddlebagError, match="NotFound"):
        next(pieces)
