"""Report ``customer_network``: connected customers and their orders."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import replace
from random import Random
from uuid import UUID

import pytest

from tests.integration.report_warehouse import (
    AMOUNT,
    DELIVERY,
    ORDERS,
    Json,
    ReportWarehouse,
    Row,
    day,
    descending,
    make_record,
    nulls_last,
    number,
    text,
    timestamp,
    total,
    uuid,
)
from tests.integration.reports import handmade_orders
from tests.integration.reports.handmade_orders import BLOOM, PETAL, STRANGER
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters

REPORT = "customer_network"
CONNECTIONS = "organizations.connections"


def expected_rows(warehouse: ReportWarehouse, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    names, since, orders_by = (
        warehouse.organization_names(),
        connected_since(warehouse),
        orders_by_customer(warehouse, parameters),
    )
    rows = []
    for account, connection in warehouse.newest_records(CONNECTIONS):
        customer = uuid(connection, "customerOrganizationId")
        if parameters.customer in (None, customer):
            known = (names.get((account, customer)), since.get((account, customer)), connection["isDeleted"])
            for currency, orders in (orders_by.get((account, customer)) or {None: []}).items():
                rows.append((account, customer, *known, *measures(orders, parameters, currency)))
    return sorted(rows, key=sort_key)


def measures(orders: list[Json], parameters: Parameters, currency: str | None) -> Row:
    """Return the last order time, the currency, and number and revenue of the orders within the period."""
    order_times = [time for order in orders if (time := timestamp(order, "orderDateTime"))]
    counted = [order for order in orders if parameters.includes(day(order, DELIVERY))]
    revenue = total(number(order, f"{AMOUNT}.value") for order in counted)
    return (max(order_times, default=None), currency, len(counted), revenue if counted else 0)


def connected_since(warehouse: ReportWarehouse) -> dict[Row, dt.datetime | None]:
    """Return the time of the first version of each customer's connection, or of the first one after its last end."""
    since: dict[Row, dt.datetime | None] = {}
    is_connected: dict[Row, bool] = defaultdict(bool)
    for account, version in warehouse.all_versions(CONNECTIONS):
        customer = (account, uuid(version, "customerOrganizationId"))
        if not version["isDeleted"] and not is_connected[customer]:
            since[customer] = timestamp(version, "lastModifiedDateTime")
        is_connected[customer] = not version["isDeleted"]
    return since


def orders_by_customer(warehouse: ReportWarehouse, parameters: Parameters) -> dict[Row, dict[str | None, list[Json]]]:
    """Return the orders of each currency, by account and customer, of all times."""
    found: dict[Row, dict[str | None, list[Json]]] = defaultdict(lambda: defaultdict(list))
    for account, order in replace(parameters, from_date=None, to_date=None).select_orders(warehouse):
        found[account, uuid(order, "customerOrganizationId")][text(order, f"{AMOUNT}.currency")].append(order)
    return found


def sort_key(row: Row) -> Row:
    """Return the sort key: connected customers first, then by currency, then the highest revenue first."""
    account, customer, _, _, is_deleted, _, currency, _, revenue = row
    return (account, is_deleted, nulls_last(currency), descending(revenue), nulls_last(customer))


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the report has exactly the expected rows."""
    rows = grower_world.report(REPORT)

    assert {row[4] for row in rows} == {True, False}
    assert {row[6] for row in rows} == {"EUR", "USD", None}
    assert rows == expected_rows(grower_world)


@pytest.fixture(scope="module")
def handmade_network(tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse with connections of two accounts that ended and began again, and with handmade orders."""
    warehouse = handmade_orders.store_all(ReportWarehouse(tmp_path_factory.mktemp("network") / "w.duckdb"))
    for account in ("north", "south"):
        random = Random(account)
        for hour in range(8):
            customers = random.sample((BLOOM, PETAL, STRANGER), 2)
            versions = [connection(customer, hour, is_deleted=random.random() < 0.4) for customer in customers]
            warehouse.store(CONNECTIONS, versions, account)
    return warehouse


FILTERS = (Parameters(currency="USD"), Parameters(customer=UUID(BLOOM)))


@pytest.mark.slow
@pytest.mark.parametrize("parameters", [NO_FILTER, *DATE_RANGES, *FILTERS], ids=repr)
def test_handmade_connections(handmade_network: ReportWarehouse, parameters: Parameters) -> None:
    """The last order is not restricted by the period, and customers without a connection have no row."""
    rows = handmade_network.report(REPORT, **parameters.arguments)

    assert rows
    assert rows == expected_rows(handmade_network, parameters)


@pytest.mark.slow
def test_connection_that_ended_and_began_again(warehouse: ReportWarehouse) -> None:
    """A connection that ended at 3:00 and began again at 4:00 is connected since 4:00."""
    for hour in range(1, 6):
        warehouse.store(CONNECTIONS, [connection(BLOOM, hour, is_deleted=hour == 3)])

    ((_, _, _, since, is_deleted, *rest),) = warehouse.report(REPORT)

    assert (since, is_deleted, rest) == (dt.datetime(2026, 3, 1, 4, tzinfo=dt.UTC), False, [None, None, 0, 0])


@pytest.mark.slow
def test_deleted_connection_without_a_start(warehouse: ReportWarehouse) -> None:
    """A connection that ended before the first sync has no known start."""
    warehouse.store(CONNECTIONS, [connection(BLOOM, 1, is_deleted=True)])

    assert [row[3:5] for row in warehouse.report(REPORT)] == [(None, True)]


@pytest.mark.slow
def test_unknown_revenue(warehouse: ReportWarehouse) -> None:
    """Revenue is NULL, and not 0, if the amounts of all orders are unknown."""
    amount = {"orderAmount": {"currency": "EUR", "value": None}}
    order = {"status": "COMMITTED", "isDeleted": False, "customerOrganizationId": BLOOM, "calculatedFields": amount}
    warehouse.store(CONNECTIONS, [connection(BLOOM, 1)])
    warehouse.store(ORDERS, [make_record("suppliers", ORDERS, 1, **order)])

    assert [row[6:] for row in warehouse.report(REPORT)] == [("EUR", 1, None)]


@pytest.mark.slow
def test_no_connections(warehouse: ReportWarehouse) -> None:
    """Without connections, orders give no rows."""
    warehouse.store(ORDERS, handmade_orders.orders("suppliers", 1, 20))

    assert warehouse.report(REPORT) == []


def connection(customer: str, hour: int, *, is_deleted: bool = False) -> Json:
    """Return a connection as it was at an hour."""
    changed = f"2026-03-01T{hour:02}:00:00Z"
    return make_record(
        "suppliers",
        CONNECTIONS,
        1,
        customerOrganizationId=customer,
        lastModifiedDateTime=changed,
        isDeleted=is_deleted,
    )
