"""What was asked and what was paid for a piece."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from random import Random
from uuid import UUID

import pytest

from tests.integration.reporting import (
    AMSTERDAM,
    DELIVERY,
    EDGES,
    Json,
    Reporting,
    Row,
    at,
    day,
    falling,
    id_of,
    last_if_none,
    made,
    moment,
    number,
    quotient,
    text,
    uuid,
    week_of,
)
from tests.integration.reports import by_hand
from tests.integration.reports.asked import ALL, DAYS, Asked
from tests.integration.reports.by_hand import ROSE, TULIP, UNKNOWN

REPORT = "price_development"
LINES = "supply.supply_lines"
WEEK, INSTANT = dt.timedelta(days=7), dt.timedelta(microseconds=1)

Priced = tuple[Decimal | None, int]
"""The price of a piece, and how many pieces have it."""


def price_development(told: Reporting, asked: Asked = ALL) -> list[Row]:
    """The rows of the report."""
    names, realised, offered = told.items(), paid(told, asked), dict(asked_for(told, asked))
    rows = []
    for account, monday, item, currency in {**realised, **offered}:
        group = (account, monday, item, currency)
        rows.append(
            (
                *(account, *week_of(monday), item, names.get((account, item)), currency),
                *(*spread(offered.get(group, [])), *spread(realised.get(group, []))),
            )
        )
    return sorted(rows, key=place)


def spread(prices: list[Priced]) -> Row:
    """Lowest price, average of all pieces, highest price, and the pieces."""
    told = [(price, pieces) for price, pieces in prices if price is not None]
    values = [price for price, _ in told]
    average = quotient(sum(price * pieces for price, pieces in told), sum(pieces for _, pieces in told))
    return (min(values, default=None), average, max(values, default=None), sum(pieces for _, pieces in prices))


def paid(told: Reporting, asked: Asked) -> dict[Row, list[Priced]]:
    """By account, week, trade item and currency, the prices of orders that have a piece left."""
    found = defaultdict(list)
    for account, order in asked.orders(told, currency="pricePerPiece.currency"):
        if order["numberOfPieces"] > 0:
            date, currency = day(order, DELIVERY), text(order, "pricePerPiece.currency")
            priced = (number(order, "pricePerPiece.value"), order["numberOfPieces"])
            found[account, date and monday_of(date), uuid(order, "tradeItemId"), currency].append(priced)
    return found


def asked_for(told: Reporting, asked: Asked) -> Iterator[tuple[Row, list[Priced]]]:
    """The same of offers: in a week, a price of a line counts with the most pieces that it was ever seen with."""
    most: dict[Row, dict[tuple[UUID | None, Decimal], int]] = defaultdict(lambda: defaultdict(int))
    for account, line in told.versions(LINES):
        price, item = number(line, "pricePerPiece.value"), uuid(line, "tradeItemId")
        currency = text(line, "pricePerPiece.currency")
        if price is None or not is_offer(line) or asked.currency not in (None, currency):
            continue
        if asked.trade_item in (None, item):
            for monday in mondays(line, asked):
                pieces, offer = most[account, monday, item, currency], (uuid(line, "supplyLineId"), price)
                pieces[offer] = max(pieces[offer], line["numberOfPieces"])
    for group, offers in most.items():
        yield group, [(price, pieces) for (_, price), pieces in offers.items()]


def is_offer(line: Json) -> bool:
    """Whether a version of a line offers anything."""
    return line["status"] != "DELETED" and not line["isDeleted"] and (line.get("numberOfPieces") or 0) > 0


def mondays(line: Json, asked: Asked) -> set[dt.date]:
    """The weeks in which it can be delivered, on days that are asked for; or ordered, where no delivery is told."""
    period = "deliveryPeriod" if at(line, "deliveryPeriod.startDateTime") else "orderPeriod"
    begins, ends = (moment(line, f"{period}.{name}") for name in ("startDateTime", "endDateTime"))
    if begins is None:
        return set()
    last = begins if ends is None else max(begins, ends - INSTANT)
    first_day, last_day = (one.astimezone(AMSTERDAM).date() for one in (begins, last))
    days = (first_day + dt.timedelta(days=count) for count in range(min(365, (last_day - first_day).days + 1)))
    return {monday_of(date) for date in days if asked.covers(date)}


def monday_of(date: dt.date) -> dt.date:
    """The first day of a day's week."""
    return date - dt.timedelta(days=date.weekday())


