"""Records: what is written is read back whole, or nothing of it; no tenant sees another's.

Belongs here: promises about single records, wholeness, the change log and the outbox. May not know: how.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from saddlebag.kernel.errors import (
    DUPLICATE_KEY,
    INVALID_VALUE,
    TENANT_EXISTS,
    UNKNOWN_ENTITY,
    UNKNOWN_FIELD,
    UNKNOWN_TENANT,
)
from saddlebag.model.condition import ALWAYS, Within, eq
from saddlebag.model.fields import Value
from saddlebag.store.base import Change, ChangeKind, RecordWrite, Store, StoredRecord, Transaction
from saddlebag.store.kit.make import NOW, Desk, create, delete, record_of, refuses, tenant_of, update
from saddlebag.store.tables import OutboxRow, Pin, TenantSetting

FULL: dict[str, Value] = {
    "code": "A-1",
    "body": "line one\nline two",
    "choice": "one",
    "flag": False,
    "number": -7,
    "amount": Decimal("-12.50"),
    "huge": Decimal("123456789012345678.0123456789"),
    "day": date(2026, 2, 28),
    "moment": datetime(2026, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC),
    "labels": ("vip", "b,c", 'say "x"', "\\"),
    "customer": "c1",
    "parent": None,
}
EXTREMES: dict[str, dict[str, Value]] = {
    "least": {
        "number": -(2**63),
        "amount": Decimal("-99999999999999.99"),
        "huge": Decimal("-999999999999999999.9999999999"),
        "day": date(1, 1, 1),
        "moment": datetime(1, 1, 1, tzinfo=UTC),
        "body": "",
        "flag": False,
    },
    "most": {
        "number": 2**63 - 1,
        "amount": Decimal("99999999999999.99"),
        "huge": Decimal("999999999999999999.9999999999"),
        "day": date(9999, 12, 31),
        "moment": datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        "body": "\U0001f40e" * 32_000,
        "flag": True,
    },
    "text": {
        "code": "Ünïcode שלום 東京 e\u0301 'quoted' \"too\" %_\\ \t\n $1 :p0 %(x)s ?",
        "labels": ("", ",", '","', "\u001f", "a\u2028b", "\U0001f40e"),
    },
}


class RecordPromises:
    """What a store does with records."""

    def test_a_record_is_read_back_as_it_was_written(self, store: Store) -> None:
        desk = Desk(store)
        written = desk.samples({"s1": FULL})["s1"]
        assert desk.get("Sample", "s1") == written

    def test_the_ends_of_every_range_are_kept_exactly(self, store: Store) -> None:
        desk = Desk(store)
        desk.samples(EXTREMES)
        for name, values in EXTREMES.items():
            held = desk.get("Sample", name).values
            assert {field: held[field] for field in values} == values

    def test_every_unsigned_hash_is_kept(self, store: Store) -> None:
        desk = Desk(store)
        hashes = {"zero": 0, "sign": 2**63, "below": 2**63 - 1, "all": 2**64 - 1}

        def work(tx: Transaction) -> None:
            for name, digest in hashes.items():
                record = replace(record_of("Sample", name, tx.allocate(1), {}), hash=digest)
                tx.write([RecordWrite(record, ChangeKind.CREATE, ())])

        desk.run(work)
        assert {each.id: each.hash for each in desk.read(lambda tx: tx.stamps("Sample", ALWAYS))} == hashes

    def test_no_tag_is_no_value(self, store: Store) -> None:
        desk = Desk(store)
        desk.samples({"s1": {"labels": ()}})
        assert desk.get("Sample", "s1").values["labels"] is None

    def test_a_number_that_does_not_fit_is_refused_with_its_field(self, store: Store) -> None:
        desk = Desk(store)
        unfit: dict[str, Value] = {"amount": Decimal("0.001"), "number": 2**63, "huge": Decimal(10**18)}
        for field, value in unfit.items():
            with refuses(INVALID_VALUE) as caught:
                desk.samples({"s1": {field: value}})
            assert (caught[0].entity, caught[0].record_id, caught[0].field) == ("Sample", "s1", field)

    def test_an_update_replaces_and_keeps_the_versions_of_fields(self, store: Store) -> None:
        desk = Desk(store)
        first = desk.samples({"s1": {"body": "a", "number": 1}})["s1"]
        second = desk.run(lambda tx: update(tx, tx.get("Sample", ["s1"], lock=True)["s1"], body=None))
        held = desk.get("Sample", "s1")
        assert held == replace(second, values={**dict.fromkeys(held.values), "number": 1})
        assert (held.field_version("body"), held.field_version("number")) == (second.version, first.version)

    def test_deleted_records_are_seen_only_when_asked_for(self, store: Store) -> None:
        desk = Desk(store)
        desk.samples({"s1": {"amount": Decimal(5), "choice": "one"}, "s2": {"parent": "s1"}})
        gone = desk.run(lambda tx: delete(tx, tx.get("Sample", ["s1"])["s1"], merged_into="s2"))

        def check(tx: Transaction) -> None:
            assert tx.get("Sample", ["s1"]) == {}
            assert tx.renderings_of("Sample", ["s1"]) == {}
            assert [each.id for each in tx.find("Sample", ALWAYS)] == ["s2"]
            assert [each.id for each in tx.renderings("Sample", ALWAYS)] == ["s2"]
            assert [each.id for each in tx.stamps("Sample", ALWAYS)] == ["s2"]
            assert tx.count("Sample", ALWAYS) == 1
            assert tx.count("Sample", Within("parent", "Sample", ALWAYS)) == 0
            assert tx.total("Sample", "amount", eq("choice", "one"), "choice") == {}
            held = tx.get("Sample", ["s1"], deleted=True)["s1"]
            assert (held.deleted, held.merged_into, held.version) == (True, "s2", gone.version)

        desk.read(check)

    def test_a_deleted_record_can_be_brought_back(self, store: Store) -> None:
        desk = Desk(store)
        desk.samples({"s1": {"number": 1}})
        gone = desk.run(lambda tx: delete(tx, tx.get("Sample", ["s1"])["s1"], merged_into="s2"))

        def bring_back(tx: Transaction) -> StoredRecord:
            record = replace(gone, version=tx.allocate(1), deleted=False, merged_into=None)
            tx.write([RecordWrite(record, ChangeKind.UNDELETE, ())])
            return record

        back = desk.run(bring_back)
        assert desk.get("Sample", "s1") == replace(
            back, values={**dict.fromkeys(desk.get("Sample", "s1").values), "number": 1}
        )
        logged = desk.read(lambda tx: tx.changes(after=gone.version - 1, limit=9))
        assert [str(each.kind) for each in logged] == ["delete", "undelete"]

    def test_renderings_are_the_stored_texts(self, store: Store) -> None:
        desk = Desk(store)
        written = desk.samples({f"s{each}": {"number": each} for each in range(3)})
        by_id = desk.read(lambda tx: tx.renderings_of("Sample", ["s2", "s0", "none"]))
        assert {key: (each.id, each.fragment, each.tail) for key, each in by_id.items()} == {
            key: (key, written[key].fragment, written[key].tail) for key in ("s0", "s2")
        }
        assert desk.read(lambda tx: tx.renderings("Sample", eq("number", 2))) == [by_id["s2"]]

    def test_a_declared_key_is_unique_among_live_records_of_a_tenant(self, store: Store) -> None:
        desk, other = Desk(store), Desk(store)
        desk.samples({"s1": {"code": "K"}, "s2": {}, "s3": {}})
        other.samples({"s1": {"code": "K"}})
        with refuses(DUPLICATE_KEY) as caught:
            desk.samples({"s4": {"code": "K"}})
        assert (caught[0].entity, caught[0].field) == ("Sample", "code")
        with refuses(DUPLICATE_KEY):
            desk.run(lambda tx: update(tx, tx.get("Sample", ["s2"])["s2"], code="K"))
        desk.run(lambda tx: delete(tx, tx.get("Sample", ["s1"])["s1"]))
        desk.samples({"s4": {"code": "K"}})
        assert desk.found(eq("code", "K")) == {"s4"}

    def test_a_key_may_go_from_an_old_record_to_a_new_one_in_one_call(self, store: Store) -> None:
        desk = Desk(store)
        old = desk.samples({"s1": {"code": "K"}})["s1"]

        def work(tx: Transaction) -> None:
            new = record_of("Sample", "s2", tx.allocate(1), {"code": "K"})
            freed = replace(old, version=tx.allocate(1), values={})
            again = replace(new, version=tx.allocate(1), values={"code": "K", "number": 2})
            kinds = (ChangeKind.CREATE, ChangeKind.UPDATE, ChangeKind.UPDATE)
            tx.write(
                [RecordWrite(each, kind, ("code",)) for each, kind in zip((new, freed, again), kinds, strict=True)]
            )

        desk.run(work)
        assert desk.found(eq("code", "K")) == {"s2"}
        assert desk.get("Sample", "s2").values["number"] == 2
        assert [each.id for each in desk.read(lambda tx: tx.changes(after=1, limit=9))] == ["s2", "s1", "s2"]

    def test_a_taken_id_is_never_overwritten_by_a_new_record(self, store: Store) -> None:
        desk = Desk(store)
        desk.samples({"s1": {"body": "first"}})
        with refuses(DUPLICATE_KEY):
            desk.samples({"s1": {"body": "second"}})
        assert desk.get("Sample", "s1").values["body"] == "first"

    def test_one_call_writes_thousands_of_new_changed_and_deleted_records(self, store: Store) -> None:
        desk = Desk(store)
        desk.run(lambda tx: tx.write(_batch(tx, 0, 3000)))

        def work(tx: Transaction) -> None:
            held = tx.get("Sample", [f"s{each}" for each in range(2000)], lock=True)
            first = tx.allocate(3000)
            writes = _batch(tx, 3000, 1000)
            for index, record in enumerate(held.values()):
                gone = index % 2 == 0
                changed = replace(record, version=first + index, deleted=gone)
                writes.append(RecordWrite(changed, ChangeKind.DELETE if gone else ChangeKind.UPDATE, ("body",)))
            tx.write(writes)

        desk.run(work)
        assert desk.read(lambda tx: tx.count("Sample", ALWAYS)) == 3000
        assert len(desk.read(lambda tx: tx.get("Sample", [f"s{each}" for each in range(5000)], deleted=True))) == 4000
        assert len(desk.read(lambda tx: tx.changes(after=0, limit=10_000))) == 6000

    def test_a_large_call_keeps_every_value_as_a_small_one_does(self, store: Store) -> None:
        desk = Desk(store)
        values = [{**FULL, "code": None}, *EXTREMES.values(), {}] * 20
        values = [{**each, "code": f"{each.get('code')} {index}"} for index, each in enumerate(values)]

        def work(tx: Transaction) -> None:
            first = tx.allocate(len(values))
            records = [record_of("Sample", f"s{at}", first + at, each) for at, each in enumerate(values)]
            tx.write([RecordWrite(each, ChangeKind.CREATE, ("code", "body")) for each in records])

        desk.run(work)
        held = desk.read(lambda tx: tx.get("Sample", [f"s{at}" for at in range(len(values))]))
        for at, each in enumerate(values):
            assert {name: held[f"s{at}"].values[name] for name in each} == each

    def test_a_large_call_with_one_taken_key_or_id_writes_nothing(self, store: Store) -> None:
        desk = Desk(store)
        desk.samples({"s7": {"code": "K"}})
        with refuses(DUPLICATE_KEY) as caught:
            desk.run(lambda tx: tx.write(_batch(tx, 0, 100)))
        assert caught[0].field == "id"
        with refuses(DUPLICATE_KEY) as caught:
            desk.run(lambda tx: tx.write([*_batch(tx, 100, 100), *_batch(tx, 200, 1, code="K")]))
        assert (caught[0].entity, caught[0].field) == ("Sample", "code")
        assert desk.found(ALWAYS) == {"s7"}
        assert desk.read(lambda tx: tx.sequence()) == 1

    def test_no_tenant_sees_anything_of_another(self, store: Store) -> None:
        mine, other = Desk(store), Desk(store)
        mine.samples({"s1": {"amount": Decimal(1), "choice": "one"}})
        mine.run(lambda tx: tx.rows.put(Pin("u", "Sample", "s1")))
        other.samples({"o1": {"parent": "s1"}})

        def check(tx: Transaction) -> None:
            assert tx.get("Sample", ["s1"], deleted=True) == {}
            assert [each.id for each in tx.stamps("Sample", ALWAYS)] == ["o1"]
            assert tx.find("Sample", Within("parent", "Sample", ALWAYS)) == []
            assert tx.total("Sample", "amount", eq("choice", "one"), "choice") == {}
            assert [each.id for each in tx.changes(after=0, limit=10)] == ["o1"]
            assert tx.rows.select(Pin) == []
            assert tx.sequence() == 1

        other.read(check)
        assert other.run(lambda tx: tx.rows.delete(Pin)) == 0
        assert mine.read(lambda tx: tx.rows.get(Pin, "u", "Sample", "s1")) is not None

    def test_a_transaction_that_fails_leaves_nothing_at_all(self, store: Store) -> None:
        desk = Desk(store)
        desk.run(lambda tx: tx.rows.put(TenantSetting("outbox.erp", "Sample")))

        def work(tx: Transaction) -> None:
            create(tx, "Sample", "s1", {"code": "K"})
            tx.rows.put(Pin("u", "Sample", "s1"))
            raise ZeroDivisionError

        try:
            desk.run(work)
        except ZeroDivisionError:
            assert desk.read(_everything) == (0, {}, [], [], [])
        else:
            raise AssertionError("the failure was swallowed")

    def test_a_transaction_that_ends_well_leaves_everything(self, store: Store) -> None:
        desk = Desk(store)
        desk.run(lambda tx: tx.rows.put(TenantSetting("outbox.erp", "Deal, Sample")))

        def work(tx: Transaction) -> None:
            create(tx, "Sample", "s1", {"code": "K"})
            tx.rows.put(Pin("u", "Sample", "s1"))

        desk.run(work)
        sequence, records, log, outbox, pins = desk.read(_everything)
        assert (sequence, list(records), [each.sequence for each in log]) == (1, ["s1"], [1])
        assert outbox == [OutboxRow(1, "erp", "Sample", "s1", "create", NOW)]
        assert pins == [Pin("u", "Sample", "s1")]

    def test_the_outbox_is_filled_for_subscribers_but_not_with_their_own_echo(self, store: Store) -> None:
        desk = Desk(store)
        settings = [TenantSetting("outbox.erp", "Sample,Deal"), TenantSetting("outbox.shop", "Customer")]
        desk.run(lambda tx: tx.rows.put_all(settings))
        desk.run(lambda tx: create(tx, "Sample", "s1", {}, origin="system:erp"))
        desk.run(lambda tx: create(tx, "Sample", "s2", {}, origin="system:shop"))
        desk.run(lambda tx: create(tx, "Customer", "c1", {"name": "n"}, origin="device:d"))
        desk.run(lambda tx: create(tx, "Contact", "k1", {"customer": "c1"}))
        due = desk.read(lambda tx: tx.rows.select(OutboxRow))
        assert {(each.destination, each.record) for each in due} == {("erp", "s2"), ("shop", "c1")}

    def test_the_change_log_tells_every_change_in_order(self, store: Store) -> None:
        desk = Desk(store)
        desk.samples({"s1": {"body": "a", "number": 1}})
        desk.create("Customer", {"c1": {"name": "n"}})
        desk.run(lambda tx: update(tx, tx.get("Sample", ["s1"])["s1"], body="b", origin="device:d"))
        desk.run(lambda tx: delete(tx, tx.get("Sample", ["s1"])["s1"]))
        log = desk.read(lambda tx: tx.changes(after=0, limit=10))
        assert [(each.sequence, each.entity, each.id, each.kind, each.fields, each.origin) for each in log] == [
            (1, "Sample", "s1", ChangeKind.CREATE, ("body", "number"), ""),
            (2, "Customer", "c1", ChangeKind.CREATE, ("name",), ""),
            (3, "Sample", "s1", ChangeKind.UPDATE, ("body",), "device:d"),
            (4, "Sample", "s1", ChangeKind.DELETE, (), ""),
        ]
        assert {(each.at, each.by) for each in log} == {(NOW, "kit")}
        assert desk.read(lambda tx: tx.changes(after=1, limit=2)) == log[1:3]
        assert desk.read(lambda tx: tx.changes(after=0, limit=10, entities=["Customer", "Deal"])) == log[1:2]

    def test_changes_by_time_are_half_open_and_paged_by_id(self, store: Store) -> None:
        desk = Desk(store)
        times = {"a": 0, "b": 1, "c": 2, "d": 1}

        def fill(tx: Transaction) -> None:
            for name, minutes in times.items():
                create(tx, "Sample", name, {}, modified_at=NOW + timedelta(minutes=minutes))

        desk.run(fill)
        until = NOW + timedelta(minutes=2)

        def asked(after: str, limit: int, deleted: bool = False) -> list[str]:
            rows = desk.read(
                lambda tx: tx.changed_between("Sample", NOW, until, deleted=deleted, after=after, limit=limit)
            )
            assert all(at == NOW + timedelta(minutes=times[name]) for name, at in rows)
            return [name for name, _ in rows]

        assert (asked("", 9), asked("", 2), asked("b", 9), asked("", 9, True)) == (
            ["a", "b", "d"], ["a", "b"], ["d"], [],
        )  # fmt: skip
        desk.run(lambda tx: delete(tx, tx.get("Sample", ["b"])["b"]))
        assert (asked("", 9), asked("", 9, True)) == (["a", "d"], ["b"])

    def test_numbers_are_taken_in_runs(self, store: Store) -> None:
        desk = Desk(store)
        assert desk.run(lambda tx: (tx.allocate(3), tx.allocate(1), tx.sequence())) == (1, 4, 4)
        assert desk.read(lambda tx: tx.sequence()) == 4

    def test_a_read_only_transaction_refuses_to_write(self, store: Store) -> None:
        desk = Desk(store)
        attempts: tuple[Callable[[Transaction], object], ...] = (
            lambda tx: tx.allocate(1),
            lambda tx: tx.write([RecordWrite(record_of("Sample", "s", 1, {}), ChangeKind.CREATE, ())]),
            lambda tx: tx.rows.put(Pin("u", "Sample", "s")),
            lambda tx: tx.rows.delete(Pin),
        )
        for work in attempts:
            try:
                desk.read(work)
            except RuntimeError:
                continue
            raise AssertionError("a read-only transaction wrote")
        assert desk.read(_everything) == (0, {}, [], [], [])

    def test_tenants_are_listed_by_name_and_known_by_name_only(self, store: Store) -> None:
        desk = Desk(store)
        assert store.tenant(desk.tenant) == tenant_of(desk.tenant)
        names = [each.name for each in store.tenants()]
        assert desk.tenant in names
        assert names == sorted(names)
        with refuses(TENANT_EXISTS):
            store.create_tenant(tenant_of(desk.tenant))
        with refuses(UNKNOWN_TENANT):
            store.run("nobody", lambda tx: tx.sequence())

    def test_unknown_entities_and_fields_are_refused(self, store: Store) -> None:
        desk = Desk(store)
        with refuses(UNKNOWN_ENTITY):
            desk.read(lambda tx: tx.get("Nothing", ["x"]))
        with refuses(UNKNOWN_ENTITY):
            desk.found(Within("id", "Nothing", ALWAYS))
        with refuses(UNKNOWN_FIELD):
            desk.found(eq("nothing", "x"))

    def test_the_store_is_fit_to_serve(self, store: Store) -> None:
        store.check()
        assert store.schema.has("Sample")


def _batch(tx: Transaction, start: int, size: int, code: str | None = None) -> list[RecordWrite]:
    first = tx.allocate(size)
    return [
        RecordWrite(
            record_of("Sample", f"s{start + each}", first + each, {"number": each, "code": code}), ChangeKind.CREATE, ()
        )
        for each in range(size)
    ]


def _everything(tx: Transaction) -> tuple[int, dict[str, StoredRecord], list[Change], list[OutboxRow], list[Pin]]:
    records = {each.id: each for each in tx.find("Sample", ALWAYS)}
    return tx.sequence(), records, tx.changes(after=0, limit=100), tx.rows.select(OutboxRow), tx.rows.select(Pin)
