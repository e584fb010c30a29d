"""`bad-input/`: what must not work, does not: a typed fault that names code, cause and cure, and nothing is changed.

Belongs here: wrong calls by raw messages. May not know: how the hub finds out. "Nothing changed" is read off the
tenant's change log, which names every write.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from conformance.report import Skip, Suite, expect, same
from conformance.wire import Answer, Fault, Target, Tenant, call, envelope, header, post

SUITE = Suite("bad-input")
ALL_OR_NONE = header("AllOrNone", value="true")
IF_VERSION = header("IfVersion", value="true")


def typed(answer: Answer, code: str) -> Fault:
    """The fault of an answer, with this code, a cause and a cure."""
    fault = answer.fault
    expect(fault, f"no fault came: {answer.body[:300]!r}")
    assert fault is not None
    same(fault.detail.get("code"), code, f"code in the detail ({fault.text})")
    for name in ("name", "message", "cause", "cure", "retry", "requestId"):
        expect(fault.detail.get(name), f"no {name} in the detail")
    expect(
        not re.search(r"Traceback|File \"|/src/|\.py\b|sqlite|psycopg", str(fault.detail)), "the detail says too much"
    )
    return fault


def mark() -> str:
    """Something that no other record holds."""
    return secrets.token_hex(6)


def customer(**fields: object) -> str:
    """A customer record of these fields, which stand in the schema's order."""
    inner = "".join(f"<t:{name}>{value}</t:{name}>" for name, value in fields.items())
    return f"<m:customer>{inner}</m:customer>"


def create(target: Target, records: str, headers: str = "", who: Tenant | None = None) -> Answer:
    """Call CreateCustomers."""
    return call(target, "customer", f"<m:CreateCustomers>{records}</m:CreateCustomers>", headers=headers, who=who)


def update(target: Target, records: str, headers: str = "", who: Tenant | None = None) -> Answer:
    """Call UpdateCustomers."""
    return call(target, "customer", f"<m:UpdateCustomers>{records}</m:UpdateCustomers>", headers=headers, who=who)


def new_customer(target: Target, who: Tenant | None = None) -> tuple[str, int]:
    """A new customer: its id and version."""
    record = f"b-{mark()}"
    answer = create(target, customer(id=record, name="good"), who=who)
    same(answer.text("result/status"), "created", "status of a good record")
    return record, int(answer.text("result/version") or 0)


def last_change(target: Target, after: int, who: Tenant | None = None) -> list[str]:
    """Ids of the records written after a number of the change log."""
    inner = f"<m:GetChanges><m:after>{after}</m:after></m:GetChanges>"
    return call(target, "metadata", inner, who=who).texts("change/id")


@contextmanager
def nothing_changes(target: Target, who: Tenant | None = None) -> Iterator[str]:
    """A customer for the block, after which the change log must not have grown."""
    record, version = new_customer(target, who)
    yield record
    same(last_change(target, version, who), [], "records written meanwhile")


def other(target: Target) -> Tenant:
    """The second tenant."""
    if target.other is None:
        raise Skip("only one tenant was given")
    return target.other


@SUITE.check("wrong-password")
def wrong_password(target: Target) -> None:
    """Wrong password and unknown user are told apart by nobody; the right one works still."""

    def attempt(user: str) -> Fault:
        inner = f"<m:Login><m:user>{user}</m:user><m:password>wrong-{mark()}</m:password></m:Login>"
        return typed(post(target, "session", envelope(inner)), "SB2001")

    known, unknown = attempt(target.user), attempt(f"nobody-{mark()}")
    differs = {name for name in known.detail if known.detail[name] != unknown.detail.get(name)} - {"requestId"}
    same((differs, known.text), (set(), unknown.text), "what tells a known user from an unknown one")
    inner = f"<m:Login><m:user>{target.user}</m:user><m:password>{target.password}</m:password></m:Login>"
    expect(post(target, "session", envelope(inner)).text("token"), "the right password is refused")


@SUITE.check("no-session")
def no_session(target: Target) -> None:
    """A call without a session."""
    inner = f"<m:CreateCustomers>{customer(name='x')}</m:CreateCustomers>"
    with nothing_changes(target):
        typed(post(target, "customer", envelope(inner, service="customer")), "SB2002")


