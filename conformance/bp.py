"""`bp/`: WS-I Basic Profile 1.1 requirements, by number, on every WSDL that the hub serves.

Belongs here: requirements that the documents alone decide (those on messages stand in `soap11/`). May not know: how the
documents were made. Each rule yields a sentence for each offence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lxml import etree

from conformance.report import Check, Suite, expect
from conformance.wire import Target, exchange

SUITE = Suite("bp")
W = "{http://schemas.xmlsoap.org/wsdl/}"
SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"
SOAP_12 = "{http://schemas.xmlsoap.org/wsdl/soap12/}"
XSD_NAMESPACE = "http://www.w3.org/2001/XMLSchema"
X = f"{{{XSD_NAMESPACE}}}"
HTTP_TRANSPORT = "http://schemas.xmlsoap.org/soap/http"

Rule = Callable[[Any], Iterable[str]]
RULES: dict[str, Rule] = {}


def rule(number: str) -> Callable[[Rule], Rule]:
    """Declare a function to find offences against this requirement in a `definitions` element."""

    def declare(find: Rule) -> Rule:
        RULES[number] = find
        return find

    return declare


@SUITE.generated
def requirements(target: Target) -> Iterator[Check]:
    """One check for each requirement and service."""
    for service in services(target):
        for number, find in RULES.items():
            yield Check(f"bp/{number}/{service}", lambda at, service=service, find=find: _judge(at, service, find))


def services(target: Target) -> list[str]:
    """The services that the hub publishes: those of the contract whose WSDL it serves."""
    return [name for name in NAMES if exchange(target, "GET", f"{target.path(name)}?wsdl").status == 200]


NAMES = (
    "session",
    "customer",
    "deal",
    "activity",
    "attachment",
    "billing",
    "inventory",
    "sync",
    "device",
    "conflict",
    "metadata",
    "scope",
)
"""The services of contract v1; a hub that serves one of them not fails `bp/published`."""


@SUITE.check("published")
def published(target: Target) -> None:
    """Every service of the contract has a WSDL at its address."""
    missing = sorted(set(NAMES) - set(services(target)))
    expect(not missing, f"no WSDL for {', '.join(missing)}")


def _judge(target: Target, service: str, find: Rule) -> None:
    tree = exchange(target, "GET", f"{target.path(service)}?wsdl").tree
    offences = list(find(tree))
    expect(not offences, "; ".join(offences[:5]))


def _name(element: Any) -> str:
    return f"{element.tag.rpartition('}')[2]} {element.get('name', '')}".strip()


def _resolve(element: Any, qname: str) -> tuple[str | None, str]:
    prefix, _, local = qname.rpartition(":")
    return element.nsmap.get(prefix or None), local


def _local(element: Any, qname: str) -> str:
    return _resolve(element, qname)[1]


def _bindings(tree: Any) -> list[Any]:
    """The SOAP 1.1 bindings: the profile says nothing of others."""
    return [each for each in tree.findall(f"{W}binding") if each.find(f"{SOAP}binding") is not None]


def _port_type(tree: Any, binding: Any) -> Any:
    return next(
        each for each in tree.findall(f"{W}portType") if each.get("name") == _local(binding, binding.get("type"))
    )


def _messages(tree: Any) -> dict[str, Any]:
    return {each.get("name"): each for each in tree.findall(f"{W}message")}


@rule("R2001")
def wsdl_import(tree: Any) -> Iterator[str]:
    """wsdl:import imports WSDL only, and R2007: says from where."""
    yield from (f"import of {each.get('namespace')}" for each in tree.findall(f"{W}import") if not each.get("location"))


@rule("R2003")
def schema_import(tree: Any) -> Iterator[str]:
    """xsd:import stands inside a schema inside types."""
    yield from (_name(each) for each in tree.iter(f"{X}import") if each.getparent().tag != f"{X}schema")


@rule("R2004")
def schema_only(tree: Any) -> Iterator[str]:
    """A schemaLocation in the WSDL names a schema: here all are inline, so it names none."""
    inline = {each.get("targetNamespace") for each in tree.iter(f"{X}schema")}
    for each in tree.iter(f"{X}import"):
        if not each.get("schemaLocation") and each.get("namespace") not in inline:
            yield f"{each.get('namespace')} is neither inline nor located"


@rule("R2022")
def imports_first(tree: Any) -> Iterator[str]:
    """wsdl:import precedes types and everything after it."""
    seen = False
    for each in tree.iterchildren("*"):
        if each.tag == f"{W}import" and seen:
            yield _name(each)
        seen = seen or each.tag not in (f"{W}import", f"{W}documentation")


@rule("R2023")
def types_first(tree: Any) -> Iterator[str]:
    """types precedes all of WSDL's own elements but documentation and import; extensions, as policies are, go first."""
    order = [each.tag for each in tree.iterchildren(f"{W}*") if each.tag not in (f"{W}import", f"{W}documentation")]
    if f"{W}types" in order and order[0] != f"{W}types":
        yield "types is not the first"


@rule("R2028")
def order(tree: Any) -> Iterator[str]:
    """The WSDL follows its own schema: known children, names where they must be."""
    known = {f"{W}{name}" for name in ("documentation", "import", "types", "message", "portType", "binding", "service")}
    yield from (
        f"{each.tag} in definitions"
        for each in tree.iterchildren("*")
        if each.tag.startswith(W) and each.tag not in known
    )
    for tag in ("message", "portType", "binding", "service"):
        yield from (f"{tag} without a name" for each in tree.findall(f"{W}{tag}") if not each.get("name"))


@rule("R2101")
def qnames(tree: Any) -> Iterator[str]:
    """QNames name what the document defines."""
    defined = {
        "message": set(_messages(tree)),
        "type": {each.get("name") for each in tree.findall(f"{W}portType")},
        "binding": {each.get("name") for each in tree.findall(f"{W}binding")},
    }
    space = tree.get("targetNamespace")
    for each in tree.iter("*"):
        for attribute, names in defined.items():
            value = each.get(attribute)
            wsdl_owned = each.tag.startswith((W, SOAP, SOAP_12))
            if value and wsdl_owned and _resolve(each, value) not in {(space, name) for name in names}:
                yield f"{_name(each)} {attribute}={value}"


@rule("R2102")
def schema_qnames(tree: Any) -> Iterator[str]:
    """References between schemas are to the schema itself, to XML Schema, or to what it imports."""
    for schema in tree.iter(f"{X}schema"):
        imported = {each.get("namespace") for each in schema.findall(f"{X}import")}
        allowed = imported | {schema.get("targetNamespace"), XSD_NAMESPACE}
        for each in schema.iter("*"):
            for attribute in ("type", "ref", "base"):
                value = each.get(attribute)
                if value and _resolve(each, value)[0] not in allowed:
                    yield f"{attribute}={value} in {schema.get('targetNamespace')}"


@rule("R2105")
def target_namespace(tree: Any) -> Iterator[str]:
    """Every schema with components has a target namespace."""
    for schema in tree.iter(f"{X}schema"):
        if not schema.get("targetNamespace") and any(each.tag != f"{X}import" for each in schema):
            yield "a schema without targetNamespace"


@rule("R2110")
def no_soap_arrays(tree: Any) -> Iterator[str]:
    """No soapenc:Array, and (R2111) no wsdl:arrayType."""
    encoding = "http://schemas.xmlsoap.org/soap/encoding/"
    for each in tree.iter(f"{X}restriction", f"{X}extension", f"{X}attribute"):
        if each.get("base") and _resolve(each, each.get("base"))[0] == encoding:
            yield f"base {each.get('base')}"
        if each.get(f"{W}arrayType"):
            yield "wsdl:arrayType"


@rule("R2112")
def no_array_names(tree: Any) -> Iterator[str]:
    """Nothing is named ArrayOf..."""
    yield from (
        _name(each)
        for each in tree.iter(f"{X}element", f"{X}complexType")
        if each.get("name", "").startswith("ArrayOf")
    )


@rule("R2201")
def one_part(tree: Any) -> Iterator[str]:
    """A document/literal body has at most one part, and (R2210) so has its message where none is listed."""
    messages = _messages(tree)
    for binding in _bindings(tree):
        for operation in _port_type(tree, binding).findall(f"{W}operation"):
            for end in operation.iterchildren(f"{W}input", f"{W}output"):
                message = messages[_local(end, end.get("message"))]
                if len(message.findall(f"{W}part")) > 1:
                    yield _name(message)


