"""Report ``corrections``: corrections of orders after the sale."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from statistics import median
from typing import Any
from uuid import UUID

import pytest

from tests.integration.report_warehouse import (
    AMOUNT,
    DELIVERY,
    ORDERS,
    Json,
    ReportWarehouse,
    Row,
    approx,
    day,
    descending,
    id_of,
    make_record,
    month_of,
    nulls_last,
    number,
    text,
    timestamp,
    uuid,
    value_at,
)
from tests.integration.reports import handmade_orders
from tests.integration.reports.handmade_orders import BLOOM, PETAL, ROSE
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters

REPORT = "corrections"
REQUESTS = "orders.sales_order_correction_requests"
MICROSECOND = dt.timedelta(microseconds=1)


def expected_rows(warehouse: ReportWarehouse, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    names, groups = warehouse.organization_names(), defaultdict(list)
    orders = {(account, uuid(order, "salesOrderId")): order for account, order in warehouse.newest_records(ORDERS)}
    changes = changes_by_request(warehouse)
    for account, request in warehouse.newest_records(REQUESTS):
        order = orders.get((account, uuid(request, "salesOrderId")))
        if request["status"] != "DELETED" and is_selected(parameters, request, order):
            group = (
                account,
                month_of(day(order, DELIVERY)),
                uuid(request, "customerOrganizationId"),
                text(request, "initiatedBy"),
                text(order, f"{AMOUNT}.currency"),
            )
            effect = changes[account, uuid(request, "salesOrderCorrectionRequestId")]
            groups[group].append((request, *effect))
    rows = []
    for (account, month, customer, initiator, currency), found in groups.items():
        requests, pieces, values = zip(*found, strict=True)
        name = names.get((account, customer))
        sums = (len(requests), status_count(requests, "ACCEPTED"), sum(pieces), sum(values))
        rows.append((account, month, customer, name, initiator, currency, *sums, *answers(requests)))
    return sorted(rows, key=sort_key)


def status_count(requests: Sequence[Json], status: str) -> int:
    """Return the number of requests with a status."""
    return sum(request["status"] == status for request in requests)


def answers(requests: Sequence[Json]) -> Row:
    """Return declined requests, the most frequent reason, decisions about the goods, and the median answer hours."""
    decisions = [decision for request in requests if (decision := text(request, "reclamationActionDecision"))]
    hours = [answer for request in requests if (answer := answer_hours(request)) is not None]
    return (
        status_count(requests, "DECLINED"),
        most_frequent(text(request, "reason") for request in requests),
        len(decisions),
        most_frequent(decisions),
        approx(median(hours)) if hours else None,
    )


def answer_hours(request: Json) -> Decimal | None:
    """Return the hours from a request to its answer; None if it was neither accepted nor declined."""
    made, answered = timestamp(request, "creationDateTime"), timestamp(request, "lastModifiedDateTime")
    if request["status"] not in ("ACCEPTED", "DECLINED") or made is None or answered is None:
        return None
    return Decimal((answered - made) // MICROSECOND) / 3_600_000_000


def most_frequent(texts: Iterable[str | None]) -> str | None:
    """Return the most frequent text; of equally frequent ones, the first in the alphabet."""
    counts = Counter(text for text in texts if text)
    return min(counts, key=lambda text: (-counts[text], text), default=None)


def is_selected(parameters: Parameters, request: Json, order: Json | None) -> bool:
    """Return whether a request matches the parameters; the values of an unknown order are None."""
    return (
        parameters.includes(day(order, DELIVERY))
        and parameters.currency in (None, text(order, f"{AMOUNT}.currency"))
        and parameters.customer in (None, uuid(request, "customerOrganizationId"))
        and parameters.trade_item in (None, uuid(order, "tradeItemId"))
    )


def changes_by_request(warehouse: ReportWarehouse) -> dict[Row, tuple[int, Decimal]]:
    """Return the pieces and the value that the changes of a request added, by account and request."""
    added: dict[Row, tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
    for account, order in warehouse.newest_records(ORDERS):
        for change in order.get("mutations") or ():
            if request := uuid(change, "salesOrderCorrectionRequestId"):
                pieces, value = added[account, request]
                more_pieces, more_value = difference(change)
                added[account, request] = (pieces + more_pieces, value + more_value)
    return added


def difference(change: Json) -> tuple[int, Decimal]:
    """Return the new pieces and value minus the old ones; after a cancellation, 0 pieces are left."""
    old, new = value_at(change, "oldValues.numberOfPieces"), value_at(change, "newValues.numberOfPieces")
    if change["correctionType"] == "CANCELLATION":
        new = 0
    prices = [number(change, f"{values}.totalPricePerPiece") or 0 for values in ("oldValues", "newValues")]
    return new - old, cents(prices[1] * new) - cents(prices[0] * old)


def cents(amount: Decimal | int) -> Decimal:
    """Return an amount in whole cents, rounded half up."""
    return Decimal(amount).quantize(Decimal("0.01"), ROUND_HALF_UP)


def sort_key(row: Row) -> Row:
    """Return the sort key: newest month first, then by currency, then the most requests first."""
    account, month, customer, _, initiator, currency, requests, *_ = row
    return (
        account,
        descending(month),
        nulls_last(currency),
        -requests,
        nulls_last(customer),
        nulls_last(initiator),
    )


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the rows are as expected, with fewer pieces and lower prices."""
    rows = grower_world.report(REPORT)

    assert {row[4] for row in rows} == {"CUSTOMER", "SUPPLIER"}
    assert any(row[6] > row[7] > 0 and row[8] < 0 and row[9] < 0 for row in rows)
    assert rows == expected_rows(grower_world)


