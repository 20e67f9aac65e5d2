"""Who is connected, and who of them buys."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import replace
from random import Random
from uuid import UUID

import pytest

from tests.integration.reporting import (
    AMOUNT,
    DELIVERY,
    ORDERS,
    Json,
    Reporting,
    Row,
    day,
    last_if_none,
    made,
    moment,
    number,
    text,
    total,
    uuid,
)
from tests.integration.reports import by_hand
from tests.integration.reports.asked import ALL, DAYS, Asked
from tests.integration.reports.by_hand import BLOOM, PETAL, STRANGER

REPORT = "customer_network"
CONNECTIONS = "organizations.connections"


def customer_network(told: Reporting, asked: Asked = ALL) -> list[Row]:
    """The rows of the report."""
    names, since, bought = told.organizations(), beginnings(told), orders_by_customer(told, asked)
    rows = []
    for account, connection in told.served(CONNECTIONS):
        customer = uuid(connection, "customerOrganizationId")
        if asked.customer in (None, customer):
            known = (names.get((account, customer)), since.get((account, customer)), connection["isDeleted"])
            for currency, orders in (bought.get((account, customer)) or {None: []}).items():
                rows.append((account, customer, *known, *measures(orders, asked, currency)))
    return sorted(rows, key=place)


def measures(orders: list[Json], asked: Asked, currency: str | None) -> Row:
    """Of orders in one currency: the last one, and those of the days that are asked for."""
    moments = [ordered for order in orders if (ordered := moment(order, "orderDateTime"))]
    counted = [order for order in orders if asked.covers(day(order, DELIVERY))]
    revenue = total(number(order, f"{AMOUNT}.value") for order in counted)
    return (max(moments, default=None), currency, len(counted), revenue or 0)


def beginnings(told: Reporting) -> dict[Row, dt.datetime | None]:
    """By account and customer, when it was last connected: the first word of it after none, or after an end."""
    since: dict[Row, dt.datetime | None] = {}
    is_connected: dict[Row, bool] = defaultdict(bool)
    for account, version in told.versions(CONNECTIONS):
        customer = (account, uuid(version, "customerOrganizationId"))
        if not version["isDeleted"] and not is_connected[customer]:
            since[customer] = moment(version, "lastModifiedDateTime")
        is_connected[customer] = not version["isDeleted"]
    return since


def orders_by_customer(told: Reporting, asked: Asked) -> dict[Row, dict[str | None, list[Json]]]:
    """By account and customer, all orders in each currency."""
    found: dict[Row, dict[str | None, list[Json]]] = defaultdict(lambda: defaultdict(list))
    for account, order in replace(asked, from_date=None, to_date=None).orders(told):
        found[account, uuid(order, "customerOrganizationId")][text(order, f"{AMOUNT}.currency")].append(order)
    return found


def place(row: Row) -> Row:
    """Who is still connected first, by currency, in that the highest revenue first."""
    account, customer, _, _, is_deleted, _, currency, _, revenue = row
    return (account, is_deleted, last_if_none(currency), -revenue, last_if_none(customer))


def test_the_world_of_a_grower(grower_world: Reporting) -> None:
    """Every row of the sandbox's world, in order."""
    rows = grower_world.report(REPORT)

    assert {row[4] for row in rows} == {True, False}
    assert {row[6] for row in rows} == {"EUR", "USD", None}
    assert rows == customer_network(grower_world)


@pytest.fixture(scope="module")
def network_by_hand(tmp_path_factory: pytest.TempPathFactory) -> Reporting:
    """Connections of two accounts that came and went, with orders on all edges."""
    told = by_hand.store_all(Reporting(tmp_path_factory.mktemp("network") / "w.duckdb"))
    for account in ("north", "south"):
        random = Random(account)
        for hour in range(8):
            customers = random.sample((BLOOM, PETAL, STRANGER), 2)
            told.store(
                CONNECTIONS, [connection(one, hour, is_deleted=random.random() < 0.4) for one in customers], account
            )
    return told


NARROWED = (Asked(currency="USD"), Asked(customer=UUID(BLOOM)))


@pytest.mark.parametrize("asked", [ALL, *DAYS, *NARROWED], ids=repr)
def test_connections_by_hand(network_by_hand: Reporting, asked: Asked) -> None:
    """The last order is that of all days; customers that are not connected have no row."""
    rows = network_by_hand.report(REPORT, **asked.given)

    assert rows
    assert rows == customer_network(network_by_hand, asked)


def test_a_connection_begins_anew_after_its_end(grower: Reporting) -> None:
    """Made at 1, changed at 2, ended at 3, made again at 4, changed at 5."""
    for hour in range(1, 6):
        grower.store(CONNECTIONS, [connection(BLOOM, hour, is_deleted=hour == 3)])

    ((_, _, _, since, is_deleted, *rest),) = grower.report(REPORT)

    assert (since, is_deleted, rest) == (dt.datetime(2026, 3, 1, 4, tzinfo=dt.UTC), False, [None, None, 0, 0])


def test_an_end_alone_tells_no_beginning(grower: Reporting) -> None:
    """A connection that had ended before the first sync."""
    grower.store(CONNECTIONS, [connection(BLOOM, 1, is_deleted=True)])

    assert [row[3:5] for row in grower.report(REPORT)] == [(None, True)]


def test_no_connections(grower: Reporting) -> None:
    """Orders of customers that are not connected are no rows."""
    grower.store(ORDERS, by_hand.orders("suppliers", 1, 20))

    assert grower.report(REPORT) == []


def connection(customer: str, hour: int, *, is_deleted: bool = False) -> Json:
    """A connection as it was at an hour."""
    changed = f"2026-03-01T{hour:02}:00:00Z"
    return made(
        "suppliers",
        CONNECTIONS,
        1,
        customerOrganizationId=customer,
        lastModifiedDateTime=changed,
        isDeleted=is_deleted,
    )
