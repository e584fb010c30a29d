"""What a released contract promises, and which changes would break a caller that was built on it.

Belongs here: reducing contract documents to what callers depend on (`manifest`), and comparing two such (`breaks`). May
not know: where the documents are kept.

A change breaks when a message that was valid may be refused, or an answer may hold what a caller's generated code does
not expect: an element or operation removed, renamed or moved; optional made required, or required made optional in an
answer; a type or a bound narrowed; one value made many. New operations, new optional elements (in their sequence),
wider bounds and more values of a code do not break: callers are told to expect those.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from lxml import etree

from saddlebag.contract.namespaces import WSDL, WSDL_SOAP11, XSD

Manifest = dict[str, dict[str, Any]]
"""`simple`: base and facets; `struct`: members as [name, type, least, most]; `operation`: action, headers, messages.

Names are those of the documents, messages' prefixed with their service: `deal/GetDeals`."""

UNBOUNDED = -1
_SMALLER_IS_NARROWER = ("maxLength", "maxInclusive", "totalDigits", "fractionDigits")
_GREATER_IS_NARROWER = ("minLength", "minInclusive")


def manifest(documents: Mapping[str, bytes]) -> Manifest:
    """What the contract documents, by path, promise to callers."""
    promised: Manifest = {"simple": {}, "struct": {}, "operation": {}}
    for path in sorted(documents):
        root = etree.fromstring(documents[path])
        name = path.rpartition("/")[2].partition(".")[0]
        if path.endswith(".xsd"):
            _schema(promised, root, "" if name == "types" else f"{name}/")
        else:
            _operations(promised, root, name)
    return promised


def breaks(released: Manifest, current: Manifest) -> list[str]:
    """A sentence for each change from `released` to `current` that breaks a caller."""
    answers = _answers(released)
    found = [f"{name} is gone" for name in _lost(released, current)]
    for name, promised in released["operation"].items():
        if name in current["operation"]:
            found += [f"{name}: {each}" for each in _operation(promised, current["operation"][name])]
    for name, promised in released["struct"].items():
        if name in current["struct"]:
            changes = _struct(promised, current["struct"][name], released, current, answer=name in answers)
            found += [f"{name}: {each}" for each in changes]
    return found


def _lost(released: Manifest, current: Manifest) -> Iterator[str]:
    """Names that callers' code may use; a bounded text's is not among them, the bound itself is compared."""
    for kind in ("operation", "struct"):
        yield from (name for name in released[kind] if name not in current[kind])
    for name, simple in released["simple"].items():
        if name not in current["simple"] and "enumeration" in simple["facets"]:
            yield name