def test_buyer_world(buyer_world: ReportWarehouse) -> None:
    """For a buyer in the sandbox world, the rows are as expected, including cancellations."""
    orders = [order for _, order in buyer_world.newest_records(ORDERS)]
    types = {value_at(change, "correctionType") for order in orders for change in order["mutations"]}
    rows = buyer_world.report(REPORT)

    assert types == {"CANCELLATION", "MODIFICATION"}
    assert rows == expected_rows(buyer_world)


@pytest.fixture(scope="module")
def handmade_requests(tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse with orders of two accounts that share their ids, and requests for them and for unknown orders."""
    warehouse = ReportWarehouse(tmp_path_factory.mktemp("corrections") / "w.duckdb")
    for account, seed in (("north", 3), ("south", 4)):
        random = Random(seed)
        orders = [
            corrected({**order, "salesOrderId": id_of(f"order {number}")}, random)
            for number, order in enumerate(handmade_orders.orders("suppliers", seed, 90))
        ]
        warehouse.store(ORDERS, orders, account)
        warehouse.store(REQUESTS, requests(orders, random), account)
    handmade_orders.store_names(warehouse)
    return warehouse


def corrected(order: Json, random: Random) -> Json:
    """Return the order with up to three changes, most of which have a request."""
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
    """Return the pieces and the price before or after a change."""
    price = random.choice((Decimal("0.3333335"), Decimal("1.5"), Decimal(0)))
    return {"numberOfPieces": random.randrange(200), "totalPricePerPiece": price}


def requests(orders: list[Json], random: Random) -> Iterator[Json]:
    """Yield a request for each order, and some for unknown orders."""
    for seed, order in enumerate([*orders, *({"salesOrderId": id_of(f"unknown {index}")} for index in range(9))]):
        yield make_record(
            "suppliers",
            REQUESTS,
            seed,
            salesOrderCorrectionRequestId=id_of(f"{order['salesOrderId']} 0"),
            salesOrderId=order["salesOrderId"],
            status=random.choice(("ACCEPTED", "ACCEPTED", "DECLINED", "EXPIRED", "DELETED", "PENDING")),
            initiatedBy=random.choice(("CUSTOMER", "SUPPLIER", None)),
            customerOrganizationId=random.choice((BLOOM, PETAL)),
            reason=random.choice(("te laat", "bloei", "Bloei", " ", None)),
            reclamationActionDecision=random.choice(("DESTROY", "RETURN_TO_STOCK", None)),
        )


FILTERS = (Parameters(currency="USD"), Parameters(customer=UUID(BLOOM)), Parameters(trade_item=UUID(ROSE)))


@pytest.mark.parametrize("parameters", [NO_FILTER, *DATE_RANGES, *FILTERS], ids=repr)
def test_handmade_requests(handmade_requests: ReportWarehouse, parameters: Parameters) -> None:
    """Rows are correct at month boundaries, for several or no changes by a request, and for unknown orders."""
    rows = handmade_requests.report(REPORT, **parameters.arguments)

    assert rows
    assert rows == expected_rows(handmade_requests, parameters)


def test_cancellation_removes_all_pieces(warehouse: ReportWarehouse) -> None:
    """A cancellation counts as minus all pieces, even if its new values repeat the old ones."""
    values = {"numberOfPieces": 100, "totalPricePerPiece": Decimal("0.25")}
    store_corrected(warehouse, change(values, values, "CANCELLATION"))

    assert [row[5:10] for row in warehouse.report(REPORT)] == [("EUR", 1, 1, -100, -25)]


def test_value_is_in_cents(warehouse: ReportWarehouse) -> None:
    """An order of 360.00 that is halved loses 180.00, although its price of a piece has no exact decimals."""
    price = Decimal(360) / 1080
    old, new = ({"numberOfPieces": pieces, "totalPricePerPiece": price} for pieces in (1080, 540))
    store_corrected(warehouse, change(old, new))

    assert [row[8:10] for row in warehouse.report(REPORT)] == [(-540, Decimal("-180.00"))]


def test_reason_decision_and_answer(warehouse: ReportWarehouse) -> None:
    """The most frequent reason and decision are shown; only accepted and declined requests have an answer time."""
    requests = [
        ("ACCEPTED", "2026-01-05T10:00:00Z", "bloei", "DESTROY"),
        ("DECLINED", "2026-01-05T13:30:00Z", "te laat", "COMPLAINT_NOT_ACCEPTED"),
        ("EXPIRED", "2026-01-09T08:00:00Z", "te laat", None),
        ("PENDING", "2026-01-05T08:00:00Z", None, None),
    ]
    warehouse.store(
        REQUESTS,
        [
            request(
                number,
                status=status,
                creationDateTime="2026-01-05T08:00:00Z",
                lastModifiedDateTime=answered,
                reason=reason,
                reclamationActionDecision=decision,
            )
            for number, (status, answered, reason, decision) in enumerate(requests)
        ],
    )

    assert [row[6:] for row in warehouse.report(REPORT)] == [
        (4, 1, 0, 0, 1, "te laat", 2, "COMPLAINT_NOT_ACCEPTED", approx(Decimal("3.75")))
    ]


def change(old: Json, new: Json, type: str = "MODIFICATION") -> Json:
    """Return a change of an order by request 1."""
    return {
        "salesOrderCorrectionRequestId": id_of("request 1"),
        "oldValues": old,
        "newValues": new,
        "correctionType": type,
    }


def request(number: int, **fields: Any) -> Json:
    """Return a correction request of the order."""
    defaults = {
        "salesOrderCorrectionRequestId": id_of(f"request {number}"),
        "salesOrderId": id_of("order"),
        "customerOrganizationId": BLOOM,
        "initiatedBy": "CUSTOMER",
        "status": "ACCEPTED",
    }
    return make_record("suppliers", REQUESTS, number, **{**defaults, **fields})


def store_corrected(warehouse: ReportWarehouse, change: Json) -> None:
    """Store an order in euros with a change, and its accepted request."""
    fields: dict[str, Any] = {
        "salesOrderId": id_of("order"),
        "mutations": [change],
        "calculatedFields": {"orderAmount": {"currency": "EUR", "value": 25}},
        "status": "CANCELLED",
    }
    warehouse.store(ORDERS, [make_record("suppliers", ORDERS, 1, **fields)])
    warehouse.store(REQUESTS, [request(1)])


def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []
