"""Systems: which outside systems a tenant has, by which adapter, with which settings and mapping.

Belongs here: finding adapters by entry point, keeping a system's configuration as a setting of the tenant, and opening
it. May not know: the process's environment; a setting `env:NAME` is resolved from a table that is passed in, so that no
secret has to be kept in the database.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any

from saddlebag.bridge import mapping
from saddlebag.bridge.port import ENTRY_POINTS, Adapter, Clock
from saddlebag.bridge.rules import StreamMapping
from saddlebag.bridge.runs import System
from saddlebag.bridge.settings import checked
from saddlebag.kernel.errors import ADAPTER_CONFIGURATION, SaddlebagError
from saddlebag.kernel.ids import check_id
from saddlebag.model.entities import Schema
from saddlebag.store.base import Transaction
from saddlebag.store.tables import TenantSetting

PREFIX = "adapter."
"""What the names of the tenant settings start with that hold a system's configuration."""

INDIRECT = "env:"
"""What a setting starts with whose value is in a variable of the environment."""


@dataclass(frozen=True)
class Configured:
    """A system as it is configured: the adapter's name, the settings as given (secrets by `env:`), mapping changes."""

    name: str
    adapter: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    mapping: Mapping[str, Any] = field(default_factory=dict)


def installed() -> list[str]:
    """The names of the adapters that are installed."""
    return sorted({each.name for each in entry_points(group=ENTRY_POINTS)})


def load_adapter(name: str) -> Adapter:
    """The adapter of this name; raises ADAPTER_CONFIGURATION where there is none or its package does not load."""
    found = next(iter(entry_points(group=ENTRY_POINTS, name=name)), None)
    if found is None:
        raise SaddlebagError(
            ADAPTER_CONFIGURATION, f"No adapter {name} is installed; there are " + ", ".join(installed()) + "."
        )
    try:
        adapter = found.load()
    except (ImportError, AttributeError) as problem:
        raise SaddlebagError(ADAPTER_CONFIGURATION, f"The adapter {name} does not load.") from problem
    if not isinstance(adapter, Adapter):
        raise SaddlebagError(ADAPTER_CONFIGURATION, f"The entry point of the adapter {name} is no adapter.")
    return adapter


def configure(tx: Transaction, system: Configured) -> None:
    """Keep a system's configuration; raises INVALID_MAPPING, INVALID_ID and ADAPTER_CONFIGURATION before it is kept."""
    check_id(system.name)
    adapter = load_adapter(system.adapter)
    secret = next((each.name for each in adapter.settings if each.secret and _is_open(system, each.name)), None)
    if secret is not None:
        raise SaddlebagError(
            ADAPTER_CONFIGURATION, f"The setting {secret} is secret: give it as {INDIRECT}NAME.", field=secret
        )
    checked(
        adapter.settings,
        {name: value for name, value in system.settings.items() if not is_indirect(value)}
        | {
            name: "indirect"
            for name, value in system.settings.items()
            if is_indirect(value) and _is_text(adapter, name)
        },
    )
    mappings_of(adapter, system, tx.schema)
    held = {"adapter": system.adapter, "settings": dict(system.settings), "mapping": dict(system.mapping)}
    tx.rows.put(TenantSetting(PREFIX + system.name, json.dumps(held, sort_keys=True, ensure_ascii=False)))


def _is_open(system: Configured, name: str) -> bool:
    return name in system.settings and not is_indirect(system.settings[name])


def _is_text(adapter: Adapter, name: str) -> bool:
    return any(each.name == name and each.kind == "string" for each in adapter.settings)


def is_indirect(value: object) -> bool:
    """Whether a setting's value is the name of a variable."""
    return isinstance(value, str) and value.startswith(INDIRECT)


def configured(tx: Transaction) -> list[Configured]:
    """The tenant's systems by name."""
    rows = tx.rows.select(TenantSetting, order=("name",))
    return [_read(row) for row in rows if row.name.startswith(PREFIX)]


def find(tx: Transaction, name: str) -> Configured:
    """One system of the tenant; raises ADAPTER_CONFIGURATION."""
    row = tx.rows.get(TenantSetting, PREFIX + name)
    if row is None:
        raise SaddlebagError(ADAPTER_CONFIGURATION, f"The tenant has no system {name}.")
    return _read(row)


def _read(row: TenantSetting) -> Configured:
    held = json.loads(row.value)
    return Configured(row.name.removeprefix(PREFIX), held["adapter"], held["settings"], held["mapping"])


def resolve(settings: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """The settings with `env:` values replaced; raises ADAPTER_CONFIGURATION naming a variable that is not set."""
    resolved: dict[str, Any] = {}
    for name, value in settings.items():
        if is_indirect(value):
            variable = value.removeprefix(INDIRECT)
            if variable not in environment:
                raise SaddlebagError(
                    ADAPTER_CONFIGURATION,
                    f"The setting {name} is to come from {variable}, which is not set.",
                    field=name,
                )
            value = environment[variable]
        resolved[name] = value
    return resolved


def mappings_of(adapter: Adapter, system: Configured, schema: Schema) -> dict[str, StreamMapping]:
    """The adapter's default mapping with the tenant's changes, checked against the schema; raises INVALID_MAPPING."""
    table = mapping.overlay(adapter.mapping, system.mapping)
    return mapping.load(table, adapter.streams, schema, adapter.hygiene)


def open_system(system: Configured, schema: Schema, environment: Mapping[str, str], clock: Clock) -> System:
    """The system ready to be checked or run; raises ADAPTER_CONFIGURATION and INVALID_MAPPING, does no I/O."""
    adapter = load_adapter(system.adapter)
    settings = checked(adapter.settings, resolve(system.settings, environment))
    return System(system.name, adapter, adapter.connect(settings, clock), mappings_of(adapter, system, schema))
