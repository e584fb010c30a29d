"""XML Schemas from declarations: the types every service shares, and each service's messages.

Belongs here: building XSD 1.0 documents as trees. May not know: files, addresses, SOAP.

    types      namespaces.TYPES: a complexType for each entity and struct, a simpleType for each code and enumeration,
               elements for headers and the fault
    messages   namespaces.service(name): the wrappers Op and OpResponse; imports the types

An entity's sequence is id, version, device fields, hub fields, createdAt, modifiedAt, clear*: a stored fragment + tail
is valid as it stands, and `clear` comes last because no stored text holds it. Every field is optional there, since an
update names only what it changes; what a new record must have is the hub's to say (and `DescribeEntities` tells).

Published schemas say minOccurs="0" and never nillable: where both stand, Java makes JAXBElement and .NET xSpecified of
every field. What many stacks send for an unset field is xsi:nil all the same, so the schema that the hub validates with
(`lenient`) is the same tree with nillable on every optional element.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lxml import etree

from saddlebag.contract import shapes
from saddlebag.contract.codec import CLEAR, SYSTEM_DECLARATIONS
from saddlebag.contract.common import FAULT_DETAIL, FAULT_ELEMENT
from saddlebag.contract.namespaces import DESCRIBE, TYPES, XMIME, XSD
from saddlebag.contract.namespaces import service as service_namespace
from saddlebag.contract.reach import Reached, shape_of
from saddlebag.contract.shapes import Shape
from saddlebag.contract.spec import Member, Operation, RecordOf, Scalar, Service, Struct
from saddlebag.model.entities import Entity, Schema
from saddlebag.model.fields import Field, Master, Policy, SyncClass

Node = etree._Element

_CLEAR_SHAPE = shapes.of_scalar(Scalar.TOKEN, 60)
_CLEAR_DOC = "Name of a field that shall be left without a value; on the way to the hub, and in a SyncPatch."


class _Writer:
    """Makes elements of one schema document; `types` is the prefix of our own types in it."""

    def __init__(self, target: str, *, lenient: bool, more: Mapping[str, str] | None = None) -> None:
        self.lenient = lenient
        prefixes = {"xs": XSD, "types": TYPES, **(more or {})}
        self.root = etree.Element(
            f"{{{XSD}}}schema", targetNamespace=target, elementFormDefault="qualified", nsmap=prefixes
        )

    @staticmethod
    def add(parent: Node, tag: str, doc: str = "", **attributes: str) -> Node:
        """A child element of the schema language, documented where it can be."""
        node = etree.SubElement(parent, f"{{{XSD}}}{tag}", attributes)
        if doc:
            note = etree.SubElement(node, f"{{{XSD}}}annotation")
            etree.SubElement(note, f"{{{XSD}}}documentation").text = doc
        return node

    @staticmethod
    def simple(node: Node, shape: Shape) -> None:
        """Give an element its simple type."""
        node.set("type", f"types:{shape.name}" if shape.name else f"xs:{shape.base}")

    def named(self, shape: Shape) -> None:
        """A named simple type."""
        simple_type = self.add(self.root, "simpleType", shape.doc, name=shape.name)
        restriction = self.add(simple_type, "restriction", base=f"xs:{shape.base}")
        for name, value in shape.facets:
            self.add(restriction, name, value=value)

    def element(self, parent: Node, name: str, doc: str, *, required: bool, many: bool, maximum: int = 0) -> Node:
        """A particle of a sequence."""
        attributes = {"name": name}
        if not required:
            attributes["minOccurs"] = "0"
            if self.lenient:
                attributes["nillable"] = "true"
        if many:
            attributes["maxOccurs"] = str(maximum) if maximum else "unbounded"
        return self.add(parent, "element", doc, **attributes)

    def members(self, complex_type: Node, members: Iterable[Member]) -> None:
        """The sequence of a struct or a message."""
        sequence = self.add(complex_type, "sequence")
        for member in members:
            node = self.element(
                sequence,
                member.name,
                member.doc,
                required=member.required,
                many=member.many,
                maximum=member.maximum,
            )
            if member.streamed:
                node.set(f"{{{XMIME}}}expectedContentTypes", "application/octet-stream")
            match member.type:
                case Struct(name) | RecordOf(name):
                    node.set("type", f"types:{name}")
                case simple:
                    self.simple(node, shape_of(simple, member.length))


def types_schema(schema: Schema, reached: Reached, *, lenient: bool = False) -> Node:
    """The schema of the types namespace, holding what `reached` names; raises UNKNOWN_ENTITY and ValueError.

    The simple types that the entities need are added to `reached`.
    """
    entities = [schema.entity(name) for name in sorted(reached.entities)]
    for shape in _shapes_of(entities):
        reached.add_shape(shape)
    writer = _Writer(TYPES, lenient=lenient, more={"sb": DESCRIBE} if entities else None)
    for name in sorted(reached.shapes):
        writer.named(reached.shapes[name])
    for struct in reached.structs.values():
        writer.members(writer.add(writer.root, "complexType", struct.doc, name=struct.name), struct.members)
    for entity in entities:
        _entity(writer, entity)
    for header in reached.headers.values():
        writer.add(writer.root, "element", header.doc, name=header.name, type=f"types:{header.name}")
    writer.add(writer.root, "element", FAULT_DETAIL.doc, name=FAULT_ELEMENT, type=f"types:{FAULT_DETAIL.name}")
    _refuse_doubles(writer.root)
    return writer.root


def messages_schema(service: Service, *, types_location: str = "", lenient: bool = False) -> Node:
    """The schema of a service's messages; `types_location` says where the types' document is, "" when it is beside."""
    writer = _Writer(service_namespace(service.name), lenient=lenient, more={"xmime": XMIME})
    where = {"schemaLocation": types_location} if types_location else {}
    writer.add(writer.root, "import", namespace=TYPES, **where)
    for operation in service.operations:
        _wrapper(writer, operation.name, operation.doc, operation.request)
        if operation.one_way:
            continue
        answer = f"Answer to {operation.name}."
        _wrapper(writer, response_name(operation), answer, operation.response)
    etree.cleanup_namespaces(writer.root, keep_ns_prefixes=_prefixes_in_text(writer.root))
    return writer.root


def response_name(operation: Operation) -> str:
    """The name of an operation's response element."""
    return f"{operation.name}Response"


