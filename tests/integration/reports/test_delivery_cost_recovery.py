"""What delivery costs, and what buyers pay for it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from tests.integration.reporting import (
    AMOUNT,
    DELIVERY,
    ORDERS,
    Json,
    Reporting,
    Row,
    about,
    at,
    day,
    falling,
    last_if_none,
    made,
    merged,
    month_of,
    number,
    quotient,
    text,
)
from tests.integration.reports import by_hand
from tests.integration.reports.asked import ALL, DAYS, Asked
from tests.integration.reports.by_hand import BLOOM

REPORT = "delivery_cost_recovery"
COST, PRICE = "delivery.deliveryCost", "deliveryPricePerPiece"
CENT = Decimal("0.01")


def delivery_cost_recovery(told: Reporting, asked: Asked = ALL) -> list[Row]:
    """The rows of the report: orders, cost and revenue, each in its own currency."""
    sums: dict[tuple[Any, ...], list[Any]] = defaultdict(lambda: [0, Decimal(0), Decimal(0)])
    whatever_currency = Asked(asked.from_date, asked.to_date, customer=asked.customer)
    for account, order in whatever_currency.orders(told):
        group = (account, month_of(day(order, DELIVERY)), text(order, "delivery.incoterm"))
        sums[*group, text(order, f"{AMOUNT}.currency")][0] += 1
        if (cost := number(order, f"{COST}.value")) is not None:
            sums[*group, text(order, f"{COST}.currency")][1] += cost
        if (price := number(order, f"{PRICE}.value")) is not None:
            revenue = (price * order["numberOfPieces"]).quantize(CENT, ROUND_HALF_UP)
            sums[*group, text(order, f"{PRICE}.currency")][2] += revenue
    rows = [
        (*group, *row, quotient(row[2], row[1])) for group, row in sums.items() if asked.currency in (None, group[3])
    ]
    return sorted(rows, key=lambda row: (row[0], falling(row[1]), last_if_none(row[2]), last_if_none(row[3])))


@pytest.fixture(scope="module", params=["suppliers", "customers"])
def deliveries(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reporting:
    """Orders with and without cost and price of delivery, not always in the order's currency, of both APIs."""
    told = Reporting(tmp_path_factory.mktemp("costs") / "w.duckdb", request.param)
    for account, seed, count in (("north", 7, 400), ("south", 8, 100)):
        random = Random(f"delivery cost {seed}")
        told.store(ORDERS, [_with_cost(one, random) for one in by_hand.orders(told.api, seed, count)], account)
    return told


def _with_cost(order: Json, random: Random) -> Json:
    usual = at(order, f"{AMOUNT}.currency")

    def price(values: tuple[str, ...]) -> Any:
        currency = random.choice((usual, usual, usual, "EUR", "USD", None))
        value = random.choice((*map(Decimal, values), None))
        return random.choice((None, {"currency": currency, "value": value}, {"currency": currency, "value": value}))

    delivery = order.get("delivery") and {
        **order["delivery"],
        "incoterm": random.choice(("DDP", "DDP", "EXW", None)),
        "deliveryCost": price(("0", "12.5", "45.055", "0.0000015")),
    }
    return {**order, "delivery": delivery, PRICE: price(("0", "0.125", "0.10416666666666667", "0.0000005"))}


def test_the_world_of_a_grower(grower_world: Reporting) -> None:
    """Every row of the sandbox's world, in order: with DDP delivery is paid for, with EXW there is none."""
    rows = grower_world.report(REPORT)

    assert {row[2] for row in rows if row[6]} == {"DDP"}
    assert {row[3] for row in rows if row[6]} == {"EUR", "USD"}
    assert rows == delivery_cost_recovery(grower_world)


def test_the_world_of_a_buyer(buyer_world: Reporting) -> None:
    """A buyer sees what it pays for delivery."""
    rows = buyer_world.report(REPORT)

    assert any(row[5] for row in rows)
    assert rows == delivery_cost_recovery(buyer_world)


def test_deliveries_by_hand(deliveries: Reporting) -> None:
    """Month edges, currencies that differ within an order, missing amounts, both accounts."""
    rows = deliveries.report(REPORT)

    assert {row[0] for row in rows} == {"north", "south"}
    assert {row[3] for row in rows} == {"EUR", "USD", None}
    assert rows == delivery_cost_recovery(deliveries)


@pytest.mark.parametrize("asked", [*DAYS, Asked(currency="USD"), Asked(customer=UUID(BLOOM))])
def test_what_is_asked_for(deliveries: Reporting, asked: Asked) -> None:
    """Days of Amsterdam, one currency, one buyer."""
    rows = deliveries.report(REPORT, **asked.given)

    assert rows
    assert rows == delivery_cost_recovery(deliveries, asked)


def test_cost_in_another_currency_has_a_row_of_its_own(grower: Reporting) -> None:
    """Its row counts no order; revenue is in whole cents for each order, however the price of a piece was divided."""
    third = {"currency": "EUR", "value": Decimal("33.3333333333333")}
    told = {
        "status": "COMMITTED",
        "isDeleted": False,
        "numberOfPieces": 3,
        "calculatedFields": {"orderAmount": {"currency": "EUR"}},
        "delivery": {"latestDeliveryDateTime": "2026-02-28T23:00:00Z", "incoterm": "DDP"},
    }
    one = made("suppliers", ORDERS, 1, **merged(told, {PRICE: third, "delivery": {"deliveryCost": _euros(80)}}))
    other = made("suppliers", ORDERS, 2, **merged(told, {PRICE: third, "delivery": {"deliveryCost": _dollars(50)}}))
    grower.store(ORDERS, [one, other])

    march = ("main", dt.date(2026, 3, 1), "DDP")
    assert grower.report(REPORT) == [
        (*march, "EUR", 2, 80, 200, about(Decimal("2.5"))),
        (*march, "USD", 0, 50, 0, 0),
    ]


def test_no_orders(tmp_path: Path) -> None:
    """The report is there and empty, for both APIs."""
    for api in ("suppliers", "customers"):
        assert Reporting(tmp_path / f"{api}.duckdb", api).report(REPORT) == []


def _euros(value: int) -> Json:
    return {"currency": "EUR", "value": value}


def _dollars(value: int) -> Json:
    return {"currency": "USD", "value": value}
