"""Logs: one JSON object a line, from the standard library's logging; one line for each call.

Belongs here: the form of a line. May not know: what is logged. A line holds no body, no header and no token: callers
pass the few values named in `FIELDS`, and nothing else of a record reaches the file.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from twisted.logger import STDLibLogObserver, globalLogBeginner

FIELDS: Final = (
    "request_id", "tenant", "service", "operation", "client", "code", "method", "status", "ms", "bytes_in", "bytes_out",
    "reason", "reply", "attempts", "address", "worker", "pid",
)  # fmt: skip
"""What a line may say besides time, level, logger and message, in this order."""


_marks: dict[str, object] = {}


def mark(worker: int) -> None:
    """Have every line of this process say which worker it is: all write to one log."""
    _marks["worker"] = worker


class JsonFormatter(logging.Formatter):
    """One record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        known = _marks | record.__dict__
        line.update({name: known[name] for name in FIELDS if known.get(name) not in (None, "")})
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up(level: str, file: Path | None) -> None:
    """Send all logging, Twisted's included, to `file` or standard error."""
    handler = logging.FileHandler(file, encoding="utf-8") if file else logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("twisted", "alembic"):  # they tell of each connection and each look at the schema's version
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    observer: Any = STDLibLogObserver()  # provides ILogObserver, which mypy cannot see
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False, discardBuffer=True)
