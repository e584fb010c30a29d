"""The log's lines: one JSON object each, the named fields and nothing else."""

from __future__ import annotations

import ast
import json
import logging
import sys
from typing import Any

import source_tree
from saddlebag.server.logs import FIELDS, JsonFormatter


def _line(message: str, *args: object, exc_info: Any = None, **extra: object) -> dict[str, Any]:
    record = logging.LogRecord("saddlebag.x", logging.INFO, "file.py", 1, message, args, exc_info)
    record.__dict__.update(extra)
    text = JsonFormatter().format(record)
    assert "\n" not in text
    said: dict[str, Any] = json.loads(text)
    return said


def test_a_line_says_when_how_bad_who_and_what() -> None:
    said = _line("call %s", "done")
    assert list(said) == ["time", "level", "logger", "message"]
    assert (said["level"], said["logger"], said["message"]) == ("info", "saddlebag.x", "call done")


def test_only_named_fields_reach_the_line() -> None:
    said = _line("call", request_id="r1", status=200, token="secret", body="secret", tenant="")
    assert {name: said[name] for name in FIELDS if name in said} == {"request_id": "r1", "status": 200}
    assert "secret" not in json.dumps(said)


def test_what_a_line_is_given_is_named_or_it_would_be_lost() -> None:
    given = {
        (module.where, key.value)
        for name in source_tree.PACKAGES
        for module in source_tree.package(name)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.keyword) and node.arg == "extra" and isinstance(node.value, ast.Dict)
        for key in node.value.keys
        if isinstance(key, ast.Constant)
    }
    assert "reason" in {name for _, name in given}
    assert {(where, name) for where, name in given if name not in FIELDS} == set()


def test_a_trace_stays_on_one_line() -> None:
    try:
        raise ValueError("a\nb")
    except ValueError:
        said = _line("failed", exc_info=sys.exc_info())
    assert said["trace"].endswith("ValueError: a\nb")