@SUITE.check("expired-session")
def expired_session(target: Target) -> None:
    """A session that was ended, and one that never was."""
    inner = f"<m:Login><m:user>{target.user}</m:user><m:password>{target.password}</m:password></m:Login>"
    token = post(target, "session", envelope(inner)).text("token") or ""
    call(target, "session", "<m:Logout/>", token=token)
    records = f"<m:CreateCustomers>{customer(name='x')}</m:CreateCustomers>"
    with nothing_changes(target):
        typed(call(target, "customer", records, token=token), "SB2003")
        typed(call(target, "customer", records, token="never-given-out"), "SB2003")


@SUITE.check("other-tenants-session")
def other_session(target: Target) -> None:
    """A session of one tenant at the address of another: the same words as for a session that never was."""
    token = target.token(other(target))
    inner = "<m:GetCustomers><m:id>x</m:id></m:GetCustomers>"
    foreign = typed(call(target, "customer", inner, token=token), "SB2003")
    never = typed(call(target, "customer", inner, token="never-given-out"), "SB2003")
    same(foreign.text, never.text, "the fault's text")


@SUITE.check("other-tenants-id")
def other_id(target: Target) -> None:
    """An id of another tenant is an id of nothing: to read, change, delete, refer to."""
    record, version = new_customer(target, other(target))
    got = call(target, "customer", f"<m:GetCustomers><m:id>{record}</m:id></m:GetCustomers>")
    same((got.texts("customer/id"), got.texts("missing")), ([], [record]), "records found and missing")
    with nothing_changes(target):
        changed = update(target, customer(id=record, name="stolen"))
        delete = f"<m:DeleteCustomers><m:record><t:id>{record}</t:id></m:record></m:DeleteCustomers>"
        for answer in (changed, call(target, "customer", delete)):
            same(answer.texts("result/error/code"), ["SB3001"], "code of the record's error")
        contact = f"<m:contact><t:customer>{record}</t:customer><t:lastName>x</t:lastName></m:contact>"
        refers = call(target, "customer", f"<m:CreateContacts>{contact}</m:CreateContacts>")
        same(refers.texts("result/error/code"), ["SB3007"], "code for a reference to it")
    same(last_change(target, version, other(target)), [], "records written in the other tenant")


@SUITE.check("invisible-id")
def invisible(target: Target) -> None:
    """What a rep may not see she can neither read nor change, and it looks like nothing."""
    if target.rep is None:
        raise Skip("no rep was given")
    with nothing_changes(target) as record:
        inner = f"<m:GetCustomers><m:id>{record}</m:id></m:GetCustomers>"
        same(call(target, "customer", inner, who=target.rep).texts("missing"), [record], "missing ids")
        answer = update(target, customer(id=record, name="stolen"), who=target.rep)
        same(answer.texts("result/error/code"), ["SB3001"], "code of the record's error")


@SUITE.check("not-allowed")
def not_allowed(target: Target) -> None:
    """A rep does not write what the ERP masters."""
    if target.rep is None:
        raise Skip("no rep was given")
    product = "<m:product><t:sku>s</t:sku><t:name>x</t:name></m:product>"
    with nothing_changes(target):
        answer = call(target, "inventory", f"<m:UpsertProducts>{product}</m:UpsertProducts>", who=target.rep)
        codes = [answer.fault.detail.get("code")] if answer.fault else answer.texts("result/error/code")
        same(codes, ["SB2004"], "code")


@SUITE.check("unknown-field")
def unknown_field(target: Target) -> None:
    """A field that the entity does not have: as an element, as a name to clear, in a filter, in an order."""
    with nothing_changes(target) as record:
        typed(create(target, customer(name="x", nosuchfield="1")), "SB1007")
        cleared = update(target, customer(id=record, clear="nosuchfield"))
        codes = [cleared.fault.detail.get("code")] if cleared.fault else cleared.texts("result/error/code")
        same(codes, ["SB3003"], "code for a name to clear")
    term = "<t:field>nosuchfield</t:field><t:op>eq</t:op><t:value>1</t:value>"
    fault = typed(
        call(target, "customer", f"<m:SearchCustomers><m:filter>{term}</m:filter></m:SearchCustomers>"), "SB3010"
    )
    same(fault.detail.get("field"), "nosuchfield", "field in the detail")
    order = "<m:order><t:field>nosuchfield</t:field></m:order>"
    typed(call(target, "customer", f"<m:SearchCustomers>{order}</m:SearchCustomers>"), "SB3010")


