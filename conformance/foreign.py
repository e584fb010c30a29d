"""What every foreign client has to manage: log in, get, search, upsert, and read a typed fault, in both SOAP versions.

Belongs here: the steps and what their decoded answers must hold. May not know: any client program; each hands in a
function that carries out one step and gives the answer as plain JSON values.
"""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

from conformance.report import Suite, expect, same
from conformance.wire import Target, call

NAME = "Łódź & Söhne «Ö» 日本 <1>"
NOTES = "first line\nsecond line"
Carry = Callable[[Target, Mapping[str, str]], Any]


def declare(suite: Suite, carry: Carry) -> None:
    """Declare the steps of one client, once for each SOAP version."""
    for version in ("1.1", "1.2"):
        for name, judge in _JUDGES.items():
            _declare(suite, f"{name}-soap{version}", version, judge, carry)


def _declare(
    suite: Suite, name: str, version: str, judge: Callable[[Callable[..., Any], Target], None], carry: Carry
) -> None:
    @suite.check(name)
    def check(target: Target) -> None:
        given = {"base": f"{target.url}/{target.tenant}", "ca": str(target.ca or ""), "version": version}
        given |= {"user": target.user, "password": target.password, "token": target.token()}
        judge(lambda **more: carry(target, {**given, **more}), target)


def customer(target: Target) -> tuple[str, str]:
    """A new customer with values that are easily damaged: (id, number)."""
    mark = secrets.token_hex(6)
    fields = {"id": f"f-{mark}", "number": f"N-{mark}", "name": NAME, "creditLimit": "12345.60", "notes": NOTES}
    # In the order of the schema: a sequence.
    inner = "".join(f"<t:{name}>{escape(value)}</t:{name}>" for name, value in fields.items())
    done = call(target, "customer", f"<m:CreateCustomers><m:customer>{inner}</m:customer></m:CreateCustomers>")
    same(done.texts("result/success"), ["true"], "success of CreateCustomers")
    return fields["id"], fields["number"]


def one(value: Any) -> Any:
    """The only member of a list, or the value itself where a client does not make lists of one."""
    if isinstance(value, list):
        expect(len(value) == 1, f"{len(value)} values where one was expected")
        return value[0]
    return value


def many(value: Any) -> list[Any]:
    """A list, whatever a client makes of one value or none."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _login(step: Callable[..., Any], target: Target) -> None:
    answer = step(step="login", token="")
    expect(len(str(answer.get("token"))) >= 20, "no token")
    same(answer.get("role"), "admin", "role")


def _get(step: Callable[..., Any], target: Target) -> None:
    record, number = customer(target)
    answer = step(step="get", id=record)
    found = one(answer.get("customer"))
    same(found.get("id"), record, "id")
    same(found.get("number"), number, "number")
    same(found.get("name"), NAME, "a name in several scripts")
    same(Decimal(str(found.get("creditLimit"))), Decimal("12345.60"), "a decimal")
    same((found.get("notes") or "").replace("\r\n", "\n"), NOTES, "a text of two lines")
    expect(not found.get("website"), "a field without a value came with one")
    same(many(answer.get("missing")), ["no-such-customer"], "ids that are missing")


def _search(step: Callable[..., Any], target: Target) -> None:
    record, number = customer(target)
    answer = step(step="search", number=number)
    same([each["id"] for each in many(answer.get("customer"))], [record], "records found")


def _upsert(step: Callable[..., Any], target: Target) -> None:
    record, _ = customer(target)
    result = one(step(step="upsert", id=record, name=f"{NAME}!").get("result"))
    expect(str(result.get("success")).lower() == "true", f"no success: {result}")
    same(result.get("status"), "updated", "status")
    got = call(target, "customer", f"<m:GetCustomers><m:id>{record}</m:id></m:GetCustomers>")
    same(got.text("customer/name"), f"{NAME}!", "the name afterwards")
    same(got.texts("customer/segments"), ["key", "växt"], "a list afterwards")
    same(got.text("customer/notes"), NOTES, "a field that was not sent")


def _fault(step: Callable[..., Any], target: Target) -> None:
    answer = step(step="fault")
    detail = answer["detail"]
    same(detail.get("code"), "SB3010", "code in the detail")
    expect(detail.get("cause") and detail.get("cure"), "no cause or cure")
    expect(str(answer["faultcode"]).rpartition(":")[2] in ("Client", "Sender"), f"fault code {answer['faultcode']}")


_JUDGES: Mapping[str, Callable[[Callable[..., Any], Target], None]] = {
    "login": _login,
    "get": _get,
    "search": _search,
    "upsert": _upsert,
    "fault": _fault,
}


def program(command: list[str], given: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Any:
    """Run a client program with a step; its answer. Fails the check with what it said."""
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, env=environment)
    expect(done.returncode == 0, f"the client said: {done.stderr.strip()[-600:]}")
    return json.loads(done.stdout)
