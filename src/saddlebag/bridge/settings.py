"""Settings of an adapter: declared once, from which the JSON schema, the check and the manual's table are derived.

Belongs here: `Setting`, its check, and the JSON schema (draft 2020-12) of a list of them. May not know: where values
come from; the command line resolves `env:NAME` before they arrive here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from saddlebag.kernel.errors import ADAPTER_CONFIGURATION, SaddlebagError

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (dict,),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: `kind` is a JSON schema type; a `secret` is never shown, logged or written into an error."""

    name: str
    doc: str
    kind: str = "string"
    required: bool = False
    default: Any = None
    secret: bool = False
    choices: tuple[str, ...] = ()
    minimum: int | None = None


def json_schema(settings: Sequence[Setting]) -> dict[str, Any]:
    """The JSON schema of these settings."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {each.name: _property(each) for each in settings},
        "required": [each.name for each in settings if each.required],
        "additionalProperties": False,
    }


def _property(setting: Setting) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": setting.kind, "description": setting.doc}
    if setting.choices:
        schema["enum"] = list(setting.choices)
    if setting.minimum is not None:
        schema["minimum"] = setting.minimum
    if setting.default is not None:
        schema["default"] = setting.default
    if setting.secret:
        schema["writeOnly"] = True
    return schema


def checked(settings: Sequence[Setting], given: Mapping[str, Any]) -> dict[str, Any]:
    """The given values with defaults filled in; raises ADAPTER_CONFIGURATION naming the first wrong setting."""
    known = {each.name: each for each in settings}
    for name in given:
        if name not in known:
            raise _wrong(name, "is unknown; known are " + ", ".join(sorted(known)))
    return {name: _value(each, given.get(name)) for name, each in known.items()}


def _value(setting: Setting, value: Any) -> Any:
    if value is None or value == "":
        if setting.required:
            raise _wrong(setting.name, "is missing")
        return setting.default
    is_right = isinstance(value, _TYPES[setting.kind]) and (setting.kind == "boolean" or not isinstance(value, bool))
    if not is_right:
        raise _wrong(setting.name, f"is not of type {setting.kind}")
    if setting.choices and value not in setting.choices:
        raise _wrong(setting.name, "is not one of " + ", ".join(setting.choices))
    if setting.minimum is not None and value < setting.minimum:
        raise _wrong(setting.name, f"is less than {setting.minimum}")
    return value


def _wrong(name: str, what: str) -> SaddlebagError:
    return SaddlebagError(ADAPTER_CONFIGURATION, f"The setting {name} {what}.", field=name)