@rule("R2204")
def element_parts(tree: Any) -> Iterator[str]:
    """Parts are declared by element, (R2306) and never also by type."""
    for part in tree.iter(f"{W}part"):
        if not part.get("element") or part.get("type"):
            yield _name(part)


@rule("R2205")
def header_parts(tree: Any) -> Iterator[str]:
    """Headers, header faults and faults refer to parts declared by element."""
    messages = _messages(tree)
    for each in tree.iter(f"{SOAP}header", f"{SOAP}headerfault"):
        message = messages.get(_local(each, each.get("message", "")))
        parts = {} if message is None else {part.get("name"): part for part in message.findall(f"{W}part")}
        if each.get("part") not in parts or not parts[each.get("part")].get("element"):
            yield f"header {each.get('message')} part {each.get('part')}"


@rule("R2206")
def global_elements(tree: Any) -> Iterator[str]:
    """A part's element is a global element of the types."""
    defined = {
        (schema.get("targetNamespace"), each.get("name"))
        for schema in tree.iter(f"{X}schema")
        for each in schema.findall(f"{X}element")
    }
    yield from (_name(part) for part in tree.iter(f"{W}part") if _resolve(part, part.get("element", "")) not in defined)


@rule("R2303")
def directions(tree: Any) -> Iterator[str]:
    """No solicit-response and no notification: input comes first."""
    for operation in tree.findall(f"{W}portType/{W}operation"):
        ends = [each.tag for each in operation if each.tag in (f"{W}input", f"{W}output")]
        if not ends or ends[0] != f"{W}input":
            yield _name(operation)


@rule("R2304")
def unique_operations(tree: Any) -> Iterator[str]:
    """Operation names are unique in their portType."""
    for port_type in tree.findall(f"{W}portType"):
        names = [each.get("name") for each in port_type.findall(f"{W}operation")]
        yield from sorted({name for name in names if names.count(name) > 1})


@rule("R2401")
def soap_bindings(tree: Any) -> Iterator[str]:
    """There is a SOAP 1.1 binding (R2700)."""
    if not _bindings(tree):
        yield "no binding of SOAP 1.1"


@rule("R2701")
def transport(tree: Any) -> Iterator[str]:
    """The binding says its transport, and (R2702) that is HTTP."""
    for binding in _bindings(tree):
        if binding.find(f"{SOAP}binding").get("transport") != HTTP_TRANSPORT:
            yield _name(binding)


@rule("R2705")
def one_style(tree: Any) -> Iterator[str]:
    """All operations of a binding have one style."""
    for binding in _bindings(tree):
        default = binding.find(f"{SOAP}binding").get("style", "document")
        styles = {each.get("style", default) for each in binding.iter(f"{SOAP}operation")}
        if styles != {"document"}:
            yield f"{_name(binding)}: {sorted(styles)}"


@rule("R2706")
def literal(tree: Any) -> Iterator[str]:
    """Everything is literal (with R2707, R2723, R2728: use may be left out only where that means literal)."""
    for each in tree.iter(f"{SOAP}body", f"{SOAP}fault", f"{SOAP}header", f"{SOAP}headerfault"):
        if each.get("use", "literal") != "literal":
            yield _name(each)


@rule("R2710")
def signatures(tree: Any) -> Iterator[str]:
    """Operations differ on the wire: no two take the same element."""
    messages = _messages(tree)
    for binding in _bindings(tree):
        ends = [each.find(f"{W}input") for each in _port_type(tree, binding).findall(f"{W}operation")]
        taken = [messages[_local(end, end.get("message"))].find(f"{W}part").get("element") for end in ends]
        yield from sorted({each for each in taken if taken.count(each) > 1})


@rule("R2716")
def no_namespace(tree: Any) -> Iterator[str]:
    """Document/literal bodies, headers and faults carry no namespace attribute."""
    for each in tree.iter(f"{SOAP}body", f"{SOAP}fault", f"{SOAP}header", f"{SOAP}headerfault"):
        if each.get("namespace") is not None:
            yield _name(each)


