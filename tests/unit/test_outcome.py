"""The outcomes of a feed's sub-feeds are combined into one outcome of the feed."""

from __future__ import annotations

import datetime as dt

import pytest

from pipelines.cli.syncs.outcomes import is_well, print_differences
from pipelines.sync.outcome import FeedOutcome, combined

A_WEEK_AGO = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
YESTERDAY = dt.datetime(2026, 3, 8, tzinfo=dt.UTC)


def sub_feed(**fields: object) -> FeedOutcome:
    """Return the outcome of a sub-feed."""
    return FeedOutcome("main", "supply.supply_lines", **fields)  # type: ignore[arg-type]


def test_counts_are_added() -> None:
    """Records and pages of all sub-feeds are added, and the highest cursor is used."""
    outcome = combined([sub_feed(records=2, pages=1, cursor=7), sub_feed(records=3, pages=2, cursor=5)])

    assert (outcome.records, outcome.pages, outcome.cursor) == (5, 3, 7)


def test_a_feed_is_current_only_with_all_sub_feeds() -> None:
    """A feed is current and complete only if all of its sub-feeds are."""
    outcome = combined([sub_feed(current=True, whole=True), sub_feed(current=False, whole=False)])

    assert (outcome.current, outcome.whole) == (False, False)


def test_the_oldest_time_is_when_the_feed_was_current() -> None:
    """The feed was last current at the oldest time of its sub-feeds, and never if one never was."""
    current_yesterday = sub_feed(current_before=YESTERDAY)

    assert combined([current_yesterday, sub_feed(current_before=A_WEEK_AGO)]).current_before == A_WEEK_AGO
    assert combined([current_yesterday, sub_feed()]).current_before is None


def test_unknown_values_are_merged() -> None:
    """Unknown values of all sub-feeds are merged, also those of the same column."""
    outcome = combined(
        [sub_feed(unknown_values={"status": {"A"}}), sub_feed(unknown_values={"status": {"B"}, "kind": {"C"}})]
    )

    assert outcome.unknown_values == {"status": {"A", "B"}, "kind": {"C"}}


def test_days_that_were_read_are_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """Days that were read completely are a success, and the output says that newer changes are unread."""
    outcome = combined([sub_feed(current=True), sub_feed(days_read=True, maximum=9, cursor=7)])

    print_differences([], [outcome])

    assert is_well({}, [outcome])
    assert capsys.readouterr().out.splitlines()[1] == (
        "main · supply.supply_lines: not current: the days were read completely; the next sync reads what changed after"
        " them"
    )


def test_a_dry_run_prints_the_reason_of_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """A dry run that ends with a failure prints its reason."""
    outcome = sub_feed(maximum=9, cursor=7)

    print_differences([], [outcome])

    assert not is_well({}, [outcome])
    assert "main · supply.supply_lines: not current: Floriday reports 9" in capsys.readouterr().out
