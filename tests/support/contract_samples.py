"""A service and an entity that use every kind of declaration, so that contract tests need no real service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from saddlebag.contract.common import FILTERS, ORDERS, WRITE_RESULT
from saddlebag.contract.spec import Access, Enumeration, Member, Operation, RecordOf, Scalar, Service, Struct
from saddlebag.model.builtin import BUILTIN
from saddlebag.model.entities import Entity, Schema
from saddlebag.model.fields import Field, Kind, SyncClass

EVERY = Entity(
    "Every",
    "Everies",
    "One field of each kind.",
    (
        Field("name", Kind.STRING, "Text.", length=20),
        Field("body", Kind.TEXT, "Long text."),
        Field("code", Kind.CODE, "One of two.", values=("a", "b")),
        Field("flag", Kind.BOOLEAN, "Yes or no."),
        Field("count", Kind.INTEGER, "A number.", minimum=-5, maximum=5),
        Field("big", Kind.INTEGER, "A number."),
        Field("price", Kind.DECIMAL, "A price.", digits=6, scale=2),
        Field("share", Kind.DECIMAL, "A share.", digits=28, scale=28, minimum=0),
        Field("day", Kind.DATE, "A day."),
        Field("at", Kind.DATETIME, "A moment."),
        Field("other", Kind.REFERENCE, "Another.", target="Every"),
        Field("tags", Kind.TAGS, "Tags."),
        Field("secret", Kind.STRING, "Not for devices.", sync=SyncClass.HUB),
    ),
)

COLOUR = Enumeration("Colour", ("red", "green"), "A colour.")

PAIR = Struct(
    "KeyValue",
    "A name and a value.",
    (
        Member("key", Scalar.STRING, "The name.", required=True, length=128),
        Member("value", Scalar.STRING, "The value; left out for none."),
    ),
)
NOTE = Struct(
    "SampleNote",
    "A note with parts of its own.",
    (
        Member("at", Scalar.DATETIME, "When.", required=True),
        Member("colour", COLOUR, "Which colour."),
        Member("pair", PAIR, "Names and values.", many=True, maximum=3),
        Member("attachment", Scalar.BINARY, "A file."),
    ),
)


def answer(call: Any, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Gives back what came in."""
    return request


def deal_records(*, required: bool = False) -> Member:
    return Member("deal", RecordOf("Deal"), "Deals.", required=required, many=True, maximum=200)


SAMPLE = Service(
    "sample",
    "A service for tests.",
    (
        Operation("Ping", "Answers at once.", (), (), answer, access=Access.PUBLIC),
        Operation(
            "GetDeals",
            "Gives deals by id.",
            (Member("id", Scalar.ID, "Ids of deals.", required=True, many=True, maximum=200),),
            (deal_records(), Member("missing", Scalar.ID, "Ids that were not found.", many=True)),
            answer,
        ),
        Operation(
            "SearchDeals",
            "Gives deals that meet all terms.",
            (FILTERS, ORDERS, Member("limit", Scalar.INT, "Most records.")),
            (deal_records(), Member("more", Scalar.BOOLEAN, "Whether there are more.", required=True)),
            answer,
        ),
        Operation(
            "UpdateDeals",
            "Changes deals.",
            (deal_records(required=True),),
            (Member("result", WRITE_RESULT, "One for each deal.", many=True),),
            answer,
            writes=True,
        ),
        Operation(
            "KeepNote",
            "Keeps a note.",
            (
                Member("note", NOTE, "The note.", required=True),
                Member("price", Scalar.DECIMAL, "A price."),
                Member("on", Scalar.DATE, "A day."),
                Member("label", Scalar.TOKEN, "A label.", length=20),
                Member("serial", Scalar.LONG, "A number."),
            ),
            (Member("note", NOTE, "The note.", required=True),),
            answer,
            writes=True,
        ),
    ),
)


def schema_with_every() -> Schema:
    """The built-in entities and EVERY."""
    return BUILTIN.with_entities(EVERY)


def service_of(request: tuple[Member, ...], name: str = "small") -> Service:
    """A service of one operation."""
    return Service(name, "A small service.", (Operation("Do", "Does it.", request, (), answer),))


def every_entity(schema: Schema, name: str = "whole") -> Service:
    """A service that answers with records of every entity, as sync does."""
    records = tuple(Member(each.element, RecordOf(each.name), each.doc, many=True) for each in schema.entities)
    return Service(name, "Everything.", (Operation("GetAll", "Gives everything.", (), records, answer),))
