"""Report ``purchase_order_exceptions``: purchase orders that need action."""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import Any
from uuid import UUID

import pytest

from tests.integration.report_warehouse import (
    BOUNDARY_TIMES,
    DELIVERY,
    Json,
    ReportWarehouse,
    Row,
    day,
    descending,
    id_of,
    make_record,
    number,
    text,
    timestamp,
    uuid,
    value_at,
)
from tests.integration.reports import handmade_orders
from tests.integration.reports.handmade_orders import GROWERS, ROSE, TULIP, UNKNOWN
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters

REPORT = "purchase_order_exceptions"
PURCHASES = "orders.purchase_orders"
REASONS = ("DIFFERENT_PRICE", "SUPPLY_NOT_FOUND", "INCORRECT_INCUDED_SERVCES", "A_NEW_REASON", None, "")


def expected_rows(warehouse: ReportWarehouse, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    items, organizations, rows = warehouse.trade_item_names(), warehouse.organization_names(), []
    for account, order in warehouse.newest_records(PURCHASES):
        reasons = [reason for reason in order.get("actionsRequired") or [] if reason and reason.strip()]
        supplier, item, date = uuid(order, "supplierOrganizationId"), uuid(order, "tradeItemId"), day(order, DELIVERY)
        if (
            reasons
            and not order.get("isDeleted")
            and parameters.includes(date)
            and parameters.grower in (None, supplier)
        ):
            rows.append(
                (
                    *(account, uuid(order, "purchaseOrderId"), text(order, "customerOrderReference"), reasons, date),
                    *(timestamp(order, "orderDateTime"), supplier, organizations.get((account, supplier))),
                    *(item, items.get((account, item)), text(order, "tradeItemCode")),
                    *(value_at(order, "quantity.amount"), text(order, "quantity.unit")),
                    *(number(order, "pricePerPiece.value"), text(order, "pricePerPiece.currency")),
                    uuid(order, "salesOrderId"),
                )
            )
    return sorted(rows, key=lambda row: (row[0], descending(row[4]), row[1]))


@pytest.fixture(scope="module")
def purchases(tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse with purchase orders of two buyers: with reasons and without, deleted ones, unknown trade items."""
    warehouse = ReportWarehouse(tmp_path_factory.mktemp("purchases") / "w.duckdb", "customers")
    for account, seed, count in (("north", 15, 150), ("south", 16, 50)):
        random = Random(f"purchases {seed}")
        warehouse.store(PURCHASES, [_purchase(1000 * seed + number, random) for number in range(count)], account)
    handmade_orders.store_names(warehouse)
    return warehouse


def _purchase(number: int, random: Random) -> Json:
    fields: dict[str, Any] = {
        "actionsRequired": random.choice((None, [], random.sample(REASONS, random.randint(1, 3)))),
        "tradeItemId": random.choice((ROSE, TULIP, UNKNOWN, None)),
        "supplierOrganizationId": random.choice(GROWERS),
        "isDeleted": random.random() < 0.1,
        "delivery": random.choice((None, *([{"latestDeliveryDateTime": random.choice((*BOUNDARY_TIMES, None))}] * 9))),
    }
    return make_record("customers", PURCHASES, number, **fields)


def test_buyer_world(buyer_world: ReportWarehouse) -> None:
    """For a buyer in the sandbox world, the rows are as expected; few purchase orders need action."""
    rows = buyer_world.report(REPORT)

    assert 0 < len(rows) < len(buyer_world.newest_records(PURCHASES)) / 2
    assert rows == expected_rows(buyer_world)


def test_handmade_purchases(purchases: ReportWarehouse) -> None:
    """Rows are correct for several, new and blank reasons, orders without a day, and unknown trade items."""
    rows = purchases.report(REPORT)

    assert {row[0] for row in rows} == {"north", "south"}
    assert "A_NEW_REASON" in {reason for row in rows for reason in row[3]}
    assert None in {row[4] for row in rows}
    assert rows == expected_rows(purchases)


@pytest.mark.parametrize("parameters", [*DATE_RANGES, Parameters(grower=UUID(GROWERS[0]))])
def test_parameters(purchases: ReportWarehouse, parameters: Parameters) -> None:
    """The report is restricted to the purchase orders that match its parameters."""
    rows = purchases.report(REPORT, **parameters.arguments)

    assert rows
    assert rows == expected_rows(purchases, parameters)


def test_order_without_reasons_leaves_the_report(buyer_warehouse: ReportWarehouse) -> None:
    """A purchase order leaves the report when its last reason is resolved."""
    defaults = {"purchaseOrderId": id_of("purchase"), "isDeleted": False}
    delivery = {"delivery": {"latestDeliveryDateTime": "2026-03-28T23:00:00Z"}}
    for reasons in (["DIFFERENT_PRICE", "PACKAGE_DIFFERENCE"], ["PACKAGE_DIFFERENCE"]):
        buyer_warehouse.store(
            PURCHASES, [make_record("customers", PURCHASES, 1, actionsRequired=reasons, **defaults, **delivery)]
        )

        assert [row[3:5] for row in buyer_warehouse.report(REPORT)] == [(reasons, dt.date(2026, 3, 29))]

    buyer_warehouse.store(
        PURCHASES, [make_record("customers", PURCHASES, 1, actionsRequired=[], **defaults, **delivery)]
    )

    assert buyer_warehouse.report(REPORT) == []


def test_empty_warehouse(buyer_warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert buyer_warehouse.report(REPORT) == []