@SUITE.check("201-records")
def too_many(target: Target) -> None:
    """One record more than a call may hold; the fault says how many there were and may be."""
    with nothing_changes(target):
        fault = typed(create(target, "".join(customer(name=f"n{n}") for n in range(201))), "SB5003")
        same((fault.detail.get("count"), fault.detail.get("limit")), ("201", "200"), "count and limit")
        ids = "".join(f"<m:id>i{n}</m:id>" for n in range(201))
        typed(call(target, "customer", f"<m:GetCustomers>{ids}</m:GetCustomers>"), "SB5003")


@SUITE.check("200-records")
def enough(target: Target) -> None:
    """As many as a call may hold are taken: the bound is where it is said to be."""
    answer = create(target, "".join(customer(name=f"n{n}") for n in range(200)))
    same(answer.texts("result/success"), ["true"] * 200, "success of each")


@SUITE.check("broken-xml")
def broken_xml(target: Target) -> None:
    """A message that breaks off after good records."""
    body = _message(target, "".join(customer(name=f"n{n}") for n in range(3)))
    with nothing_changes(target):
        typed(post(target, "customer", body[:-20]), "SB1001")
        typed(post(target, "customer", body.replace(b"</m:CreateCustomers>", b"")), "SB1001")


@SUITE.check("dtd")
def dtd(target: Target) -> None:
    """A message with a document type declaration."""
    body = _message(target, customer(name="x"))
    with nothing_changes(target):
        typed(post(target, "customer", body.replace(b"?>", b'?><!DOCTYPE a [<!ENTITY b "c">]>', 1)), "SB1002")


def _message(target: Target, records: str) -> bytes:
    session = header("Session", token=target.token())
    return envelope(f"<m:CreateCustomers>{records}</m:CreateCustomers>", session, service="customer")


def _among_good(bad: str) -> tuple[str, str]:
    """199 good records around a bad one: the XML, and the marker of the good ones."""
    word = mark()
    good = [customer(id=f"g{n}-{word}", name="good") for n in range(199)]
    return "".join([*good[:100], bad, *good[100:]]), word


def _written(target: Target, word: str) -> int:
    ids = "".join(f"<m:id>g{n}-{word}</m:id>" for n in range(199))
    return len(call(target, "customer", f"<m:GetCustomers>{ids}</m:GetCustomers>").texts("customer/id"))


def _declare(name: str, headers: str) -> None:
    @SUITE.check(f"schema-invalid-record{name}")
    def schema_invalid(target: Target) -> None:
        """A record that the schema does not allow among 199 good ones: the message is refused, whole."""
        records, word = _among_good(customer(name="x", creditLimit="1e3"))
        with nothing_changes(target):
            fault = typed(create(target, records, headers), "SB1007")
            expect("creditLimit" in f"{fault.text} {dict(fault.detail)}", "the fault does not name the element")
        same(_written(target, word), 0, "good records written")

    @SUITE.check(f"invalid-record{name}")
    def invalid(target: Target) -> None:
        """A record that only the hub can refuse among 199 good ones: they are written unless AllOrNone is asked for."""
        records, word = _among_good(customer(name="x", parent="no-such-customer"))
        answer = create(target, records, headers)
        codes = answer.texts("result/error/code")
        successes = answer.texts("result/success")
        same(len(successes), 200, "results")
        same(successes[100], "false", "success of the bad record")
        if headers:
            same((successes.count("true"), codes[100]), (0, "SB3007"), "successes, and the bad record's code")
            same(set(codes[:100] + codes[101:]), {"SB4003"}, "codes of the good ones")
            same(_written(target, word), 0, "good records written")
        else:
            same((successes.count("true"), codes), (199, ["SB3007"]), "successes and codes")
            same(_written(target, word), 199, "good records written")


