"""Duplicate rules: records that are there already are refused by the tenant's own rules, and by nothing unseen."""

from __future__ import annotations

import pytest

from records_world import World, create, delete, error, merge, undelete, update
from saddlebag.contract.codec import codec_for
from saddlebag.kernel import errors, limits
from saddlebag.model.builtin import BUILTIN
from saddlebag.records import bulk, duplicate_rules
from saddlebag.records.base import Outcome, Status, Verb, Write
from saddlebag.records.duplicates import How, Rule, Term
from saddlebag.records.path import Records
from saddlebag.store.tables import DuplicateEntry


def apply(world: World, who: str, *writes: Write) -> list[Outcome]:
    """Carry out writes with the tenant's duplicate rules."""
    world.tick()
    return world.run(
        lambda tx: Records(tx, world.principal(who), now=world.now, new_id=world.new_id).apply(
            writes, refuse_duplicates=True
        )
    )


def rule(world: World, entity: str = "Customer", version: int = 0, **terms: str) -> Rule:
    """Set the rule `r-<entity>` until it is ready."""
    adam, given = world.principal("adam"), list(terms.items())
    saved = world.run(lambda tx: duplicate_rules.save(tx, adam, f"r-{entity}", entity, given, version))
    assert saved.ready
    return saved


@pytest.fixture
def ruled(world: World) -> World:
    """Customers are the same when their e-mail addresses are."""
    world.write("inga", update("Customer", "c-rita", email="Info@Alpha.example"))
    rule(world, email="email")
    return world


@pytest.mark.parametrize("verb", [Verb.CREATE, Verb.UPSERT])
def test_a_new_record_that_is_there_already_is_refused_with_its_matches(ruled: World, verb: Verb) -> None:
    new = Write(verb, "Customer", "c-new", values={"name": "Alpha again", "email": " INFO@alpha.example"})
    (outcome,) = apply(ruled, "rita", new)
    assert (error(outcome).kind, [(each.rule, each.id) for each in outcome.matches]) == (
        errors.DUPLICATE_RECORD,
        [("r-Customer", "c-rita")],
    )
    assert outcome.status is Status.REJECTED


def test_who_allows_duplicates_gets_them_and_the_next_one_is_refused_with_both(ruled: World) -> None:
    ruled.write("rita", create("Customer", "c-2", name="x", email="info@alpha.example"))
    (outcome,) = apply(ruled, "rita", create("Customer", "c-3", name="x", email="info@alpha.example"))
    assert sorted(each.id for each in outcome.matches) == ["c-2", "c-rita"]


def test_a_match_that_the_caller_does_not_see_neither_refuses_nor_shows(ruled: World) -> None:
    (outcome,) = apply(ruled, "sam", create("Customer", "c-new", name="x", email="info@alpha.example"))
    assert outcome.ok
    assert outcome.matches == ()


def test_records_of_one_call_are_compared_with_one_another(ruled: World) -> None:
    outcomes = apply(
        ruled,
        "rita",
        create("Customer", "c-1", name="x", email="a@b.example"),
        create("Customer", "c-2", name="x", email="A@b.example"),
    )
    assert outcomes[0].ok
    assert [each.id for each in outcomes[1].matches] == ["c-1"]


def test_an_upsert_is_compared_only_where_it_changes_what_is_compared(ruled: World) -> None:
    ruled.write("rita", create("Customer", "c-2", name="x", email="info@alpha.example"))
    same = Write(Verb.UPSERT, "Customer", "c-2", values={"name": "y", "email": "INFO@alpha.example"})
    assert apply(ruled, "rita", same)[0].ok
    ruled.write("rita", create("Customer", "c-3", name="x"))
    onto = Write(Verb.UPSERT, "Customer", "c-3", values={"email": "info@alpha.example"})
    assert error(apply(ruled, "rita", onto)[0]).kind is errors.DUPLICATE_RECORD


@pytest.mark.parametrize("how", ["update", "delete", "merge", "clear"])
def test_what_is_no_longer_so_is_no_match(ruled: World, how: str) -> None:
    gone = {
        "update": update("Customer", "c-rita", email="other@alpha.example"),
        "clear": update("Customer", "c-rita", email=None),
        "merge": merge("Customer", "c-sam", "c-rita"),
        "delete": delete("Customer", "c-3"),
    }
    ruled.write("inga", create("Customer", "c-3", name="x", email="third@alpha.example"))
    email = "third@alpha.example" if how == "delete" else "info@alpha.example"
    ruled.write("inga", gone[how])
    (outcome,) = apply(ruled, "inga", create("Customer", "c-9", name="x", email=email))
    taken = [("r-Customer", "c-sam")] if how == "merge" else []
    assert [(each.rule, each.id) for each in outcome.matches] == taken


def test_what_comes_back_is_a_match_again(ruled: World) -> None:
    ruled.write("inga", create("Customer", "c-3", name="x", email="third@alpha.example"), delete("Customer", "c-3"))
    ruled.write("inga", undelete("Customer", "c-3"))
    (outcome,) = apply(ruled, "inga", create("Customer", "c-9", name="x", email="third@alpha.example"))
    assert [each.id for each in outcome.matches] == ["c-3"]


