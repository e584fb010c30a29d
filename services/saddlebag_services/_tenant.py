"""DescribeTenant: what a program has to know of the tenant and the hub before it asks for anything else.

Belongs here: that one operation. May not know: SOAP, where settings come from.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import getmembers
from typing import Any, Final

from saddlebag.contract.language import LANGUAGES, spoken
from saddlebag.contract.spec import Member, Operation, Scalar, Struct
from saddlebag.kernel import limits
from saddlebag.records.call import Call

_SERVICE = Struct(
    "TenantService",
    "A service of the tenant.",
    (
        Member("name", Scalar.TOKEN, "Its name.", required=True, length=60),
        Member("address", Scalar.STRING, "Where it is called; its WSDL is at ?wsdl.", required=True),
    ),
)
_BOUND = Struct(
    "TenantLimit",
    "A bound that a caller can meet.",
    (
        Member("name", Scalar.TOKEN, "Its name in the manual.", required=True, length=60),
        Member("value", Scalar.LONG, "Its value.", required=True),
    ),
)


def _describe(call: Call, _request: Mapping[str, Any]) -> Mapping[str, Any]:
    hub, tenant = call.hub, call.tenant
    sequence = call.run(lambda tx: tx.sequence(), read_only=True)
    return {
        "name": tenant.name,
        "title": tenant.title,
        "timeZone": tenant.time_zone,
        "time": call.now,
        "version": hub.version,
        "schemaVersion": call.schema.fingerprint,
        "sequence": sequence,
        "language": spoken(call.language),
        "languages": list(LANGUAGES),
        "service": [
            {"name": each, "address": f"{hub.public_url.rstrip('/')}/{tenant.name}/{each}/v1"} for each in hub.services
        ],
        "limit": [{"name": name, "value": value} for name, value in _bounds()],
    }


def _bounds() -> list[tuple[str, int]]:
    """Every limit that is a number, by name."""
    return [(name, value) for name, value in getmembers(limits) if name.isupper() and isinstance(value, int)]


OPERATIONS: Final = (
    Operation(
        "DescribeTenant",
        "The tenant, the hub that serves it, its services and the bounds of a call.",
        (),
        (
            Member("name", Scalar.TOKEN, "Name of the tenant, as addresses have it.", required=True),
            Member("title", Scalar.STRING, "Its name for people.", required=True),
            Member("timeZone", Scalar.TOKEN, "Its time zone, as an IANA name.", required=True),
            Member("time", Scalar.DATETIME, "Time at the hub, in UTC.", required=True),
            Member("version", Scalar.TOKEN, "Version of the hub.", required=True),
            Member("schemaVersion", Scalar.TOKEN, "Differs whenever the tenant's entities do.", required=True),
            Member("sequence", Scalar.LONG, "The last number of its change log, for GetChanges.", required=True),
            Member("language", Scalar.TOKEN, "Language of the texts that this caller gets.", required=True),
            Member("languages", Scalar.TOKEN, "Languages that there are texts in.", required=True, many=True),
            Member("service", _SERVICE, "Its services.", many=True),
            Member("limit", _BOUND, "The bounds that calls meet; the manual says what each counts.", many=True),
        ),
        _describe,
    ),
)
"""What the metadata service offers of it."""