def place(row: Row) -> Row:
    """Newest weeks first, in them by the item's name."""
    account, year, week, item, name, currency, *_ = row
    return (account, falling(year), falling(week), last_if_none(name), last_if_none(item), last_if_none(currency))


def test_the_world_of_a_grower(grower_world: Reporting) -> None:
    """Every row of the sandbox's world, in order: weeks with offers, with orders and with both."""
    rows = grower_world.report(REPORT)

    assert {(row[9] > 0, row[13] > 0) for row in rows} == {(True, False), (False, True), (True, True)}
    assert any(row[6] < row[7] < row[8] for row in rows if row[6])
    assert rows == price_development(grower_world)


def test_the_world_of_a_buyer(buyer_world: Reporting) -> None:
    """The same of what is offered to a buyer, and of what it buys."""
    rows = buyer_world.report(REPORT)

    assert any(row[9] > 0 and row[13] > 0 for row in rows)
    assert rows == price_development(buyer_world)


@pytest.fixture(scope="module")
def prices_by_hand(tmp_path_factory: pytest.TempPathFactory) -> Reporting:
    """Orders of two accounts on all edges, and several versions of offers whose periods begin and end there."""
    told = by_hand.store_all(Reporting(tmp_path_factory.mktemp("prices") / "w.duckdb"))
    for account, seed in (("north", 1), ("south", 2)):
        random = Random(seed)
        for _ in range(3):
            told.store(LINES, [line(number, random) for number in random.sample(range(60), 40)], account)
    return told


def line(number: int, random: Random) -> Json:
    """A version of a supply line."""
    return made(
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
    """Two moments in any order, either of which may be missing."""
    return {name: random.choice((*EDGES, None)) for name in ("startDateTime", "endDateTime")}


@pytest.mark.parametrize("asked", [ALL, *DAYS, Asked(currency="USD"), Asked(trade_item=UUID(ROSE))], ids=repr)
def test_prices_by_hand(prices_by_hand: Reporting, asked: Asked) -> None:
    """Week and year edges, periods that end before they begin or last for years, deleted versions, unknown items."""
    rows = prices_by_hand.report(REPORT, **asked.given)

    assert rows
    assert rows == price_development(prices_by_hand, asked)


def test_offers_are_told_as_they_were(grower: Reporting) -> None:
    """A price that was lowered, and a line that was deleted since, were offered; each with the most pieces seen."""
    versions = [("1.00", 100), ("0.80", 60), ("0.80", 90), ("0.80", 10)]
    for price, pieces in versions:
        grower.store(LINES, [offer("2026-03-10T00:00:00Z", "2026-03-12T00:00:00Z", price, pieces)])
    grower.store(LINES, [{**offer("2026-03-10T00:00:00Z", "2026-03-12T00:00:00Z", "0.50", 5), "isDeleted": True}])

    ((_, year, week, _, _, _, lowest, average, highest, pieces, *rest),) = grower.report(REPORT)

    assert (year, week, lowest, highest, pieces) == (2026, 11, Decimal("0.8"), 1, 190)
    assert round(average, 6) == Decimal("0.905263")
    assert rest == [None, None, None, 0]


def test_the_end_is_not_within_a_period(grower: Reporting) -> None:
    """A week's offer until Monday 0:00 in Amsterdam is not one of the next week; a second later it is."""
    grower.store(LINES, [offer("2026-03-08T23:00:00Z", "2026-03-15T23:00:00Z")])
    assert [row[2] for row in grower.report(REPORT)] == [11]

    grower.store(LINES, [offer("2026-03-08T23:00:00Z", "2026-03-15T23:00:01Z")])
    assert [row[2] for row in grower.report(REPORT)] == [12, 11]


def test_a_period_of_many_years_is_cut(grower: Reporting) -> None:
    """It counts in 53 weeks."""
    grower.store(LINES, [offer("2026-03-09T12:00:00Z", "9998-12-31T00:00:00Z")])

    assert [row[1:3] for row in grower.report(REPORT)][::52] == [(2027, 10), (2026, 11)]


def test_nothing_offered_and_nothing_sold(grower: Reporting) -> None:
    """The report is there and empty."""
    assert grower.report(REPORT) == []


def offer(begins: str, ends: str, price: str = "1.00", pieces: int = 100) -> Json:
    """A version of a line, always of the same one."""
    return made(
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