def test_all_terms_must_agree_and_a_missing_value_agrees_with_nothing(world: World) -> None:
    world.write("inga", update("Customer", "c-rita", city="Köln", phone="+49 (0)221 123-4567"))
    rule(world, city="folded", phone="phone")
    cases = {("KÖLN ", "0221/1234567"): True, ("Bonn", "0221/1234567"): False, ("Köln", None): False}
    for (city, phone), refused in cases.items():
        (outcome,) = apply(world, "rita", create("Customer", None, name="x", city=city, phone=phone))
        assert bool(outcome.matches) is refused, (city, phone)


def test_records_of_a_bulk_load_are_matches_too(ruled: World) -> None:
    ruled.run(lambda tx: bulk.load(tx, "Customer", [("b1", {"name": "x", "email": "b@b.example"})], ruled.now))
    (outcome,) = apply(ruled, "inga", create("Customer", "c-9", name="x", email="b@b.example"))
    assert [each.id for each in outcome.matches] == ["b1"]


def test_a_rule_counts_when_all_records_are_in_its_index(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DUPLICATE_STEP", 1)
    monkeypatch.setattr(duplicate_rules, "_PART", 1)
    world.write("inga", *[create("Customer", f"m{n}", name="x", email=f"m{n}@b.example") for n in range(3)])

    def save(version: int) -> Rule:
        given = [("email", "email")]
        adam = world.principal("adam")
        return world.run(lambda tx: duplicate_rules.save(tx, adam, "r", "Customer", given, version))

    saved = save(0)
    steps = 1
    while not saved.ready:
        assert apply(world, "inga", create("Customer", None, name="x", email="m2@b.example"))[0].ok
        saved, steps = save(saved.version), steps + 1
    assert (saved.version, steps > 3) == (1, True)
    assert apply(world, "inga", create("Customer", None, name="x", email="m2@b.example"))[0].matches


def test_a_changed_rule_gets_another_index_and_a_removed_one_none(ruled: World) -> None:
    changed = rule(ruled, version=1, name="folded")
    assert changed.version == 2
    assert apply(ruled, "rita", create("Customer", "c-1", name="x", email="info@alpha.example"))[0].ok
    assert apply(ruled, "rita", create("Customer", "c-2", name="ALPHA"))[0].matches
    ruled.run(lambda tx: duplicate_rules.delete(tx, ruled.principal("adam"), "r-Customer", 2))
    assert ruled.run(lambda tx: tx.rows.select(DuplicateEntry), read_only=True) == []
    assert apply(ruled, "rita", create("Customer", "c-2", name="ALPHA"))[0].ok


@pytest.mark.parametrize(
    ("who", "entity", "terms", "version", "kind"),
    [
        ("mona", "Customer", {"email": "email"}, 0, errors.NOT_ALLOWED),
        ("inga", "Customer", {"email": "email"}, 0, errors.NOT_ALLOWED),
        ("adam", "Nothing", {"email": "email"}, 0, errors.UNKNOWN_ENTITY),
        ("adam", "Customer", {}, 0, errors.INVALID_DUPLICATE_RULE),
        ("adam", "Customer", {"colour": "exact"}, 0, errors.INVALID_DUPLICATE_RULE),
        ("adam", "Customer", {"notes": "exact"}, 0, errors.INVALID_DUPLICATE_RULE),
        ("adam", "Deal", {"amount": "folded"}, 0, errors.INVALID_DUPLICATE_RULE),
        ("adam", "User", {"login": "exact"}, 0, errors.INVALID_DUPLICATE_RULE),
        ("adam", "Customer", {"email": "email"}, 7, errors.STALE_VERSION),
    ],
)
def test_a_rule_that_may_not_be_is_refused(
    world: World, who: str, entity: str, terms: dict[str, str], version: int, kind: errors.ErrorKind
) -> None:
    with pytest.raises(errors.SaddlebagError) as caught:
        world.run(lambda tx: duplicate_rules.save(tx, world.principal(who), "r", entity, list(terms.items()), version))
    assert caught.value.kind is kind


@pytest.mark.parametrize(
    ("how", "one", "other", "same"),
    [
        (How.EXACT, "Ab", "Ab", True),
        (How.EXACT, "Ab", "ab", False),
        (How.FOLDED, " STRASSE  7", "Straße 7", True),
        (How.FOLDED, "ﾊﾝｶｸ", "ハンカク", True),
        (How.FOLDED, "a b", "ab", False),
        (How.EMAIL, "A@B.example ", "a@b.example", True),
        (How.PHONE, "+49 (0)30 1234567", "030/1234567", True),
        (How.PHONE, "٠٣٠١٢٣٤٥٦٧", "0301234567", True),
        (How.PHONE, "110", "112", False),
    ],
)
def test_values_are_compared_as_the_rule_says(how: How, one: str, other: str, same: bool) -> None:
    judged = Rule("r", "Customer", (Term("email", how),), 1, True)
    codec = codec_for(BUILTIN)["Customer"]
    assert (judged.key(codec, {"email": one}) == judged.key(codec, {"email": other})) is same


def test_a_value_that_comes_to_nothing_is_like_no_other() -> None:
    judged = Rule("r", "Customer", (Term("phone", How.PHONE),), 1, True)
    assert judged.key(codec_for(BUILTIN)["Customer"], {"phone": "none"}) is None
