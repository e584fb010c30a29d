"""The payload hash: one key stands for one payload."""

from __future__ import annotations

from dataclasses import replace

import pytest

from saddlebag.kernel.ops import FieldEdit, Operation, OpKind, payload_hash

EDIT = Operation(
    7, OpKind.UPDATE, "Deal", "d1", "2026-03-02T12:00:00Z", base_version=4, fields=(FieldEdit("title", ("a",), ("b",)),)
)


@pytest.mark.parametrize(
    "other",
    [
        replace(EDIT, kind=OpKind.DELETE),
        replace(EDIT, entity="Contact"),
        replace(EDIT, id="d2"),
        replace(EDIT, edited_at="2026-03-02T12:00:01Z"),
        replace(EDIT, base_version=None),
        replace(EDIT, base_version=5),
        replace(EDIT, group="g"),
        replace(EDIT, settles=3),
        replace(EDIT, base_version=None, settles=4),
        replace(EDIT, fields=()),
        replace(EDIT, fields=(FieldEdit("title", ("a",), ()),)),
        replace(EDIT, fields=(FieldEdit("title", (), ("a", "b")),)),
        replace(EDIT, fields=(FieldEdit("title", ("a",), ("",)),)),
        replace(EDIT, fields=(*EDIT.fields, FieldEdit("notes", (), ("b",)))),
    ],
)
def test_any_other_payload_has_another_hash(other: Operation) -> None:
    assert payload_hash(other) != payload_hash(EDIT)


def test_the_sequence_is_the_key_and_not_the_payload() -> None:
    assert payload_hash(replace(EDIT, sequence=8)) == payload_hash(EDIT)


def test_parts_cannot_be_shifted_into_one_another() -> None:
    one = replace(EDIT, fields=(FieldEdit("title", ("1:a",), ("b",)),))
    other = replace(EDIT, fields=(FieldEdit("title", ("1",), (":ab",)),))
    assert payload_hash(one) != payload_hash(other)
