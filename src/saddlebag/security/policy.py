"""Who may see and write what: one table of role and kind of record, compiled to conditions.

Belongs here: the rules, as data, and their compilation for one principal. May not know: SQL, SOAP, devices' manifests.
What no line allows is denied. A record that a principal does not see does not exist for her: the floors above answer
NOT_FOUND, never NOT_ALLOWED. A write needs the rule to hold of the record before and after it, so that nobody gives
away or takes over what is not hers.

A rule speaks of shapes, so that a tenant's own entity is covered the day it is declared:

    customer     the customer itself
    of-customer  anything that leads to a customer
    owned        leads to no customer, but has an owner
    catalogue    everything else: products, territories, users' public fields
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from saddlebag.kernel.errors import NOT_ALLOWED, READ_ONLY_FIELD, SaddlebagError
from saddlebag.model.condition import ALWAYS, NEVER, Compare, Condition, Op, Within, either, eq
from saddlebag.model.entities import Entity, Schema
from saddlebag.model.fields import Field, Master, SyncClass
from saddlebag.security.principal import Principal, Role


class Action(StrEnum):
    """What a grant is for."""

    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


_NONE: frozenset[Action] = frozenset()
_EDIT = frozenset({Action.CREATE, Action.UPDATE})
_ALL = _EDIT | {Action.DELETE}


class Reach(StrEnum):
    """Which records of an entity a grant covers."""

    NOTHING = "nothing"
    MINE = "mine"
    """Records that the principal owns; a part follows the record that it is a part of."""
    AROUND_ME = "around-me"
    """Customers she owns, in her territories, or with a deal of hers, and all that leads to them."""
    EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a role may do with the records of one entity or shape.

    `locked` names fields that it may not change; `assign` bounds the owners that it may name to `assignable`.
    """

    see: Reach
    write: Reach = Reach.NOTHING
    actions: frozenset[Action] = _NONE
    locked: tuple[str, ...] = ()
    assign: bool = False


_READ_ALL = Grant(Reach.EVERYTHING)
_ANYTHING = Grant(Reach.EVERYTHING, Reach.EVERYTHING, _ALL)
_READ_AROUND = Grant(Reach.AROUND_ME)
_EDIT_AROUND = Grant(Reach.AROUND_ME, Reach.AROUND_ME, _ALL)

TABLE: Mapping[Role, Mapping[str, Grant]] = MappingProxyType(
    {
        Role.REP: {
            "catalogue": _READ_ALL,
            "customer": Grant(Reach.AROUND_ME, Reach.MINE, _EDIT, locked=("territory",), assign=True),
            "of-customer": _READ_AROUND,
            "owned": Grant(Reach.MINE, Reach.MINE, _ALL, assign=True),
            "Contact": _EDIT_AROUND,
            "Activity": _EDIT_AROUND,
            "Deal": Grant(Reach.AROUND_ME, Reach.MINE, _ALL, assign=True),
            "DealLine": Grant(Reach.AROUND_ME, Reach.MINE, _ALL),
            "Attachment": _EDIT_AROUND,
        },
        Role.MANAGER: {
            "catalogue": _READ_ALL,
            "customer": Grant(Reach.AROUND_ME, Reach.AROUND_ME, _EDIT, assign=True),
            "of-customer": _READ_AROUND,
            "owned": Grant(Reach.AROUND_ME, Reach.AROUND_ME, _ALL, assign=True),
            "Contact": _EDIT_AROUND,
            "Activity": _EDIT_AROUND,
            "Deal": Grant(Reach.AROUND_ME, Reach.AROUND_ME, _ALL, assign=True),
            "DealLine": _EDIT_AROUND,
            "Attachment": _EDIT_AROUND,
        },
        Role.INTEGRATION: {
            "catalogue": _ANYTHING,
            "customer": _ANYTHING,
            "of-customer": _ANYTHING,
            "owned": _ANYTHING,
            "User": _READ_ALL,
            "Territory": _READ_ALL,
        },
        Role.ADMIN: {"catalogue": _ANYTHING, "customer": _ANYTHING, "of-customer": _ANYTHING, "owned": _ANYTHING},
        Role.SYSTEM: {"catalogue": _ANYTHING, "customer": _ANYTHING, "of-customer": _ANYTHING, "owned": _ANYTHING},
        Role.REVOKED: {},
    }
)
"""Role, then entity name or shape; the name counts before the shape."""

MASTERS = frozenset({Role.INTEGRATION, Role.ADMIN, Role.SYSTEM})
"""Roles that write fields mastered by the ERP, and read what `PRIVATE` keeps from others."""

PRIVATE = frozenset({"User"})
"""Entities whose hub-only fields (log-in name, role) are read by `MASTERS` alone."""


