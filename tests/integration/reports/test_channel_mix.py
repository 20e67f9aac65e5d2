"""Report ``channel_mix``: revenue by sales channel, trade instrument and interface."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from uuid import UUID

import pytest

from tests.integration.report_warehouse import (
    AMOUNT,
    DELIVERY,
    Json,
    ReportWarehouse,
    Row,
    day,
    descending,
    month_of,
    nulls_last,
    number,
    quotient,
    text,
    total,
)
from tests.integration.reports.handmade_orders import BLOOM, ROSE
from tests.integration.reports.report_parameters import DATE_RANGES, NO_FILTER, Parameters

REPORT = "channel_mix"


def expected_rows(warehouse: ReportWarehouse, parameters: Parameters = NO_FILTER) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    mix: dict[Row, list[Json]] = defaultdict(list)
    months: dict[Row, list[Decimal | None]] = defaultdict(list)
    for account, order in parameters.select_orders(warehouse):
        month, currency = month_of(day(order, DELIVERY)), text(order, f"{AMOUNT}.currency")
        channel = [text(order, name) for name in ("salesChannel", "tradeInstrument", "salesChannelInterface")]
        mix[account, month, *channel, currency].append(order)
        months[account, month, currency].append(number(order, f"{AMOUNT}.value"))
    rows = []
    for (account, month, *channel, currency), orders in mix.items():
        revenue = total(number(order, f"{AMOUNT}.value") for order in orders)
        pieces = total(order["numberOfPieces"] for order in orders)
        share = quotient(revenue, total(months[account, month, currency]))
        rows.append((account, month, *channel, currency, len(orders), pieces, revenue, share))
    return sorted(rows, key=sort_key)


def sort_key(row: Row) -> Row:
    """Return the sort key: newest month first, then by currency, then the highest revenue first."""
    account, month, *channel, currency, _, _, revenue, _ = row
    return (account, descending(month), nulls_last(currency), descending(revenue), *map(nulls_last, channel))


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the rows are as expected, of all trade instruments and interfaces."""
    rows = grower_world.report(REPORT)

    assert {"CLOCK_SALES", "CLOCK_PRESALES", "DIRECT_SALES", "CONTRACT"} <= {row[3] for row in rows}
    assert {"UI", "API", "VMP", "UNKNOWN"} == {row[4] for row in rows}
    assert rows == expected_rows(grower_world)


def test_buyer_world(buyer_world: ReportWarehouse) -> None:
    """For a buyer in the sandbox world, the report has exactly the expected rows."""
    rows = buyer_world.report(REPORT)

    assert rows
    assert rows == expected_rows(buyer_world)


FILTERS = (Parameters(currency="USD"), Parameters(customer=UUID(BLOOM)), Parameters(trade_item=UUID(ROSE)))


@pytest.mark.parametrize("parameters", [NO_FILTER, *DATE_RANGES, *FILTERS], ids=repr)
def test_handmade_orders(grower_orders: ReportWarehouse, parameters: Parameters) -> None:
    """Rows are correct at month boundaries and for missing channels and times; parameters also restrict the shares."""
    rows = grower_orders.report(REPORT, **parameters.arguments)

    assert rows
    assert rows == expected_rows(grower_orders, parameters)


def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []
