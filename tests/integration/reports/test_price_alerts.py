"""Report ``price_alerts``: prices below the minimum, below the contract, and lower at the clock than elsewhere."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import pytest

from tests.integration.report_warehouse import (
    BOUNDARY_TIMES,
    DELIVERY,
    ORDERS,
    Json,
    ReportWarehouse,
    Row,
    approx,
    day,
    id_of,
    make_record,
    number,
    quotient,
    text,
    uuid,
    week_of,
)
from tests.integration.reports import handmade_orders
from tests.integration.reports.contract_records import BLANKET_ORDERS, CONTRACTS
from tests.integration.reports.handmade_orders import ROSE, TULIP, UNKNOWN
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters

REPORT = "price_alerts"
CLOCK_LINES = "supply.clock_supply_lines"

Sale = tuple[Decimal, int, Decimal]
"""Price, pieces and reference price of an order."""


def expected_rows(warehouse: ReportWarehouse, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python, in any order."""
    names, alerts = warehouse.trade_item_names(), defaultdict(list)
    orders = [
        (account, order)
        for account, order in parameters.select_orders(warehouse, currency_path="pricePerPiece.currency")
        if order["numberOfPieces"] > 0 and number(order, "pricePerPiece.value") is not None
    ]
    for (*group, kind), sale in [*below_a_price(warehouse, orders), *clock_below_direct(orders)]:
        alerts[(*group, kind)].append(sale)
    return [
        (account, *week, item, names.get((account, item)), currency, kind, len(sales), *measures(sales))
        for (account, week, item, currency, kind), sales in alerts.items()
    ]


def measures(sales: list[Sale]) -> tuple[Any, ...]:
    """Return pieces, price, reference price, deviation and shortfall of orders."""
    pieces = sum(pieces for _, pieces, _ in sales)
    paid, due = (sum((sale[index] * sale[1] for sale in sales), Decimal(0)) for index in (0, 2))
    return pieces, quotient(paid, pieces), quotient(due, pieces), quotient(paid - due, due), approx(Decimal(due - paid))


def group_of(account: str, order: Json) -> Row:
    """Return account, week, trade item and currency of an order."""
    return (
        *(account, week_of(day(order, DELIVERY)), uuid(order, "tradeItemId")),
        text(order, "pricePerPiece.currency"),
    )


def below_a_price(warehouse: ReportWarehouse, orders: list[tuple[str, Json]]) -> Iterator[tuple[Row, Sale]]:
    """Yield the orders below the minimum of their clock supply line or below the price of their contract."""
    references = {("BELOW_MINIMUM", *key): value for key, value in minimum_prices(warehouse).items()}
    references |= {("BELOW_CONTRACT", *key): value for key, value in contract_prices(warehouse).items()}
    for account, order in orders:
        for kind, path in (("BELOW_MINIMUM", "supplyLineId"), ("BELOW_CONTRACT", "blanketOrderLineId")):
            key = (kind, account, uuid(order, path), text(order, "pricePerPiece.currency"))
            reference, price = references.get(key), number(order, "pricePerPiece.value")
            if key[2] and key[3] and reference is not None and price is not None and price < reference:
                yield (*group_of(account, order), kind), (price, order["numberOfPieces"], reference)


def minimum_prices(warehouse: ReportWarehouse) -> dict[Row, Decimal | None]:
    """Return the minimum prices of clock supply lines by account, line and currency."""
    return {
        (account, uuid(line, "supplyLineId"), text(line, "minimumPricePerPiece.currency")): number(
            line, "minimumPricePerPiece.value"
        )
        for account, line in warehouse.newest_records(CLOCK_LINES)
    }


def contract_prices(warehouse: ReportWarehouse) -> dict[Row, Decimal | None]:
    """Return the prices of contract periods by account, line of a blanket order and currency."""
    prices, found = {}, {}
    for account, contract in warehouse.newest_records(CONTRACTS):
        for line in contract["contractLines"]:
            for period in line.get("periods") or ():
                price = (text(contract, "currency"), number(period, "pricePerPiece"))
                prices[account, uuid(contract, "contractId"), uuid(period, "contractLinePeriodId")] = price
    for account, order in warehouse.newest_records(BLANKET_ORDERS):
        for line in order["blanketOrderLines"]:
            key = (account, uuid(order, "contractId"), uuid(line, "contractLinePeriodId"))
            if key in prices:
                currency, value = prices[key]
                found[account, uuid(line, "blanketOrderLineId"), currency] = value
    return found


