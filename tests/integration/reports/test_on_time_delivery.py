"""Report ``on_time_delivery``: load carriers that each carrier delivers on time."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.integration.report_warehouse import (
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
    quotient,
    text,
    timestamp,
    uuid,
)
from tests.integration.reports.handmade_deliveries import SHIPMENTS
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters

REPORT = "on_time_delivery"
LATEST = "latestDeliveryDateTime"
MINUTE = dt.timedelta(minutes=1)
MICROSECOND = dt.timedelta(microseconds=1)


def expected_rows(warehouse: ReportWarehouse, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    names, delays_by_carrier = warehouse.organization_names(), defaultdict(list)
    for account, shipment, carrier in received_load_carriers(warehouse):
        if parameters.includes(day(shipment, LATEST)):
            latest, receipt = timestamp(shipment, LATEST), timestamp(carrier, "receiptDateTime")
            assert latest is not None
            assert receipt is not None
            month = month_of(day(shipment, LATEST))
            delays_by_carrier[account, month, uuid(shipment, "carrierOrganizationId")].append(receipt - latest)
    rows = [
        (account, month, carrier, names.get((account, carrier)), *measures(delays))
        for (account, month, carrier), delays in delays_by_carrier.items()
    ]
    return sorted(rows, key=lambda row: (row[0], descending(row[1]), descending(row[4]), nulls_last(row[2])))


def received_load_carriers(warehouse: ReportWarehouse) -> Iterator[tuple[str, Json, Json]]:
    """Yield the load carriers with a time of receipt, with account and shipment."""
    for account, shipment in warehouse.newest_records(SHIPMENTS):
        if text(shipment, "status") not in ("DRAFT", "CANCELLED", "FAILED") and timestamp(shipment, LATEST):
            for carrier in shipment.get("loadCarriers") or []:
                if timestamp(carrier, "receiptDateTime"):
                    yield account, shipment, carrier


def measures(delays: list[dt.timedelta]) -> tuple[Any, ...]:
    """Return the number of load carriers, the number and share on time, and the others' average delay in minutes."""
    late = [Decimal(delay // MICROSECOND) / (MINUTE // MICROSECOND) for delay in delays if delay > dt.timedelta(0)]
    on_time = len(delays) - len(late)
    return (
        len(delays),
        on_time,
        quotient(Decimal(on_time), len(delays)),
        approx(sum(late, Decimal(0)) / len(late)) if late else None,
    )


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the rows are as expected; most load carriers are on time, some are late."""
    rows = grower_world.report(REPORT)

    assert any(row[5] < row[4] for row in rows)
    assert sum(row[5] for row in rows) > 0.8 * sum(row[4] for row in rows)
    assert rows == expected_rows(grower_world)


def test_handmade_deliveries(grower_deliveries: ReportWarehouse) -> None:
    """Rows are correct at month boundaries, for unknown carriers, failed shipments, and load carriers not received."""
    rows = grower_deliveries.report(REPORT)

    assert {row[0] for row in rows} == {"north", "south"}
    assert {row[3] for row in rows} == {"Bloemenvervoer", None}
    assert {row[7] is None for row in rows} == {True, False}
    assert rows == expected_rows(grower_deliveries)


@pytest.mark.parametrize("parameters", DATE_RANGES)
def test_parameters(grower_deliveries: ReportWarehouse, parameters: Parameters) -> None:
    """Only shipments with their latest delivery within the period count."""
    rows = grower_deliveries.report(REPORT, **parameters.arguments)

    assert rows
    assert rows == expected_rows(grower_deliveries, parameters)


def test_latest_delivery_time_is_on_time(warehouse: ReportWarehouse) -> None:
    """A receipt at the latest delivery time is on time; a microsecond later it is late."""
    receipts = ("2026-03-29T01:00:00Z", "2026-03-29T01:00:00.000001Z", "2026-03-29T01:30:00Z", None)
    carriers: list[Json] = [{"receiptDateTime": receipt, "loadCarrierItems": [{}, {}]} for receipt in receipts]
    warehouse.store(SHIPMENTS, [shipment(loadCarriers=carriers)])

    assert warehouse.report(REPORT) == [
        ("main", dt.date(2026, 3, 1), UUID(id_of("carrier")), None, 3, 1, approx(Decimal(1) / 3), approx(Decimal(15)))
    ]


def test_shipment_without_receipt(warehouse: ReportWarehouse) -> None:
    """A shipment without a time of receipt has no row."""
    warehouse.store(SHIPMENTS, [shipment(loadCarriers=[{"receiptDateTime": None, "isReceived": True}])])

    assert warehouse.report(REPORT) == []


def shipment(**fields: Any) -> Json:
    """Return a shipment with its latest delivery at the start of summer time in 2026."""
    latest = {"latestDeliveryDateTime": "2026-03-29T01:00:00Z", "carrierOrganizationId": id_of("carrier")}
    return make_record("suppliers", SHIPMENTS, 1, status="DELIVERED", **latest, **fields)
