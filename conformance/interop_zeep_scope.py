"""zeep on the scope service: an administrator's program that sets rules, and a user who pins a record.

Belongs here: rules and pins as a foreign program sees them. May not know: how rules are compiled.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from conformance.interop_zeep_sync import Device
from conformance.report import expect, same
from conformance.zeep_client import Zeep


def _mine(z: Zeep) -> tuple[str, str]:
    """The main user's id, and the name of a scope for her alone."""
    user = z.call("session", "GetUserInfo").userId
    return user, f"user:{user}"


def _kept(z: Zeep, name: str) -> Any:
    return next((each for each in z.call("scope", "GetScope") if each.name == name), None)


def _rules(z: Zeep) -> str:
    """The tenant's default rules, as the hub writes them."""
    return str(_kept(z, "default").rules)


def _cleared(z: Zeep, name: str) -> None:
    kept = _kept(z, name)
    if kept is not None:
        z.call("scope", "DeleteScope", name=name, version=kept.version)


def get_scope(z: Zeep) -> None:
    """The default scope is there whether or not it is set, as JSON."""
    expect(isinstance(json.loads(_rules(z)), dict), "rules are no JSON object")


def save_scope(z: Zeep) -> None:
    """A scope is saved once its rules fit, under the version that it replaces; wrong rules are named."""
    _, name = _mine(z)
    _cleared(z, name)
    try:
        version = z.call("scope", "SaveScope", name=name, version=0, rules=_rules(z))
        same(_kept(z, name).version, version, "version")
        stale = z.fault("scope", "SaveScope", name=name, version=version + 7, rules=_rules(z))
        same(stale["code"], "SB4001", "code for another version")
        wrong = z.fault("scope", "SaveScope", name=name, version=version, rules='{"rules": 7}')
        same(wrong["code"], "SB6007", "code for rules that are none")
    finally:
        _cleared(z, name)


def delete_scope(z: Zeep) -> None:
    """A scope that is deleted is gone."""
    _, name = _mine(z)
    _cleared(z, name)
    version = z.call("scope", "SaveScope", name=name, version=0, rules=_rules(z))
    z.call("scope", "DeleteScope", name=name, version=version)
    same(_kept(z, name), None, "the scope after its deletion")
    same(z.fault("scope", "GetScope", name=name)["code"], "SB3001", "code for a scope that is not set")


def estimate_scope(z: Zeep) -> None:
    """What rules would put on a device is told step by step, in records and bytes."""
    user, _ = _mine(z)
    Device(z)
    told = z.call("scope", "EstimateScope", user=user)
    expect(told.step, "no steps")
    expect(0 < told.records <= told.limit and told.bytes > 0, f"{told.records} records, {told.bytes} bytes")


def pin_record(z: Zeep) -> None:
    """A pinned customer is listed and travels, whatever the rules say."""
    customer, _ = z.new("Customer")
    device = Device(z)
    device.pull()
    expect(("customer", customer) not in device.held, "a customer of no deal is on the device")
    z.call("scope", "PinRecord", entity="Customer", id=customer)
    expect(customer in [each.id for each in z.call("scope", "ListPins") or []], "the pin is not listed")
    device.pull()
    expect(("customer", customer) in device.held, "the pinned customer is not on the device")


def unpin_record(z: Zeep) -> None:
    """A record whose pin is taken away is left to the rules again."""
    customer, _ = z.new("Customer")
    z.call("scope", "PinRecord", entity="Customer", id=customer)
    z.call("scope", "UnpinRecord", entity="Customer", id=customer)
    expect(customer not in [each.id for each in z.call("scope", "ListPins") or []], "the pin is still listed")


def list_pins(z: Zeep) -> None:
    """What may not be seen may not be pinned."""
    refused = z.fault("scope", "PinRecord", entity="Customer", id="nobody-has-this")
    same(refused["code"], "SB3001", "code for a record that is not there")


JUDGES: dict[tuple[str, str], Callable[[Zeep], None]] = {
    ("scope", "GetScope"): get_scope,
    ("scope", "SaveScope"): save_scope,
    ("scope", "DeleteScope"): delete_scope,
    ("scope", "EstimateScope"): estimate_scope,
    ("scope", "PinRecord"): pin_record,
    ("scope", "UnpinRecord"): unpin_record,
    ("scope", "ListPins"): list_pins,
}
