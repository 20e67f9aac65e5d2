"""The warehouse keeps every version that a sync read, also after the server removed it."""

from __future__ import annotations

import sys

import pytest

from tests.month_of_syncs import SYNCS, sync_for_a_month


@pytest.mark.slow
def test_a_month_of_supply_lines() -> None:
    """After twenty syncs in thirty days, the history returns the supply lines of each day as they were."""
    month = sync_for_a_month(("supply.supply_lines",), scale=0.02)

    assert (month.syncs, month.days) == (SYNCS, 29)
    assert month.versions > month.kept > 100
    assert month.forgotten > 50


@pytest.mark.soak
def test_a_month_of_four_feeds(capsys: pytest.CaptureFixture[str]) -> None:
    """The history of four feeds with ten times as many records is as complete."""
    feeds = ("supply.supply_lines", "supply.batches", "orders.sales_orders", "organizations.connections")

    month = sync_for_a_month(feeds, scale=0.2)

    with capsys.disabled():
        sys.stdout.write(f"{month}\n")
    assert month.forgotten > 300
