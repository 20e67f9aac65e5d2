"""What is corrected after the sale."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
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
    at,
    day,
    falling,
    id_of,
    last_if_none,
    made,
    month_of,
    number,
    text,
    uuid,
)
from tests.integration.reports import by_hand
from tests.integration.reports.asked import ALL, DAYS, Asked
from tests.integration.reports.by_hand import BLOOM, PETAL, ROSE

REPORT = "corrections"
REQUESTS = "orders.sales_order_correction_requests"


def corrections(told: Reporting, asked: Asked = ALL) -> list[Row]:
    """The rows of the report."""
    names, groups = told.organizations(), defaultdict(list)
    orders = {(account, uuid(order, "salesOrderId")): order for account, order in told.served(ORDERS)}
    changes = changes_by_request(told)
    for account, request in told.served(REQUESTS):
        order = orders.get((account, uuid(request, "salesOrderId")))
        if request["status"] != "DELETED" and is_asked(asked, request, order):
            group = (
                account,
                month_of(day(order, DELIVERY)),
                uuid(request, "customerOrganizationId"),
                text(request, "initiatedBy"),
                text(order, f"{AMOUNT}.currency"),
            )
            effect = changes[account, uuid(request, "salesOrderCorrectionRequestId")]
            groups[group].append((request["status"] == "ACCEPTED", *effect))
    rows = []
    for (account, month, customer, initiator, currency), requests in groups.items():
        accepted, pieces, value = (sum(column) for column in zip(*requests, strict=True))
        name = names.get((account, customer))
        rows.append((account, month, customer, name, initiator, currency, len(requests), accepted, pieces, value))
    return sorted(rows, key=place)


def is_asked(asked: Asked, request: Json, order: Json | None) -> bool:
    """Whether a request is about what the report is asked for; of an unknown order nothing is known."""
    return (
        asked.covers(day(order, DELIVERY))
        and asked.currency in (None, text(order, f"{AMOUNT}.currency"))
        and asked.customer in (None, uuid(request, "customerOrganizationId"))
        and asked.trade_item in (None, uuid(order, "tradeItemId"))
    )


def changes_by_request(told: Reporting) -> dict[Row, tuple[int, Decimal]]:
    """By account and request, how many pieces and how much value its changes added."""
    found: dict[Row, tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
    for account, order in told.served(ORDERS):
        for change in order.get("mutations") or ():
            if request := uuid(change, "salesOrderCorrectionRequestId"):
                pieces, value = found[account, request]
                more_pieces, more_value = difference(change)
                found[account, request] = (pieces + more_pieces, value + more_value)
    return found


def difference(change: Json) -> tuple[int, Decimal]:
    """New less old, in pieces and in value; a cancellation leaves nothing."""
    old, new = at(change, "oldValues.numberOfPieces"), at(change, "newValues.numberOfPieces")
    if change["correctionType"] == "CANCELLATION":
        new = 0
    prices = [number(change, f"{values}.totalPricePerPiece") or 0 for values in ("oldValues", "newValues")]
    return new - old, Decimal(prices[1] * new - prices[0] * old)


def place(row: Row) -> Row:
    """Newest months first, in them by currency, in that who asks most first."""
    account, month, customer, _, initiator, currency, requests, *_ = row
    return (
        account,
        falling(month),
        last_if_none(currency),
        -requests,
        last_if_none(customer),
        last_if_none(initiator),
    )


def test_the_world_of_a_grower(grower_world: Reporting) -> None:
    """Every row of the sandbox's world, in order: accepted and other requests, fewer pieces and lower prices."""
    rows = grower_world.report(REPORT)

    assert {row[4] for row in rows} == {"CUSTOMER", "SUPPLIER"}
    assert any(row[6] > row[7] > 0 and row[8] < 0 and row[9] < 0 for row in rows)
    assert rows == corrections(grower_world)


def test_the_world_of_a_buyer(buyer_world: Reporting) -> None:
    """The same of what a buyer orders, cancellations among it."""
    kinds = {at(change, "correctionType") for _, order in buyer_world.served(ORDERS) for change in order["mutations"]}
    rows = buyer_world.report(REPORT)

    assert kinds == {"CANCELLATION", "MODIFICATION"}
    assert rows == corrections(buyer_world)


