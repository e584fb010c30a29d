"""The connector: the port's verbs for one Tryton database.

Belongs here: reading streams by their feeds, ids and single rows. May not know: the hub's store, mappings.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from saddlebag.bridge.port import Batch, Clock, Discovered, Item, Outgoing, SystemInfo, Written
from saddlebag.bridge.stamps import Window
from saddlebag.kernel.errors import ADAPTER_CONFIGURATION, SaddlebagError
from saddlebag.kernel.limits import RECORDS_PER_CALL
from saddlebag_adapters.tryton import rows
from saddlebag_adapters.tryton.feed import PAGE, SourceFeed
from saddlebag_adapters.tryton.rpc import Rpc
from saddlebag_adapters.tryton.shape import Shape
from saddlebag_adapters.tryton.streams import ROOTS, STREAMS, Root

_MODELS = {**{name: root.model for name, root in ROOTS.items()}, "stock": "stock.location"}
_GOODS: list[Any] = ["type", "=", "goods"]


class Tryton:
    """One log-in to one database."""

    def __init__(self, settings: Mapping[str, Any], clock: Clock) -> None:
        self._rpc = Rpc(settings, clock)
        self._shape = Shape(self._rpc, settings)
        self._window = Window(timedelta(seconds=settings["overlap"]), timedelta(seconds=settings["lag"]))
        self._customers = list(settings["customers"])

    def check(self) -> SystemInfo:
        """Log in, and tell the version and which streams the database has modules for."""
        context = self._shape.context
        missing = [each.name for each in STREAMS if not self._offers(each.name)]
        notes = [f"company {context.get('company.rec_name') or context['company']}"]
        if missing:
            notes.append("no modules for: " + ", ".join(missing))
        return SystemInfo("Tryton", self._rpc.version, tuple(notes))

    def discover(self) -> list[Discovered]:
        """The streams that the database has modules for, and how many rows each is read from."""
        return [
            Discovered(each.name, each.fields, self._count(each.name)) for each in STREAMS if self._offers(each.name)
        ]

    def read(self, stream: str, state: str) -> Iterator[Batch]:
        """Changed items since `state`: for each source of the stream, how far its stamps were read."""
        self._require(stream)
        if stream == "stock":
            yield from self._stock()
            return
        root = ROOTS[stream]
        cursors: dict[str, Mapping[str, str | None]] = json.loads(state) if state else {}
        self._shape.context  # noqa: B018  the log-in tells the server's time
        begun = self._rpc.server_time
        read: set[int] = set()
        for source in root.sources:
            if not self._shape.fields(source.model):
                continue
            feed = SourceFeed(self._shape, source, [], cursors.get(source.model, {}), self._window)
            for page in feed.pages(begun):
                settled = page.stamp is not None and page.stamp < begun - self._window.lag
                wanted = [each for each in page.ids if not (settled and each in read)]
                read.update(page.ids)
                before = json.dumps(cursors, sort_keys=True)
                cursors[source.model] = page.cursors
                yield from _batches(
                    self._items(root, ["id", "in", wanted]), before, json.dumps(cursors, sort_keys=True)
                )

    def ids(self, stream: str) -> Iterator[Sequence[str]]:
        """All external ids of the stream, page by page."""
        self._require(stream)
        if stream == "stock":
            for batch in self._stock():
                yield [each.external_id for each in batch.items]
            return
        root = ROOTS[stream]
        last = 0
        while page := self._shape.search(root.model, [*self._domain(root), ["id", ">", last]], limit=PAGE):
            last = page[-1]
            if root.by == "id":
                yield [str(each) for each in page]
            else:
                yield [each.external_id for each in self._items(root, ["id", "in", page])]

    def fetch(self, stream: str, external_ids: Sequence[str]) -> list[Item]:
        """These items as they are now."""
        self._require(stream)
        wanted = set(external_ids)
        if stream == "stock":
            return [each for batch in self._stock() for each in batch.items if each.external_id in wanted]
        numbers = [int(each) for each in external_ids if each.isdigit()]
        found = self._items(ROOTS[stream], self._rows_of(stream, numbers))
        return list({each.external_id: each for each in found if each.external_id in wanted}.values())

    def write(self, change: Outgoing) -> Written:
        """No stream is written to yet, and each declares so."""
        raise SaddlebagError(ADAPTER_CONFIGURATION, f"The stream {change.stream} cannot be written to.")

    def close(self) -> None:
        """Let go of the connection."""
        self._rpc.close()

    # --- rows

    def _offers(self, stream: str) -> bool:
        # Quantities are a field of products that only the stock module brings.
        needs_stock = stream != "stock" or "quantity" in self._shape.fields("product.product")
        return needs_stock and bool(self._shape.fields(_MODELS[stream]))

    def _require(self, stream: str) -> None:
        if not self._offers(stream):
            raise SaddlebagError(
                ADAPTER_CONFIGURATION,
                f"The database has no module for {stream}; activate it, or set enabled = false in the mapping.",
                rule=stream,
            )

    def _count(self, stream: str) -> int | None:
        if stream not in ROOTS:
            return None
        root = ROOTS[stream]
        return self._shape.count(root.model, self._domain(root)) if root.by == "id" else None

    def _domain(self, root: Root) -> list[Any]:
        domain: list[Any] = list(root.domain)
        if root.parties:
            domain += [["id", "not in", self._shape.own_parties()], *self._customers]
        return domain

    def _items(self, root: Root, *terms: Any) -> list[Item]:
        fields = self._shape.known(root.model, root.fields)
        found = self._shape.search_read(root.model, [*self._domain(root), *terms], fields)
        if root.model == "product.product":
            currency = self._shape.currency()
            found = [{**row, "company_currency": currency} for row in found]
        return [item for row in found for item in root.items(row)]

    def _rows_of(self, stream: str, numbers: list[int]) -> Any:
        """The domain term for the rows that items with these ids come from."""
        if stream != "payments":
            return [ROOTS[stream].by, "in", numbers]
        # What a statement reconciled is no payment line of the invoice: its reconciliation tells which one it paid.
        lines = self._shape.search_read(
            "account.move.line", [["id", "in", numbers]], ["reconciliation.lines.move.origin"]
        )
        origins = {
            str(each["move"]["origin"])
            for line in lines
            if line.get("reconciliation")
            for each in line["reconciliation"]["lines"]
            if each.get("move")
        }
        paid = [int(each.partition(",")[2]) for each in origins if each.startswith("account.invoice,")]
        return ["OR", [["payment_lines", "in", numbers]], [["id", "in", paid]]]

    # --- stock

    def _stock(self) -> Iterator[Batch]:
        """Quantities of all goods in each warehouse: Tryton computes them, nothing tells that one has changed."""
        parts = ["storage_location", "output_location"]
        found = self._shape.search_read("stock.location", list(ROOTS["warehouses"].domain), parts)
        state = json.dumps({"read": self._rpc.server_time.isoformat()})
        pending: Batch = Batch((), state)
        for warehouse in found:
            for items in self._quantities(warehouse):
                if pending.items:
                    yield pending
                pending = Batch(tuple(items), state)
        yield Batch(pending.items, state, whole=True)

    def _quantities(self, warehouse: Mapping[str, Any]) -> Iterator[list[Item]]:
        """What the warehouse holds, and what of it is promised: assigned in the store, or picked and not yet gone."""
        store, way_out = warehouse["storage_location"], warehouse["output_location"]
        last = 0
        while page := self._shape.search("product.product", [_GOODS, ["id", ">", last]], limit=PAGE):
            last = page[-1]
            held = self._at(warehouse["id"], page)
            promised = dict.fromkeys(page, Decimal(0))
            if store is not None:
                stored, free = self._at(store, page), self._at(store, page, stock_assign=True)
                promised = {each: stored[each] - free[each] for each in page}
            if way_out not in (None, store):
                picked = self._at(way_out, page)
                promised = {each: promised[each] + picked[each] for each in page}
            yield [rows.stock(each, warehouse["id"], held[each], promised[each]) for each in page]

    def _at(self, location: int, products: list[int], **more: object) -> dict[int, Decimal]:
        """The quantities of these products at a location and below it, as of today."""
        place: dict[str, object] = {"locations": [location], "with_childs": True, **more}
        found = self._shape.search_read("product.product", [["id", "in", products]], ["quantity"], context=place)
        quantities = {int(row["id"]): Decimal(row["quantity"] or 0) for row in found}
        return {each: quantities.get(each, Decimal(0)) for each in products}


def _batches(items: Sequence[Item], before: str, after: str) -> Iterator[Batch]:
    """The items in batches; only with the last is the page done."""
    starts: Sequence[int] = range(0, len(items), RECORDS_PER_CALL) or (0,)
    for start in starts:
        state = after if start == starts[-1] else before
        yield Batch(tuple(items[start : start + RECORDS_PER_CALL]), state)
