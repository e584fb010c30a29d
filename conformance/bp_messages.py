"""`bp/NUMBER/traffic`: WS-I Basic Profile 1.1 and 1.2 requirements on messages, on calls of every operation.

Belongs here: rules for one exchange of SOAP 1.1, and for two that make sense beside each other. May not know: who
called. Each rule yields a sentence for each offence. The calls are those that zeep made; where none was made, as with
`--only bp`, it makes them first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lxml import etree

from conformance import interop_zeep
from conformance.bp import SOAP, W, _bindings, _local, _messages, _port_type, _resolve, services
from conformance.report import Check, Suite, expect
from conformance.traffic import TRAFFIC, Exchange
from conformance.wire import SOAP11, Target, exchange
from conformance.zeep_client import shared

SUITE = Suite("bp")
S = f"{{{SOAP11}}}"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
ENCODING = "{http://schemas.xmlsoap.org/soap/encoding/}"

Rule = Callable[[Exchange], Iterable[str]]
RULES: dict[str, Rule] = {}


def rule(*numbers: str) -> Callable[[Rule], Rule]:
    """Declare a function to find offences against these requirements in an exchange."""

    def declare(find: Rule) -> Rule:
        RULES.update(dict.fromkeys(numbers, find))
        return find

    return declare


@SUITE.generated
def requirements(_target: Target) -> Iterator[Check]:
    """One check for each requirement, over every call that was kept."""
    yield Check("bp/traffic/complete", complete)
    for number, find in RULES.items():
        yield Check(f"bp/{number}/traffic", lambda at, find=find: _judge(at, find))
    yield Check("bp/R2712/traffic", lambda at: _judge(at, lambda each: body_child(at, each)))
    yield Check("bp/R2744/traffic", lambda at: _judge(at, lambda each: action_as_declared(at, each)))
    yield Check("bp/R2742/traffic", lambda at: _judge(at, lambda each: fault_declared(at, each)))


def complete(target: Target) -> None:
    """Every operation of every service was called in SOAP 1.1."""
    seen = {(each.service, each.operation) for each in captured(target)}
    wanted = {(name, each) for name in services(target) for each in shared(target, "11").operations(name)}
    missing = sorted(f"{service}.{name}" for service, name in wanted - seen)
    expect(not missing, f"no call of {', '.join(missing)}")


def captured(target: Target) -> list[Exchange]:
    """The calls of the run so far; made now where there was none."""
    if not TRAFFIC.of(target.url, SOAP11):
        for check in interop_zeep.operations(target):
            if not check.id.endswith("-soap12"):
                _drive(check, target)
    return TRAFFIC.of(target.url, SOAP11)


def _drive(check: Check, target: Target) -> None:
    try:
        check.run(target)
    except Exception:  # noqa: BLE001 - what the operation promises is judged under interop/zeep, its messages here
        return


def _judge(target: Target, find: Rule) -> None:
    exchanges = captured(target)
    expect(exchanges, "there is nothing to judge")
    offences = [f"{each.service}.{each.operation}: {what}" for each in exchanges for what in find(each)]
    expect(not offences, "; ".join(offences[:5]))


def envelopes(each: Exchange) -> list[Any]:
    """The envelopes that the hub sent."""
    return [] if each.answer_tree is None else [each.answer_tree]


def body(tree: Any) -> Any:
    """The Body of an envelope of SOAP 1.1."""
    return tree.find(f"{S}Body")


def fault(each: Exchange) -> Any:
    """The Fault of the answer, or None."""
    return None if each.answer_tree is None else each.answer_tree.find(f"{S}Body/{S}Fault")


@rule("R9980")
def structure(each: Exchange) -> Iterator[str]:
    """An Envelope holds an optional Header and a Body, in SOAP 1.1's namespace (SOAP 1.1, 4)."""
    for tree in envelopes(each):
        if [child.tag for child in tree] not in (
            [f"{S}Body"],
            [f"{S}Header", f"{S}Body"],
        ) or tree.tag != f"{S}Envelope":
            yield f"{tree.tag} with {[child.tag for child in tree]}"


@rule("R9981", "R2201")
def one_child(each: Exchange) -> Iterator[str]:
    """Body has at most one child."""
    yield from (f"{len(body(tree))} children" for tree in envelopes(each) if len(body(tree)) > 1)


@rule("R1014")
def qualified_children(each: Exchange) -> Iterator[str]:
    """Children of Body are namespace-qualified."""
    yield from (child.tag for tree in envelopes(each) for child in body(tree) if not child.tag.startswith("{"))


@rule("R1008")
def no_doctype(each: Exchange) -> Iterator[str]:
    """No document type declaration."""
    if b"<!DOCTYPE" in each.answer:
        yield "a document type declaration"


