"""Report ``load_carriers``: load carriers and layers shipped, and those invoiced."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

import pytest

from tests.integration.report_warehouse import (
    Json,
    ReportWarehouse,
    Row,
    day,
    descending,
    id_of,
    make_record,
    month_of,
    nulls_last,
    text,
    uuid,
)
from tests.integration.reports.handmade_deliveries import MEANS, SHIPMENTS
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters

REPORT = "load_carriers"
LATEST = "latestDeliveryDateTime"


def expected_rows(warehouse: ReportWarehouse, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records: carriers, additional layers, invoiced carriers, invoiced layers."""
    sums: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for account, shipment in warehouse.newest_records(SHIPMENTS):
        is_shipped = text(shipment, "status") not in ("DRAFT", "CANCELLED", "FAILED")
        if is_shipped and parameters.includes(day(shipment, LATEST)):
            for carrier in shipment.get("loadCarriers") or []:
                row = sums[account, month_of(day(shipment, LATEST)), carrier and text(carrier, "loadCarrierType")]
                row[0] += 1
                row[1] += (carrier and carrier.get("numberOfAdditionalLayers")) or 0
    for account, line, date in invoiced_lines(warehouse):
        type = text(line, "logisticMeansType")
        if type != "PACKAGE" and parameters.includes(date):
            is_layer = type is not None and type.endswith("_LAYER")
            row = sums[account, month_of(date), type and type.removesuffix("_LAYER")]
            row[3 if is_layer else 2] += line.get("numberOfItems") or 0
    rows = [(*key, *row) for key, row in sums.items()]
    return sorted(rows, key=lambda row: (row[0], descending(row[1]), -row[3], nulls_last(row[2])))


def invoiced_lines(warehouse: ReportWarehouse) -> list[tuple[str, Json, dt.date | None]]:
    """Return invoiced lines with account and day: the shipment's, or the invoice's if the shipment is unknown."""
    shipments = {
        (account, uuid(shipment, "fulfillmentOrderId")): shipment
        for account, shipment in warehouse.newest_records(SHIPMENTS)
    }
    lines = []
    for account, line in warehouse.newest_records(MEANS):
        shipment = shipments.get((account, uuid(line, "fulfillmentOrderId")))
        if text(line, "invoiceId") or text(line, "invoiceDate"):
            date = day(shipment, LATEST) if shipment else day(line, "invoiceDate")
            lines.append((account, line, date))
    return lines


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the rows are as expected; some of the load carriers are invoiced."""
    rows = grower_world.report(REPORT)

    assert {row[2] for row in rows} == {"AUCTION_TROLLEY", "DANISH_TROLLEY"}
    assert all(sum(row[column] for row in rows) for column in (3, 4, 5, 6))
    assert rows == expected_rows(grower_world)


def test_handmade_deliveries(grower_deliveries: ReportWarehouse) -> None:
    """Rows are correct at month boundaries, for missing types, failed or unknown shipments, and settled lines."""
    rows = grower_deliveries.report(REPORT)

    assert {row[0] for row in rows} == {"north", "south"}
    assert None in {row[1] for row in rows}
    assert None in {row[2] for row in rows}
    assert rows == expected_rows(grower_deliveries)


@pytest.mark.parametrize("parameters", DATE_RANGES)
def test_parameters(grower_deliveries: ReportWarehouse, parameters: Parameters) -> None:
    """Load carriers and their invoice lines count on the same day in Amsterdam, and only within the period."""
    rows = grower_deliveries.report(REPORT, **parameters.arguments)

    assert rows
    assert rows == expected_rows(grower_deliveries, parameters)


def test_load_carrier_counts_once(warehouse: ReportWarehouse) -> None:
    """A load carrier counts once, with several items on it and several invoice lines."""
    carrier = {"loadCarrierType": "DANISH_TROLLEY", "numberOfAdditionalLayers": 3, "loadCarrierItems": [{}, {}, {}]}
    warehouse.store(SHIPMENTS, [shipment(loadCarriers=[carrier])])
    warehouse.store(MEANS, [line(1, "DANISH_TROLLEY", 1), line(2, "DANISH_TROLLEY_LAYER", 3), line(3, "PACKAGE", 40)])

    assert warehouse.report(REPORT) == [("main", dt.date(2026, 4, 1), "DANISH_TROLLEY", 1, 3, 1, 3)]


def test_line_counts_when_invoiced(warehouse: ReportWarehouse) -> None:
    """A settled line without an invoice does not count until it is invoiced."""
    settled = line(1, "AUCTION_TROLLEY", 2, invoiceId=None, invoiceDate=None)
    warehouse.store(MEANS, [settled])

    assert warehouse.report(REPORT) == []

    warehouse.store(MEANS, [{**settled, "invoiceId": "L-1", "invoiceDate": "2026-04-30T22:00:00Z"}])

    assert warehouse.report(REPORT) == [("main", dt.date(2026, 5, 1), "AUCTION_TROLLEY", 0, 0, 2, 0)]


def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []


def shipment(**fields: Any) -> Json:
    """Return a shipment with its latest delivery at the start of April 2026 in Amsterdam."""
    defaults = {"fulfillmentOrderId": id_of("shipment"), "latestDeliveryDateTime": "2026-03-31T22:00:00Z"}
    return make_record("suppliers", SHIPMENTS, 1, status="DELIVERED", **defaults, **fields)


def line(number: int, type: str, items: int, **fields: Any) -> Json:
    """Return an invoice line for the shipment."""
    defaults = {"fulfillmentOrderId": id_of("shipment"), "invoiceId": "L-1", "invoiceDate": "2026-05-08T12:00:00Z"}
    values = {"logisticMeansType": type, "numberOfItems": items}
    return make_record("suppliers", MEANS, number, **{**defaults, **values, **fields})
