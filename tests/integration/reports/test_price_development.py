"""Report ``price_development``: prices offered and prices paid by week."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from random import Random
from uuid import UUID

import pytest

from tests.integration.report_warehouse import (
    AMSTERDAM,
    BOUNDARY_TIMES,
    DELIVERY,
    Json,
    ReportWarehouse,
    Row,
    day,
    descending,
    id_of,
    make_record,
    nulls_last,
    number,
    quotient,
    text,
    timestamp,
    uuid,
    value_at,
    week_of,
)
from tests.integration.reports import handmade_orders
from tests.integration.reports.handmade_orders import ROSE, TULIP, UNKNOWN
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters

REPORT = "price_development"
LINES = "supply.supply_lines"
MICROSECOND = dt.timedelta(microseconds=1)

PriceAndPieces = tuple[Decimal | None, int]
"""The price of a piece, and the number of pieces with this price."""


def expected_rows(warehouse: ReportWarehouse, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    names = warehouse.trade_item_names()
    paid, offered = paid_prices(warehouse, parameters), dict(offered_prices(warehouse, parameters))
    rows = []
    for account, monday, item, currency in {**paid, **offered}:
        group = (account, monday, item, currency)
        rows.append(
            (
                *(account, *week_of(monday), item, names.get((account, item)), currency),
                *(*spread(offered.get(group, [])), *spread(paid.get(group, []))),
            )
        )
    return sorted(rows, key=sort_key)


def spread(prices: list[PriceAndPieces]) -> Row:
    """Return the lowest price, the average weighted by pieces, the highest price, and the pieces."""
    known = [(price, pieces) for price, pieces in prices if price is not None]
    values = [price for price, _ in known]
    average = quotient(sum(price * pieces for price, pieces in known), sum(pieces for _, pieces in known))
    return (min(values, default=None), average, max(values, default=None), sum(pieces for _, pieces in prices))


def paid_prices(warehouse: ReportWarehouse, parameters: Parameters) -> dict[Row, list[PriceAndPieces]]:
    """Return the prices of orders with pieces, by account, week, trade item and currency."""
    prices = defaultdict(list)
    for account, order in parameters.select_orders(warehouse, currency_path="pricePerPiece.currency"):
        if order["numberOfPieces"] > 0:
            date, currency = day(order, DELIVERY), text(order, "pricePerPiece.currency")
            price_and_pieces = (number(order, "pricePerPiece.value"), order["numberOfPieces"])
            prices[account, date and monday_of(date), uuid(order, "tradeItemId"), currency].append(price_and_pieces)
    return prices


def offered_prices(warehouse: ReportWarehouse, parameters: Parameters) -> Iterator[tuple[Row, list[PriceAndPieces]]]:
    """Yield the same for offers: in a week, each price of a supply line counts with its maximum number of pieces."""
    most: dict[Row, dict[tuple[UUID | None, Decimal], int]] = defaultdict(lambda: defaultdict(int))
    for account, line in warehouse.all_versions(LINES):
        price, item = number(line, "pricePerPiece.value"), uuid(line, "tradeItemId")
        currency = text(line, "pricePerPiece.currency")
        if price is None or not is_offer(line) or parameters.currency not in (None, currency):
            continue
        if parameters.trade_item in (None, item):
            for monday in mondays(line, parameters):
                pieces, offer = most[account, monday, item, currency], (uuid(line, "supplyLineId"), price)
                pieces[offer] = max(pieces[offer], line["numberOfPieces"])
    for group, offers in most.items():
        yield group, [(price, pieces) for (_, price), pieces in offers.items()]


def is_offer(line: Json) -> bool:
    """Return whether a version of a supply line offers pieces."""
    return line["status"] != "DELETED" and not line["isDeleted"] and (line.get("numberOfPieces") or 0) > 0


def mondays(line: Json, parameters: Parameters) -> set[dt.date]:
    """Return the selected weeks of the delivery period, or of the order period if there is no delivery period."""
    period = "deliveryPeriod" if value_at(line, "deliveryPeriod.startDateTime") else "orderPeriod"
    begins, ends = (timestamp(line, f"{period}.{name}") for name in ("startDateTime", "endDateTime"))
    if begins is None:
        return set()
    last = begins if ends is None else max(begins, ends - MICROSECOND)
    first_day, last_day = (time.astimezone(AMSTERDAM).date() for time in (begins, last))
    days = (first_day + dt.timedelta(days=count) for count in range(min(365, (last_day - first_day).days + 1)))
    return {monday_of(date) for date in days if parameters.includes(date)}


def monday_of(date: dt.date) -> dt.date:
    """Return the Monday of a day's week."""
    return date - dt.timedelta(days=date.weekday())