@rule("R1009")
def no_instruction(each: Exchange) -> Iterator[str]:
    """No processing instruction; the XML declaration is none."""
    yield from (f"<?{one.target}?>" for tree in envelopes(each) for one in tree.iter(etree.ProcessingInstruction))
    if re.search(rb"<\?(?!xml )", each.answer[:2000]):
        yield "a processing instruction before the envelope"


@rule("R1010", "R1012", "R4001")
def utf8(each: Exchange) -> Iterator[str]:
    """UTF-8 or UTF-16, said so in the XML declaration."""
    for tree in envelopes(each):
        if (tree.getroottree().docinfo.encoding or "UTF-8").upper() not in ("UTF-8", "UTF-16"):
            yield str(tree.getroottree().docinfo.encoding)


@rule("R1018", "R1019")
def charset_agrees(each: Exchange) -> Iterator[str]:
    """text/xml names its charset, and the declaration names no other."""
    if each.answer and not re.search(r'charset="?(utf-8|utf-16)"?', each.head.get("content-type", ""), re.IGNORECASE):
        yield each.head.get("content-type", "no Content-Type")


@rule("R1033")
def no_xml_prefix(each: Exchange) -> Iterator[str]:
    """The prefix xml is not declared."""
    if b"xmlns:xml=" in each.answer:
        yield "xmlns:xml"


@rule("R1032")
def no_soap_attributes(each: Exchange) -> Iterator[str]:
    """Envelope, Header and Body carry no attribute of SOAP's namespace."""
    for tree in envelopes(each):
        for element in (tree, *tree.findall(f"{S}Header"), body(tree)):
            yield from (name for name in element.attrib if name.startswith(S))


@rule("R1011")
def nothing_after_body(each: Exchange) -> Iterator[str]:
    """Nothing follows Body."""
    yield from (tree[-1].tag for tree in envelopes(each) if tree[-1].tag != f"{S}Body")


@rule("R1005")
def no_encoding_on_soap(each: Exchange) -> Iterator[str]:
    """No encodingStyle on elements of SOAP's namespace."""
    for tree in envelopes(each):
        yield from (one.tag for one in tree.iter(f"{S}*") if one.get(f"{S}encodingStyle") is not None)


@rule("R1006", "R1007")
def no_encoding_in_body(each: Exchange) -> Iterator[str]:
    """No encodingStyle on children of Body or below."""
    for tree in envelopes(each):
        yield from (one.tag for one in body(tree).iter("*") if one.get(f"{S}encodingStyle") is not None)


@rule("R1013")
def must_understand(each: Exchange) -> Iterator[str]:
    """mustUnderstand is 0 or 1."""
    for tree in envelopes(each):
        found = [one.get(f"{S}mustUnderstand") for one in tree.iter("*")]
        yield from (value for value in found if value not in (None, "0", "1"))


@rule("R2113")
def no_arrays(each: Exchange) -> Iterator[str]:
    """No arrayType of SOAP encoding, and no xsi:type (an answer follows its schema)."""
    for tree in envelopes(each):
        for one in body(tree).iter("*"):
            if one.get(f"{ENCODING}arrayType") is not None or one.get(f"{XSI}type") is not None:
                yield str(one.tag)


@rule("R1000", "R1001")
def fault_children(each: Exchange) -> Iterator[str]:
    """Fault has unqualified children, none but the four."""
    found = fault(each)
    allowed = ("faultcode", "faultstring", "faultactor", "detail")
    yield from (child.tag for child in ([] if found is None else found) if child.tag not in allowed)


@rule("R1002", "R1003")
def fault_detail(each: Exchange) -> Iterator[str]:
    """A fault of the hub has a detail whose children a caller can tell apart: they are qualified."""
    found = fault(each)
    if found is not None:
        detail = found.find("detail")
        if detail is None or not len(detail) or not all(child.tag.startswith("{") for child in detail):
            yield "no detail with qualified children"


@rule("R1004", "R1031")
def fault_code(each: Exchange) -> Iterator[str]:
    """faultcode is a qualified name without a dot, one of SOAP's where the namespace is SOAP's."""
    found = fault(each)
    if found is not None:
        namespace, local = _resolve(found, found.findtext("faultcode").strip())
        known = ("VersionMismatch", "MustUnderstand", "Client", "Server")
        if namespace is None or "." in local or (namespace == SOAP11 and local not in known):
            yield f"{namespace} {local}"


@rule("R1016")
def fault_language(each: Exchange) -> Iterator[str]:
    """xml:lang may stand on faultstring and nothing else does."""
    found = fault(each)
    for one in [] if found is None else found.findall("faultstring"):
        yield from (name for name in one.attrib if name != "{http://www.w3.org/XML/1998/namespace}lang")


