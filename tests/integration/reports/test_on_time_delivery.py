"""How many load carriers each carrier delivers in time."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.integration.reporting import (
    Json,
    Reporting,
    Row,
    about,
    day,
    falling,
    id_of,
    last_if_none,
    made,
    moment,
    month_of,
    quotient,
    text,
    uuid,
)
from tests.integration.reports import deliveries_by_hand as by_hand
from tests.integration.reports.asked import ALL, DAYS, Asked

REPORT = "on_time_delivery"
LATEST = "latestDeliveryDateTime"
MINUTE = dt.timedelta(minutes=1)
MICROSECOND = dt.timedelta(microseconds=1)


def on_time_delivery(told: Reporting, asked: Asked = ALL) -> list[Row]:
    """The rows of the report."""
    names, late_by = told.organizations(), defaultdict(list)
    for account, shipment, carrier in received(told):
        if asked.covers(day(shipment, LATEST)):
            latest, receipt = moment(shipment, LATEST), moment(carrier, "receiptDateTime")
            assert latest is not None
            assert receipt is not None
            month = month_of(day(shipment, LATEST))
            late_by[account, month, uuid(shipment, "carrierOrganizationId")].append(receipt - latest)
    rows = [
        (account, month, who, names.get((account, who)), *measures(by)) for (account, month, who), by in late_by.items()
    ]
    return sorted(rows, key=lambda row: (row[0], falling(row[1]), falling(row[4]), last_if_none(row[2])))


def received(told: Reporting) -> Iterator[tuple[str, Json, Json]]:
    """The load carriers whose receipt was told, with their shipments."""
    for account, shipment in told.served(by_hand.SHIPMENTS):
        if text(shipment, "status") not in ("DRAFT", "CANCELLED", "FAILED") and moment(shipment, LATEST):
            for carrier in shipment.get("loadCarriers") or []:
                if moment(carrier, "receiptDateTime"):
                    yield account, shipment, carrier


def measures(late_by: list[dt.timedelta]) -> tuple[Any, ...]:
    """How many, how many in time, their part, and the minutes that the others were late on average."""
    late = [Decimal(by // MICROSECOND) / (MINUTE // MICROSECOND) for by in late_by if by > dt.timedelta(0)]
    in_time = len(late_by) - len(late)
    return (
        len(late_by),
        in_time,
        quotient(Decimal(in_time), len(late_by)),
        about(sum(late, Decimal(0)) / len(late)) if late else None,
    )


def test_the_world_of_a_grower(grower_world: Reporting) -> None:
    """Every row of the sandbox's world, in order: most load carriers are in time, some are late."""
    rows = grower_world.report(REPORT)

    assert any(row[5] < row[4] for row in rows)
    assert sum(row[5] for row in rows) > 0.8 * sum(row[4] for row in rows)
    assert rows == on_time_delivery(grower_world)


def test_deliveries_by_hand(grower_deliveries: Reporting) -> None:
    """Month edges, unknown carriers, shipments that failed, load carriers that nobody received, both accounts."""
    rows = grower_deliveries.report(REPORT)

    assert {row[0] for row in rows} == {"north", "south"}
    assert {row[3] for row in rows} == {"Bloemenvervoer", None}
    assert {row[7] is None for row in rows} == {True, False}
    assert rows == on_time_delivery(grower_deliveries)


@pytest.mark.parametrize("asked", DAYS)
def test_days_are_those_of_amsterdam(grower_deliveries: Reporting, asked: Asked) -> None:
    """Only shipments count whose latest delivery is on the days that are asked for."""
    rows = grower_deliveries.report(REPORT, **asked.given)

    assert rows
    assert rows == on_time_delivery(grower_deliveries, asked)


def test_the_last_moment_is_in_time(grower: Reporting) -> None:
    """A microsecond later is late."""
    receipts = ("2026-03-29T01:00:00Z", "2026-03-29T01:00:00.000001Z", "2026-03-29T01:30:00Z", None)
    carriers: list[Json] = [{"receiptDateTime": receipt, "loadCarrierItems": [{}, {}]} for receipt in receipts]
    grower.store(by_hand.SHIPMENTS, [shipment(loadCarriers=carriers)])

    assert grower.report(REPORT) == [
        ("main", dt.date(2026, 3, 1), UUID(id_of("carrier")), None, 3, 1, about(Decimal(1) / 3), about(Decimal(15)))
    ]


def test_nothing_received(grower: Reporting) -> None:
    """Without a receipt the report is there and empty."""
    grower.store(by_hand.SHIPMENTS, [shipment(loadCarriers=[{"receiptDateTime": None, "isReceived": True}])])

    assert grower.report(REPORT) == []


def shipment(**fields: Any) -> Json:
    """A shipment that was to be there when the clock went forward in 2026."""
    latest = {"latestDeliveryDateTime": "2026-03-29T01:00:00Z", "carrierOrganizationId": id_of("carrier")}
    return made("suppliers", by_hand.SHIPMENTS, 1, status="DELIVERED", **latest, **fields)
