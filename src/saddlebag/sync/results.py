"""Operation results as kept: JSON text and back, so that a repeated operation is answered with its first result.

Belongs here: the stored form, in which absent members are left out. May not know: how results are made or sent.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any, Final

from saddlebag.kernel.ops import OpConflict, OpResult, OpStatus

_MEMBERS: Final = tuple(each.name for each in fields(OpResult) if each.name != "sequence")


def write_result(result: OpResult) -> str:
    """The stored text of a result; its sequence is in the row's key."""
    members: dict[str, Any] = {}
    for name in _MEMBERS:
        value = getattr(result, name)
        if value is not None and value != ():
            members[name] = value
    if result.conflicts:
        members["conflicts"] = [asdict(each) for each in result.conflicts]
    return json.dumps(members, ensure_ascii=False, separators=(",", ":"))


def read_result(sequence: int, text: str) -> OpResult:
    """The result that `write_result` wrote."""
    members: dict[str, Any] = json.loads(text)
    members["status"] = OpStatus(members["status"])
    members["merged"] = tuple(members.get("merged", ()))
    members["conflicts"] = tuple(OpConflict(**each) for each in members.get("conflicts", ()))
    return OpResult(sequence, **members)


def read_status(text: str) -> OpStatus:
    """The status alone of what `write_result` wrote."""
    return OpStatus(json.loads(text)["status"])
