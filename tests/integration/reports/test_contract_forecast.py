"""Report ``contract_forecast``: what will have been taken of each contract line at its end."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from math import floor
from typing import Any
from uuid import UUID

import pytest

from tests.integration.report_warehouse import (
    ORDERS,
    Json,
    ReportWarehouse,
    Row,
    id_of,
    make_record,
    merged,
    nulls_last,
    number,
    quotient,
    text,
    uuid,
)
from tests.integration.reports.contract_records import (
    BLANKET_ORDERS,
    CONTRACTS,
    Drawn,
    Period,
    blanket_order_of,
    contract,
    reported_periods,
    store_all,
)
from tests.integration.reports.handmade_orders import BLOOM, GROWERS, ROSE
from tests.integration.reports.report_parameters import NO_FILTER, Parameters
from tests.integration.reports.timed_reports import report_with_query_time, today
from tests.moments import real_now

REPORT = "contract_forecast"


def expected_rows(warehouse: ReportWarehouse, now: dt.datetime, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    names = {**warehouse.organization_names(), **warehouse.trade_item_names()}
    lines: dict[Row, list[tuple[Period, Drawn]]] = defaultdict(list)
    for account, period, drawn in reported_periods(warehouse, now):
        lines[account, period.contract["contractId"], period.position].append((period, drawn))
    rows = []
    for (account, id, position), periods in lines.items():
        line = periods[0][0]
        if is_selected(parameters, line, [each.days for each, _ in periods]):
            reference, supplier = text(line.contract, "reference"), uuid(line.contract, "supplierOrganizationId")
            key = (account, nulls_last(reference), nulls_last(supplier), UUID(id), position)
            rows.append((key, row_of(names, account, periods, today(now))))
    return [row for _, row in sorted(rows, key=lambda each: each[0])]


def is_selected(parameters: Parameters, line: Period, days: list[tuple[dt.date | None, dt.date | None]]) -> bool:
    """Return whether a line has a day within the parameters' period and matches the other parameters."""
    first, last = bounds(days)
    return (
        (parameters.from_date is None or (last is not None and last >= parameters.from_date))
        and (parameters.to_date is None or (first is not None and first <= parameters.to_date))
        and parameters.currency in (None, text(line.contract, "currency"))
        and parameters.customer in (None, uuid(line.contract, "customerOrganizationId"))
        and parameters.grower in (None, uuid(line.contract, "supplierOrganizationId"))
        and parameters.trade_item in (None, line.item)
    )


def bounds(days: list[tuple[dt.date | None, dt.date | None]]) -> tuple[dt.date | None, dt.date | None]:
    """Return the first and the last day of periods."""
    return (
        min((first for first, _ in days if first), default=None),
        max((last for _, last in days if last), default=None),
    )


def row_of(
    names: Mapping[Row, str | None], account: str, periods: list[tuple[Period, Drawn]], now: dt.date
) -> tuple[Any, ...]:
    """Return the row of a line."""
    line = periods[0][0]
    customer, supplier = (uuid(line.contract, f"{role}OrganizationId") for role in ("customer", "supplier"))
    first, last = bounds([period.days for period, _ in periods])
    agreed = sum(period.record["numberOfPieces"] for period, _ in periods)
    called_off, delivered, outstanding = (
        sum(getattr(each, name) for _, each in periods) for name in ("called_off", "delivered", "outstanding")
    )
    left, pace, expected = forecast((first, last), outstanding, delivered, now)
    priced = [(number(each.record, "pricePerPiece"), each.record["numberOfPieces"]) for each, _ in periods]
    known = [(price, pieces) for price, pieces in priced if price is not None]
    return (
        *(account, text(line.contract, "reference"), text(line.contract, "title")),
        *(customer, names.get((account, customer)), supplier, names.get((account, supplier))),
        *(line.item, names.get((account, line.item)), uuid(line.line, "contractLineId"), first, last),
        *(agreed, called_off, delivered, agreed - called_off, left, pace, expected, quotient(expected, agreed)),
        text(line.contract, "currency"),
        quotient(sum(price * pieces for price, pieces in known), sum(pieces for _, pieces in known)),
        quotient(sum((each.paid for _, each in periods), Decimal(0)), sum(each.priced_pieces for _, each in periods)),
        outstanding,
    )


