"""The commands on records: list, show, edit, new, delete, log. None of them needs a connection.

Belongs here: from words to the outbox, from rows to a page of text. May not know: the hub.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any, Final

from saddlebag.kernel.errors import INVALID_VALUE, SaddlebagError
from saddlebag_client import edits, rows, values
from saddlebag_client.describe import Descriptions, EntityInfo, descriptions, label
from saddlebag_client.find import Finder
from saddlebag_client.local import LocalFile
from saddlebag_client.rows import Held, Texts
from saddlebag_client.setting import Said, Setting
from saddlebag_client.vault import open_for

_COLUMNS: Final = 4
_COLUMN_KINDS: Final = ("code", "decimal", "date", "datetime")
_WIDEST: Final = 40


class _Desk:
    """An open file with its descriptions and a finder: what each command works with."""

    def __init__(self, setting: Setting) -> None:
        self.file: LocalFile = open_for(setting)
        self.known: Descriptions = descriptions(self.file)
        self.finder = Finder(self.file, self.known)

    def shown(self, info: EntityInfo, name: str, held: Held) -> str:
        """A field's value for people: references by what they are called."""
        text = held.text(name)
        target = next((each.target for each in info.fields if each.name == name), "")
        if isinstance(text, str) and target:
            return self.finder.label(target, text)
        return ", ".join(text) if isinstance(text, tuple) else text or ""


def list_records(setting: Setting, given: argparse.Namespace) -> Said:
    """The records of an entity that hold the filter's text in any field."""
    desk = _Desk(setting)
    info = desk.known.entity(given.entity)
    wanted = (given.filter or "").casefold()
    held = [each for each in rows.read(desk.file, info.name, info.lists) if _matches(desk, info, each, wanted)]
    held.sort(key=lambda each: (label(info, each).casefold(), each.id))
    names = [each.name for each in info.fields if each.kind in _COLUMN_KINDS][:_COLUMNS]
    table = [("id", info.label, *names)]
    for each in held:
        mark = "* " if each.unsent else ""
        table.append((each.id, mark + desk.shown(info, info.label, each), *(desk.shown(info, n, each) for n in names)))
    counted = f"{len(held)} of {info.plural}" + (" (* not sent yet)" if any(each.unsent for each in held) else "")
    data = {"entity": info.name, "records": [_data(info, each) for each in held]}
    return Said(data, "\n".join([*_aligned(table), counted]) if held else counted)


def show(setting: Setting, given: argparse.Namespace) -> Said:
    """One record with all its fields, and its edits that are not settled."""
    desk = _Desk(setting)
    info = desk.known.entity(given.entity)
    held = desk.finder.record(info, given.record)
    titles = {each.name: each.title for each in info.fields}
    names = [
        *(each.name for each in info.fields if each.name in held.texts),
        *(n for n in held.texts if n not in titles),
    ]
    lines = [f"{info.name} {held.id}" + (f", version {held.version}" if held.version else ", not at the hub yet")]
    width = max((len(titles.get(name, name)) for name in names), default=0)
    for name in names:
        note = f"   (was: {_plain(held.edits[name].old)}; not sent yet)" if _unsettled(held, name) else ""
        lines.append(f"  {titles.get(name, name):{width}}  {desk.shown(info, name, held)}{note}")
    return Said(_data(info, held), "\n".join(lines))


def edit(setting: Setting, given: argparse.Namespace) -> Said:
    """Change fields of one record."""
    desk = _Desk(setting)
    info = desk.known.entity(given.entity)
    held = desk.finder.record(info, given.record)
    changes = values.assignments(info, given.fields, desk.finder.resolve)
    if not edits.edit(desk.file, held, changes, setting.stamp):
        return Said({"id": held.id, "changed": []}, "Nothing to change.")
    return Said(
        {"id": held.id, "changed": sorted(changes)},
        f"Noted for {label(info, held)}: {', '.join(sorted(changes))}. It goes out with the next sync.",
    )


