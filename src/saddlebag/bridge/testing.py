"""The kit that every adapter must pass, ours and strangers'.

Belongs here: tests as methods of `AdapterKit`; nothing of pytest, so that importing it costs nothing. A package
subclasses it and gives a `world` fixture: a real system with some data, which the world can change. The store comes by
a `store` fixture that holds the tenants `TENANT` and `OTHER`.

    class TestTryton(AdapterKit):
        @pytest.fixture
        def world(self) -> World: ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from saddlebag.bridge import mapping, plain
from saddlebag.bridge.port import Adapter, Batch, Clock, Connector, Feed, Outgoing, Writes
from saddlebag.bridge.rules import StreamMapping
from saddlebag.bridge.runs import DONE, Means, Options, System, history, run_system
from saddlebag.bridge.settings import checked, json_schema
from saddlebag.contract.codec import codec_for
from saddlebag.kernel.errors import ADAPTER_CONFIGURATION, ADAPTER_FATAL, ADAPTER_UNAVAILABLE, SaddlebagError
from saddlebag.kernel.limits import EXTERNAL_ID_LENGTH, RECORDS_PER_CALL
from saddlebag.model.builtin import BUILTIN
from saddlebag.store.base import Store, StoredRecord, Transaction
from saddlebag.store.tables import AdapterState, Binding

TENANT = "kit"
OTHER = "kit-other"
"""The tenants that the store of the kit must hold."""

SYSTEM = "system-under-test"
"""What the kit calls the adapter's system."""


class World(Protocol):
    """A real system with some data, as the kit needs it."""

    adapter: Adapter
    hostile: str
    """Text with markup, quotes and letters beyond ASCII that some record's name field holds."""

    def now(self) -> datetime:
        """The time, with its zone."""
        ...

    def settings(self) -> Mapping[str, Any]:
        """Settings that work."""
        ...

    def wrong_settings(self) -> Mapping[str, Any]:
        """Settings of the right form that the system refuses (a wrong password, a folder that is not there)."""
        ...

    def unreachable_settings(self) -> Mapping[str, Any] | None:
        """Settings that lead to no running system; None where there is no such thing."""
        ...

    def change(self) -> tuple[str, str]:
        """Change one record that is not referred to: its stream and external id."""
        ...

    def remove(self) -> tuple[str, str]:
        """Delete one record that is not referred to, of a stream with several: its stream and external id."""
        ...


@dataclass
class Ticker:
    """A clock that moves on by a second whenever it is asked, and ids that count: nothing is left to chance."""

    moment: datetime
    ids: int = 0
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        """The next second."""
        self.moment += timedelta(seconds=1)
        return self.moment

    def new_id(self) -> str:
        """The next id."""
        self.ids += 1
        return f"kit-{self.ids:08d}"

    def means(self, store: Store, tenant: str = TENANT) -> Means:
        """What a run needs, without waiting and without chance."""
        return Means(store, tenant, self.now, self.new_id, lambda: 0.5, self.slept.append)


def system_of(adapter: Adapter, settings: Mapping[str, Any], clock: Clock) -> System:
    """The system as the hub opens it, with the adapter's default mapping."""
    given = checked(adapter.settings, settings)
    mappings = mapping.load(adapter.mapping, adapter.streams, BUILTIN, adapter.hygiene)
    return System(SYSTEM, adapter, adapter.connect(given, clock), mappings)


def by_external_id(store: Store, entity: str, tenant: str = TENANT) -> dict[str, StoredRecord]:
    """The live records that the kit's system stands behind, by the id that they have there."""

    def work(tx: Transaction) -> dict[str, StoredRecord]:
        rows = tx.rows.select(Binding, system=SYSTEM, entity=entity)
        held = tx.get(entity, [row.record for row in rows])
        return {row.external_id: held[row.record] for row in rows if row.record in held}

    return store.run(tenant, work, read_only=True)