def _operation(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{part} is changed" for part in old if part != "headers" and old[part] != new[part])
    yield from (f"the header {each} is gone" for each in old["headers"] if each not in new["headers"])


def _schema(promised: Manifest, root: etree._Element, prefix: str) -> None:
    for node in root:
        name = f"{prefix}{node.get('name')}"
        if node.tag == f"{{{XSD}}}simpleType":
            restriction = node.find(f"{{{XSD}}}restriction")
            if restriction is not None:
                promised["simple"][name] = {"base": restriction.get("base"), "facets": _facets(restriction)}
        elif node.tag == f"{{{XSD}}}complexType" or (prefix and node.tag == f"{{{XSD}}}element"):
            members = node.iterfind(f".//{{{XSD}}}sequence/{{{XSD}}}element")
            promised["struct"][name] = [_member(each) for each in members]


def _facets(restriction: etree._Element) -> dict[str, Any]:
    facets: dict[str, Any] = {}
    for node in restriction:
        kind, value = etree.QName(node).localname, node.get("value")
        if kind == "enumeration":
            facets.setdefault(kind, []).append(value)
        else:
            facets[kind] = value
    return facets


def _member(node: etree._Element) -> list[Any]:
    most = node.get("maxOccurs", "1")
    return [
        node.get("name"),
        node.get("type"),
        int(node.get("minOccurs", "1")),
        UNBOUNDED if most == "unbounded" else int(most),
    ]


def _operations(promised: Manifest, root: etree._Element, service: str) -> None:
    elements = {
        message.get("name"): part.get("element")
        for message in root.iterfind(f"{{{WSDL}}}message")
        for part in message.iterfind(f"{{{WSDL}}}part")
    }
    names = {
        kind: [each.get("name") for each in root.iterfind(f".//{{{WSDL}}}{kind}")]
        for kind in ("portType", "binding", "service", "port")
    }
    binding = root.find(f"{{{WSDL}}}binding")
    for node in () if binding is None else binding.iterfind(f"{{{WSDL}}}operation"):
        name = node.get("name", "")
        called = node.find(f"{{{WSDL_SOAP11}}}operation")
        promised["operation"][f"{service}/{name}"] = {
            "action": None if called is None else called.get("soapAction"),
            "headers": [each.get("part") for each in node.iterfind(f".//{{{WSDL_SOAP11}}}header")],
            "request": elements.get(name),
            "response": elements.get(f"{name}Response"),
            "target": root.get("targetNamespace"),
            **names,
        }


def _answers(released: Manifest) -> set[str]:
    """Names of the structs that an answer reaches."""
    reached: set[str] = set()
    waiting = [name for name in released["struct"] if name.endswith("Response") or name == "FaultDetail"]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [each for each in map(_local, _types(released["struct"][name])) if each in released["struct"]]
    return reached


def _types(members: list[list[Any]]) -> list[str]:
    return [type_name for _, type_name, _, _ in members]


def _local(type_name: str) -> str:
    return type_name.removeprefix("types:")


def _struct(
    old: list[list[Any]], new: list[list[Any]], released: Manifest, current: Manifest, *, answer: bool
) -> Iterator[str]:
    before, after = {each[0]: each for each in old}, {each[0]: each for each in new}
    kept = [name for name in before if name in after]
    yield from (f"{name} is gone" for name in before if name not in after)
    if kept != [name for name in after if name in before]:
        yield "the order of elements is changed"
    yield from (f"{name} is new and required" for name, each in after.items() if name not in before and each[2])
    for name in kept:
        (_, old_type, old_least, old_most), (_, new_type, new_least, new_most) = before[name], after[name]
        if new_least > old_least:
            yield f"{name} is now required"
        if new_least < old_least and answer:
            yield f"{name} may now be missing from an answer"
        if (old_most == 1) != (new_most == 1) or _fewer(new_most, old_most):
            yield f"{name} may now occur {'any number of times' if new_most == UNBOUNDED else f'{new_most} times'}"
        yield from (f"{name}: {each}" for each in _type(old_type, new_type, released, current))


def _fewer(new: int, old: int) -> bool:
    return new != UNBOUNDED and (old == UNBOUNDED or new < old)


def _type(old: str, new: str, released: Manifest, current: Manifest) -> Iterator[str]:
    before, after = _simple(old, released), _simple(new, current)
    if before is None or after is None:
        if old != new:
            yield f"{old} became {new}"
        return
    if before["base"] != after["base"]:
        yield f"{before['base']} became {after['base']}"
        return
    yield from _narrowed(before["facets"], after["facets"])


def _simple(name: str, promised: Manifest) -> dict[str, Any] | None:
    """Base and facets of a simple type, None for a struct."""
    if name.startswith("xs:"):
        return {"base": name, "facets": {}}
    found: dict[str, Any] | None = promised["simple"].get(_local(name))
    return found


def _narrowed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for facet, bound in new.items():
        before = old.get(facet)
        if facet == "enumeration":
            if before is None:
                yield "a list of values is new"
            else:
                yield from (f"the value {each} is gone" for each in before if each not in bound)
        elif facet in _SMALLER_IS_NARROWER:
            if before is None or Decimal(bound) < Decimal(before):
                yield f"{facet} is now {bound}"
        elif facet in _GREATER_IS_NARROWER:
            if before is None or Decimal(bound) > Decimal(before):
                yield f"{facet} is now {bound}"
        elif before != bound:
            yield f"{facet} is changed"