@rule("R1140", "R1141")
def http_version(each: Exchange) -> Iterator[str]:
    """HTTP/1.1."""
    if each.protocol != 11:
        yield f"HTTP version {each.protocol}"


@rule("R1132", "R1108")
def posted(each: Exchange) -> Iterator[str]:
    """Calls are POSTs; no extension framework."""
    if each.method != "POST" or "man" in each.sent:
        yield each.method


@rule("R1109")
def quoted_action(each: Exchange) -> Iterator[str]:
    """The WSDL leads a client to a SOAPAction that is a quoted string."""
    if not re.fullmatch(r'"[^"]*"', each.sent.get("soapaction", "")):
        yield f"SOAPAction {each.sent.get('soapaction')}"


@rule("R1124", "R1111")
def success(each: Exchange) -> Iterator[str]:
    """An answer that is no fault is 200."""
    if each.answer and fault(each) is None and each.status != 200:
        yield f"HTTP {each.status}"


@rule("R1112")
def success_without_body(each: Exchange) -> Iterator[str]:
    """Where there is no envelope, success is 200 or 202."""
    if not each.answer and each.status not in (200, 202):
        yield f"HTTP {each.status}"


@rule("R1126")
def fault_status(each: Exchange) -> Iterator[str]:
    """A fault is 500; what HTTP has a word of its own for is not among the calls of an operation."""
    if fault(each) is not None and each.status != 500:
        yield f"HTTP {each.status}"


@rule("R1120", "R1122")
def no_cookies(each: Exchange) -> Iterator[str]:
    """No cookie is needed, so that none is set."""
    if "set-cookie" in each.head:
        yield each.head["set-cookie"]


@rule("R1121")
def media_type(each: Exchange) -> Iterator[str]:
    """An answer with an envelope is text/xml (SOAP 1.1, 6)."""
    if each.answer and each.head.get("content-type", "").partition(";")[0].strip() != "text/xml":
        yield each.head.get("content-type", "no Content-Type")


@rule("R2752", "R2753")
def header_blocks(each: Exchange) -> Iterator[str]:
    """Header blocks of an answer are qualified, those of ours at most once each."""
    for tree in envelopes(each):
        blocks = [block.tag for block in tree.findall(f"{S}Header/*")]
        yield from (tag for tag in blocks if not tag.startswith("{") or blocks.count(tag) > 1)


_TREES: dict[tuple[str, str], Any] = {}


def _tree(target: Target, service: str) -> Any:
    key = (target.url, service)
    if key not in _TREES:
        _TREES[key] = exchange(target, "GET", f"{target.path(service)}?wsdl").tree
    return _TREES[key]


def _declared(target: Target, each: Exchange) -> tuple[Any, Any]:
    """The operation in the portType and in the SOAP 1.1 binding."""
    tree = _tree(target, each.service)
    (binding,) = _bindings(tree)
    (declared,) = [
        one for one in _port_type(tree, binding).findall(f"{W}operation") if one.get("name") == each.operation
    ]
    (bound,) = [one for one in binding.findall(f"{W}operation") if one.get("name") == each.operation]
    return declared, bound


def _element(tree: Any, end: Any) -> str:
    part = _messages(tree)[_local(end, end.get("message"))].find(f"{W}part")
    return "{{{}}}{}".format(*_resolve(part, part.get("element")))


def body_child(target: Target, each: Exchange) -> Iterator[str]:
    """R2712: the child of Body is the element of the part that the WSDL names, both ways."""
    declared, _ = _declared(target, each)
    tree = _tree(target, each.service)
    ends = [(each.question_tree, declared.find(f"{W}input"))]
    if each.answer and fault(each) is None:
        ends.append((each.answer_tree, declared.find(f"{W}output")))
    yield from (body(one)[0].tag for one, end in ends if body(one)[0].tag != _element(tree, end))


def action_as_declared(target: Target, each: Exchange) -> Iterator[str]:
    """R2744: the SOAPAction that the WSDL declares is taken, in quotes."""
    _, bound = _declared(target, each)
    wanted = bound.find(f"{SOAP}operation").get("soapAction")
    if each.sent.get("soapaction", "").strip('"') != wanted:
        yield f"{each.sent.get('soapaction')} instead of {wanted}"


def fault_declared(target: Target, each: Exchange) -> Iterator[str]:
    """R2742: the detail's element is one that the operation declares (others may come, the hub sends none)."""
    found = fault(each)
    if found is None:
        return
    declared, _ = _declared(target, each)
    tree = _tree(target, each.service)
    known = {_element(tree, end) for end in declared.findall(f"{W}fault")}
    yield from (child.tag for child in found.find("detail") if child.tag not in known)