def shape(entity: Entity) -> str:
    """Which line of the table covers an entity that it does not name."""
    if entity.customer == "id":
        return "customer"
    if entity.customer:
        return "of-customer"
    return "owned" if entity.owner else "catalogue"


def grant(principal: Principal, entity: Entity) -> Grant:
    """The line of the table for this principal and entity."""
    lines = TABLE[principal.role]
    return lines.get(entity.name) or lines.get(shape(entity)) or Grant(Reach.NOTHING)


def may(principal: Principal, action: str, entity: Entity) -> bool:
    """Whether some record of the entity may be read, created, updated or deleted by the principal at all."""
    line = grant(principal, entity)
    if action == Action.READ:
        return line.see is not Reach.NOTHING
    return action in line.actions


def visible(principal: Principal, entity: Entity, schema: Schema) -> Condition:
    """What holds of exactly the records that the principal may see."""
    return _REACHES[grant(principal, entity).see](principal, entity, schema)


def writable(principal: Principal, entity: Entity, schema: Schema) -> Condition:
    """What must hold of a record before and after the principal writes it."""
    return _REACHES[grant(principal, entity).write](principal, entity, schema)


def assignable(principal: Principal, entity: Entity) -> Condition:
    """What holds of exactly the users whom the principal may make the owner of such a record."""
    if not grant(principal, entity).assign:
        return ALWAYS
    herself = eq("id", principal.user)
    return either(herself, _in_territories(principal)) if principal.role is Role.MANAGER else herself


def hidden_fields(principal: Principal, entity: Entity) -> frozenset[str]:
    """The declared fields that the principal may neither read nor search by, on records that she sees."""
    if entity.name not in PRIVATE or principal.role in MASTERS:
        return frozenset()
    return frozenset(each.name for each in entity.fields if each.sync is SyncClass.HUB)


def check_action(principal: Principal, action: str, entity: Entity) -> None:
    """Raise NOT_ALLOWED where the role may never do this with the entity."""
    if not may(principal, action, entity):
        sentence = f"The role {principal.role} may not {action} {entity.name}."
        raise SaddlebagError(NOT_ALLOWED, sentence, entity=entity.name)


def check_field(principal: Principal, entity: Entity, field: Field) -> None:
    """Raise READ_ONLY_FIELD where the principal may not change this field of a record that she may write."""
    if principal.role in MASTERS:
        return
    if field.master is Master.ERP:
        sentence = "The field is mastered by another system."
    elif field.read_only or field.name in grant(principal, entity).locked:
        sentence = "The caller's role may not change the field."
    else:
        return
    raise SaddlebagError(READ_ONLY_FIELD, sentence, entity=entity.name, field=field.name)


def _in_territories(principal: Principal, field: str = "territory") -> Condition:
    territories = tuple(sorted(principal.territories))
    return Compare(field, Op.IN, territories) if territories else NEVER


def _nothing(_principal: Principal, _entity: Entity, _schema: Schema) -> Condition:
    return NEVER


def _everything(_principal: Principal, _entity: Entity, _schema: Schema) -> Condition:
    return ALWAYS


def _mine(principal: Principal, entity: Entity, schema: Schema) -> Condition:
    if entity.owner:
        return eq(entity.owner, principal.user)
    if not entity.part_of:
        return NEVER
    whole = schema.entity(entity.field(entity.part_of).target)
    return Within(entity.part_of, whole.name, _mine(principal, whole, schema))


def _around_me(principal: Principal, entity: Entity, schema: Schema) -> Condition:
    if entity.customer == "id":
        return either(_own_customers(principal, entity), *_customers_with_my_deals(principal, schema))
    if entity.customer:
        customer = schema.entity(entity.field(entity.customer).target)
        return Within(entity.customer, customer.name, _around_me(principal, customer, schema))
    if entity.owner:
        return either(eq(entity.owner, principal.user), Within(entity.owner, "User", _in_territories(principal)))
    return NEVER


def _own_customers(principal: Principal, customer: Entity) -> Condition:
    mine = eq(customer.owner, principal.user) if customer.owner else NEVER
    return either(mine, _in_territories(principal) if customer.has("territory") else NEVER)


def _customers_with_my_deals(principal: Principal, schema: Schema) -> list[Condition]:
    """A deal of hers shows her the customer: who works the deal must know whom she deals with."""
    if not schema.has("Deal"):
        return []
    deal = schema.entity("Deal")
    return [Within("id", deal.name, eq(deal.owner, principal.user), select=deal.customer)]


_REACHES: Mapping[Reach, Callable[[Principal, Entity, Schema], Condition]] = MappingProxyType(
    {
        Reach.NOTHING: _nothing,
        Reach.MINE: _mine,
        Reach.AROUND_ME: _around_me,
        Reach.EVERYTHING: _everything,
    }
)
