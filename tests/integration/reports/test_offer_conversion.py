"""How many offers are ordered from."""

from __future__ import annotations

from collections import defaultdict
from random import Random
from uuid import UUID

import pytest

from tests.integration.reporting import (
    EDGES,
    ORDERS,
    Json,
    Reporting,
    Row,
    day,
    falling,
    id_of,
    last_if_none,
    made,
    month_of,
    quotient,
    text,
    uuid,
)
from tests.integration.reports.asked import ALL, DAYS, Asked
from tests.integration.reports.by_hand import ROSE, TULIP

REPORT = "offer_conversion"
LINES = "supply.supply_lines"
BEGINS = "orderPeriod.startDateTime"


def offer_conversion(told: Reporting, asked: Asked = ALL) -> list[Row]:
    """The rows of the report."""
    offered, sold, groups = most_pieces(told), pieces_sold(told), defaultdict(list)
    for account, line in told.served(LINES):
        opened = day(line, BEGINS)
        if asked.covers(opened) and asked.trade_item in (None, uuid(line, "tradeItemId")):
            kind = text(line, "supplyType" if told.api == "suppliers" else "type")
            groups[account, kind, month_of(opened)].append((account, uuid(line, "supplyLineId")))
    rows = []
    for group, lines in groups.items():
        ordered = [sold[line] for line in lines if line in sold]
        shares = (len(lines), len(ordered), quotient(len(ordered), len(lines)))
        rows.append((*group, *shares, sum(offered[line] for line in lines), sum(ordered)))
    return sorted(rows, key=lambda row: (row[0], falling(row[2]), last_if_none(row[1])))


def most_pieces(told: Reporting) -> dict[Row, int]:
    """By account and supply line, the most pieces that any version of it told."""
    most: dict[Row, int] = defaultdict(int)
    for account, version in told.versions(LINES):
        line = (account, uuid(version, "supplyLineId"))
        most[line] = max(most[line], version.get("numberOfPieces") or 0)
    return most


def pieces_sold(told: Reporting) -> dict[Row, int]:
    """By account and supply line, the pieces of its orders."""
    sold: dict[Row, int] = defaultdict(int)
    for account, order in told.committed():
        sold[account, uuid(order, "supplyLineId")] += order["numberOfPieces"]
    return sold


def test_the_world_of_a_grower(grower_world: Reporting) -> None:
    """Every row of the sandbox's world, in order: all kinds of offers, some of which were ordered from."""
    rows = grower_world.report(REPORT)

    assert {"BATCH_PRICE", "CATALOG_PRICE", "CUSTOMER_OFFER", "PURCHASE_TIP"} == {row[1] for row in rows}
    assert any(0 < row[4] < row[3] for row in rows)
    assert rows == offer_conversion(grower_world)


def test_the_world_of_a_buyer(buyer_world: Reporting) -> None:
    """The same of what is offered to a buyer."""
    rows = buyer_world.report(REPORT)

    assert {"BATCH", "CATALOG"} <= {row[1] for row in rows}
    assert rows == offer_conversion(buyer_world)


@pytest.fixture(scope="module")
def lines_by_hand(tmp_path_factory: pytest.TempPathFactory) -> Reporting:
    """Lines of two accounts, with orders from some of them and from lines that are not known."""
    told = Reporting(tmp_path_factory.mktemp("offers") / "w.duckdb")
    for account, seed in (("north", 1), ("south", 2)):
        random = Random(seed)
        for _ in range(3):
            told.store(LINES, [line(number, random) for number in random.sample(range(60), 40)], account)
        told.store(ORDERS, [order(number, random) for number in range(100)], account)
    return told


def line(number: int, random: Random) -> Json:
    """A version of a supply line."""
    kinds = ("BATCH_PRICE", "CATALOG_PRICE", None)
    return made(
        "suppliers",
        LINES,
        number,
        supplyLineId=id_of(f"line {number}"),
        status=random.choice(("AVAILABLE", "UNAVAILABLE", "DELETED")),
        supplyType=kinds[number % 3],
        tradeItemId=(ROSE, TULIP)[number % 2],
        numberOfPieces=random.choice((-10, 0, 40, 400, None)),
        orderPeriod={"startDateTime": (*EDGES, None)[number % (len(EDGES) + 1)]},
    )


def order(number: int, random: Random) -> Json:
    """An order, of the same line as others."""
    return made(
        "suppliers",
        ORDERS,
        number,
        status=random.choice(("COMMITTED", "COMMITTED", "ACCEPTED", "CANCELLED")),
        isDeleted=random.random() < 0.1,
        supplyLineId=random.choice((None, id_of(f"line {random.randrange(80)}"))),
        numberOfPieces=random.randrange(50),
    )


@pytest.mark.parametrize("asked", [ALL, *DAYS, Asked(trade_item=UUID(ROSE))], ids=repr)
def test_lines_by_hand(lines_by_hand: Reporting, asked: Asked) -> None:
    """Edges of months, deleted lines, orders that do not count, pieces that are fewer than none."""
    rows = lines_by_hand.report(REPORT, **asked.given)

    assert rows
    assert rows == offer_conversion(lines_by_hand, asked)


def test_what_was_left_is_not_what_was_offered(grower: Reporting) -> None:
    """A line that sells loses pieces; the most that were seen on it is what was offered."""
    for pieces in (80, 100, 30):
        grower.store(LINES, [made("suppliers", LINES, 1, supplyLineId=id_of("line"), numberOfPieces=pieces)])
    sold = {"status": "COMMITTED", "supplyLineId": id_of("line"), "numberOfPieces": 35}
    grower.store(ORDERS, [made("suppliers", ORDERS, seed, **sold) for seed in (1, 2)])

    assert [row[3:] for row in grower.report(REPORT)] == [(1, 1, 1, 100, 70)]


def test_no_lines(grower: Reporting) -> None:
    """The report is there and empty."""
    assert grower.report(REPORT) == []
