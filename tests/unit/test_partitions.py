"""Weeks of change: which partition a moment lies in, and which weeks a sync completes."""

from __future__ import annotations

import datetime as dt

import dagster as dg
import pytest

from pipelines.errors import UsageError
from pipelines.orchestration.assets.partitions import covered, days_of, week_of, weeks, weeks_between
from pipelines.orchestration.assets.request import SyncConfig, what_to_read
from pipelines.sync.outcome import FeedOutcome
from pipelines.sync.selection import Changes, Everything
from pipelines.warehouse.load.days_to_sequence import Days

START = dt.date(2026, 3, 2)
A_WEEK = dt.timedelta(weeks=1)
NOW = dt.datetime(2026, 3, 25, 12, tzinfo=dt.UTC)
RANGE = dg.PartitionKeyRange("2026-03-09", "2026-03-16")


def outcome(*, current: bool = True, whole: bool = False, before: dt.datetime | None = None) -> FeedOutcome:
    """What a sync of one account came to."""
    return FeedOutcome("main", "supply.batches", current=current, whole=whole, current_before=before)


class TestWeeks:
    """The partitions."""

    def test_they_begin_on_mondays_in_amsterdam(self) -> None:
        """The last one is the week that it is, from the moment in which its Monday begins in Amsterdam."""
        last_moment = dt.datetime(2026, 3, 22, 22, 59, 59, tzinfo=dt.UTC)

        before = weeks(START).get_partition_keys(last_moment)
        after = weeks(START).get_partition_keys(last_moment + dt.timedelta(seconds=1))

        assert before == ["2026-03-02", "2026-03-09", "2026-03-16"]
        assert after == [*before, "2026-03-23"]

    @pytest.mark.parametrize(
        ("moment", "expected"),
        [
            pytest.param(dt.datetime(2026, 3, 22, 22, 59, tzinfo=dt.UTC), "2026-03-16", id="Sunday in winter"),
            pytest.param(dt.datetime(2026, 3, 22, 23, 0, tzinfo=dt.UTC), "2026-03-23", id="Monday in winter"),
            pytest.param(dt.datetime(2026, 3, 29, 21, 59, tzinfo=dt.UTC), "2026-03-23", id="Sunday in summer"),
            pytest.param(dt.datetime(2026, 3, 29, 22, 0, tzinfo=dt.UTC), "2026-03-30", id="Monday in summer"),
        ],
    )
    def test_a_moment_lies_in_the_week_that_it_is_in_amsterdam(self, moment: dt.datetime, expected: str) -> None:
        """Whatever the day is in UTC."""
        assert week_of(moment) == expected

    def test_dagster_agrees(self) -> None:
        """The partition of a moment is one of those that Dagster has."""
        assert week_of(NOW) == weeks(START).get_partition_keys(NOW)[-1]

    def test_a_range_of_weeks_is_its_days(self) -> None:
        """From its first Monday to its last Sunday."""
        assert days_of(RANGE) == Days(dt.date(2026, 3, 9), dt.date(2026, 3, 22))

    def test_weeks_between_two_moments(self) -> None:
        """Those of both moments too, the oldest first, and none before the first partition."""
        assert weeks_between(NOW - A_WEEK, NOW, START) == ["2026-03-16", "2026-03-23"]
        assert weeks_between(None, NOW, START)[0] == "2026-03-02"
        assert weeks_between(NOW - 99 * A_WEEK, NOW, START)[0] == "2026-03-02"


class TestCovered:
    """Which weeks a sync completes."""

    def test_a_first_load_completes_all(self) -> None:
        """It was never current before, and is now."""
        assert covered([outcome(whole=True)], NOW, START) == weeks_between(None, NOW, START)

    def test_a_full_reading_completes_all(self) -> None:
        """Even if it was current a moment ago."""
        assert covered([outcome(whole=True, before=NOW)], NOW, START) == weeks_between(None, NOW, START)

    def test_a_sync_completes_the_weeks_since_the_last_one(self) -> None:
        """From the week in which the feed was last current."""
        assert covered([outcome(before=NOW - A_WEEK)], NOW, START) == ["2026-03-16", "2026-03-23"]

    def test_the_account_that_was_least_far_decides(self) -> None:
        """A week is complete when it is so for every account."""
        outcomes = [outcome(before=NOW), outcome(before=NOW - 2 * A_WEEK)]

        assert covered(outcomes, NOW, START) == ["2026-03-09", "2026-03-16", "2026-03-23"]

    def test_an_account_that_was_never_current_completes_all(self) -> None:
        """No week was complete without it."""
        assert covered([outcome(before=NOW), outcome(whole=True)], NOW, START) == weeks_between(None, NOW, START)

    def test_a_feed_that_is_not_current_completes_none(self) -> None:
        """Of one account, or of all."""
        assert covered([outcome(before=NOW), outcome(current=False, before=NOW)], NOW, START) == []
        assert covered([], NOW, START) == []


class TestReading:
    """What a run's config and partitions ask for."""

    def test_without_anything_what_is_new_is_read(self) -> None:
        """No config and no partition: an incremental sync."""
        assert what_to_read(SyncConfig(), None) == Changes()

    def test_weeks_are_read_again(self) -> None:
        """The run's partitions, as days."""
        assert what_to_read(SyncConfig(), RANGE) == days_of(RANGE)

    def test_an_incremental_run_only_marks_its_weeks(self) -> None:
        """Schedules and sensors ask for it."""
        assert what_to_read(SyncConfig(incremental=True), RANGE) == Changes()

    def test_full_wins_over_the_weeks(self) -> None:
        """Everything is read."""
        assert what_to_read(SyncConfig(full=True), RANGE) == Everything()

    def test_days_win_over_the_weeks(self) -> None:
        """They are what the person asked for."""
        config = SyncConfig(from_date="2026-03-03", to_date="2026-03-04")

        assert what_to_read(config, RANGE) == Days(dt.date(2026, 3, 3), dt.date(2026, 3, 4))

    def test_days_end_today_where_nothing_is_said(self) -> None:
        """From the first day on."""
        days = what_to_read(SyncConfig(from_date="2026-03-03"), None)

        assert isinstance(days, Days)
        assert days.last >= dt.date(2026, 11, 24)

    @pytest.mark.parametrize(
        ("config", "told"),
        [
            pytest.param({"full": True, "incremental": True}, "incremental and full exclude each other", id="both"),
            pytest.param({"full": True, "from_date": "2026-03-03"}, "full and from_date exclude", id="full and days"),
            pytest.param({"to_date": "2026-03-03"}, "to_date needs from_date", id="no first day"),
            pytest.param({"from_date": "3 March"}, "from_date in the run's config expects a day", id="no day"),
            pytest.param(
                {"from_date": "2026-03-04", "to_date": "2026-03-03"},
                "to_date 2026-03-03 is before from_date 2026-03-04",
                id="turned round",
            ),
            pytest.param({"from_date": "2999-01-01"}, "from_date 2999-01-01 is still to come", id="future"),
        ],
    )
    def test_a_config_that_makes_no_sense(self, config: dict[str, object], told: str) -> None:
        """One line says what is wrong with it."""
        with pytest.raises(UsageError, match=told):
            what_to_read(SyncConfig(**config), None)  # type: ignore[arg-type]
