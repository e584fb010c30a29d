"""Reading the files: bytes to rows, rows to items, honestly about rows that are broken.

Belongs here: the connector. May not know: what fields mean. A file that is not there gives nothing, rather than an
empty stream: a failed export must not empty the hub. A file is read at once: one replaced meanwhile is seen whole.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from saddlebag.bridge.plain import Plain
from saddlebag.bridge.port import Batch, Clock, Discovered, Item, Outgoing, SystemInfo, Unreadable, Written
from saddlebag.kernel.errors import (
    ADAPTER_CONFIGURATION,
    ADAPTER_FATAL,
    ADAPTER_UNAVAILABLE,
    SaddlebagError,
)
from saddlebag.kernel.limits import EXTERNAL_ID_LENGTH, RECORDS_PER_CALL
from saddlebag_adapters.documents.layout import STREAMS

LISTS = frozenset({"segments"})
"""Columns whose text is several values with ';' between them."""

_COLUMNS = {each.name: each.fields for each in STREAMS}


class Folder:
    """The connector of one folder."""

    def __init__(self, settings: Mapping[str, Any], clock: Clock) -> None:
        self._folder = Path(settings["folder"])
        self._delimiter = str(settings["delimiter"])
        self._encoding = str(settings["encoding"])
        self._max_bytes = int(settings["max_bytes"])

    def check(self) -> SystemInfo:
        """Look whether the folder is there and which files it holds."""
        there = [each.stream for each in self.discover()]
        return SystemInfo("CSV files", "1", (f"files for: {', '.join(there) or 'none yet'}",))

    def discover(self) -> list[Discovered]:
        """The streams whose file is there, with the columns that it has."""
        found = []
        for name, columns in _COLUMNS.items():
            content = self._bytes(name)
            if content is not None:
                header, rows = self._table(name, content)
                found.append(Discovered(name, tuple(each for each in header if each in columns), len(rows)))
        return found

    def read(self, stream: str, state: str) -> Iterator[Batch]:
        """The file's rows if it changed since `state`, which is its SHA-256."""
        content = self._bytes(stream)
        if content is None:
            return
        digest = sha256(content).hexdigest()
        if digest == state:
            return
        header, rows = self._table(stream, content)
        starts = range(0, len(rows), RECORDS_PER_CALL) or range(1)
        for start in starts:
            part = rows[start : start + RECORDS_PER_CALL]
            made = [self._item(stream, header, line, row) for line, row in part]
            yield Batch(
                tuple(each for each in made if isinstance(each, Item)),
                digest,
                tuple(each for each in made if isinstance(each, Unreadable)),
                whole=start == starts[-1],
            )

    def ids(self, stream: str) -> Iterator[Sequence[str]]:
        """The ids of the file's sound rows; raises ADAPTER_UNAVAILABLE where there is no file."""
        yield [each.external_id for each in self._items(stream)]

    def fetch(self, stream: str, external_ids: Sequence[str]) -> list[Item]:
        """The rows with these ids."""
        wanted = set(external_ids)
        return [each for each in self._items(stream) if each.external_id in wanted]

    def write(self, change: Outgoing) -> Written:
        """No stream of this adapter can be written."""
        raise SaddlebagError(ADAPTER_CONFIGURATION, f"The stream {change.stream} cannot be written to.")

    def close(self) -> None:
        """Nothing is held open."""

    def _items(self, stream: str) -> list[Item]:
        content = self._bytes(stream)
        if content is None:
            raise SaddlebagError(ADAPTER_UNAVAILABLE, f"There is no file for the stream {stream}.")
        header, rows = self._table(stream, content)
        made = [self._item(stream, header, line, row) for line, row in rows]
        return [each for each in made if isinstance(each, Item)]

    def _bytes(self, stream: str) -> bytes | None:
        if not self._folder.is_dir():
            raise SaddlebagError(ADAPTER_CONFIGURATION, "The setting folder names no folder.", field="folder")
        path = self._folder / f"{stream}.csv"
        try:
            with path.open("rb") as file:
                content = file.read(self._max_bytes + 1)
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise SaddlebagError(ADAPTER_UNAVAILABLE, f"The file {path.name} cannot be read.") from problem
        if len(content) > self._max_bytes:
            raise SaddlebagError(
                ADAPTER_CONFIGURATION, f"The file {path.name} is larger than the setting max_bytes.", field="max_bytes"
            )
        return content

    def _table(self, stream: str, content: bytes) -> tuple[list[str], list[tuple[int, list[str]]]]:
        """The header, and each row with its line number; raises ADAPTER_FATAL for what is no such table."""
        try:
            text = content.decode("utf-8-sig" if self._encoding == "utf-8" else self._encoding)
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=self._delimiter, strict=True)
            header = next(reader, [])
            rows = [(reader.line_num, row) for row in reader if row]
        except (UnicodeDecodeError, csv.Error) as problem:
            raise SaddlebagError(ADAPTER_FATAL, f"The file {stream}.csv is no CSV in {self._encoding}.") from problem
        if "id" not in header or len(set(header)) != len(header):
            raise SaddlebagError(ADAPTER_FATAL, f"The first line of {stream}.csv must name each column once, one id.")
        return header, rows

    def _item(self, stream: str, header: Sequence[str], line: int, row: Sequence[str]) -> Item | Unreadable:
        if len(row) != len(header):
            payload: dict[str, Plain] = {"line": line, "cells": list(row)}
            return Unreadable(f"line {line}", f"Line {line} has {len(row)} cells, not {len(header)}.", payload)
        cells = dict(zip(header, row, strict=True))
        key = cells["id"].strip()
        data: dict[str, Plain] = {name: _cell(name, cells[name]) for name in header if name in _COLUMNS[stream]}
        if not key or len(key) > EXTERNAL_ID_LENGTH:
            return Unreadable(f"line {line}", f"Line {line} has no id of 1 to {EXTERNAL_ID_LENGTH} characters.", data)
        return Item(key, data)


def _cell(name: str, text: str) -> Plain:
    return [each.strip() for each in text.split(";") if each.strip()] if name in LISTS else text
