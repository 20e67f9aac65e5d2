"""A sandbox's world for people: two full years of trade, every case that reports show, and only known trade items."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

import pytest

from pipelines.sandbox import TWO_YEARS, Document, Sandbox
from tests.moments import NOW

pytestmark = pytest.mark.slow
"""Two years of trade take seconds to make."""

FEEDS = ("suppliers", "customers")
YEAR = dt.timedelta(weeks=52)


@pytest.fixture(scope="module")
def growers() -> Sandbox:
    """A grower's world with two years of trade."""
    return Sandbox(now=NOW, history=TWO_YEARS, scale=0.35)


@pytest.fixture(scope="module")
def buyers() -> Sandbox:
    """A buyer's world with two years of trade."""
    return Sandbox(now=NOW, api="customers", history=TWO_YEARS, scale=0.4)


@pytest.fixture(params=FEEDS)
def sandbox(request: pytest.FixtureRequest, growers: Sandbox, buyers: Sandbox) -> Sandbox:
    """The world of each API."""
    return growers if request.param == "suppliers" else buyers


def day_of(order: Document) -> dt.date:
    """Return the day of an order's latest delivery."""
    return dt.datetime.fromisoformat(order["delivery"]["latestDeliveryDateTime"]).date()


def committed(sandbox: Sandbox) -> list[Document]:
    """Return the committed orders of a world."""
    return [order for order in sandbox.truth("sales_orders") if order["status"] == "COMMITTED"]


def test_orders_in_every_week_of_two_years(sandbox: Sandbox) -> None:
    """Every week of two years has orders, and last year was a little smaller than this one."""
    days = [day_of(order) for order in committed(sandbox)]
    weeks = {day.isocalendar()[:2] for day in days}
    past = {(NOW - dt.timedelta(weeks=number)).date().isocalendar()[:2] for number in range(105)}
    ages = Counter((NOW.date() - day) // YEAR for day in days if day < NOW.date())

    assert past <= weeks
    assert 1 < ages[0] / ages[1] < 1.3


def test_ordered_trade_items_have_names(sandbox: Sandbox) -> None:
    """The feed serves every ordered trade item, with a name."""
    items = [entry.document for entry in sandbox.book("trade_items").entries()]
    names = {
        item["tradeItemId"]: item["tradeItemName"]["nl"] if "tradeItemName" in item else item["name"] for item in items
    }

    assert all(names.get(order["tradeItemId"]) for order in sandbox.truth("sales_orders"))


def test_customers_begin_and_stop(growers: Sandbox) -> None:
    """Among the largest buyers some stopped, some began, and some order much more or less than half a year ago."""
    recent, earlier = Counter[str](), Counter[str]()
    for order in committed(growers):
        age = NOW.date() - day_of(order)
        if age < dt.timedelta(weeks=5):
            recent[order["customerOrganizationId"]] += 1
        elif dt.timedelta(weeks=30) < age < dt.timedelta(weeks=82):
            earlier[order["customerOrganizationId"]] += 1
    largest = {customer for customer, _ in earlier.most_common(14)}

    assert len(largest - recent.keys()) >= 2
    assert any(recent[customer] >= 2 for customer in recent.keys() - earlier.keys())


def test_orders_are_settled_in_part(growers: Sandbox) -> None:
    """Some orders are settled in part, and some not at all."""
    settled: dict[str, int] = defaultdict(int)
    for line in growers.truth("invoice_lines"):
        settled[line["salesOrderId"]] += line["numberOfPieces"]
    due = [order for order in committed(growers) if order["salesChannel"] == "FLORIDAY" and day_of(order) < NOW.date()]

    assert any(0 < settled[order["salesOrderId"]] <= order["numberOfPieces"] / 2 for order in due)
    assert any(order["salesOrderId"] not in settled for order in due)


def test_correction_requests_are_answered(growers: Sandbox) -> None:
    """Correction requests have a reason; they are accepted, declined and pending, with a decision about the goods."""
    requests = growers.truth("sales_order_correction_requests")

    assert {request["status"] for request in requests} >= {"ACCEPTED", "DECLINED", "EXPIRED"}
    assert all(request["reason"] for request in requests)
    assert "DESTROY" in {request["reclamationActionDecision"] for request in requests}


def test_some_load_carriers_are_never_received(growers: Sandbox) -> None:
    """Of some shipments nobody reports the receipt."""
    old = [
        shipment
        for shipment in growers.truth("fulfillment_orders")
        if dt.datetime.fromisoformat(shipment["latestDeliveryDateTime"]) < NOW - dt.timedelta(days=7)
    ]
    states = Counter(
        carrier["isReceived"]
        for shipment in old
        if shipment["status"] != "FAILED"
        for carrier in shipment["loadCarriers"]
    )

    assert 0.005 < states[False] / states[True] < 0.1


def test_batches_move(growers: Sandbox) -> None:
    """Pieces move to another warehouse, as a batch of the same trade item and harvest."""
    moves = [mutation for mutation in growers.truth("batch_mutations") if mutation["type"] == "WAREHOUSE_CHANGE"]
    batches = {batch["batchId"]: batch for batch in growers.truth("batches")}
    known = [
        (batches[move["batchId"]], batches[move["targetBatchId"]], move) for move in moves if move["batchId"] in batches
    ]

    assert known
    for source, target, move in known:
        assert target["initialNumberOfPieces"] == -move["deltaNumberOfPieces"] > 0
        assert source["warehouseId"] != target["warehouseId"]
        assert [source[name] for name in ("tradeItemId", "batchDate")] == [target["tradeItemId"], target["batchDate"]]


def test_lots_fail_at_the_clock(growers: Sandbox) -> None:
    """Some lots are not auctioned or destroyed, and some are sold below their minimum price."""
    lots = {line["supplyLineId"]: line for line in growers.truth("clock_supply_lines")}
    below = [
        order
        for order in committed(growers)
        if order["tradeInstrument"] == "CLOCK_SALES" and (minimum := minimum_of(lots.get(order["supplyLineId"])))
        and order["pricePerPiece"]["value"] < minimum
    ]  # fmt: skip

    assert {"NOT_AUCTIONED", "DESTROYED"} <= {line["auctionStatus"] for line in lots.values()}
    assert below


def minimum_of(lot: Document | None) -> Decimal | None:
    """Return the minimum price of a lot."""
    price: Any = lot["minimumPricePerPiece"] if lot else None
    return price["value"] if price else None


def test_contracts_are_called_off(growers: Sandbox) -> None:
    """Contracts have orders, some below the agreed price; some end after today."""
    contracts = growers.truth("contracts")
    agreed = {
        period["contractLinePeriodId"]: period["pricePerPiece"]
        for contract in contracts
        for line in contract["contractLines"]
        for period in line["periods"]
    }
    lines = [line for order in growers.truth("blanket_orders") for line in order["blanketOrderLines"]]

    assert {order["blanketOrderLineId"] for order in committed(growers)} & {
        line["blanketOrderLineId"] for line in lines
    }
    assert any(
        line["pricePerPiece"]["value"] < agreed[line["contractLinePeriodId"]] - Decimal("0.005") for line in lines
    )
    assert any(dt.datetime.fromisoformat(contract["endDateTime"]) > NOW for contract in contracts)


def test_a_day_of_trade_follows(sandbox: Sandbox) -> None:
    """The trade goes on as before: the next working days have about as many orders as the days before."""
    now, orders = sandbox.now, len(sandbox.book("sales_orders"))
    week = sum(
        dt.timedelta() <= now.date() - day_of(order) < dt.timedelta(days=7) for order in sandbox.truth("sales_orders")
    )
    sandbox.advance(dt.timedelta(days=7))

    assert 0.5 < (len(sandbox.book("sales_orders")) - orders) / week < 2
