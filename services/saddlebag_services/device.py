"""The device service: which laptops carry the tenant's records, which may no longer, and the keys of encrypted ones.

Belongs here: messages to values and back. May not know: who answers for whom (`saddlebag.sync.fleet`), who is given a
key (`saddlebag.sync.keys`), SOAP.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from saddlebag.contract.spec import Member, Operation, Scalar, Service, ServiceFactory, Struct
from saddlebag.kernel.errors import INVALID_LOCATOR, SaddlebagError
from saddlebag.model.entities import Schema
from saddlebag.records.call import Call
from saddlebag.records.query import page_limit
from saddlebag.security.tokens import open_seal, seal
from saddlebag.store.base import Transaction
from saddlebag.sync import fleet, keys
from saddlebag.sync.fleet import Known
from saddlebag_services._records import LIMIT, LOCATOR, MORE, NEXT, carry_out

_PURPOSE = "devices"
_DEVICE = Member("device", Scalar.ID, "Identifier of the device.", required=True)

KNOWN = Struct(
    "KnownDevice",
    "A laptop that is registered.",
    (
        _DEVICE,
        Member("name", Scalar.STRING, "The name that its user knows it by.", required=True, length=120),
        Member("platform", Scalar.STRING, "Operating system, machine and client program.", required=True),
        Member("user", Scalar.ID, "Its user.", required=True),
        Member("enabled", Scalar.BOOLEAN, "Whether it may pull and push.", required=True),
        Member(
            "holdsRecords",
            Scalar.BOOLEAN,
            "Whether it holds records as far as the hub knows: one that is disabled gives them up when it next calls.",
            required=True,
        ),
        Member("registeredAt", Scalar.DATETIME, "When it was registered.", required=True),
        Member("seenAt", Scalar.DATETIME, "When it last called, to the hour.", required=True),
        Member(
            "leasedUntil",
            Scalar.DATETIME,
            "Until when it can open its encrypted file without the hub; left out where it never asked for a key.",
        ),
    ),
)
_HOURS = Member("hours", Scalar.INT, "Hours that a lease of a device's key lasts.", required=True)
_ONE = (Member("device", KNOWN, "The device as it is now.", required=True),)


def build(schema: Schema) -> Service:
    """The device service; it is the same for every schema."""
    return Service(
        "device",
        "Laptops that carry the tenant's records: listing, disabling and removing them.",
        (
            Operation(
                "ListDevices",
                "The caller's devices; a manager's call also gets those of her territories, an administrator's all.",
                (Member("user", Scalar.ID, "The devices of this user only."), LIMIT, LOCATOR),
                (Member("device", KNOWN, "The devices of the page.", many=True), NEXT, MORE),
                _list,
            ),
            Operation(
                "DisableDevice",
                "Lets a device do nothing but give up its records: its next pulls take them from it, then it is "
                "refused.",
                (_DEVICE,),
                _ONE,
                lambda call, request: _set(call, request, enabled=False),
                writes=True,
            ),
            Operation(
                "EnableDevice",
                "Lets a disabled device pull and push again; for managers and administrators.",
                (_DEVICE,),
                _ONE,
                lambda call, request: _set(call, request, enabled=True),
                writes=True,
            ),
            Operation(
                "RemoveDevice",
                "Forgets a device that is gone for good: what it holds stays on it; for managers and administrators.",
                (_DEVICE,),
                (),
                _remove,
                writes=True,
            ),
            Operation(
                "LeaseKey",
                "Gives an enabled device of the caller the key that its file's own key is wrapped under, to be erased "
                "when the lease ends; the same key each time.",
                (_DEVICE,),
                (
                    Member("key", Scalar.BINARY, "The wrapping key: 32 bytes for RFC 3394.", required=True),
                    Member("leasedUntil", Scalar.DATETIME, "When the lease ends, by the hub's clock.", required=True),
                    Member("seconds", Scalar.LONG, "Seconds from now to that moment.", required=True),
                ),
                _lease,
            ),
            Operation(
                "SetKeyLease",
                "Sets how long a lease of a device's key lasts in this tenant; for administrators. Leases that were "
                "given stay as they are.",
                (_HOURS,),
                (_HOURS,),
                _set_lease,
                writes=True,
            ),
        ),
    )


def _list(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    principal, user, limit = call.who(), request.get("user"), page_limit(request.get("limit"))
    after = _position(call, user, request.get("locator"))
    found = call.run(lambda tx: fleet.listed(tx, principal, user=user, after=after, limit=limit + 1), read_only=True)
    more = len(found) > limit
    locator = _locator(call, user, found[limit - 1].device.device) if more else None
    return {"device": [_members(each) for each in found[:limit]], "locator": locator, "more": more}


def _members(known: Known) -> dict[str, Any]:
    row = known.device
    return {
        "device": row.device,
        "name": row.name,
        "platform": row.platform,
        "user": row.user,
        "enabled": row.enabled,
        "holdsRecords": known.holds,
        "registeredAt": row.registered_at,
        "seenAt": row.seen_at,
        "leasedUntil": known.leased_until,
    }


def _set(call: Call, request: Mapping[str, Any], *, enabled: bool) -> Mapping[str, Any]:
    name = "EnableDevice" if enabled else "DisableDevice"
    return carry_out(
        call,
        name,
        request,
        lambda tx: {"device": _members(fleet.set_enabled(tx, call.who(), request["device"], enabled=enabled))},
    )


def _remove(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    def work(tx: Transaction) -> Mapping[str, Any]:
        fleet.remove(tx, call.who(), request["device"])
        return {}

    return carry_out(call, "RemoveDevice", request, work)


def _lease(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    masters, who, device = call.hub.master_keys(), call.who(), request["device"]
    given = call.run(lambda tx: keys.lease(tx, who, device, masters, call.now, call.hub.new_secret))
    seconds = int((given.until - call.now).total_seconds())
    return {"key": given.key, "leasedUntil": given.until, "seconds": seconds}


def _set_lease(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    def work(tx: Transaction) -> Mapping[str, Any]:
        keys.set_hours(tx, call.who(), request["hours"])
        return {"hours": request["hours"]}

    return carry_out(call, "SetKeyLease", request, work)


def _locator(call: Call, user: str | None, last: str) -> str:
    """The place after `last`; it is bound to the caller and what she asked for."""
    return seal(call.tenant.secret, _PURPOSE, json.dumps([call.who().user, user, last]).encode())


def _position(call: Call, user: str | None, locator: str | None) -> str:
    if locator is None:
        return ""
    content = open_seal(call.tenant.secret, _PURPOSE, locator)
    bound = json.loads(content) if content is not None else [None, None, ""]
    if bound[:2] != [call.who().user, user]:
        raise SaddlebagError(INVALID_LOCATOR)
    return str(bound[2])


SERVICE: ServiceFactory = build
"""What the entry point names."""