_declare("", "")
_declare("-all-or-none", ALL_OR_NONE)


@SUITE.check("stale-version")
def stale(target: Target) -> None:
    """Under IfVersion a record that has moved on is not overwritten; without a version it counts as stale."""
    record, version = new_customer(target)
    same(update(target, customer(id=record, name="second")).text("result/status"), "updated", "status")
    for sent in ({"id": record, "version": version}, {"id": record}):
        answer = update(target, customer(**sent, name="third"), IF_VERSION)
        same(answer.texts("result/error/code"), ["SB4001"], f"code for {sorted(sent)}")
        same(answer.texts("result/error/retry"), ["after-change"], "retry")
    got = call(target, "customer", f"<m:GetCustomers><m:id>{record}</m:id></m:GetCustomers>")
    same(got.text("customer/name"), "second", "the name afterwards")
    fresh = customer(id=record, version=got.text("customer/version"), name="third")
    same(update(target, fresh, IF_VERSION).text("result/status"), "updated", "status with the right version")


@SUITE.check("idempotency-key-repeated")
def repeated(target: Target) -> None:
    """The same request under the same key is carried out once and answered the same."""
    key = header("IdempotencyKey", key=mark())
    record = customer(number=mark(), name="once")
    first = create(target, record, key)
    same(first.texts("result/status"), ["created"], "status")
    version = int(first.text("result/version") or 0)
    second = create(target, record, key)
    same(second.texts("result/id"), first.texts("result/id"), "id in the second answer")
    same(second.texts("result/status"), ["created"], "status in the second answer")
    same(last_change(target, version), [], "records written by the second request")


@SUITE.check("idempotency-key-other-payload")
def other_payload(target: Target) -> None:
    """Another request under a key that was used."""
    key = header("IdempotencyKey", key=mark())
    first = create(target, customer(name="one"), key)
    same(first.texts("result/status"), ["created"], "status")
    with nothing_changes(target):
        typed(create(target, customer(name="two"), key), "SB4002")
        delete = f"<m:DeleteCustomers><m:record><t:id>{first.text('result/id')}</t:id></m:record></m:DeleteCustomers>"
        typed(call(target, "customer", delete, headers=key), "SB4002")


@SUITE.check("altered-locator")
def locator(target: Target) -> None:
    """A locator that was altered, or belongs to another search."""
    for _ in range(2):
        new_customer(target)
    first = call(target, "customer", "<m:SearchCustomers><m:limit>1</m:limit></m:SearchCustomers>")
    given = first.text("locator") or ""
    expect(given, "no locator on a first page")
    middle = len(given) // 2
    altered = given[:middle] + ("A" if given[middle] != "A" else "B") + given[middle + 1 :]
    page = "<m:limit>1</m:limit><m:locator>{}</m:locator>"
    typed(call(target, "customer", f"<m:SearchCustomers>{page.format(altered)}</m:SearchCustomers>"), "SB3009")
    term = "<m:filter><t:field>name</t:field><t:op>eq</t:op><t:value>x</t:value></m:filter>"
    typed(call(target, "customer", f"<m:SearchCustomers>{term}{page.format(given)}</m:SearchCustomers>"), "SB3009")


@SUITE.check("lexical-forms")
def lexical(target: Target) -> None:
    """Values that other parsers let through: no exponent, no underscore, no empty number, no impossible day."""
    wrong: dict[str, Callable[[], str]] = {
        "exponent": lambda: customer(name="x", creditLimit="1E2"),
        "underscore": lambda: customer(name="x", creditLimit="1_000"),
        "not a number": lambda: customer(name="x", creditLimit="NaN"),
        "too many digits": lambda: customer(name="x", creditLimit="123456789012345.00"),
        "too many fraction digits": lambda: customer(name="x", creditLimit="1.005"),
        "unlisted value": lambda: customer(name="x", kind="robot"),
        "too long": lambda: customer(name="x" * 161),
    }
    with nothing_changes(target):
        for what, make in wrong.items():
            answer = create(target, make())
            codes = [answer.fault.detail.get("code")] if answer.fault else answer.texts("result/error/code")
            expect(codes and codes[0] in ("SB1007", "SB3005"), f"{what}: {codes}")
