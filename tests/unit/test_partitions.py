"""Weekly partitions: which one a time belongs to, which a sync completes, and what a run of some of them reads."""

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
    """Return the outcome of a sync of one account."""
    return FeedOutcome("main", "supply.batches", current=current, whole=whole, current_before=before)


class TestWeeks:
    """Partitions are weeks in Amsterdam."""

    def test_weeks_begin_on_mondays_in_amsterdam(self) -> None:
        """The last partition is the current week, from the beginning of its Monday in Amsterdam."""
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
    def test_a_time_belongs_to_its_week_in_amsterdam(self, moment: dt.datetime, expected: str) -> None:
        """A time belongs to its week in Amsterdam, whatever the day is in UTC."""
        assert week_of(moment) == expected

    def test_the_current_week_is_the_last_partition(self) -> None:
        """The week of the current time is the last partition that Dagster lists."""
        assert week_of(NOW) == weeks(START).get_partition_keys(NOW)[-1]

    def test_a_range_of_weeks_becomes_days(self) -> None:
        """A range of weeks becomes the days from its first Monday to its last Sunday."""
        assert days_of(RANGE) == Days(dt.date(2026, 3, 9), dt.date(2026, 3, 22))

    def test_weeks_between_two_times(self) -> None:
        """The weeks of two times and those in between are returned, but none before the first partition."""
        assert weeks_between(NOW - A_WEEK, NOW, START) == ["2026-03-16", "2026-03-23"]
        assert weeks_between(None, NOW, START)[0] == "2026-03-02"
        assert weeks_between(NOW - 99 * A_WEEK, NOW, START)[0] == "2026-03-02"


class TestCovered:
    """A sync completes the weeks since the feed was last current."""

    def test_a_first_load_completes_all_weeks(self) -> None:
        """A first load completes all weeks."""
        assert covered([outcome(whole=True)], NOW, START) == weeks_between(None, NOW, START)

    def test_a_full_read_completes_all_weeks(self) -> None:
        """A full re-read completes all weeks, even if the feed was current just before."""
        assert covered([outcome(whole=True, before=NOW)], NOW, START) == weeks_between(None, NOW, START)

    def test_a_sync_completes_the_weeks_since_the_last_one(self) -> None:
        """A sync completes the weeks from the one in which the feed was last current."""
        assert covered([outcome(before=NOW - A_WEEK)], NOW, START) == ["2026-03-16", "2026-03-23"]

    def test_the_oldest_account_decides(self) -> None:
        """A week is complete when it is complete for every account."""
        outcomes = [outcome(before=NOW), outcome(before=NOW - 2 * A_WEEK)]

        assert covered(outcomes, NOW, START) == ["2026-03-09", "2026-03-16", "2026-03-23"]

    def test_an_account_that_was_never_current_completes_all_weeks(self) -> None:
        """The first load of one of several accounts completes all weeks."""
        assert covered([outcome(before=NOW), outcome(whole=True)], NOW, START) == weeks_between(None, NOW, START)

    def test_a_feed_that_is_not_current_completes_no_week(self) -> None:
        """No week is complete if the feed is not current for each account."""
        assert covered([outcome(before=NOW), outcome(current=False, before=NOW)], NOW, START) == []
        assert covered([], NOW, START) == []


class TestWhatToRead:
    """A run's config and partitions define what it reads."""

    def test_the_default_is_an_incremental_sync(self) -> None:
        """Without config and partitions a run reads changes."""
        assert what_to_read(SyncConfig(), None) == Changes()

    def test_partitions_are_read_again(self) -> None:
        """A run of partitions reads their days again."""
        assert what_to_read(SyncConfig(), RANGE) == days_of(RANGE)

    def test_an_incremental_run_reads_changes(self) -> None:
        """An incremental run, as schedules and sensors request it, reads changes whatever its partitions are."""
        assert what_to_read(SyncConfig(incremental=True), RANGE) == Changes()

    def test_full_has_precedence_over_partitions(self) -> None:
        """A full run reads everything whatever its partitions are."""
        assert what_to_read(SyncConfig(full=True), RANGE) == Everything()

    def test_days_have_precedence_over_partitions(self) -> None:
        """A run with days in its config reads these days whatever its partitions are."""
        config = SyncConfig(from_date="2026-03-03", to_date="2026-03-04")

        assert what_to_read(config, RANGE) == Days(dt.date(2026, 3, 3), dt.date(2026, 3, 4))

    def test_days_end_today_by_default(self) -> None:
        """Without a last day, a run reads from the first day to today."""
        days = what_to_read(SyncConfig(from_date="2026-03-03"), None)

        assert isinstance(days, Days)
        assert days.last >= dt.date(2026, 11, 24)

    @pytest.mark.parametrize(
        ("config", "message"),
        [
            pytest.param({"full": True, "incremental": True}, "incremental and full exclude each other", id="both"),
            pytest.param({"full": True, "from_date": "2026-03-03"}, "full and from_date exclude", id="full and days"),
            pytest.param({"to_date": "2026-03-03"}, "to_date needs from_date", id="no first day"),
            pytest.param({"from_date": "3 March"}, "from_date in the run's config expects a day", id="no day"),
            pytest.param(
                {"from_date": "2026-03-04", "to_date": "2026-03-03"},
                "to_date 2026-03-03 is before from_date 2026-03-04",
                id="reversed",
            ),
            pytest.param({"from_date": "2999-01-01"}, "from_date 2999-01-01 is still to come", id="future"),
        ],
    )
    def test_an_invalid_config_is_an_error(self, config: dict[str, object], message: str) -> None:
        """An invalid config raises an error that describes in one line what is wrong."""
        with pytest.raises(UsageError, match=message):
            what_to_read(SyncConfig(**config), None)  # type: ignore[arg-type]
