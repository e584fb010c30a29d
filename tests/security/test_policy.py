"""The table of rights: `visible` equals the rules in plain words, and what no line allows is denied."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from saddlebag.model.builtin import BUILTIN
from saddlebag.model.condition import NEVER, Within, holds
from saddlebag.model.entities import Entity
from saddlebag.model.fields import Field, Kind, Value
from saddlebag.security import policy
from saddlebag.security.principal import Principal, Role

Rows = dict[str, dict[str, dict[str, Value]]]

USERS, TERRITORIES, CUSTOMERS = ["u1", "u2", "u3"], ["t1", "t2", "t3"], ["c1", "c2", "c3"]
maybe = lambda values: st.sampled_from([None, *values])  # noqa: E731


@st.composite
def organisations(draw: st.DrawFn) -> Rows:
    """Records of the entities that rules look at."""
    users = {each: {"territory": draw(maybe(TERRITORIES))} for each in USERS}
    customers = {each: {"owner": draw(maybe(USERS)), "territory": draw(maybe(TERRITORIES))} for each in CUSTOMERS}
    deals = {f"d{n}": {"customer": draw(st.sampled_from(CUSTOMERS)), "owner": draw(maybe(USERS))} for n in range(4)}
    lines = {f"l{n}": {"deal": f"d{n}", "customer": deals[f"d{n}"]["customer"]} for n in range(4)}
    invoices = {f"i{n}": {"customer": draw(st.sampled_from(CUSTOMERS))} for n in range(3)}
    return {
        "User": users,
        "Customer": customers,
        "Deal": deals,
        "DealLine": lines,
        "Invoice": invoices,
        "Product": {"p1": {}},
    }


principals = st.builds(
    lambda user, role, territories: Principal("acme", user, role, frozenset(territories)),
    st.sampled_from(USERS),
    st.sampled_from(list(Role)),
    st.sets(st.sampled_from(TERRITORIES)),
)


def select(rows: Rows, within: Within) -> frozenset[Value]:
    return frozenset(
        {**values, "id": key}.get(within.select)
        for key, values in rows[within.entity].items()
        if holds(within.where, {**values, "id": key}, lambda inner: select(rows, inner))
    )


def matching(rows: Rows, entity: str, condition: object) -> set[str]:
    return {
        key
        for key, values in rows[entity].items()
        if holds(condition, {**values, "id": key}, lambda within: select(rows, within))  # type: ignore[arg-type]
    }


def customers_in_words(rows: Rows, who: Principal) -> set[str]:
    if who.role is Role.REVOKED:
        return set()
    if who.role in (Role.INTEGRATION, Role.ADMIN, Role.SYSTEM):
        return set(rows["Customer"])
    owned = {key for key, each in rows["Customer"].items() if each["owner"] == who.user}
    near = {key for key, each in rows["Customer"].items() if each["territory"] in who.territories}
    dealt = {str(each["customer"]) for each in rows["Deal"].values() if each["owner"] == who.user}
    return owned | near | dealt


@given(organisations(), principals)
def test_visible_is_what_the_rules_say_in_words(rows: Rows, who: Principal) -> None:
    customers = customers_in_words(rows, who)
    for entity in rows:
        declared = BUILTIN.entity(entity)
        found = matching(rows, entity, policy.visible(who, declared, BUILTIN))
        if entity == "Customer":
            assert found == customers
        elif declared.customer:
            assert found == {key for key, each in rows[entity].items() if each["customer"] in customers}
        else:
            assert found == (set() if who.role is Role.REVOKED else set(rows[entity]))


@given(organisations(), principals)
def test_what_may_be_written_is_seen(rows: Rows, who: Principal) -> None:
    for entity in rows:
        declared = BUILTIN.entity(entity)
        written = matching(rows, entity, policy.writable(who, declared, BUILTIN))
        assert written <= matching(rows, entity, policy.visible(who, declared, BUILTIN))


@given(organisations(), principals)
def test_a_rep_writes_her_own_deals_and_their_lines(rows: Rows, who: Principal) -> None:
    if who.role is not Role.REP:
        return
    own = {key for key, each in rows["Deal"].items() if each["owner"] == who.user}
    assert matching(rows, "Deal", policy.writable(who, BUILTIN.entity("Deal"), BUILTIN)) == own
    lines = {key for key, each in rows["DealLine"].items() if each["deal"] in own}
    assert matching(rows, "DealLine", policy.writable(who, BUILTIN.entity("DealLine"), BUILTIN)) == lines


@given(principals)
def test_where_there_is_no_action_there_is_no_record_to_write(who: Principal) -> None:
    for entity in BUILTIN.entities:
        acts = any(policy.may(who, action, entity) for action in ("create", "update", "delete"))
        assert acts == (policy.writable(who, entity, BUILTIN) != NEVER)


def test_billing_and_stock_are_read_only_for_people_in_the_field() -> None:
    for role in (Role.REP, Role.MANAGER):
        who = Principal("acme", "u1", role, frozenset({"t1"}))
        for name in ("Invoice", "InvoiceLine", "Payment", "Product", "StockLevel", "Warehouse", "User", "Territory"):
            assert not any(policy.may(who, each, BUILTIN.entity(name)) for each in ("create", "update", "delete"))


def test_a_tenant_s_own_entity_is_covered_by_its_shape() -> None:
    text = Field("name", Kind.STRING, "Name.")
    customer = Field("customer", Kind.REFERENCE, "Customer.", target="Customer")
    owner = Field("owner", Kind.REFERENCE, "Owner.", target="User")
    site = Entity("Site", "Sites", "A site.", (text, customer), customer="customer")
    plan = Entity("Plan", "Plans", "A plan.", (text, owner), owner="owner")
    colour = Entity("Colour", "Colours", "A colour.", (text,))
    schema = BUILTIN.with_entities(site, plan, colour)
    who = Principal("acme", "u1", Role.REP)
    rows: Rows = {
        "Customer": {"c1": {"owner": "u1"}, "c2": {"owner": "u2"}},
        "Deal": {},
        "Site": {"s1": {"customer": "c1"}, "s2": {"customer": "c2"}},
        "Plan": {"p1": {"owner": "u1"}, "p2": {"owner": "u2"}},
        "Colour": {"x": {}},
    }
    seen = {each.name: matching(rows, each.name, policy.visible(who, each, schema)) for each in (site, plan, colour)}
    assert seen == {"Site": {"s1"}, "Plan": {"p1"}, "Colour": {"x"}}
    assert not policy.may(who, "update", site)
    assert policy.may(who, "update", plan)
    assert not policy.may(who, "create", colour)
