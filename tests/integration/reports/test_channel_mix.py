"""Where the revenue comes from."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from uuid import UUID

import pytest

from tests.integration.reporting import (
    AMOUNT,
    DELIVERY,
    Json,
    Reporting,
    Row,
    day,
    falling,
    last_if_none,
    month_of,
    number,
    quotient,
    text,
    total,
)
from tests.integration.reports.asked import ALL, DAYS, Asked
from tests.integration.reports.by_hand import BLOOM, ROSE

REPORT = "channel_mix"


def channel_mix(told: Reporting, asked: Asked = ALL) -> list[Row]:
    """The rows of the report."""
    mix: dict[Row, list[Json]] = defaultdict(list)
    months: dict[Row, list[Decimal | None]] = defaultdict(list)
    for account, order in asked.orders(told):
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
    return sorted(rows, key=place)


def place(row: Row) -> Row:
    """Newest months first, in them by currency, in that what brings in most first."""
    account, month, *channel, currency, _, _, revenue, _ = row
    return (account, falling(month), last_if_none(currency), falling(revenue), *map(last_if_none, channel))


def test_the_world_of_a_grower(grower_world: Reporting) -> None:
    """Every row of the sandbox's world, in order: clock, direct and contract, by screen and by software."""
    rows = grower_world.report(REPORT)

    assert {"CLOCK_SALES", "CLOCK_PRESALES", "DIRECT_SALES", "CONTRACT"} <= {row[3] for row in rows}
    assert {"UI", "API", "VMP", "UNKNOWN"} == {row[4] for row in rows}
    assert rows == channel_mix(grower_world)


def test_the_world_of_a_buyer(buyer_world: Reporting) -> None:
    """The same of what a buyer orders."""
    rows = buyer_world.report(REPORT)

    assert rows
    assert rows == channel_mix(buyer_world)


NARROWED = (Asked(currency="USD"), Asked(customer=UUID(BLOOM)), Asked(trade_item=UUID(ROSE)))


@pytest.mark.parametrize("asked", [ALL, *DAYS, *NARROWED], ids=repr)
def test_orders_by_hand(grower_edges: Reporting, asked: Asked) -> None:
    """Edges of months, channels without a name, orders without a moment; shares are those of what is asked for."""
    rows = grower_edges.report(REPORT, **asked.given)

    assert rows
    assert rows == channel_mix(grower_edges, asked)


def test_no_orders(grower: Reporting) -> None:
    """The report is there and empty."""
    assert grower.report(REPORT) == []