def forecast(
    days: tuple[dt.date | None, dt.date | None], outstanding: int, delivered: int, now: dt.date
) -> tuple[int, Any, int]:
    """Return the days left, the pieces for each day that has passed, and the pieces that are expected at the end."""
    first, last = days
    if last is not None and last < now:
        return 0, quotient(delivered, (last - first).days + 1) if first else None, delivered
    left = (last - max(now, first - dt.timedelta(days=1) if first else now)).days if last else 0
    if first is None or first > now:
        return left, None, delivered + outstanding
    passed = (now - first).days + 1
    return left, quotient(delivered, passed), delivered + max(outstanding, floor(delivered / passed * left + 0.5))


@pytest.mark.parametrize("world", ["grower_world", "buyer_world"])
def test_sandbox_world(world: str, request: pytest.FixtureRequest) -> None:
    """For a grower and a buyer in the sandbox world, the report has exactly the expected rows."""
    warehouse: ReportWarehouse = request.getfixturevalue(world)

    rows, now = report_with_query_time(warehouse, REPORT)

    assert any(row[14] > 0 and row[22] for row in rows)
    assert rows == expected_rows(warehouse, now)


@pytest.fixture(scope="module")
def handmade_contracts(tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse with contracts of two accounts in several versions, and blanket orders under each version."""
    return store_all(ReportWarehouse(tmp_path_factory.mktemp("contracts") / "w.duckdb"))


FILTERS = (
    Parameters(from_date=dt.date(2025, 4, 7)),
    Parameters(to_date=dt.date(2025, 3, 30)),
    Parameters(currency="USD"),
    Parameters(customer=UUID(BLOOM)),
    Parameters(grower=UUID(GROWERS[0])),
    Parameters(trade_item=UUID(ROSE)),
)


@pytest.mark.slow
@pytest.mark.parametrize("parameters", [NO_FILTER, *FILTERS], ids=repr)
def test_handmade_contracts(handmade_contracts: ReportWarehouse, parameters: Parameters) -> None:
    """Rows are correct for several periods, also without start or end, older versions and orders in two currencies."""
    rows, now = report_with_query_time(handmade_contracts, REPORT, parameters)

    assert rows
    assert rows == expected_rows(handmade_contracts, now, parameters)


@pytest.mark.slow
def test_pace_to_the_end(warehouse: ReportWarehouse) -> None:
    """After a quarter of the days, 100 delivered pieces let expect 400, whatever was called off and never delivered."""
    begins = today(real_now()) - dt.timedelta(days=9)
    store_contract(warehouse, begins, days=40, called_off=150)
    store_order(warehouse, 1, 100, begins)

    assert [row[12:20] for row in warehouse.report(REPORT)] == [(1000, 150, 100, 850, 30, 10, 400, quotient(4, 10))]

    store_contract(warehouse, begins, days=40, called_off=500)

    assert [row[18] for row in warehouse.report(REPORT)] == [400]


@pytest.mark.slow
def test_outstanding_call_offs(warehouse: ReportWarehouse) -> None:
    """At least what is called off and still to come is expected, not a call-off whose order is rejected or day over."""
    begins = today(real_now()) - dt.timedelta(days=9)
    store_contract(warehouse, begins, days=40, called_off=150)
    store_order(warehouse, 1, 100, begins)
    later = call_off(450, "2150-03-12T10:00:00Z")
    warehouse.store(BLANKET_ORDERS, [later])

    assert [(row[13], row[18], row[23]) for row in warehouse.report(REPORT)] == [(600, 550, 450)]

    warehouse.store(BLANKET_ORDERS, [call_off(450, "2026-01-12T10:00:00Z")])
    assert [(row[13], row[18], row[23]) for row in warehouse.report(REPORT)] == [(600, 400, 0)]

    warehouse.store(BLANKET_ORDERS, [later])
    for status, outstanding in (("COMMITTED", 440), ("REJECTED", 0), ("ACCEPTED", 440), ("CANCELLED", 0)):
        order = {"salesOrderId": id_of("later"), "status": status, "numberOfPieces": 440, "isDeleted": False}
        due = {"latestDeliveryDateTime": "2150-03-12T10:00:00Z"}
        order |= {"blanketOrderLineId": id_of("line 2"), "delivery": due}
        warehouse.store(ORDERS, [make_record("suppliers", ORDERS, 2, **order)])
        assert [row[23] for row in warehouse.report(REPORT)] == [outstanding], status


def call_off(pieces: int, delivery: str) -> Json:
    """Return a second approved blanket order under the same contract, to be delivered at a time."""
    order = blanket_order_of(2, pieces)
    (line,) = order["blanketOrderLines"]
    lines = [{**line, "contractLinePeriodId": id_of("period 1")}]
    return {**order, "contractId": id_of("contract 1"), "deliveryDateTime": delivery, "blanketOrderLines": lines}


@pytest.mark.slow
def test_ended_and_future_contracts(warehouse: ReportWarehouse) -> None:
    """After its end, a line has what was delivered; before its beginning, it has no pace."""
    store_contract(warehouse, dt.date(2026, 3, 2), days=10, called_off=150)
    store_order(warehouse, 1, 100, dt.date(2026, 3, 4))

    assert [row[16:19] for row in warehouse.report(REPORT)] == [(0, 10, 100)]

    store_contract(warehouse, today(real_now()) + dt.timedelta(days=5), days=10, called_off=150)

    assert [row[16:19] for row in warehouse.report(REPORT)] == [(10, None, 100)]


@pytest.mark.slow
def test_prices(warehouse: ReportWarehouse) -> None:
    """The average price is that of the orders in the contract's currency, weighted by pieces."""
    store_contract(warehouse, dt.date(2026, 3, 2), days=10, called_off=150)
    store_order(warehouse, 1, 30, dt.date(2026, 3, 4), "0.40")
    store_order(warehouse, 2, 10, dt.date(2026, 3, 4), "0.60")

    assert [row[20:23] for row in warehouse.report(REPORT)] == [("EUR", Decimal("0.5"), Decimal("0.45"))]


@pytest.mark.slow
def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []


def store_contract(warehouse: ReportWarehouse, begins: dt.date, *, days: int, called_off: int) -> None:
    """Store a contract of 1,000 pieces from a day on, and its only blanket order."""
    ends = begins + dt.timedelta(days=days)
    record = contract(1, pieces=1000)
    (line,) = record["contractLines"]
    period: Json = {**line["periods"][0], "startDateTime": f"{begins}T10:00:00Z", "pricePerPiece": Decimal("0.5")}
    period = {**period, "endDateTime": f"{ends - dt.timedelta(days=1)}T10:00:00Z"}
    lines = [{**line, "periods": [period]}]
    warehouse.store(CONTRACTS, [merged(record, {"currency": "EUR"}) | {"contractLines": lines}])
    warehouse.store(BLANKET_ORDERS, [blanket_order_of(1, called_off)])


def store_order(warehouse: ReportWarehouse, seed: int, pieces: int, date: dt.date, price: str = "0.50") -> None:
    """Store an order of the blanket order that is delivered at the beginning of a day."""
    order = make_record(
        "suppliers",
        ORDERS,
        seed,
        status="COMMITTED",
        isDeleted=False,
        blanketOrderLineId=id_of("line 1"),
        numberOfPieces=pieces,
        pricePerPiece={"currency": "EUR", "value": Decimal(price)},
        delivery={"latestDeliveryDateTime": f"{date}T00:00:00Z"},
    )
    warehouse.store(ORDERS, [order])
