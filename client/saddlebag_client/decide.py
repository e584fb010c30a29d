"""The command `resolve`: which value is to stand where the laptop's and another's met.

Belongs here: from words to decisions, and putting the conflict away once the hub has them all. May not know: how bytes
travel. Deciding needs a connection: offline the other value may have moved on, and `conflicts --retry` edits anew.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from typing import Final

from saddlebag.kernel.errors import INVALID_VALUE, SaddlebagError
from saddlebag_client import account, edits, outbox, values
from saddlebag_client.describe import descriptions
from saddlebag_client.find import Finder
from saddlebag_client.hub import HubCalls
from saddlebag_client.local import LocalFile
from saddlebag_client.outbox import Operation
from saddlebag_client.parked import chosen
from saddlebag_client.rows import Texts
from saddlebag_client.setting import Said, Setting
from saddlebag_client.vault import open_for

_SIDES: Final = ("mine", "theirs")
_Decisions = Mapping[str, tuple[str, tuple[str, ...]]]


def resolve(setting: Setting, given: argparse.Namespace) -> Said:
    """Decide a conflict at the hub; the next sync brings the values that stand."""
    file = open_for(setting)
    operation = chosen(file, given.conflict)
    if operation.status != outbox.CONFLICT:
        reason = f"{operation.sequence} was refused: mend it with `conflicts --retry`, or discard it."
        raise SaddlebagError(INVALID_VALUE, reason)
    wanted = _decisions(file, operation, given.take)
    _decide(account.hub_of(file, setting.connect, setting.pause), file, operation, wanted)
    edits.discard(file, operation, setting.stamp)
    taken = {name: take for name, (take, _) in wanted.items()}
    return Said({"resolved": operation.sequence, "taken": taken}, "Decided. The next sync brings what stands.")


def _decisions(file: LocalFile, operation: Operation, words: Iterable[str]) -> _Decisions:
    """What is to stand for each field of the conflict: a side for all of them, a value for one."""
    fields = {str(each["field"]) for each in operation.result["conflicts"]}
    sides = [word for word in words if word in _SIDES]
    if len(sides) > 1:
        raise SaddlebagError(INVALID_VALUE, "Take mine or theirs, not both.")
    known = descriptions(file)
    info = known.entity(operation.entity)
    others = [word for word in words if word not in _SIDES]
    given = _values(values.assignments(info, others, Finder(file, known).resolve))
    found = {**(dict.fromkeys(fields, (sides[0], ())) if sides else {}), **given}
    if found.keys() != fields:
        named = ", ".join(sorted(fields))
        raise SaddlebagError(INVALID_VALUE, f"The conflict is about {named}: say what is to stand for each of them.")
    return found


def _values(given: Mapping[str, Texts]) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {name: ("value", (texts,) if isinstance(texts, str) else texts or ()) for name, texts in given.items()}


def _decide(hub: HubCalls, file: LocalFile, operation: Operation, wanted: _Decisions) -> None:
    """Send each decision; a field that the hub does not list any more has been decided already."""
    device = file.need("device")
    written = {str(each["field"]): each["mine"] for each in operation.result["conflicts"]}
    for each in hub.conflicts(operation.entity, operation.id):
        if each.device == device and each.field in wanted and each.mine == written[each.field]:
            hub.resolve(each.conflict, *wanted[each.field])
