"""Report ``contract_drawdown``: the pieces of a contract that are called off."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from uuid import UUID

import pytest

from tests.integration.report_warehouse import (
    ORDERS,
    ReportWarehouse,
    Row,
    id_of,
    make_record,
    nulls_last,
    number,
    quotient,
    text,
    timestamp,
    uuid,
    value_at,
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
from tests.moments import real_now

REPORT = "contract_drawdown"


def expected_rows(warehouse: ReportWarehouse, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    names = {**warehouse.organization_names(), **warehouse.trade_item_names()}
    rows = [
        (account, period, row_of(names, account, period, drawn))
        for account, period, drawn in reported_periods(warehouse, real_now())
        if is_selected(parameters, period)
    ]
    return [row for _, _, row in sorted(rows, key=lambda each: (each[0], *sort_key(each[1])))]


def is_selected(parameters: Parameters, period: Period) -> bool:
    """Return whether a period has a day within the parameters' period and matches the other parameters."""
    first, last = period.days
    return (
        (parameters.from_date is None or (last is not None and last >= parameters.from_date))
        and (parameters.to_date is None or (first is not None and first <= parameters.to_date))
        and parameters.currency in (None, text(period.contract, "currency"))
        and parameters.customer in (None, uuid(period.contract, "customerOrganizationId"))
        and parameters.grower in (None, uuid(period.contract, "supplierOrganizationId"))
        and parameters.trade_item in (None, period.item)
    )


def row_of(names: Mapping[Row, str | None], account: str, period: Period, drawn: Drawn) -> Row:
    """Return the row of a period."""
    customer, supplier = (uuid(period.contract, f"{role}OrganizationId") for role in ("customer", "supplier"))
    agreed = period.record["numberOfPieces"]
    return (
        *(account, text(period.contract, "reference"), text(period.contract, "title")),
        *(customer, names.get((account, customer)), supplier, names.get((account, supplier))),
        *(period.item, names.get((account, period.item)), *period.days),
        *(text(period.contract, "currency"), number(period.record, "pricePerPiece"), agreed),
        *(drawn.called_off, drawn.waiting, drawn.committed, drawn.delivered, quotient(drawn.called_off, agreed)),
        *(drawn.outside_margin, period.id),
    )


def sort_key(period: Period) -> Row:
    """Return the sort key: by contract, then by line, then by time."""
    begins = timestamp(period.record, "startDateTime")
    contract = (text(period.contract, "reference"), uuid(period.contract, "supplierOrganizationId"))
    return (
        *map(nulls_last, contract),
        UUID(period.contract["contractId"]),
        period.position,
        nulls_last(begins),
        nulls_last(period.id),
    )


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the rows are as expected, with call-offs under older versions."""
    contracts = {contract["contractId"]: contract for _, contract in grower_world.newest_records(CONTRACTS)}
    ordered_from = [contracts[order["contractId"]] for _, order in grower_world.newest_records(BLANKET_ORDERS)]
    rows = grower_world.report(REPORT)

    assert {value_at(contract, "version.isLatestApprovedVersion") for contract in ordered_from} == {True, False}
    assert any(row[14] for row in rows)
    assert any(row[19] for row in rows)
    assert any(row[16] > 0 for row in rows)
    assert rows == expected_rows(grower_world)


def test_buyer_world(buyer_world: ReportWarehouse) -> None:
    """For a buyer in the sandbox world, the rows are as expected; its contracts keep their id in each version."""
    rows = buyer_world.report(REPORT)

    assert any(row[14] for row in rows)
    assert rows == expected_rows(buyer_world)


@pytest.fixture(scope="module")
def handmade_contracts(tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse with contracts of two accounts in several versions, and blanket orders under each version."""
    return store_all(ReportWarehouse(tmp_path_factory.mktemp("contracts") / "w.duckdb"))


FILTERS = (
    Parameters(from_date=dt.date(2025, 4, 7)),
    Parameters(to_date=dt.date(2025, 3, 30)),
    Parameters(from_date=dt.date(2025, 3, 31), to_date=dt.date(2025, 3, 31)),
    Parameters(currency="USD"),
    Parameters(customer=UUID(BLOOM)),
    Parameters(grower=UUID(GROWERS[0])),
    Parameters(trade_item=UUID(ROSE)),
)


@pytest.mark.slow
@pytest.mark.parametrize("parameters", [NO_FILTER, *FILTERS], ids=repr)
def test_handmade_contracts(handmade_contracts: ReportWarehouse, parameters: Parameters) -> None:
    """Rows are correct for kept and replaced period ids, equal trade items, and periods without start or end."""
    rows = handmade_contracts.report(REPORT, **parameters.arguments)

    assert rows
    assert rows == expected_rows(handmade_contracts, parameters)


@pytest.mark.slow
def test_call_offs_of_older_versions_count_for_the_newest(warehouse: ReportWarehouse) -> None:
    """Pieces called off under an older version count for the newest version's period with the same start."""
    warehouse.store(CONTRACTS, [contract(1, pieces=100), contract(2, pieces=200)])
    warehouse.store(BLANKET_ORDERS, [blanket_order_of(1, 40), blanket_order_of(2, 20)])

    assert [row[13:] for row in warehouse.report(REPORT)] == [
        (200, 60, 0, 0, 0, quotient(60, 200), 0, UUID(id_of("period 2")))
    ]


@pytest.mark.slow
def test_committed_and_delivered_pieces(warehouse: ReportWarehouse) -> None:
    """What is called off, committed and delivered are three figures; a correction changes the last two."""
    warehouse.store(CONTRACTS, [contract(1, pieces=100)])
    warehouse.store(BLANKET_ORDERS, [blanket_order_of(1, 40)])
    ordered = {"status": "COMMITTED", "isDeleted": False, "blanketOrderLineId": id_of("line 1")}
    for seed, (pieces, date) in enumerate(((25, "2026-03-10"), (10, "2150-03-10"))):
        delivery = {"latestDeliveryDateTime": f"{date}T10:00:00Z"}
        order = make_record("suppliers", ORDERS, seed, **ordered, numberOfPieces=pieces, delivery=delivery)
        warehouse.store(ORDERS, [order])

    assert [row[13:18] for row in warehouse.report(REPORT)] == [(100, 40, 0, 35, 25)]


@pytest.mark.slow
def test_deleted_contract_has_no_row(warehouse: ReportWarehouse) -> None:
    """A contract whose newest version is deleted has no row, although an older version is not deleted."""
    warehouse.store(CONTRACTS, [contract(1, pieces=100), contract(2, pieces=200, is_deleted=True)])

    assert warehouse.report(REPORT) == []


@pytest.mark.slow
def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []
