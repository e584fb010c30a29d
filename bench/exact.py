"""Exactness: a figure of a wrong answer is worth nothing, so every device is compared with the plain tables.

Belongs here: comparing what a file holds with what it must hold. May not know: how it came there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree

from bench.plain import Key, Texts
from saddlebag.contract.codec import codec_for
from saddlebag.kernel.errors import SaddlebagError
from saddlebag.model.builtin import BUILTIN
from saddlebag.model.fields import Kind


class WrongAnswer(Exception):
    """What was measured did not do its work."""


def check(holds: bool, otherwise: str) -> None:
    """Raise WrongAnswer, which says what is wrong, unless it holds."""
    if not holds:
        raise WrongAnswer(otherwise)


def check_keys(name: str, held: Mapping[Key, object] | set[Key], wanted: Mapping[Key, Texts]) -> None:
    """Raise WrongAnswer unless exactly the wanted records are held."""
    missing, extra = sorted(wanted.keys() - set(held)), sorted(set(held) - wanted.keys())
    told = f"{name}: {len(missing)} records missing {missing[:3]}, {len(extra)} left over {extra[:3]}"
    check(not missing and not extra, told)


def check_laptop(name: str, file: Path, wanted: Mapping[Key, Texts]) -> None:
    """Raise WrongAnswer unless the laptop's file holds exactly the wanted records, each field as wanted."""
    with closing(sqlite3.connect(file)) as link:
        held = {
            (entity, record): fragment
            for entity, record, fragment in link.execute("SELECT entity, id, fragment FROM rows WHERE version > 0")
        }
    check_keys(name, held, wanted)
    for (entity, record), fragment in held.items():
        found, texts = _values(entity, _fields(fragment)), _values(entity, wanted[entity, record])
        check(found == texts, f"{name}: {entity} {record} is {found}, wanted {texts}")


def _fields(fragment: str) -> Texts:
    """The texts of a fragment; the items of a list field in one, as the plain tables have them."""
    tree = ElementTree.fromstring(f'<r xmlns:x="x">{fragment}</r>')
    texts: Texts = {}
    for each in tree:
        told = " ".join(item.text or "" for item in each) if len(each) else each.text or ""
        texts[each.tag] = f"{texts[each.tag]} {told}" if each.tag in texts else told
    return texts


def _values(entity: str, texts: Mapping[str, str]) -> dict[str, object]:
    """The values of the fields that a device gets, so that 12.5 equals 12.50; defaults need not be written down."""
    codec = codec_for(BUILTIN)[entity]
    values: dict[str, object] = {}
    for field in BUILTIN.entity(entity).device_fields:
        text = texts.get(field.name)
        if text is not None and field.kind is Kind.TAGS:
            values[field.name] = sorted(text.split())
        elif text is not None:
            try:
                values[field.name] = codec.value(field.name, text)
            except SaddlebagError as problem:
                raise WrongAnswer(f"{entity}.{field.name} is {text!r}") from problem
        elif field.default is not None:
            values[field.name] = field.default
    return {name: value for name, value in values.items() if value not in ([], "")}
