"""Hypothesis strategies that follow a declaration: any value of a field, any set of values of an entity."""

from __future__ import annotations

import string
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import strategies as st

from saddlebag.contract.fieldcodec import decimal_bounds, integer_bounds
from saddlebag.model.entities import Entity
from saddlebag.model.fields import Field, Kind, Value

_ID_FIRST = string.ascii_letters + string.digits
CHARACTERS = st.characters(exclude_categories=("Cs",), exclude_characters="\ufffe\uffff").filter(
    lambda each: each >= " " or each in "\t\n"
)
"""What XML 1.0 lets a text hold, carriage returns left out: parsers turn those into line feeds."""

IDS = st.builds(lambda first, rest: first + rest, st.sampled_from(_ID_FIRST), st.text(f"{_ID_FIRST}._-", max_size=35))
TIMES = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC))


def values_of(entity: Entity) -> st.SearchStrategy[dict[str, Value]]:
    """Values for some of the entity's fields, in the codec's normal form."""
    return st.fixed_dictionaries({}, optional={each.name: value_of(each) for each in entity.fields})


def value_of(field: Field) -> st.SearchStrategy[Any]:
    """A value of the field, in the codec's normal form."""
    match field.kind:
        case Kind.STRING | Kind.TEXT:
            return st.text(CHARACTERS, min_size=1, max_size=min(field.length, 60))
        case Kind.CODE:
            return st.sampled_from(field.values)
        case Kind.BOOLEAN:
            return st.booleans()
        case Kind.INTEGER:
            return st.integers(*integer_bounds(field))
        case Kind.DECIMAL:
            least, most = decimal_bounds(field)
            return st.decimals(least, most, places=field.scale)
        case Kind.DATE:
            return st.dates(min_value=date(1, 1, 1))
        case Kind.DATETIME:
            return TIMES
        case Kind.REFERENCE:
            return IDS
        case Kind.TAGS:
            tag = st.text(f"{_ID_FIRST}äß&< ", min_size=1, max_size=field.length).map(_collapsed).filter(bool)
            return st.lists(tag, min_size=1, max_size=4, unique=True).map(lambda tags: tuple(sorted(tags)))


def _collapsed(text: str) -> str:
    return " ".join(filter(None, text.split(" ")))
