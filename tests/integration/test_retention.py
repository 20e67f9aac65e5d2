"""What the server has forgotten is here still: every version that was ever visible at a sync, for any day."""

from __future__ import annotations

import sys

import pytest

from tests.month_of_syncs import SYNCS, sync_for_a_month


def test_a_month_of_a_server_that_forgets() -> None:
    """Twenty syncs in thirty days: each day of supply lines and their children is told as it was."""
    month = sync_for_a_month(("supply.supply_lines",), scale=0.02)

    assert (month.syncs, month.days) == (SYNCS, 29)
    assert month.versions > month.kept > 100
    assert month.forgotten > 50


@pytest.mark.soak
def test_a_month_of_a_nursery_that_trades(capsys: pytest.CaptureFixture[str]) -> None:
    """The same with more feeds, and ten times as many records."""
    feeds = ("supply.supply_lines", "supply.batches", "orders.sales_orders", "organizations.connections")

    month = sync_for_a_month(feeds, scale=0.2)

    with capsys.disabled():
        sys.stdout.write(f"{month}\n")
    assert month.forgotten > 300
