"""The command `conflicts`: edits that were refused, and values that lost against another's.

Belongs here: showing both sides, discarding, trying again. May not know: the network.
"""

from __future__ import annotations

import argparse
from typing import Any

from saddlebag.kernel.errors import NOT_FOUND, SaddlebagError
from saddlebag_client import edits, outbox, rows, values
from saddlebag_client.describe import Descriptions, descriptions, labels
from saddlebag_client.find import Finder
from saddlebag_client.local import LocalFile
from saddlebag_client.outbox import Operation
from saddlebag_client.rows import Texts
from saddlebag_client.setting import Said, Setting
from saddlebag_client.vault import open_for


def conflicts(setting: Setting, given: argparse.Namespace) -> Said:
    """List what waits for a decision, or decide on one."""
    file = open_for(setting)
    known = descriptions(file)
    if given.discard is not None:
        return _discard(setting, file, chosen(file, given.discard))
    if given.retry is not None:
        return _retry(setting, file, known, given)
    waiting = outbox.operations(file, outbox.PARKED, outbox.CONFLICT)
    find = labels(file)
    lines = [line for each in waiting for line in _lines(each, find(each.entity, each.id))]
    return Said([_data(each) for each in waiting], "\n".join(lines) or "No conflicts.")


def _discard(setting: Setting, file: LocalFile, operation: Operation) -> Said:
    """Put an edit away; of a group that was refused whole, all of it."""
    with file.transaction():
        for each in _group(file, operation):
            edits.discard(file, each, setting.stamp)
    return Said({"discarded": operation.sequence}, f"Put away {operation.sequence}.")


def _retry(setting: Setting, file: LocalFile, known: Descriptions, given: argparse.Namespace) -> Said:
    """Note an edit again; of a group that was refused whole, all of it, the changes being for the chosen one."""
    operation = chosen(file, given.retry)
    with file.transaction():
        changes = values.assignments(known.entity(operation.entity), given.fields, Finder(file, known).resolve)
        for each in _group(file, operation):
            sequence = _again(setting, file, known, each, changes if each.sequence == operation.sequence else {})
            if each.sequence == operation.sequence:
                noted = sequence
    return Said({"sequence": noted}, "Noted again. It goes out with the next sync.")


def _again(
    setting: Setting, file: LocalFile, known: Descriptions, operation: Operation, changes: dict[str, Texts]
) -> int:
    info = known.entity(operation.entity)
    held = rows.one(file, info.name, info.lists, operation.id)
    if held is None:
        reason = f"The record is no longer on this laptop; discard {operation.sequence} when you have read it."
        raise SaddlebagError(NOT_FOUND, reason, entity=operation.entity, record_id=operation.id)
    if operation.kind == "delete":
        return edits.delete(file, held, setting.stamp)
    wished = {name: new for name, (_, new) in operation.fields.items()} | changes
    if operation.status == outbox.CONFLICT:
        edits.discard(file, operation, setting.stamp)
        held = rows.one(file, info.name, info.lists, operation.id) or held
    return edits.edit(file, held, wished, setting.stamp)


def _group(file: LocalFile, operation: Operation) -> list[Operation]:
    if operation.group is None or operation.status != outbox.PARKED:
        return [operation]
    return [each for each in outbox.operations(file, outbox.PARKED) if each.group == operation.group]


def chosen(file: LocalFile, sequence: int) -> Operation:
    """The parked or conflicting operation of this number; raises NOT_FOUND."""
    for each in outbox.operations(file, outbox.PARKED, outbox.CONFLICT):
        if each.sequence == sequence:
            return each
    raise SaddlebagError(NOT_FOUND, f"There is no conflict {sequence}; `conflicts` lists them.")


def _lines(operation: Operation, label: str) -> list[str]:
    what = f"{operation.sequence}: {operation.kind} of {operation.entity} {label or operation.id}"
    result = operation.result
    if operation.status == outbox.CONFLICT:
        lines = [f"{what}: someone else changed it too"]
        for each in result["conflicts"]:
            won = "yours was kept" if each["won"] == "mine" else "theirs was kept"
            lines.append(f"  {each['field']}: yours {_quoted(each['mine'])}, theirs {_quoted(each['theirs'])}; {won}")
    else:
        lines = [f"{what}: {result['message'] or result['status']} ({result['code'] or result['status']})"]
        lines += [
            f"  {name}: was {_quoted(old)}, you want {_quoted(new)}" for name, (old, new) in operation.fields.items()
        ]
    return lines


def _quoted(text: Texts) -> str:
    if text is None:
        return "nothing"
    return repr(text if isinstance(text, str) else ", ".join(text))


def _data(operation: Operation) -> dict[str, Any]:
    return {
        "id": operation.sequence,
        "entity": operation.entity,
        "record": operation.id,
        "kind": operation.kind,
        "waiting": operation.status,
        "fields": {name: {"old": old, "new": new} for name, (old, new) in operation.fields.items()},
        **operation.result,
    }