def refusal_of(action: Callable[[], object]) -> SaddlebagError | None:
    """The catalogued error that the action raises."""
    try:
        action()
    except SaddlebagError as error:
        return error
    return None


class Breaking:
    """A connector that fails after some batches: the crash between two commits, seen from the hub's side."""

    def __init__(self, inner: Connector, batches: int) -> None:
        self._inner = inner
        self._left = batches

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def read(self, stream: str, state: str) -> Iterator[Batch]:
        """The inner connector's batches, as many as are left."""
        for batch in self._inner.read(stream, state):
            if self._left == 0:
                raise SaddlebagError(ADAPTER_FATAL, "The connection broke where the test wanted it to.")
            self._left -= 1
            yield batch


class AdapterKit:
    """The promises of an adapter, each a test. `world` and `store` are fixtures of the subclass."""

    # --- what it declares

    def test_each_stream_fills_an_entity_of_its_own(self, world: World) -> None:
        """A binding is found by system, entity and external id, so two streams of one entity would mix their ids."""
        streams = world.adapter.streams
        assert streams
        assert len({each.name for each in streams}) == len({each.entity for each in streams}) == len(streams)
        assert all(BUILTIN.has(each.entity) and each.doc for each in streams)

    def test_its_settings_are_documented_and_their_schema_follows_from_them(self, world: World) -> None:
        schema = json_schema(world.adapter.settings)
        assert set(world.settings()) <= set(schema["properties"])
        assert all(each["description"] for each in schema["properties"].values())

    def test_its_default_mapping_fits_the_built_in_entities(self, world: World) -> None:
        adapter = world.adapter
        loaded = mapping.load(adapter.mapping, adapter.streams, BUILTIN, adapter.hygiene)
        assert loaded.keys() == {each.name for each in adapter.streams}

    # --- check and discover

    def test_it_checks_a_system_that_is_there(self, world: World) -> None:
        info = self._connector(world).check()
        assert info.product
        assert info.version

    def test_what_the_system_refuses_is_a_matter_of_configuration(self, world: World) -> None:
        settings = world.wrong_settings()
        error = refusal_of(system_of(world.adapter, settings, world.now).connector.check)
        assert error is not None
        assert error.kind is ADAPTER_CONFIGURATION

    def test_a_system_that_is_not_there_may_be_tried_later(self, world: World) -> None:
        settings = world.unreachable_settings()
        if settings is not None:
            error = refusal_of(system_of(world.adapter, settings, world.now).connector.check)
            assert error is not None
            assert error.kind is ADAPTER_UNAVAILABLE
        assert settings is None or set(settings) <= {each.name for each in world.adapter.settings}

    def test_no_secret_is_in_an_error(self, world: World) -> None:
        secrets = {each.name for each in world.adapter.settings if each.secret}
        for given in filter(None, (world.wrong_settings(), world.unreachable_settings())):
            error = refusal_of(system_of(world.adapter, given, world.now).connector.check)
            shown = f"{error} {error.__cause__ if error else ''}"
            assert not [name for name in secrets if str(given.get(name) or "\0") in shown]

    def test_what_it_discovers_is_what_it_declares(self, world: World) -> None:
        """Every field that a default mapping cannot do without is among those discovered."""
        found = {each.stream: each for each in self._connector(world).discover()}
        assert found
        for name, each in found.items():
            assert set(each.fields) <= set(world.adapter.stream(name).fields)
            for rule in self._mapping(world, name).rules:
                if rule.field.required and rule.paths:
                    assert {path.root for path in rule.paths} & set(each.fields)

    # --- read

    def test_items_are_plain_bounded_and_of_declared_fields(self, world: World) -> None:
        for stream, batch in self._batches(world):
            assert len(batch.items) <= RECORDS_PER_CALL
            for item in batch.items:
                assert 0 < len(item.external_id) <= EXTERNAL_ID_LENGTH
                assert item.data is None or set(item.data) <= set(world.adapter.stream(stream).fields)
                assert plain.loads(plain.dumps(item.data)) == _as_lists(item.data)

    def test_each_record_maps_to_values_that_the_contract_takes(self, world: World) -> None:
        mapped = 0
        for stream, batch in self._batches(world):
            rules = self._mapping(world, stream)
            for item in batch.items:
                if item.data is not None:
                    codec_for(BUILTIN)[rules.entity].check(mapping.apply(rules, item.data).values)
                    mapped += 1
        assert mapped

    def test_reading_again_from_the_end_brings_nothing_unknown(self, world: World) -> None:
        connector = self._connector(world)
        for stream in world.adapter.streams:
            first = list(connector.read(stream.name, ""))
            known = {each.external_id: plain.digest(each.data) for batch in first for each in batch.items}
            again = list(connector.read(stream.name, first[-1].state)) if first else []
            news = [
                each.external_id
                for batch in again
                for each in batch.items
                if known.get(each.external_id) != plain.digest(each.data)
            ]
            assert not news

    def test_reading_goes_on_after_any_batch_and_misses_nothing(self, world: World) -> None:
        connector = self._connector(world)
        for stream in world.adapter.streams:
            first = list(connector.read(stream.name, ""))
            everything = {each.external_id for batch in first for each in batch.items}
            for number, stopped in enumerate(first):
                state = "" if stream.feed is Feed.SCAN and not stopped.whole else stopped.state
                had = {each.external_id for batch in first[: number + 1] for each in batch.items}
                rest = {each.external_id for batch in connector.read(stream.name, state) for each in batch.items}
                assert had | rest >= everything

    def test_it_lists_the_ids_that_it_reads_and_fetches_them_alike(self, world: World) -> None:
        connector = self._connector(world)
        for stream in world.adapter.streams:
            items = {each.external_id: each for batch in connector.read(stream.name, "") for each in batch.items}
            if stream.lists_ids and items:
                listed = {external_id for page in connector.ids(stream.name) for external_id in page}
                assert listed == items.keys()
                some = sorted(items)[:3]
                fetched = {each.external_id: each.data for each in connector.fetch(stream.name, some)}
                assert {name: plain.digest(data) for name, data in fetched.items()} == {
                    name: plain.digest(items[name].data) for name in some
                }
                assert connector.fetch(stream.name, ["999999999"]) == []

    def test_a_stream_that_takes_no_writes_says_so(self, world: World) -> None:
        connector = self._connector(world)
        for stream in world.adapter.streams:
            if stream.writes is Writes.NONE:
                assert refusal_of(partial(connector.write, Outgoing(stream.name, "kit-1", {}))) is not None

    # --- runs

    def test_a_run_brings_every_record_over_unharmed(self, world: World, store: Store) -> None:
        """Markup, quotes and letters of any script arrive as they are; no decimal has become a binary float."""
        rows = run_system(self._means(world, store), self._system(world))
        assert [(row.stream, row.outcome, row.failed) for row in rows] == [
            (each.name, DONE, 0) for each in world.adapter.streams
        ]
        records = [each for stream in world.adapter.streams for each in by_external_id(store, stream.entity).values()]
        assert len(records) == sum(row.created for row in rows)
        values = [value for record in records for value in record.values.values()]
        assert world.hostile in values
        assert not [value for value in values if isinstance(value, float)]

    def test_a_second_run_changes_nothing(self, world: World, store: Store) -> None:
        means, system = self._means(world, store), self._system(world)
        run_system(means, system)
        before = self._versions(world, store)
        for options in (Options(), Options(from_start=True), Options(reconcile=True)):
            rows = run_system(means, system, options=options)
            assert [(row.outcome, row.created, row.updated, row.deleted) for row in rows] == [
                (DONE, 0, 0, 0) for _ in world.adapter.streams
            ]
        assert self._versions(world, store) == before

    def test_a_run_that_breaks_anywhere_is_made_good_by_the_next(self, world: World, store: Store) -> None:
        """After a break at any batch the next run ends where an unbroken one does, with no record twice."""
        run_system(self._means(world, store, OTHER), self._system(world))
        wanted = self._contents(world, store, OTHER)
        means, system = self._means(world, store), self._system(world)
        for batches in range(3):
            for stream in world.adapter.streams:
                run_system(means, replace(system, connector=Breaking(system.connector, batches)), [stream.name])
        run_system(means, system)
        assert self._contents(world, store, TENANT) == wanted

    def test_a_change_comes_with_the_next_run_and_nothing_else_moves(self, world: World, store: Store) -> None:
        means, system = self._means(world, store), self._system(world)
        run_system(means, system)
        before = self._versions(world, store)
        stream, external_id = world.change()
        rows = {row.stream: row for row in run_system(means, system)}
        assert (rows[stream].outcome, rows[stream].updated) == (DONE, 1)
        after = self._versions(world, store)
        changed = {key for key in after if after[key] != before.get(key)}
        assert changed == {(world.adapter.stream(stream).entity, external_id)}
        assert before.keys() == after.keys()

    def test_a_deletion_is_found_as_declared(self, world: World, store: Store) -> None:
        """By the feed where it reports deletions or is a scan, else by the reconcile of id sets."""
        means, system = self._means(world, store), self._system(world)
        run_system(means, system)
        name, external_id = world.remove()
        stream = world.adapter.stream(name)
        seen = stream.reports_deletions or stream.feed is Feed.SCAN
        (row,) = run_system(means, system, [name], Options(reconcile=not seen))
        assert (row.outcome, row.deleted) == (DONE, 1)
        assert external_id not in by_external_id(store, stream.entity)

    def test_the_history_and_the_state_are_kept(self, world: World, store: Store) -> None:
        means, system = self._means(world, store), self._system(world)
        rows = run_system(means, system)
        assert {row.run for row in rows} == {row.run for row in history(means, SYSTEM)}
        held = store.run(TENANT, lambda tx: tx.rows.select(AdapterState, system=SYSTEM))
        assert {row.stream for row in held if row.stream} == {row.stream for row in rows if row.read}

    # --- helpers

    def _connector(self, world: World) -> Connector:
        return self._system(world).connector

    def _system(self, world: World) -> System:
        return system_of(world.adapter, world.settings(), world.now)

    def _means(self, world: World, store: Store, tenant: str = TENANT) -> Means:
        return Ticker(world.now()).means(store, tenant)

    def _mapping(self, world: World, stream: str) -> StreamMapping:
        return mapping.load(world.adapter.mapping, world.adapter.streams, BUILTIN, world.adapter.hygiene)[stream]

    def _batches(self, world: World) -> Iterator[tuple[str, Batch]]:
        connector = self._connector(world)
        for stream in world.adapter.streams:
            for batch in connector.read(stream.name, ""):
                yield stream.name, batch

    def _versions(self, world: World, store: Store) -> dict[tuple[str, str], int]:
        return {
            (stream.entity, external_id): record.version
            for stream in world.adapter.streams
            for external_id, record in by_external_id(store, stream.entity).items()
        }

    def _contents(self, world: World, store: Store, tenant: str) -> dict[tuple[str, str], dict[str, object]]:
        """What each record says, without the ids of the records that it refers to."""
        contents: dict[tuple[str, str], dict[str, object]] = {}
        for stream in world.adapter.streams:
            references = {each.name for each in BUILTIN.entity(stream.entity).references}
            for external_id, record in by_external_id(store, stream.entity, tenant).items():
                contents[stream.entity, external_id] = {
                    name: value is not None if name in references else value for name, value in record.values.items()
                }
        return contents


def _as_lists(data: object) -> object:
    """Plain data as it comes back from its text: sequences as lists, tables as dictionaries."""
    if isinstance(data, Mapping):
        return {name: _as_lists(each) for name, each in data.items()}
    return [_as_lists(each) for each in data] if isinstance(data, list | tuple) else data
