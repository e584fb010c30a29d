"""Operation results as kept: JSON text and back, so that a repeated operation is answered with its first result.

Belongs here: the stored form, in which absent members are left out. May not know: how results are made or sent.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from saddlebag.kernel.ops import OpConflict, OpResult, OpStatus


def write_result(result: OpResult) -> str:
    """The stored text of a result; its sequence is in the row's key."""
    members = {name: value for name, value in asdict(result).items() if name != "sequence" and value not in (None, ())}
    return json.dumps(members, ensure_ascii=False, separators=(",", ":"))


def read_result(sequence: int, text: str) -> OpResult:
    """The result that `write_result` wrote."""
    members: dict[str, Any] = json.loads(text)
    members["status"] = OpStatus(members["status"])
    members["merged"] = tuple(members.get("merged", ()))
    members["conflicts"] = tuple(OpConflict(**each) for each in members.get("conflicts", ()))
    return OpResult(sequence, **members)
