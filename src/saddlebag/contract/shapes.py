"""Simple types as XML Schema has them: which built-in type, with which facets, for each kind of field and scalar.

Belongs here: the mapping from declarations to (base, facets), the same bounds that `fieldcodec` enforces. May not know:
elements, documents.

Base types are chosen so that white space means the same to a schema validator and to the codec: xs:token where the
codec trims, xs:string where it keeps. Integers are xs:int or xs:long, never xs:integer: most stacks have no such type.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from saddlebag.contract.fieldcodec import LONG_MAX, LONG_MIN, decimal_bounds, integer_bounds
from saddlebag.contract.spec import Scalar
from saddlebag.kernel import ids, limits
from saddlebag.model.fields import Field, Kind

INT_MIN, INT_MAX = -(2**31), 2**31 - 1


@dataclass(frozen=True, slots=True)
class Shape:
    """A simple type: a built-in type of XML Schema restricted by facets.

    `name` is that of our own named type, "" for a built-in type as it is. Types are named and shared, not written out
    at each element: a service that shows every entity would otherwise exceed 100 KB of WSDL.
    """

    name: str
    base: str
    facets: tuple[tuple[str, str], ...] = ()
    doc: str = ""


ID = Shape(
    "Id",
    "token",
    (("maxLength", str(limits.ID_LENGTH)), ("pattern", ids.ID_PATTERN)),
    "Identifier of a record.",
)


def of_values(name: str, values: Iterable[str], doc: str) -> Shape:
    """A list of values."""
    return Shape(name, "token", tuple(("enumeration", each) for each in values), doc)


def of_field(entity: str, field: Field) -> Shape:
    """The simple type of a field's element."""
    match field.kind:
        case Kind.STRING | Kind.TEXT:
            return _limited("string", field.length)
        case Kind.TAGS:
            facets = (("minLength", "1"), ("maxLength", str(field.length)))
            return Shape(f"Tag{field.length}", "token", facets, f"A word or phrase of 1 to {field.length} characters.")
        case Kind.CODE:
            name = entity + field.name[0].upper() + field.name[1:]
            return of_values(name, field.values, f"Values of {entity}.{field.name}: {field.doc}")
        case Kind.REFERENCE:
            return ID
        case Kind.BOOLEAN:
            return Shape("", "boolean")
        case Kind.INTEGER:
            return _integer(field)
        case Kind.DECIMAL:
            return _decimal(field)
        case Kind.DATE:
            return Shape("", "date")
        case Kind.DATETIME:
            return Shape("", "dateTime")


def of_scalar(scalar: Scalar, length: int) -> Shape:
    """The simple type of a message's member; `length` counts only for text."""
    if scalar is Scalar.ID:
        return ID
    if length and scalar in (Scalar.STRING, Scalar.TOKEN):
        return _limited(str(scalar), length)
    return Shape("", str(scalar))


def _limited(base: str, length: int) -> Shape:
    name = f"{base[0].upper()}{base[1:]}{length}"
    return Shape(name, base, (("maxLength", str(length)),), f"Text of at most {length} characters.")


def _integer(field: Field) -> Shape:
    least, most = integer_bounds(field)
    base, bottom, top = "int", INT_MIN, INT_MAX
    if least < INT_MIN or most > INT_MAX:
        base, bottom, top = "long", LONG_MIN, LONG_MAX
    facets = []
    name = base[0].upper() + base[1:]
    if least > bottom:
        facets.append(("minInclusive", str(least)))
        name += f"From{_spell(least)}"
    if most < top:
        facets.append(("maxInclusive", str(most)))
        name += f"To{_spell(most)}"
    if not facets:
        return Shape("", base)
    return Shape(name, base, tuple(facets), f"A whole number from {least} to {most}.")


def _decimal(field: Field) -> Shape:
    """Digits and scale, and the bounds that follow: 12345678901234567 fits 18 digits but not with 4 after the point."""
    least, most = decimal_bounds(field)
    name = f"Decimal{field.digits}Scale{field.scale}"
    if field.minimum is not None:
        name += f"From{_spell(field.minimum)}"
    if field.maximum is not None:
        name += f"To{_spell(field.maximum)}"
    bounds = (("minInclusive", format(least, "f")), ("maxInclusive", format(most, "f")))
    facets = (("totalDigits", str(field.digits)), ("fractionDigits", str(field.scale)), *bounds)
    return Shape(name, "decimal", facets, f"A number of {field.digits} digits, {field.scale} of them after the point.")


def _spell(number: int) -> str:
    return str(number) if number >= 0 else f"Minus{-number}"
