"""Purchase orders that need action."""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import Any
from uuid import UUID

import pytest

from tests.integration.reporting import (
    DELIVERY,
    EDGES,
    Json,
    Reporting,
    Row,
    at,
    day,
    falling,
    id_of,
    made,
    moment,
    number,
    text,
    uuid,
)
from tests.integration.reports import by_hand
from tests.integration.reports.asked import ALL, DAYS, Asked
from tests.integration.reports.by_hand import GROWERS, ROSE, TULIP, UNKNOWN

REPORT = "purchase_order_exceptions"
PURCHASES = "orders.purchase_orders"
REASONS = ("DIFFERENT_PRICE", "SUPPLY_NOT_FOUND", "INCORRECT_INCUDED_SERVCES", "A_REASON_OF_TOMORROW", None, "")


def purchase_order_exceptions(told: Reporting, asked: Asked = ALL) -> list[Row]:
    """The rows of the report."""
    items, organizations, rows = told.items(), told.organizations(), []
    for account, order in told.served(PURCHASES):
        reasons = [reason for reason in order.get("actionsRequired") or [] if reason and reason.strip()]
        supplier, item, date = uuid(order, "supplierOrganizationId"), uuid(order, "tradeItemId"), day(order, DELIVERY)
        if reasons and not order.get("isDeleted") and asked.covers(date) and asked.grower in (None, supplier):
            rows.append(
                (
                    *(account, uuid(order, "purchaseOrderId"), text(order, "customerOrderReference"), reasons, date),
                    *(moment(order, "orderDateTime"), supplier, organizations.get((account, supplier))),
                    *(item, items.get((account, item)), text(order, "tradeItemCode")),
                    *(at(order, "quantity.amount"), text(order, "quantity.unit")),
                    *(number(order, "pricePerPiece.value"), text(order, "pricePerPiece.currency")),
                    uuid(order, "salesOrderId"),
                )
            )
    return sorted(rows, key=lambda row: (row[0], falling(row[4]), row[1]))


@pytest.fixture(scope="module")
def purchases(tmp_path_factory: pytest.TempPathFactory) -> Reporting:
    """Purchase orders of two buyers with several reasons, with none, deleted ones, and some that match nothing."""
    told = Reporting(tmp_path_factory.mktemp("purchases") / "w.duckdb", "customers")
    for account, seed, count in (("north", 15, 150), ("south", 16, 50)):
        random = Random(f"purchases {seed}")
        told.store(PURCHASES, [_purchase(1000 * seed + number, random) for number in range(count)], account)
    by_hand.store_names(told)
    return told


def _purchase(number: int, random: Random) -> Json:
    told: dict[str, Any] = {
        "actionsRequired": random.choice((None, [], random.sample(REASONS, random.randint(1, 3)))),
        "tradeItemId": random.choice((ROSE, TULIP, UNKNOWN, None)),
        "supplierOrganizationId": random.choice(GROWERS),
        "isDeleted": random.random() < 0.1,
        "delivery": random.choice((None, *([{"latestDeliveryDateTime": random.choice((*EDGES, None))}] * 9))),
    }
    return made("customers", PURCHASES, number, **told)


def test_the_world_of_a_buyer(buyer_world: Reporting) -> None:
    """Every row of the sandbox's world, in order: a few purchase orders match nothing."""
    rows = buyer_world.report(REPORT)

    assert 0 < len(rows) < len(buyer_world.served(PURCHASES)) / 2
    assert rows == purchase_order_exceptions(buyer_world)


def test_purchases_by_hand(purchases: Reporting) -> None:
    """Several reasons, unknown and blank ones, orders without a day, items that nobody knows, both accounts."""
    rows = purchases.report(REPORT)

    assert {row[0] for row in rows} == {"north", "south"}
    assert "A_REASON_OF_TOMORROW" in {reason for row in rows for reason in row[3]}
    assert None in {row[4] for row in rows}
    assert rows == purchase_order_exceptions(purchases)


@pytest.mark.parametrize("asked", [*DAYS, Asked(grower=UUID(GROWERS[0]))])
def test_what_is_asked_for(purchases: Reporting, asked: Asked) -> None:
    """Days of Amsterdam, one grower."""
    rows = purchases.report(REPORT, **asked.given)

    assert rows
    assert rows == purchase_order_exceptions(purchases, asked)


def test_what_is_dealt_with_is_gone(buyer: Reporting) -> None:
    """A purchase order leaves the report with its last reason."""
    told = {"purchaseOrderId": id_of("purchase"), "isDeleted": False}
    delivery = {"delivery": {"latestDeliveryDateTime": "2026-03-28T23:00:00Z"}}
    for reasons in (["DIFFERENT_PRICE", "PACKAGE_DIFFERENCE"], ["PACKAGE_DIFFERENCE"]):
        buyer.store(PURCHASES, [made("customers", PURCHASES, 1, actionsRequired=reasons, **told, **delivery)])

        assert [row[3:5] for row in buyer.report(REPORT)] == [(reasons, dt.date(2026, 3, 29))]

    buyer.store(PURCHASES, [made("customers", PURCHASES, 1, actionsRequired=[], **told, **delivery)])

    assert buyer.report(REPORT) == []


def test_no_purchases(buyer: Reporting) -> None:
    """The report is there and empty."""
    assert buyer.report(REPORT) == []
