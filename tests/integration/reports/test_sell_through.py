"""How much of each batch was sold."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from uuid import UUID

import pytest

from tests.integration.reporting import (
    Json,
    Reporting,
    Row,
    about,
    day,
    falling,
    id_of,
    made,
    moment,
    quotient,
    text,
    uuid,
)
from tests.integration.reports.asked import ALL, DAYS, Asked
from tests.integration.reports.at_the_moment import report_at_the_moment, today
from tests.integration.reports.by_hand import ROSE
from tests.integration.reports.stock_by_hand import BATCHES, MUTATIONS

REPORT = "sell_through"
CLAIMS = ("CLAIM", "CLAIMED_FROM_RESERVATION")
GIVEN_BACK = ("UNCLAIM", "UNCLAIMED_FROM_RESERVATION")


def sell_through(told: Reporting, now: dt.datetime, asked: Asked = ALL) -> list[Row]:
    """The rows of the report."""
    names, sales_of = told.items(), defaultdict(list)
    for account, mutation in told.served(MUTATIONS):
        if text(mutation, "type") in (*CLAIMS, *GIVEN_BACK):
            sales_of[account, uuid(mutation, "batchId")].append(mutation)
    rows = []
    for account, batch in told.served(BATCHES):
        id, item, date = uuid(batch, "batchId"), uuid(batch, "tradeItemId"), day(batch, "batchDate")
        if not batch.get("isDeleted") and asked.covers(date) and asked.trade_item in (None, item):
            sales = sales_of[account, id]
            first, left = batch["initialNumberOfPieces"], batch["numberOfPieces"]
            sold = -sum(one.get("deltaNumberOfPieces") or 0 for one in sales)
            claims = [
                made for one in sales if text(one, "type") in CLAIMS and (made := moment(one, "creationDateTime"))
            ]
            rows.append(
                (
                    *(account, id, text(batch, "batchReference"), date, uuid(batch, "supplierOrganizationId")),
                    *(item, names.get((account, item)), first, sold, first - sold - left, left),
                    *(quotient(Decimal(sold), first), date and (today(now) - date).days, max(claims, default=None)),
                )
            )
    return sorted(rows, key=lambda row: (row[0], falling(row[3]), row[1]))


def test_the_world_of_a_grower(grower_world: Reporting) -> None:
    """Every row of the sandbox's world, in order: of some batches all is sold, of most a part."""
    rows, now = report_at_the_moment(grower_world, REPORT)

    assert {row[11] == 1 for row in rows} == {True, False}
    assert any(row[9] > 0 for row in rows)
    assert rows == sell_through(grower_world, now)


def test_stock_by_hand(grower_stock: Reporting) -> None:
    """Every type of mutation, batches of nothing, without a date or of an unknown item, both accounts."""
    rows, now = report_at_the_moment(grower_stock, REPORT)

    assert {row[0] for row in rows} == {"north", "south"}
    assert None in {row[3] for row in rows}
    assert {row[9] < 0 for row in rows} == {True, False}
    assert rows == sell_through(grower_stock, now)


@pytest.mark.parametrize("asked", [*DAYS, Asked(trade_item=UUID(ROSE))])
def test_what_is_asked_for(grower_stock: Reporting, asked: Asked) -> None:
    """Days of Amsterdam on which something was harvested, one trade item."""
    rows, now = report_at_the_moment(grower_stock, REPORT, asked)

    assert rows
    assert rows == sell_through(grower_stock, now, asked)


def test_waste_is_not_sold(grower: Reporting) -> None:
    """Of a hundred pieces 60 were claimed, 20 of them given back and 25 thrown away: 35 are left and 40 sold."""
    happened = (("CLAIM", -60), ("UNCLAIM", 20), ("CORRECTION", -25))
    grower.store(BATCHES, [batch(numberOfPieces=35)])
    grower.store(MUTATIONS, [mutation(number, *one) for number, one in enumerate(happened)])

    assert [row[7:12] for row in grower.report(REPORT)] == [(100, 40, 25, 35, about(Decimal("0.4")))]


def test_what_is_reserved_is_not_sold_yet(grower: Reporting) -> None:
    """Pieces that are set aside are told apart until an order claims them."""
    grower.store(BATCHES, [batch(numberOfPieces=70)])
    grower.store(MUTATIONS, [mutation(1, "RESERVATION", -30)])

    assert [row[8:11] for row in grower.report(REPORT)] == [(0, 30, 70)]


def test_age_is_counted_in_days_of_amsterdam(grower: Reporting) -> None:
    """A batch of the first moment of a day in Amsterdam is of that day, although it still is the day before in UTC."""
    grower.store(BATCHES, [batch(batchDate="2026-03-29T22:00:00Z")])

    rows, now = report_at_the_moment(grower, REPORT)

    assert [(row[3], row[12]) for row in rows] == [(dt.date(2026, 3, 30), (today(now) - dt.date(2026, 3, 30)).days)]


def test_no_batches(grower: Reporting) -> None:
    """The report is there and empty."""
    assert grower.report(REPORT) == []


def batch(**fields: object) -> Json:
    """A batch of a hundred pieces."""
    told = {"batchId": id_of("batch"), "initialNumberOfPieces": 100, "numberOfPieces": 100, "isDeleted": False}
    return made("suppliers", BATCHES, 1, **{**told, **fields})


def mutation(number: int, type: str, pieces: int) -> Json:
    """Something that happened to the batch."""
    told = {"batchId": id_of("batch"), "type": type, "deltaNumberOfPieces": pieces}
    return made("suppliers", MUTATIONS, number, **told)