def new(setting: Setting, given: argparse.Namespace) -> Said:
    """Make a new record, and with it those that are parts of it: the hub takes all of them or none."""
    desk = _Desk(setting)
    info = desk.known.entity(given.entity)
    found = values.assignments(info, given.fields, desk.finder.resolve)
    if not given.parts:
        return _create(setting, desk, info, found)
    whole = setting.new_id()
    with desk.file.transaction():
        said = _create(setting, desk, info, found, whole, whole)
        parts = [_part(setting, desk, info, whole, *words) for words in given.parts]
    return Said({**said.data, "parts": parts}, f"{said.text} With it: {len(parts)} more.")


def delete(setting: Setting, given: argparse.Namespace) -> Said:
    """Delete one record."""
    desk = _Desk(setting)
    info = desk.known.entity(given.entity)
    held = desk.finder.record(info, given.record)
    sequence = edits.delete(desk.file, held, setting.stamp)
    text = "It goes from the hub with the next sync." if sequence else "The hub never had it."
    return Said({"id": held.id, "sequence": sequence}, f"Deleted {label(info, held)}. {text}")


def log(setting: Setting, given: argparse.Namespace) -> Said:
    """Note a visit or a call at a customer."""
    desk = _Desk(setting)
    info = desk.known.entity("Activity")
    words = [f"kind={given.kind}", f"customer={given.customer}", f"subject={given.subject}", "done=true"]
    words += [f"{name}={text}" for name, text in (("body", given.body), ("deal", given.deal)) if text]
    found = values.assignments(info, words, desk.finder.resolve)
    return _create(setting, desk, info, {**found, "startsAt": setting.stamp})


def _part(setting: Setting, desk: _Desk, whole: EntityInfo, whole_id: str, name: str, *words: str) -> str:
    """Make a record that belongs to `whole`; the field that names it is known and need not be given."""
    info = desk.known.entity(name)
    ways = [each.name for each in info.fields if each.target == whole.name and not each.read_only]
    if len(ways) != 1:
        raise SaddlebagError(INVALID_VALUE, f"{info.plural} do not belong to a {whole.name}.", entity=info.name)
    found = {**values.assignments(info, words, desk.finder.resolve), ways[0]: whole_id}
    return str(_create(setting, desk, info, found, setting.new_id(), whole_id).data["id"])


def _create(
    setting: Setting, desk: _Desk, info: EntityInfo, given: dict[str, Texts], made: str = "", group: str | None = None
) -> Said:
    if info.owner and info.owner not in given and not info.field(info.owner).read_only:
        given[info.owner] = desk.file.need("user_id")
    values.complete(info, given)
    writable = [each for each in info.fields if not each.read_only]
    if not writable:
        raise SaddlebagError(INVALID_VALUE, f"{info.plural} are kept by the office.", entity=info.name)
    record_id = made or setting.new_id()
    edits.create(desk.file, info.name, record_id, given, setting.stamp, group)
    return Said({"id": record_id}, f"Noted as {info.name} {record_id}. It goes out with the next sync.")


def _matches(desk: _Desk, info: EntityInfo, held: Held, wanted: str) -> bool:
    return not wanted or any(wanted in desk.shown(info, name, held).casefold() for name in held.texts)


def _unsettled(held: Held, name: str) -> bool:
    return name in held.edits and held.edits[name].settled is None


def _plain(texts: Texts) -> str:
    return ", ".join(texts) if isinstance(texts, tuple) else texts or "nothing"


def _data(info: EntityInfo, held: Held) -> dict[str, Any]:
    fields = {name: list(text) if isinstance(text, tuple) else text for name, text in held.texts.items()}
    unsent = sorted(name for name in held.edits if _unsettled(held, name))
    return {"id": held.id, "label": label(info, held), "version": held.version, "fields": fields, "unsent": unsent}


def _aligned(table: list[tuple[str, ...]]) -> Iterator[str]:
    cut = [[each if len(each) <= _WIDEST else each[: _WIDEST - 1] + "…" for each in row] for row in table]
    widths = [max(len(row[column]) for row in cut) for column in range(len(table[0]))]
    for row in cut:
        yield "  ".join(each.ljust(width) for each, width in zip(row, widths, strict=True)).rstrip()
