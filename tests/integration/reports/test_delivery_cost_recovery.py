"""Report ``delivery_cost_recovery``: delivery cost of orders, and what buyers pay for delivery."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from tests.integration.report_warehouse import (
    AMOUNT,
    DELIVERY,
    ORDERS,
    Json,
    ReportWarehouse,
    Row,
    approx,
    day,
    descending,
    make_record,
    merged,
    month_of,
    nulls_last,
    number,
    quotient,
    text,
    value_at,
)
from tests.integration.reports import handmade_orders
from tests.integration.reports.handmade_orders import BLOOM
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters

REPORT = "delivery_cost_recovery"
COST, PRICE = "delivery.deliveryCost", "deliveryPricePerPiece"
CENT = Decimal("0.01")


def expected_rows(warehouse: ReportWarehouse, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python; cost and revenue count in their own currencies."""
    sums: dict[tuple[Any, ...], list[Any]] = defaultdict(lambda: [0, Decimal(0), Decimal(0)])
    any_currency = Parameters(parameters.from_date, parameters.to_date, customer=parameters.customer)
    for account, order in any_currency.select_orders(warehouse):
        group = (account, month_of(day(order, DELIVERY)), text(order, "delivery.incoterm"))
        sums[*group, text(order, f"{AMOUNT}.currency")][0] += 1
        if (cost := number(order, f"{COST}.value")) is not None:
            sums[*group, text(order, f"{COST}.currency")][1] += cost
        if (price := number(order, f"{PRICE}.value")) is not None:
            revenue = (price * order["numberOfPieces"]).quantize(CENT, ROUND_HALF_UP)
            sums[*group, text(order, f"{PRICE}.currency")][2] += revenue
    rows = [
        (*group, orders, cost, revenue, quotient(revenue, cost))
        for group, (orders, cost, revenue) in sums.items()
        if parameters.currency in (None, group[3])
    ]
    return sorted(rows, key=lambda row: (row[0], descending(row[1]), nulls_last(row[2]), nulls_last(row[3])))


@pytest.fixture(scope="module", params=["suppliers", "customers"])
def deliveries(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse, for each API, with orders that have delivery cost and price in several currencies or not at all."""
    warehouse = ReportWarehouse(tmp_path_factory.mktemp("costs") / "w.duckdb", request.param)
    for account, seed, count in (("north", 7, 400), ("south", 8, 100)):
        random = Random(f"delivery cost {seed}")
        orders = handmade_orders.orders(warehouse.api, seed, count)
        warehouse.store(ORDERS, [_with_cost(order, random) for order in orders], account)
    return warehouse


def _with_cost(order: Json, random: Random) -> Json:
    order_currency = value_at(order, f"{AMOUNT}.currency")

    def price(values: tuple[str, ...]) -> Any:
        currency = random.choice((order_currency, order_currency, order_currency, "EUR", "USD", None))
        value = random.choice((*map(Decimal, values), None))
        return random.choice((None, {"currency": currency, "value": value}, {"currency": currency, "value": value}))

    delivery = order.get("delivery") and {
        **order["delivery"],
        "incoterm": random.choice(("DDP", "DDP", "EXW", None)),
        "deliveryCost": price(("0", "12.5", "45.055", "0.0000015")),
    }
    return {**order, "delivery": delivery, PRICE: price(("0", "0.125", "0.10416666666666667", "0.0000005"))}


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the rows are as expected; only deliveries with DDP have a revenue."""
    rows = grower_world.report(REPORT)

    assert {row[2] for row in rows if row[6]} == {"DDP"}
    assert {row[3] for row in rows if row[6]} == {"EUR", "USD"}
    assert rows == expected_rows(grower_world)


def test_buyer_world(buyer_world: ReportWarehouse) -> None:
    """For a buyer in the sandbox world, the rows are as expected, with what it pays for delivery."""
    rows = buyer_world.report(REPORT)

    assert any(row[5] for row in rows)
    assert rows == expected_rows(buyer_world)


def test_handmade_deliveries(deliveries: ReportWarehouse) -> None:
    """Rows are correct at month boundaries, for several currencies within an order, and for missing amounts."""
    rows = deliveries.report(REPORT)

    assert {row[0] for row in rows} == {"north", "south"}
    assert {row[3] for row in rows} == {"EUR", "USD", None}
    assert rows == expected_rows(deliveries)


@pytest.mark.parametrize("parameters", [*DATE_RANGES, Parameters(currency="USD"), Parameters(customer=UUID(BLOOM))])
def test_parameters(deliveries: ReportWarehouse, parameters: Parameters) -> None:
    """The report is restricted to the orders that match its parameters."""
    rows = deliveries.report(REPORT, **parameters.arguments)

    assert rows
    assert rows == expected_rows(deliveries, parameters)


def test_cost_in_another_currency_has_its_own_row(warehouse: ReportWarehouse) -> None:
    """Cost in another currency than the order's has a row without orders; each order's revenue is rounded to cents."""
    third = {"currency": "EUR", "value": Decimal("33.3333333333333")}
    defaults = {
        "status": "COMMITTED",
        "isDeleted": False,
        "numberOfPieces": 3,
        "calculatedFields": {"orderAmount": {"currency": "EUR"}},
        "delivery": {"latestDeliveryDateTime": "2026-02-28T23:00:00Z", "incoterm": "DDP"},
    }
    costs = ({"currency": "EUR", "value": 80}, {"currency": "USD", "value": 50})
    orders = [merged(defaults, {PRICE: third, "delivery": {"deliveryCost": cost}}) for cost in costs]
    warehouse.store(ORDERS, [make_record("suppliers", ORDERS, seed, **order) for seed, order in enumerate(orders)])

    march = ("main", dt.date(2026, 3, 1), "DDP")
    assert warehouse.report(REPORT) == [
        (*march, "EUR", 2, 80, 200, approx(Decimal("2.5"))),
        (*march, "USD", 0, 50, 0, 0),
    ]


def test_empty_warehouse(tmp_path: Path) -> None:
    """Without any records, the report exists and has no rows, for both APIs."""
    for api in ("suppliers", "customers"):
        assert ReportWarehouse(tmp_path / f"{api}.duckdb", api).report(REPORT) == []
