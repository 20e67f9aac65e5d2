"""Report ``price_development``: prices offered and prices paid by week."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from uuid import UUID

import pytest

from pipelines.warehouse.file.connection import Warehouse
from tests.integration.report_warehouse import (
    AMSTERDAM,
    BOUNDARY_TIMES,
    DELIVERY,
    ORDERS,
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
    paid, offered = paid_prices(warehouse, parameters), offered_prices(warehouse, parameters)
    rows = []
    for account, monday, item, currency in {**paid[False], **paid[True], **offered}:
        group = (account, monday, item, currency)
        rows.append(
            (
                *(account, *week_of(monday), item, names.get((account, item)), currency),
                *(*offered.get(group, (None, None, None, 0)), *spread(paid[False][group]), *spread(paid[True][group])),
            )
        )
    return sorted(rows, key=sort_key)


def spread(prices: list[PriceAndPieces]) -> Row:
    """Return the lowest price, the average weighted by pieces, the highest price, and the pieces."""
    known = [(price, pieces) for price, pieces in prices if price is not None]
    values = [price for price, _ in known]
    average = quotient(sum(price * pieces for price, pieces in known), sum(pieces for _, pieces in known))
    return (min(values, default=None), average, max(values, default=None), sum(pieces for _, pieces in prices))


def paid_prices(warehouse: ReportWarehouse, parameters: Parameters) -> dict[bool, dict[Row, list[PriceAndPieces]]]:
    """Return the prices of orders with pieces by whether the clock paid them, account, week, trade item, currency."""
    prices: dict[bool, dict[Row, list[PriceAndPieces]]] = {side: defaultdict(list) for side in (False, True)}
    for account, order in parameters.select_orders(warehouse, currency_path="pricePerPiece.currency"):
        if order["numberOfPieces"] > 0:
            date, currency = day(order, DELIVERY), text(order, "pricePerPiece.currency")
            price_and_pieces = (number(order, "pricePerPiece.value"), order["numberOfPieces"])
            group = (account, date and monday_of(date), uuid(order, "tradeItemId"), currency)
            prices[(text(order, "tradeInstrument") or "").startswith("CLOCK_")][group].append(price_and_pieces)
    return prices


@dataclass(frozen=True)
class Version:
    """A version of a supply line.

    Args:
        record: version as Floriday serves it.
        seen_at: time of the sync that received it.
    """

    record: Json
    seen_at: dt.datetime

    @property
    def price(self) -> Decimal:
        """The price of a piece, of a version that offers one."""
        price = number(self.record, "pricePerPiece.value")
        assert price is not None
        return price


def offered_prices(warehouse: ReportWarehouse, parameters: Parameters) -> dict[Row, Row]:
    """Return lowest, average and highest price and pieces of offers, by account, week, trade item and currency."""
    lines: dict[Row, list[Version]] = defaultdict(list)
    for account, id, payload, seen_at in warehouse.rows(
        "SELECT account, supply_line_id, payload, synced_at FROM raw.supply_lines ORDER BY series, sequence_number"
    ):
        lines[account, id].append(Version(json.loads(payload, parse_float=Decimal), seen_at))
    in_week: dict[Row, dict[UUID, list[Version]]] = defaultdict(lambda: defaultdict(list))
    for (account, id), versions in lines.items():
        for index, version in enumerate(versions):
            item, currency = uuid(version.record, "tradeItemId"), text(version.record, "pricePerPiece.currency")
            if parameters.currency in (None, currency) and parameters.trade_item in (None, item):
                for monday in weeks_of(versions, index, parameters):
                    in_week[account, monday, item, currency][id].append(version)
    return {group: offer_of(list(each.values())) for group, each in in_week.items()}


def offer_of(lines: list[list[Version]]) -> Row:
    """Return lowest, average and highest price and pieces of the lines in a week, from the versions of each."""
    prices = [version.price for versions in lines for version in versions]
    offers = [(versions[-1].price, max(each.record["numberOfPieces"] for each in versions)) for versions in lines]
    pieces = sum(pieces for _, pieces in offers)
    return min(prices), quotient(sum(price * pieces for price, pieces in offers), pieces), max(prices), pieces


def weeks_of(versions: list[Version], index: int, parameters: Parameters) -> set[dt.date]:
    """Return the selected weeks in which a line is offered with the version at a position."""
    version, later = versions[index], versions[index + 1 :]
    period = days_of(version.record)
    if not is_offer(version.record) or period is None:
        return set()
    begins, days = period
    first = None if index == 0 else in_amsterdam(version.seen_at)
    last = None
    if later:
        replaced_at = later[0].seen_at
        if not is_offer(later[0].record) and not is_deleted(later[0].record):
            replaced_at = max(replaced_at, begins + MICROSECOND)  # it was sold out
        last = in_amsterdam(replaced_at - MICROSECOND)
    return {
        monday_of(date)
        for date in days
        if parameters.includes(date) and (first is None or date >= first) and (last is None or date <= last)
    }


def is_deleted(line: Json) -> bool:
    """Return whether a version of a supply line is deleted."""
    return bool(line["status"] == "DELETED" or line["isDeleted"])


def is_offer(line: Json) -> bool:
    """Return whether a version of a supply line offers pieces at a price."""
    return (
        not is_deleted(line)
        and (line.get("numberOfPieces") or 0) > 0
        and number(line, "pricePerPiece.value") is not None
    )


def days_of(line: Json) -> tuple[dt.datetime, list[dt.date]] | None:
    """Return the start and the days of the delivery period, or of the order period if there is no delivery period."""
    period = "deliveryPeriod" if value_at(line, "deliveryPeriod.startDateTime") else "orderPeriod"
    begins, ends = (timestamp(line, f"{period}.{name}") for name in ("startDateTime", "endDateTime"))
    if begins is None:
        return None
    last = begins if ends is None else max(begins, ends - MICROSECOND)
    first_day, last_day = (in_amsterdam(time) for time in (begins, last))
    return begins, [first_day + dt.timedelta(days=n) for n in range(min(365, (last_day - first_day).days + 1))]


def in_amsterdam(time: dt.datetime) -> dt.date:
    """Return the day of a time in Amsterdam."""
    return time.astimezone(AMSTERDAM).date()


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

    assert {(row[9] > 0, row[13] > 0) for row in rows} >= {(True, False), (False, True), (True, True)}
    assert any(row[17] > 0 for row in rows)
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
        for seen_on in ("2024-12-29", "2025-04-02", "2025-10-28"):
            store_at(warehouse, [line(number, random) for number in random.sample(range(60), 40)], seen_on, account)
    return warehouse


def store_at(warehouse: ReportWarehouse, lines: list[Json], seen_on: str, account: str = "main") -> None:
    """Store versions of supply lines as a sync at noon of a day would have done."""
    moments = {"stored": warehouse.store(LINES, lines, account), "seen": f"{seen_on}T11:00:00Z"}
    with Warehouse(warehouse.path).writing() as connection:
        for table in ("versions.supply_lines", "raw.supply_lines"):
            connection.execute(f"UPDATE {table} SET synced_at = $seen WHERE synced_at = $stored", moments)


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


FILTERS = (*DATE_RANGES, Parameters(currency="USD"), Parameters(trade_item=UUID(ROSE)))


@pytest.mark.parametrize(
    "parameters", [NO_FILTER, *(pytest.param(each, marks=pytest.mark.slow) for each in FILTERS)], ids=repr
)
def test_handmade_prices(handmade_prices: ReportWarehouse, parameters: Parameters) -> None:
    """Rows are correct at week boundaries, for reversed or long periods, deleted versions and unknown trade items."""
    rows = handmade_prices.report(REPORT, **parameters.arguments)

    assert rows
    assert rows == expected_rows(handmade_prices, parameters)


WEEKS = ("2026-03-09T00:00:00Z", "2026-03-29T20:00:00Z")
"""A period of three weeks: 11, 12 and 13."""


def offers(warehouse: ReportWarehouse) -> list[Row]:
    """Return week, lowest, average and highest offered price, and pieces, from the first week on."""
    return [(row[2], *row[6:10]) for row in reversed(warehouse.report(REPORT))]


@pytest.mark.slow
def test_a_line_that_changes_its_price_is_offered_once(warehouse: ReportWarehouse) -> None:
    """In the week of a change, both prices are in the range, the pieces count once, and the last price is averaged."""
    store_at(warehouse, [offer(*WEEKS, "1.00", 100)], "2026-03-02")
    store_at(warehouse, [offer(*WEEKS, "0.80", 60)], "2026-03-18")

    assert offers(warehouse) == [
        (11, 1, 1, 1, 100),
        (12, Decimal("0.8"), Decimal("0.8"), 1, 100),
        (13, Decimal("0.8"), Decimal("0.8"), Decimal("0.8"), 60),
    ]


@pytest.mark.slow
def test_a_line_is_not_offered_after_its_deletion(warehouse: ReportWarehouse) -> None:
    """A line counts in the week of its deletion and not afterwards; one that was deleted before does not count."""
    store_at(warehouse, [offer(*WEEKS)], "2026-03-02")
    store_at(warehouse, [{**offer(*WEEKS, "0.50"), "isDeleted": True}], "2026-03-18")

    assert offers(warehouse) == [(11, 1, 1, 1, 100), (12, 1, 1, 1, 100)]

    store_at(warehouse, [{**offer(*WEEKS), "supplyLineId": id_of("second")}], "2026-03-02")
    store_at(warehouse, [{**offer(*WEEKS), "supplyLineId": id_of("second"), "status": "DELETED"}], "2026-03-06")

    assert [row[4] for row in offers(warehouse)] == [100, 100]


def test_a_line_that_was_sold_out(warehouse: ReportWarehouse) -> None:
    """A line that was sold out before its period counts in the first week; one sold out in it, until then."""
    store_at(warehouse, [offer(*WEEKS), {**offer(*WEEKS), "supplyLineId": id_of("second")}], "2026-03-02")
    store_at(warehouse, [offer(*WEEKS, pieces=0)], "2026-03-04")
    store_at(warehouse, [{**offer(*WEEKS, pieces=0), "supplyLineId": id_of("second")}], "2026-03-17")

    assert [(row[0], row[4]) for row in offers(warehouse)] == [(11, 200), (12, 100)]


@pytest.mark.slow
def test_the_clock_is_apart(warehouse: ReportWarehouse) -> None:
    """What the clock paid is in columns of its own, presales included."""
    sold = [
        ("DIRECT_SALES", "1.00", 10),
        (None, "2.00", 10),
        ("CLOCK_SALES", "0.50", 30),
        ("CLOCK_PRESALES", "0.90", 10),
    ]
    warehouse.store(
        ORDERS,
        [
            make_record(
                "suppliers",
                ORDERS,
                seed,
                status="COMMITTED",
                isDeleted=False,
                tradeItemId=ROSE,
                tradeInstrument=instrument,
                numberOfPieces=pieces,
                pricePerPiece={"currency": "EUR", "value": Decimal(price)},
                delivery={"latestDeliveryDateTime": "2026-03-10T10:00:00Z"},
            )
            for seed, (instrument, price, pieces) in enumerate(sold)
        ],
    )

    ((*_, low, average, high, pieces, clock_low, clock_average, clock_high, clock_pieces),) = warehouse.report(REPORT)

    assert (low, average, high, pieces) == (1, Decimal("1.5"), 2, 20)
    assert (clock_low, clock_average, clock_high, clock_pieces) == (Decimal("0.5"), Decimal("0.6"), Decimal("0.9"), 40)


@pytest.mark.slow
def test_end_of_a_period_is_exclusive(warehouse: ReportWarehouse) -> None:
    """An offer until Monday 0:00 in Amsterdam does not count in the week that begins then; a second later it does."""
    warehouse.store(LINES, [offer("2026-03-08T23:00:00Z", "2026-03-15T23:00:00Z")])
    assert [row[2] for row in warehouse.report(REPORT)] == [11]

    longer = {**offer("2026-03-08T23:00:00Z", "2026-03-15T23:00:01Z"), "supplyLineId": id_of("second")}
    warehouse.store(LINES, [longer])
    assert [row[2] for row in warehouse.report(REPORT)] == [12, 11]


@pytest.mark.slow
def test_long_period_is_limited(warehouse: ReportWarehouse) -> None:
    """A period of many years counts in 53 weeks only."""
    warehouse.store(LINES, [offer("2026-03-09T12:00:00Z", "9998-12-31T00:00:00Z")])

    assert [row[1:3] for row in warehouse.report(REPORT)][::52] == [(2027, 10), (2026, 11)]


@pytest.mark.slow
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
