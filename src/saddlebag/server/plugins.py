"""Services by entry point: a third party's package is found exactly as ours are. (Adapters: `bridge.systems`.)

Belongs here: the entry point group of services. May not know: any service by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points

from saddlebag.contract.spec import Service
from saddlebag.model.entities import Schema

SERVICES = "saddlebag.services"


def services(schema: Schema) -> Mapping[str, Service]:
    """Every installed service, declared for this schema, by its name in addresses, in a stable order."""
    built = [each.load()(schema) for each in sorted(entry_points(group=SERVICES), key=lambda point: point.name)]
    by_name = {service.name: service for service in built}
    if len(by_name) != len(built):
        raise ValueError("two installed packages declare a service of the same name")
    return by_name