def sort_key(row: Row) -> Row:
    """Return the sort key: newest week first, then by the trade item's name."""
    account, year, week, item, name, currency, *_ = row
    return (account, descending(year), descending(week), nulls_last(name), nulls_last(item), nulls_last(currency))


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the rows are as expected, of weeks with offers, with orders and with both."""
    rows = grower_world.report(REPORT)

    assert {(row[9] > 0, row[13] > 0) for row in rows} == {(True, False), (False, True), (True, True)}
    assert any(row[6] < row[7] < row[8] for row in rows if row[6])
    assert rows == expected_rows(grower_world)


def test_buyer_world(buyer_world: ReportWarehouse) -> None:
    """For a buyer in the sandbox world, the rows are as expected, of weeks with both offers and orders too."""
    rows = buyer_world.report(REPORT)

    assert any(row[9] > 0 and row[13] > 0 for row in rows)
    assert rows == expected_rows(buyer_world)


@pytest.fixture(scope="module")
def handmade_prices(tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse with handmade orders of two accounts, and versions of supply lines with periods at boundary times."""
    warehouse = handmade_orders.store_all(ReportWarehouse(tmp_path_factory.mktemp("prices") / "w.duckdb"))
    for account, seed in (("north", 1), ("south", 2)):
        random = Random(seed)
        for _ in range(3):
            warehouse.store(LINES, [line(number, random) for number in random.sample(range(60), 40)], account)
    return warehouse


def line(number: int, random: Random) -> Json:
    """Return a version of a supply line."""
    return make_record(
        "suppliers",
        LINES,
        number,
        supplyLineId=id_of(f"line {number}"),
        status=random.choice(("AVAILABLE", "AVAILABLE", "UNAVAILABLE", "DELETED")),
        isDeleted=random.random() < 0.1,
        tradeItemId=(ROSE, TULIP, UNKNOWN, None)[number % 4],
        numberOfPieces=random.choice((-10, 0, 40, 400, None)),
        pricePerPiece={
            "currency": random.choice(("EUR", "USD", None)),
            "value": random.choice((None, Decimal("1.23456749"), Decimal(random.randrange(300)) / 100)),
        },
        deliveryPeriod=random.choice((None, period(random), period(random))),
        orderPeriod=period(random),
    )


def period(random: Random) -> Json:
    """Return a period with start and end in any order, either of which may be missing."""
    return {name: random.choice((*BOUNDARY_TIMES, None)) for name in ("startDateTime", "endDateTime")}


@pytest.mark.parametrize(
    "parameters", [NO_FILTER, *DATE_RANGES, Parameters(currency="USD"), Parameters(trade_item=UUID(ROSE))], ids=repr
)
def test_handmade_prices(handmade_prices: ReportWarehouse, parameters: Parameters) -> None:
    """Rows are correct at week boundaries, for reversed or long periods, deleted versions and unknown trade items."""
    rows = handmade_prices.report(REPORT, **parameters.arguments)

    assert rows
    assert rows == expected_rows(handmade_prices, parameters)


def test_earlier_prices_count_as_offered(warehouse: ReportWarehouse) -> None:
    """All prices of a supply line count as offered, also after its deletion, each with its maximum number of pieces."""
    versions = [("1.00", 100), ("0.80", 60), ("0.80", 90), ("0.80", 10)]
    for price, pieces in versions:
        warehouse.store(LINES, [offer("2026-03-10T00:00:00Z", "2026-03-12T00:00:00Z", price, pieces)])
    warehouse.store(LINES, [{**offer("2026-03-10T00:00:00Z", "2026-03-12T00:00:00Z", "0.50", 5), "isDeleted": True}])

    ((_, year, week, _, _, _, lowest, average, highest, pieces, *rest),) = warehouse.report(REPORT)

    assert (year, week, lowest, highest, pieces) == (2026, 11, Decimal("0.8"), 1, 190)
    assert round(average, 6) == Decimal("0.905263")
    assert rest == [None, None, None, 0]


def test_end_of_a_period_is_exclusive(warehouse: ReportWarehouse) -> None:
    """An offer until Monday 0:00 in Amsterdam does not count in the week that begins then; a second later it does."""
    warehouse.store(LINES, [offer("2026-03-08T23:00:00Z", "2026-03-15T23:00:00Z")])
    assert [row[2] for row in warehouse.report(REPORT)] == [11]

    warehouse.store(LINES, [offer("2026-03-08T23:00:00Z", "2026-03-15T23:00:01Z")])
    assert [row[2] for row in warehouse.report(REPORT)] == [12, 11]


def test_long_period_is_limited(warehouse: ReportWarehouse) -> None:
    """A period of many years counts in 53 weeks only."""
    warehouse.store(LINES, [offer("2026-03-09T12:00:00Z", "9998-12-31T00:00:00Z")])

    assert [row[1:3] for row in warehouse.report(REPORT)][::52] == [(2027, 10), (2026, 11)]


def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []


def offer(begins: str, ends: str, price: str = "1.00", pieces: int = 100) -> Json:
    """Return a version of one supply line."""
    return make_record(
        "suppliers",
        LINES,
        1,
        supplyLineId=id_of("line"),
        status="AVAILABLE",
        isDeleted=False,
        numberOfPieces=pieces,
        pricePerPiece={"currency": "EUR", "value": Decimal(price)},
        deliveryPeriod={"startDateTime": begins, "endDateTime": ends},
    )
