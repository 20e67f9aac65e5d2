"""What a sync came to: one outcome of those of a feed's parts."""

from __future__ import annotations

import datetime as dt

from pipelines.sync.outcome import FeedOutcome, combined

A_WEEK_AGO = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
YESTERDAY = dt.datetime(2026, 3, 8, tzinfo=dt.UTC)


def part(**told: object) -> FeedOutcome:
    """What the sync of one part came to."""
    return FeedOutcome("main", "supply.supply_lines", **told)  # type: ignore[arg-type]


def test_counts_are_added_and_the_furthest_cursor_counts() -> None:
    """Records and pages of all parts, and the highest number."""
    both = combined([part(records=2, pages=1, cursor=7), part(records=3, pages=2, cursor=5)])

    assert (both.records, both.pages, both.cursor) == (5, 3, 7)


def test_a_feed_is_current_and_whole_only_with_all_its_parts() -> None:
    """One part that is not, and the feed is not."""
    both = combined([part(current=True, whole=True), part(current=False, whole=False)])

    assert (both.current, both.whole) == (False, False)


def test_the_part_that_was_least_far_tells_when_the_feed_was_current() -> None:
    """The oldest moment, and none where one never was."""
    known = part(current_before=YESTERDAY)

    assert combined([known, part(current_before=A_WEEK_AGO)]).current_before == A_WEEK_AGO
    assert combined([known, part()]).current_before is None


def test_unknown_values_of_all_parts_are_told() -> None:
    """Those of one column too."""
    both = combined([part(unknown_values={"status": {"A"}}), part(unknown_values={"status": {"B"}, "kind": {"C"}})])

    assert both.unknown_values == {"status": {"A", "B"}, "kind": {"C"}}
