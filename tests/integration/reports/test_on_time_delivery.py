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
    value_at,
)
from tests.integration.reports.handmade_deliveries import SHIPMENTS
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters
from tests.integration.reports.timed_reports import report_with_query_time
from tests.moments import real_now

REPORT = "on_time_delivery"
LATEST = "latestDeliveryDateTime"
MINUTE = dt.timedelta(minutes=1)
MICROSECOND = dt.timedelta(microseconds=1)


def expected_rows(warehouse: ReportWarehouse, now: dt.datetime, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    names, delays_by_carrier = warehouse.organization_names(), defaultdict(list)
    for account, shipment, carrier in due_load_carriers(warehouse, now):
        if parameters.includes(day(shipment, LATEST)):
            latest, receipt = timestamp(shipment, LATEST), timestamp(carrier, "receiptDateTime")
            assert latest is not None
            delay = None if receipt is None else receipt - latest
            month = month_of(day(shipment, LATEST))
            delays_by_carrier[account, month, uuid(shipment, "carrierOrganizationId")].append(delay)
    rows = [
        (account, month, carrier, names.get((account, carrier)), *measures(delays))
        for (account, month, carrier), delays in delays_by_carrier.items()
    ]
    return sorted(rows, key=lambda row: (row[0], descending(row[1]), descending(row[4]), nulls_last(row[2])))


def due_load_carriers(warehouse: ReportWarehouse, now: dt.datetime) -> Iterator[tuple[str, Json, Json]]:
    """Yield the load carriers whose time has passed, with account and shipment; not those received at unknown times."""
    for account, shipment in warehouse.newest_records(SHIPMENTS):
        latest = timestamp(shipment, LATEST)
        if text(shipment, "status") not in ("DRAFT", "CANCELLED", "FAILED") and latest and latest <= now:
            for carrier in shipment.get("loadCarriers") or []:
                if timestamp(carrier, "receiptDateTime") or not value_at(carrier, "isReceived"):
                    yield account, shipment, carrier


def measures(delays: list[dt.timedelta | None]) -> tuple[Any, ...]:
    """Return the load carriers, those on time, late and not received, the share on time, and the average delay."""
    received = [delay for delay in delays if delay is not None]
    late = [Decimal(delay // MICROSECOND) / (MINUTE // MICROSECOND) for delay in received if delay > dt.timedelta(0)]
    on_time = len(received) - len(late)
    return (
        *(len(delays), on_time, len(late), len(delays) - len(received)),
        quotient(Decimal(on_time), len(delays)),
        approx(sum(late, Decimal(0)) / len(late)) if late else None,
    )


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the rows are as expected; most load carriers are on time, some are late."""
    rows, now = report_with_query_time(grower_world, REPORT)

    assert any(row[6] for row in rows)
    assert sum(row[5] for row in rows) > 0.8 * sum(row[5] + row[6] for row in rows)
    assert rows == expected_rows(grower_world, now)


def test_handmade_deliveries(grower_deliveries: ReportWarehouse) -> None:
    """Rows are correct at month boundaries, for unknown carriers, failed shipments, and load carriers not received."""
    rows, now = report_with_query_time(grower_deliveries, REPORT)

    assert {row[0] for row in rows} == {"north", "south"}
    assert {row[3] for row in rows} == {"Bloemenvervoer", None}
    assert {row[7] > 0 for row in rows} == {True, False}
    assert {row[9] is None for row in rows} == {True, False}
    assert rows == expected_rows(grower_deliveries, now)


@pytest.mark.parametrize("parameters", DATE_RANGES)
def test_parameters(grower_deliveries: ReportWarehouse, parameters: Parameters) -> None:
    """Only shipments with their latest delivery within the period count."""
    rows, now = report_with_query_time(grower_deliveries, REPORT, parameters)

    assert rows or parameters is DATE_RANGES[-1]  # which is in the future
    assert rows == expected_rows(grower_deliveries, now, parameters)


def test_latest_delivery_time_is_on_time(warehouse: ReportWarehouse) -> None:
    """A receipt at the latest delivery time is on time; a microsecond later it is late."""
    receipts = ("2026-03-29T01:00:00Z", "2026-03-29T01:00:00.000001Z", "2026-03-29T01:30:00Z")
    carriers: list[Json] = [{"receiptDateTime": receipt, "loadCarrierItems": [{}, {}]} for receipt in receipts]
    warehouse.store(SHIPMENTS, [shipment(loadCarriers=carriers)])

    third = approx(Decimal(1) / 3)
    assert warehouse.report(REPORT) == [
        ("main", dt.date(2026, 3, 1), UUID(id_of("carrier")), None, 3, 1, 2, 0, third, approx(Decimal(15)))
    ]


def test_load_carriers_that_were_never_received(warehouse: ReportWarehouse) -> None:
    """A load carrier that was not received until now is in the share's denominator, one without its time is not."""
    carriers = [
        {"receiptDateTime": "2026-03-29T01:00:00Z", "isReceived": True},
        {"receiptDateTime": None, "isReceived": False},
        {"receiptDateTime": None, "isReceived": None},
        {"receiptDateTime": None, "isReceived": True},
    ]
    warehouse.store(SHIPMENTS, [shipment(loadCarriers=carriers)])

    assert [row[4:] for row in warehouse.report(REPORT)] == [(3, 1, 0, 2, approx(Decimal(1) / 3), None)]


def test_shipment_that_is_not_due(warehouse: ReportWarehouse) -> None:
    """A shipment counts from its latest delivery on."""
    now = real_now()
    for hours in (-1, 1):
        fields = {"fulfillmentOrderId": id_of(str(hours)), LATEST: str(now + dt.timedelta(hours=hours))}
        warehouse.store(SHIPMENTS, [shipment(loadCarriers=[{"receiptDateTime": None, "isReceived": False}], **fields)])

    assert [row[4:8] for row in warehouse.report(REPORT)] == [(1, 0, 0, 1)]


def shipment(**fields: Any) -> Json:
    """Return a shipment with its latest delivery at the start of summer time in 2026."""
    latest = {"latestDeliveryDateTime": "2026-03-29T01:00:00Z", "carrierOrganizationId": id_of("carrier")}
    return make_record("suppliers", SHIPMENTS, 1, status="DELIVERED", **{**latest, **fields})
