"""The inventory service: products, warehouses and stock.

Belongs here: which operations there are, and stock by product. May not know: SOAP, SQL, any ERP.
People read; enterprise systems with an integration account write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from saddlebag.contract.spec import Member, Operation, Scalar, Service, ServiceFactory, Struct
from saddlebag.kernel import limits
from saddlebag.model.condition import Compare, Op, both, either, eq
from saddlebag.model.entities import Schema
from saddlebag.records.call import Call
from saddlebag.store.base import StoredRecord, Transaction
from saddlebag_services._records import check_count, ids_member, operations, records_member


def build(schema: Schema) -> Service:
    """The inventory service of a schema."""
    product, warehouse, level = (schema.entity(each) for each in ("Product", "Warehouse", "StockLevel"))
    stock = Struct(
        "ProductStock",
        "The stock of one product.",
        (
            Member("product", Scalar.ID, "Identifier of the product.", required=True),
            Member("sku", Scalar.STRING, "Its stock keeping unit.", required=True),
            Member("onHand", Scalar.DECIMAL, "Units on hand in all warehouses of the answer.", required=True),
            Member("available", Scalar.DECIMAL, "Units that can still be promised there.", required=True),
            records_member(level, "The stock by warehouse."),
        ),
    )
    skus = Member("sku", Scalar.STRING, "Stock keeping units.", many=True, length=60, maximum=limits.RECORDS_PER_CALL)
    missing = Member("missing", Scalar.STRING, "Ids and stock keeping units that name no product.", many=True)
    return Service(
        "inventory",
        "Products, warehouses and stock by warehouse.",
        (
            Operation(
                "GetStock",
                "The stock of products, named by id or by stock keeping unit, by warehouse.",
                (
                    ids_member("product", "Identifiers of products."),
                    skus,
                    Member("warehouse", Scalar.ID, "Only the stock of this warehouse; left out for all."),
                ),
                (Member("stock", stock, "The stock of each product that was found.", many=True), missing),
                _get_stock,
            ),
            *operations(product),
            *operations(warehouse),
            *operations(level),
        ),
    )


def _get_stock(call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
    ids, skus = list(request.get("product") or ()), list(request.get("sku") or ())
    check_count([*ids, *skus], "product")
    return call.run(lambda tx: _stock(call, tx, ids, skus, request.get("warehouse")), read_only=True)


def _stock(call: Call, tx: Transaction, ids: list[str], skus: list[str], warehouse: str | None) -> Mapping[str, Any]:
    records = call.records(tx)
    named = either(
        *([Compare("id", Op.IN, tuple(ids))] if ids else []), *([Compare("sku", Op.IN, tuple(skus))] if skus else [])
    )
    products = records.search("Product", named)
    held = {each.id for each in products} | {str(each.values["sku"]) for each in products}
    levels: dict[str, list[StoredRecord]] = {}
    if products:
        where = Compare("product", Op.IN, tuple(each.id for each in products))
        there = [eq("warehouse", warehouse)] if warehouse is not None else []
        for each in records.search("StockLevel", both(where, *there)):
            levels.setdefault(str(each.values["product"]), []).append(each)
    return {
        "stock": [_product_stock(each, levels.get(each.id, [])) for each in products],
        "missing": [each for each in dict.fromkeys([*ids, *skus]) if each not in held],
    }


def _product_stock(product: StoredRecord, levels: list[StoredRecord]) -> dict[str, Any]:
    return {
        "product": product.id,
        "sku": product.values["sku"],
        "onHand": _sum(each.values.get("onHand") for each in levels),
        "available": _sum(each.values.get("available") for each in levels),
        "stockLevel": levels,
    }


def _sum(amounts: Iterable[object]) -> Decimal:
    return sum((each for each in amounts if isinstance(each, Decimal)), Decimal("0.000"))


SERVICE: ServiceFactory = build
"""What the entry point names."""
