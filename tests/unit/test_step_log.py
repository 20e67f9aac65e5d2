"""What the step of a feed writes into the log of its run."""

from __future__ import annotations

import logging

import pytest

from pipelines.orchestration.assets.feeds import log_outcomes
from pipelines.sync.outcome import FeedOutcome

FEED = "orders.sales_orders"


def logged(caplog: pytest.LogCaptureFixture, *outcomes: FeedOutcome) -> list[str]:
    """Log the outcomes, and return the lines."""
    with caplog.at_level(logging.INFO, logger="step"):
        log_outcomes(logging.getLogger("step"), outcomes)
    return [record.getMessage() for record in caplog.records]


def test_accounts_without_records_share_a_line(caplog: pytest.LogCaptureFixture) -> None:
    """However many accounts had no change, the log has one line for them, and one for each that had some."""
    unchanged = [FeedOutcome(f"account{number}", FEED, current=True) for number in range(40)]
    changed = FeedOutcome("roos", FEED, records=3, new=1, changed=2, cursor=7, current=True)

    assert logged(caplog, *unchanged, changed) == [
        "roos: 3 records, 1 new, 2 changed, 0 rejected, 0.0 s; cursor 7",
        "40 of 41 accounts: 0 records",
    ]


def test_a_single_account_has_its_line(caplog: pytest.LogCaptureFixture) -> None:
    """Where there is one account, its counts are logged, also without records."""
    assert logged(caplog, FeedOutcome("main", FEED, cursor=7, current=True)) == [
        "main: 0 records, 0 new, 0 changed, 0 rejected, 0.0 s; cursor 7"
    ]


def test_accounts_with_a_problem_have_lines(caplog: pytest.LogCaptureFixture) -> None:
    """An account that was skipped, or is not current, is named."""
    skipped = FeedOutcome("roos", FEED, skipped="scope orders:read is not granted")
    lacking = FeedOutcome("tulp", FEED, lacks="its growers are not known")

    assert logged(caplog, skipped, lacking) == [
        "roos: skipped, scope orders:read is not granted",
        "tulp: not current: its growers are not known",
        "tulp: 0 records, 0 new, 0 changed, 0 rejected, 0.0 s; cursor 0",
    ]