def clock_below_direct(orders: list[tuple[str, Json]]) -> Iterator[tuple[Row, Sale]]:
    """Yield the orders of the clock of items and weeks that were sold otherwise for more on average."""
    sold: dict[Row, dict[bool, list[tuple[Decimal, int]]]] = defaultdict(lambda: defaultdict(list))
    for account, order in orders:
        instrument, group = text(order, "tradeInstrument"), group_of(account, order)
        price = number(order, "pricePerPiece.value")
        if instrument and price is not None and group[1][0] and group[2] and group[3]:
            sold[group][instrument.startswith("CLOCK_")].append((price, order["numberOfPieces"]))
    for group, sides in sold.items():
        if len(sides) == 2:
            paid = {side: sum(price * pieces for price, pieces in sales) for side, sales in sides.items()}
            pieces = {side: sum(pieces for _, pieces in sales) for side, sales in sides.items()}
            if paid[True] * pieces[False] < paid[False] * pieces[True]:
                for price, count in sides[True]:
                    yield (*group, "CLOCK_BELOW_DIRECT"), (price, count, Decimal(paid[False]) / pieces[False])


def assert_equal(rows: list[Row], expected: list[Row]) -> None:
    """Assert that the rows are the expected ones, and in the report's order."""

    def key(row: Row) -> tuple[Any, ...]:
        account, year, week, item, _, currency, kind, *_ = row
        return (account, year or 0, week or 0, str(item), str(currency), kind)

    assert sorted(rows, key=key) == sorted(expected, key=key)
    order = [(row[0], row[1] is None, -(row[1] or 0), -(row[2] or 0), str(row[5]), -row[12]) for row in rows]
    assert order == sorted(order)


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the report has exactly the expected rows."""
    rows = grower_world.report(REPORT)

    assert "CLOCK_BELOW_DIRECT" in {row[6] for row in rows}
    assert_equal(rows, expected_rows(grower_world))


@pytest.fixture(scope="module")
def handmade_prices(tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse with orders of clock supply lines and contracts, below and above their prices."""
    warehouse = ReportWarehouse(tmp_path_factory.mktemp("alerts") / "w.duckdb")
    for account, seed in (("north", 1), ("south", 2)):
        random = Random(seed)
        warehouse.store(CLOCK_LINES, [clock_line(number, random) for number in range(20)], account)
        warehouse.store(CONTRACTS, [contract(random)], account)
        warehouse.store(BLANKET_ORDERS, [blanket_order(random)], account)
        warehouse.store(ORDERS, [random_order(number, random) for number in range(400)], account)
    handmade_orders.store_names(warehouse)
    return warehouse


def clock_line(number: int, random: Random) -> Json:
    """Return a clock supply line with a minimum price in some currency, or without one."""
    price = {"currency": random.choice(("EUR", "USD", None)), "value": random.choice((None, Decimal("1.5"), 1))}
    return make_record(
        "suppliers", CLOCK_LINES, number, supplyLineId=id_of(f"clock {number}"), minimumPricePerPiece=price
    )


def contract(random: Random) -> Json:
    """Return a contract in dollars with ten periods."""
    periods = [
        {"contractLinePeriodId": id_of(f"period {number}"), "pricePerPiece": random.choice((None, 1, 2))}
        for number in range(10)
    ]
    fields = {"contractId": id_of("contract"), "currency": "USD", "contractLines": [{"periods": periods}]}
    return make_record("suppliers", CONTRACTS, 1, **fields)


def blanket_order(random: Random) -> Json:
    """Return a blanket order with a line for each period, and some for unknown ones."""
    lines = [
        {
            "blanketOrderLineId": id_of(f"line {number}"),
            "contractLinePeriodId": id_of(f"period {random.randrange(12)}"),
            "numberOfPieces": 10,
        }
        for number in range(20)
    ]
    return make_record("suppliers", BLANKET_ORDERS, 1, contractId=id_of("contract"), blanketOrderLines=lines)