def _wrapper(writer: _Writer, name: str, doc: str, members: Iterable[Member]) -> None:
    element = writer.add(writer.root, "element", doc, name=name)
    writer.members(writer.add(element, "complexType"), members)


def _shapes_of(entities: Iterable[Entity]) -> Iterator[Shape]:
    for entity in entities:
        yield _CLEAR_SHAPE
        for name, field in _elements(entity):
            yield shapes.ID if name == "id" else shapes.of_field(entity.name, field)


def _elements(entity: Entity) -> Iterator[tuple[str, Field]]:
    """The fields of a record in the order of its rendering, those that every record has included."""
    for field in (*SYSTEM_DECLARATIONS[:2], *entity.fields, *SYSTEM_DECLARATIONS[2:]):
        yield field.name, field


def _entity(writer: _Writer, entity: Entity) -> None:
    sequence = writer.add(writer.add(writer.root, "complexType", entity.doc, name=entity.name), "sequence")
    for name, field in _elements(entity):
        node = writer.element(sequence, name, field.doc, required=False, many=field.is_list)
        writer.simple(node, shapes.ID if name == "id" else shapes.of_field(entity.name, field))
        if entity.has(name):
            _describe(node, field)
    node = writer.element(sequence, CLEAR, _CLEAR_DOC, required=False, many=True)
    writer.simple(node, _CLEAR_SHAPE)


def _describe(node: Node, field: Field) -> None:
    """What XML Schema has no word for, as an appinfo that a generator or a form may read; what is usual is not said."""
    facts = {
        "unit": field.unit,
        "refersTo": field.target,
        "policy": "" if field.policy is Policy.LATEST_EDIT else str(field.policy),
        "master": "" if field.master is Master.HUB else str(field.master),
        "sync": "" if field.sync is SyncClass.DEVICE else str(field.sync),
        "required": "true" if field.required else "",
        "readOnly": "true" if field.read_only else "",
    }
    told = {name: fact for name, fact in facts.items() if fact}
    if told:
        info = etree.Element(f"{{{XSD}}}appinfo")
        etree.SubElement(info, f"{{{DESCRIBE}}}field", told)
        node[0].insert(0, info)


def _refuse_doubles(root: Node) -> None:
    seen: set[tuple[bool, str]] = set()
    for node in root:
        key = (node.tag == f"{{{XSD}}}element", node.get("name", ""))
        if key in seen:
            raise ValueError(f"the types namespace would hold two types named {key[1]}")
        seen.add(key)


def _prefixes_in_text(root: Node) -> list[str]:
    """Prefixes that only attribute values use; clean-up must not take them away (P9)."""
    values = {each.get(name, "").partition(":")[0] for each in root.iter() for name in ("type", "base")}
    return sorted(each for each in values if each in root.nsmap)
