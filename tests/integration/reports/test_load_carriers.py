"""Load carriers that left, and those that were invoiced."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

import pytest

from tests.integration.reporting import (
    Json,
    Reporting,
    Row,
    day,
    falling,
    id_of,
    last_if_none,
    made,
    month_of,
    text,
    uuid,
)
from tests.integration.reports import deliveries_by_hand as by_hand
from tests.integration.reports.asked import ALL, DAYS, Asked

REPORT = "load_carriers"
LATEST = "latestDeliveryDateTime"


def load_carriers(told: Reporting, asked: Asked = ALL) -> list[Row]:
    """The rows of the report: carriers, additional layers, invoiced carriers, invoiced layers."""
    sums: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for account, shipment in told.served(by_hand.SHIPMENTS):
        if text(shipment, "status") not in ("DRAFT", "CANCELLED", "FAILED") and asked.covers(day(shipment, LATEST)):
            for carrier in shipment.get("loadCarriers") or []:
                row = sums[account, month_of(day(shipment, LATEST)), carrier and text(carrier, "loadCarrierType")]
                row[0] += 1
                row[1] += (carrier and carrier.get("numberOfAdditionalLayers")) or 0
    for account, line, date in invoiced(told):
        kind = text(line, "logisticMeansType")
        if kind != "PACKAGE" and asked.covers(date):
            is_layer = kind is not None and kind.endswith("_LAYER")
            row = sums[account, month_of(date), kind and kind.removesuffix("_LAYER")]
            row[3 if is_layer else 2] += line.get("numberOfItems") or 0
    rows = [(*key, *row) for key, row in sums.items()]
    return sorted(rows, key=lambda row: (row[0], falling(row[1]), -row[3], last_if_none(row[2])))


def invoiced(told: Reporting) -> list[tuple[str, Json, dt.date | None]]:
    """The lines that have an invoice, each with the day of its shipment, or its own where that is not known."""
    shipments = {
        (account, uuid(shipment, "fulfillmentOrderId")): shipment
        for account, shipment in told.served(by_hand.SHIPMENTS)
    }
    lines = []
    for account, line in told.served(by_hand.MEANS):
        shipment = shipments.get((account, uuid(line, "fulfillmentOrderId")))
        if text(line, "invoiceId") or text(line, "invoiceDate"):
            date = day(shipment, LATEST) if shipment else day(line, "invoiceDate")
            lines.append((account, line, date))
    return lines


def test_the_world_of_a_grower(grower_world: Reporting) -> None:
    """Every row of the sandbox's world, in order: some of what leaves is invoiced."""
    rows = grower_world.report(REPORT)

    assert {row[2] for row in rows} == {"AUCTION_TROLLEY", "DANISH_TROLLEY"}
    assert all(sum(row[place] for row in rows) for place in (3, 4, 5, 6))
    assert rows == load_carriers(grower_world)


def test_deliveries_by_hand(grower_deliveries: Reporting) -> None:
    """Month edges, kinds that nobody told, failed and unknown shipments, lines without an invoice, both accounts."""
    rows = grower_deliveries.report(REPORT)

    assert {row[0] for row in rows} == {"north", "south"}
    assert None in {row[1] for row in rows}
    assert None in {row[2] for row in rows}
    assert rows == load_carriers(grower_deliveries)


@pytest.mark.parametrize("asked", DAYS)
def test_days_are_those_of_amsterdam(grower_deliveries: Reporting, asked: Asked) -> None:
    """What left and what was invoiced for it count on the same day."""
    rows = grower_deliveries.report(REPORT, **asked.given)

    assert rows
    assert rows == load_carriers(grower_deliveries, asked)


def test_a_load_carrier_counts_once(grower: Reporting) -> None:
    """However many items stand on it, and however many lines were invoiced for it."""
    carrier = {"loadCarrierType": "DANISH_TROLLEY", "numberOfAdditionalLayers": 3, "loadCarrierItems": [{}, {}, {}]}
    grower.store(by_hand.SHIPMENTS, [shipment(loadCarriers=[carrier])])
    grower.store(
        by_hand.MEANS, [line(1, "DANISH_TROLLEY", 1), line(2, "DANISH_TROLLEY_LAYER", 3), line(3, "PACKAGE", 40)]
    )

    assert grower.report(REPORT) == [("main", dt.date(2026, 4, 1), "DANISH_TROLLEY", 1, 3, 1, 3)]


def test_a_line_counts_once_it_is_invoiced(grower: Reporting) -> None:
    """It comes settled, without an invoice, and is completed later."""
    settled = line(1, "AUCTION_TROLLEY", 2, invoiceId=None, invoiceDate=None)
    grower.store(by_hand.MEANS, [settled])

    assert grower.report(REPORT) == []

    grower.store(by_hand.MEANS, [{**settled, "invoiceId": "L-1", "invoiceDate": "2026-04-30T22:00:00Z"}])

    assert grower.report(REPORT) == [("main", dt.date(2026, 5, 1), "AUCTION_TROLLEY", 0, 0, 2, 0)]


def test_no_load_carriers(grower: Reporting) -> None:
    """The report is there and empty."""
    assert grower.report(REPORT) == []


def shipment(**fields: Any) -> Json:
    """A shipment that was to be there in the first moment of April 2026."""
    told = {"fulfillmentOrderId": id_of("shipment"), "latestDeliveryDateTime": "2026-03-31T22:00:00Z"}
    return made("suppliers", by_hand.SHIPMENTS, 1, status="DELIVERED", **told, **fields)


def line(number: int, kind: str, items: int, **fields: Any) -> Json:
    """An invoice line for the shipment."""
    told = {"fulfillmentOrderId": id_of("shipment"), "invoiceId": "L-1", "invoiceDate": "2026-05-08T12:00:00Z"}
    named = {"logisticMeansType": kind, "numberOfItems": items}
    return made("suppliers", by_hand.MEANS, number, **{**told, **named, **fields})