def random_order(number: int, random: Random) -> Json:
    """Return an order of any trade instrument, of a clock supply line or a contract."""
    is_of_clock = random.random() < 0.5
    return make_record(
        "suppliers",
        ORDERS,
        number,
        status=random.choice(("COMMITTED", "COMMITTED", "COMMITTED", "CANCELLED")),
        isDeleted=random.random() < 0.05,
        tradeInstrument=random.choice(("CLOCK_SALES", "CLOCK_PRESALES", "DIRECT_SALES", "CONTRACT", None)),
        tradeItemId=random.choice((ROSE, TULIP, UNKNOWN, None)),
        supplyLineId=id_of(f"clock {random.randrange(25)}") if is_of_clock else None,
        blanketOrderLineId=None if is_of_clock else id_of(f"line {random.randrange(25)}"),
        numberOfPieces=random.choice((0, 1, 12, 120)),
        pricePerPiece={
            "currency": random.choice(("EUR", "USD", None)),
            "value": random.choice((None, Decimal("0.3333335"), Decimal(random.randrange(300)) / 100)),
        },
        delivery={"latestDeliveryDateTime": random.choice((*BOUNDARY_TIMES, None))},
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "parameters", [NO_FILTER, *DATE_RANGES, Parameters(currency="USD"), Parameters(trade_item=UUID(ROSE))], ids=repr
)
def test_handmade_prices(handmade_prices: ReportWarehouse, parameters: Parameters) -> None:
    """Rows are correct for each kind, two currencies, unknown lines and periods, and orders without a week."""
    rows = handmade_prices.report(REPORT, **parameters.arguments)

    assert rows
    assert_equal(rows, expected_rows(handmade_prices, parameters))
    if parameters == NO_FILTER:
        assert {row[6] for row in rows} == {"BELOW_MINIMUM", "BELOW_CONTRACT", "CLOCK_BELOW_DIRECT"}


@pytest.mark.slow
def test_an_alert_of_each_kind(warehouse: ReportWarehouse) -> None:
    """Only orders below the reference count; the clock is compared with what else was paid for the item that week."""
    minimum = {"minimumPricePerPiece": {"currency": "EUR", "value": Decimal("0.80")}}
    line = {"contractLinePeriodId": id_of("period"), "pricePerPiece": Decimal("0.50")}
    warehouse.store(CLOCK_LINES, [make_record("suppliers", CLOCK_LINES, 1, supplyLineId=id_of("clock"), **minimum)])
    fields = {"contractId": id_of("contract"), "currency": "EUR", "contractLines": [{"periods": [line]}]}
    warehouse.store(CONTRACTS, [make_record("suppliers", CONTRACTS, 1, **fields)])
    lines = [{"blanketOrderLineId": id_of("line"), "contractLinePeriodId": id_of("period"), "numberOfPieces": 1}]
    fields = {"contractId": id_of("contract"), "blanketOrderLines": lines}
    warehouse.store(BLANKET_ORDERS, [make_record("suppliers", BLANKET_ORDERS, 1, **fields)])
    of_clock = {"tradeInstrument": "CLOCK_SALES", "supplyLineId": id_of("clock")}
    of_contract = {"tradeInstrument": "CONTRACT", "blanketOrderLineId": id_of("line")}
    warehouse.store(
        ORDERS,
        [
            order(1, "0.60", 100, **of_clock),
            order(2, "0.80", 100, **of_clock),
            order(3, "0.40", 10, tradeItemId=TULIP, **of_contract),
            order(4, "0.50", 10, tradeItemId=TULIP, **of_contract),
            order(5, "1.00", 5, tradeInstrument="DIRECT_SALES"),
        ],
    )

    rows = [(row[3], *row[6:9], *map(float, row[9:])) for row in warehouse.report(REPORT)]

    assert rows == [
        (UUID(ROSE), "CLOCK_BELOW_DIRECT", 2, 200, 0.7, 1, -0.3, 60),
        (UUID(ROSE), "BELOW_MINIMUM", 1, 100, 0.6, 0.8, -0.25, 20),
        (UUID(TULIP), "BELOW_CONTRACT", 1, 10, 0.4, 0.5, -0.2, 1),
    ]


@pytest.mark.slow
def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []


def order(seed: int, price: str, pieces: int, **fields: Any) -> Json:
    """Return an order of roses in a week of March."""
    defaults = {
        "status": "COMMITTED",
        "isDeleted": False,
        "tradeItemId": ROSE,
        "supplyLineId": None,
        "blanketOrderLineId": None,
        "numberOfPieces": pieces,
        "pricePerPiece": {"currency": "EUR", "value": Decimal(price)},
        "delivery": {"latestDeliveryDateTime": f"{dt.date(2026, 3, 10)}T10:00:00Z"},
    }
    return make_record("suppliers", ORDERS, seed, **{**defaults, **fields})