@rule("R2718")
def same_operations(tree: Any) -> Iterator[str]:
    """Binding and portType list the same operations."""
    for binding in _bindings(tree):
        bound = {each.get("name") for each in binding.findall(f"{W}operation")}
        declared = {each.get("name") for each in _port_type(tree, binding).findall(f"{W}operation")}
        yield from sorted(bound ^ declared)


@rule("R2720")
def header_part_name(tree: Any) -> Iterator[str]:
    """A header names its part with one name, (R2749) a header fault too."""
    for each in tree.iter(f"{SOAP}header", f"{SOAP}headerfault"):
        if not each.get("part") or " " in each.get("part"):
            yield f"header {each.get('message')}"


@rule("R2721")
def fault_names(tree: Any) -> Iterator[str]:
    """soapbind:fault has a name, (R2754) that of the wsdl:fault around it."""
    for each in tree.iter(f"{SOAP}fault"):
        if not each.get("name") or each.get("name") != each.getparent().get("name"):
            yield _name(each.getparent())


@rule("R2740")
def known_faults(tree: Any) -> Iterator[str]:
    """Each known fault is bound, and every operation that answers knows one (typed faults are declared)."""
    for binding in _bindings(tree):
        declared = {each.get("name"): each for each in _port_type(tree, binding).findall(f"{W}operation")}
        for operation in binding.findall(f"{W}operation"):
            bound = {each.get("name") for each in operation.findall(f"{W}fault")}
            port = declared[operation.get("name")]
            known = {each.get("name") for each in port.findall(f"{W}fault")}
            if bound != known or (not known and port.find(f"{W}output") is not None):
                yield _name(operation)


@rule("R2744")
def soap_action(tree: Any) -> Iterator[str]:
    """Every operation says its SOAPAction, if only the empty one."""
    for binding in _bindings(tree):
        for operation in binding.findall(f"{W}operation"):
            found = operation.find(f"{SOAP}operation")
            if found is None or found.get("soapAction") is None:
                yield _name(operation)


@rule("R2747")
def no_required_extension(tree: Any) -> Iterator[str]:
    """Nothing that a consumer may not know is wsdl:required (R2026, R2027)."""
    yield from (each.tag for each in tree.iter("*") if each.get(f"{W}required") == "true")


@rule("R2801")
def schema_types(tree: Any) -> Iterator[str]:
    """The types are of XML Schema 1.0 of 2001."""
    old = {"http://www.w3.org/1999/XMLSchema", "http://www.w3.org/2000/10/XMLSchema"}
    yield from (str(each.tag) for each in tree.iter("*") if each.tag.partition("}")[0].strip("{") in old)


@rule("R4004")
def encoding(tree: Any) -> Iterator[str]:
    """The document is in UTF-8 or UTF-16."""
    found = (tree.getroottree().docinfo.encoding or "UTF-8").upper()
    if found not in ("UTF-8", "UTF-16"):
        yield found


@rule("W5")
def distinct_names(tree: Any) -> Iterator[str]:
    """Not of the profile, but of thirteen stacks: service, portType, bindings and ports have names of their own."""
    names = [each.get("name") for tag in ("service", "portType", "binding") for each in tree.findall(f"{W}{tag}")]
    yield from sorted({name for name in names if names.count(name) > 1})


@rule("W9")
def schema_order(tree: Any) -> Iterator[str]:
    """Not of the profile: a schema stands after those that it imports (xmlschema, wsimport)."""
    seen: set[str | None] = set()
    for schema in tree.iter(f"{X}schema"):
        yield from (
            f"{each.get('namespace')} is imported before it is there"
            for each in schema.findall(f"{X}import")
            if each.get("namespace") not in seen and not each.get("schemaLocation")
        )
        seen.add(schema.get("targetNamespace"))


@rule("size")
def size(tree: Any) -> Iterator[str]:
    """Not of the profile: a WSDL stays below 100 KB."""
    length = len(etree.tostring(tree))
    if length >= 100 * 1024:
        yield f"{length} bytes"


@rule("documentation")
def documented(tree: Any) -> Iterator[str]:
    """Not of the profile: every operation says what it does."""
    for operation in tree.findall(f"{W}portType/{W}operation"):
        if not (operation.findtext(f"{W}documentation") or "").strip():
            yield _name(operation)
