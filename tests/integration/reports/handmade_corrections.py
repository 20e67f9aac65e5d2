"""Handmade correction requests, with several or no changes of their orders, and what requests changed."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from tests.integration.report_warehouse import (
    BOUNDARY_TIMES,
    ORDERS,
    Json,
    ReportWarehouse,
    Row,
    id_of,
    make_record,
    number,
    timestamp,
    total,
    uuid,
    value_at,
)
from tests.integration.reports import handmade_orders
from tests.integration.reports.handmade_orders import BLOOM, PETAL

REQUESTS = "orders.sales_order_correction_requests"
STATUSES = ("COMMITTED", "COMMITTED", "ACCEPTED", "REJECTED", "UNFULFILLABLE", "CANCELLED", "EXPIRED", "PENDING")
MICROSECOND = dt.timedelta(microseconds=1)

Change = tuple[int, Decimal | None]
"""Added pieces and value; a value of None is unknown."""


def store_all(warehouse: ReportWarehouse) -> ReportWarehouse:
    """Store orders of two accounts that share their ids, and requests for them and for unknown orders."""
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
            "basedOnSalesOrderVersion": version,
            "createdDateTime": random.choice(("2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z")),
        }
        for version in range(random.randint(0, 3))
    ]
    return {**order, "mutations": changes, "status": random.choice(STATUSES)}


def mutables(random: Random) -> Json:
    """Return the pieces and the price before or after a change."""
    price = random.choice((Decimal("0.3333335"), Decimal("1.5"), Decimal(0), None))
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
            reclamationActionDecision=random.choice(("DESTROY", "RETURN_TO_STOCK", None, None)),
            creationDateTime=random.choice(BOUNDARY_TIMES),
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


def changes_by_request(warehouse: ReportWarehouse) -> dict[Row, Change]:
    """Return the pieces and the value that the changes of a request added, by account and request."""
    changes: dict[Row, list[Change]] = defaultdict(list)
    for account, order in warehouse.newest_records(ORDERS):
        for change in order.get("mutations") or ():
            if request := uuid(change, "salesOrderCorrectionRequestId"):
                changes[account, request].append(difference(change))
    added = {request: tuple(map(total, zip(*found, strict=True))) for request, found in changes.items()}
    return defaultdict(lambda: (0, Decimal(0)), added)


def difference(change: Json) -> Change:
    """Return the new pieces and value minus the old ones; after a cancellation, 0 pieces are left."""
    old, new = value_at(change, "oldValues.numberOfPieces"), value_at(change, "newValues.numberOfPieces")
    if change["correctionType"] == "CANCELLATION":
        new = 0
    before, after = (number(change, f"{values}.totalPricePerPiece") for values in ("oldValues", "newValues"))
    if before is None or (after is None and new):
        return new - old, None
    return new - old, cents((after or 0) * new) - cents(before * old)


def cents(amount: Decimal | int) -> Decimal:
    """Return an amount in whole cents, rounded half up."""
    return Decimal(amount).quantize(Decimal("0.01"), ROUND_HALF_UP)