@pytest.fixture(scope="module")
def requests_by_hand(tmp_path_factory: pytest.TempPathFactory) -> Reporting:
    """Two accounts with orders of the same ids on all edges, requests about them and about orders that none knows."""
    told = Reporting(tmp_path_factory.mktemp("corrections") / "w.duckdb")
    for account, seed in (("north", 3), ("south", 4)):
        random = Random(seed)
        known = enumerate(by_hand.orders("suppliers", seed, 90))
        orders = [corrected({**order, "salesOrderId": id_of(f"order {place}")}, random) for place, order in known]
        told.store(ORDERS, orders, account)
        told.store(REQUESTS, requests(orders, random), account)
    by_hand.store_names(told)
    return told


def corrected(order: Json, random: Random) -> Json:
    """An order with up to three changes, most of them by a request."""
    changes = [
        {
            "salesOrderCorrectionRequestId": random.choice(
                (None, id_of(f"{order['salesOrderId']} {random.randint(0, 1)}"))
            ),
            "oldValues": mutables(random),
            "newValues": mutables(random),
            "mutationType": "CORRECTION_REQUEST",
            "correctionType": random.choice(("MODIFICATION", "MODIFICATION", "CANCELLATION", "UNKNOWN")),
        }
        for _ in range(random.randint(0, 3))
    ]
    return {**order, "mutations": changes}


def mutables(random: Random) -> Json:
    """Pieces and price at one time."""
    price = random.choice((Decimal("0.3333335"), Decimal("1.5"), Decimal(0)))
    return {"numberOfPieces": random.randrange(200), "totalPricePerPiece": price}


def requests(orders: list[Json], random: Random) -> Iterator[Json]:
    """A request for each order, and some for orders that are not served."""
    for seed, order in enumerate([*orders, *({"salesOrderId": id_of(f"gone {left}")} for left in range(9))]):
        yield made(
            "suppliers",
            REQUESTS,
            seed,
            salesOrderCorrectionRequestId=id_of(f"{order['salesOrderId']} 0"),
            salesOrderId=order["salesOrderId"],
            status=random.choice(("ACCEPTED", "ACCEPTED", "DECLINED", "EXPIRED", "DELETED", "PENDING")),
            initiatedBy=random.choice(("CUSTOMER", "SUPPLIER", None)),
            customerOrganizationId=random.choice((BLOOM, PETAL)),
        )


NARROWED = (Asked(currency="USD"), Asked(customer=UUID(BLOOM)), Asked(trade_item=UUID(ROSE)))


@pytest.mark.parametrize("asked", [ALL, *DAYS, *NARROWED], ids=repr)
def test_requests_by_hand(requests_by_hand: Reporting, asked: Asked) -> None:
    """Edges of months, several changes by one request, changes without one, unknown orders."""
    rows = requests_by_hand.report(REPORT, **asked.given)

    assert rows
    assert rows == corrections(requests_by_hand, asked)


def test_a_cancellation_takes_everything(grower: Reporting) -> None:
    """Also where the change repeats the pieces that there were."""
    values = {"numberOfPieces": 100, "totalPricePerPiece": Decimal("0.25")}
    change = {
        "salesOrderCorrectionRequestId": id_of("request"),
        "oldValues": values,
        "newValues": values,
        "correctionType": "CANCELLATION",
    }
    amount: dict[str, Any] = {"orderAmount": {"currency": "EUR", "value": 25}}
    grower.store(
        ORDERS, [made("suppliers", ORDERS, 1, mutations=[change], calculatedFields=amount, status="CANCELLED")]
    )
    (_, order) = grower.served(ORDERS)[0]
    grower.store(
        REQUESTS,
        [
            made(
                "suppliers",
                REQUESTS,
                1,
                salesOrderCorrectionRequestId=id_of("request"),
                salesOrderId=order["salesOrderId"],
                status="ACCEPTED",
            )
        ],
    )

    assert [row[5:] for row in grower.report(REPORT)] == [("EUR", 1, 1, -100, -25)]


def test_no_requests(grower: Reporting) -> None:
    """The report is there and empty."""
    assert grower.report(REPORT) == []
