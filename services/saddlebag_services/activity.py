"""The activity service: visits, calls, notes and tasks.

Belongs here: which operations there are. May not know: SOAP, SQL.
"""

from __future__ import annotations

from saddlebag.contract.spec import Service, ServiceFactory
from saddlebag.model.entities import Schema
from saddlebag_services._records import operations


def build(schema: Schema) -> Service:
    """The activity service of a schema."""
    return Service("activity", "Visits, calls, notes and tasks.", operations(schema.entity("Activity")))


SERVICE: ServiceFactory = build
"""What the entry point names."""
