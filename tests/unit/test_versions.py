"""The calendar of API versions, and what is said about the one that is asked."""

from __future__ import annotations

import datetime as dt

import pytest

from pipelines.catalogue.versions import State, life_cycle, notices


def day(text: str) -> dt.date:
    """A date from its ISO form."""
    return dt.date.fromisoformat(text)


def lines(version: str, today: str, known: str = "2026v1") -> list[str]:
    """What is said about a version on a day."""
    return [notice.text for notice in notices(version, known, day(today))]


class TestLifeCycle:
    """When a version is in which state."""

    @pytest.mark.parametrize(
        ("today", "state"),
        [
            ("2026-04-30", State.PREVIEW),
            ("2026-05-01", State.MAIN),
            ("2026-10-31", State.MAIN),
            ("2026-11-01", State.DEPRECATED),
            ("2027-04-30", State.DEPRECATED),
            ("2027-05-01", State.REMOVED),
        ],
    )
    def test_a_month_counts_to_its_end(self, today: str, state: State) -> None:
        """What Floriday announces for after a month begins on the first day of the next one."""
        life = life_cycle("2026v1")

        assert life is not None
        assert life.is_stated
        assert life.state(day(today)) is state

    @pytest.mark.parametrize(
        ("version", "main", "deprecated", "removed"),
        [
            ("2026v2", "2026-11-01", "2027-05-01", "2027-11-01"),
            ("2027v1", "2027-05-01", "2027-11-01", "2028-05-01"),
        ],
    )
    def test_a_version_that_the_calendar_does_not_have(
        self, version: str, main: str, deprecated: str, removed: str
    ) -> None:
        """It is expected to live as two versions a year make it."""
        life = life_cycle(version)

        assert life is not None
        assert not life.is_stated
        assert (life.main_from, life.deprecated_from, life.removed_from) == (day(main), day(deprecated), day(removed))

    @pytest.mark.parametrize("version", ["2026", "2026v3", "v1", "next", ""])
    def test_another_name(self, version: str) -> None:
        """Nothing is expected of a version that is named in another way."""
        assert life_cycle(version) is None
        assert lines(version, "2030-01-01", known=version) == []


class TestNotices:
    """What a person is told."""

    @pytest.mark.parametrize("today", ["2026-03-01", "2026-05-01", "2026-10-31"])
    def test_the_known_version_in_its_time(self, today: str) -> None:
        """There is nothing to say."""
        assert lines("2026v1", today) == []

    @pytest.mark.parametrize("today", ["2026-11-01", "2026-11-24", "2027-01-30"])
    def test_deprecated(self, today: str) -> None:
        """It is told until when it works."""
        (notice,) = notices("2026v1", "2026v1", day(today))

        assert notice.text == "version 2026v1 of the API is deprecated: it works until the end of April 2027"
        assert not notice.is_urgent

    @pytest.mark.parametrize(
        ("today", "left"), [("2027-01-31", "90 days"), ("2027-04-29", "2 days"), ("2027-04-30", "1 day")]
    )
    def test_less_than_three_months_left(self, today: str, left: str) -> None:
        """It is urgent, and told how many days are left."""
        (notice,) = notices("2026v1", "2026v1", day(today))

        assert notice.text.startswith(f"only {left} left: version 2026v1 of the API is removed after April 2027")
        assert notice.is_urgent

    @pytest.mark.parametrize("today", ["2027-05-01", "2031-01-01"])
    def test_removed(self, today: str) -> None:
        """It is told that the version is gone, and what to set."""
        (notice,) = notices("2026v1", "2026v1", day(today))

        assert "version 2026v1 of the API was removed after April 2027" in notice.text
        assert "FLORIDAY_BASE_URL" in notice.text
        assert notice.is_urgent

    def test_another_version_than_the_catalogue_knows(self) -> None:
        """Both versions are named, and what becomes of what this program does not know."""
        (line,) = lines("2026v2", "2026-11-24")

        assert "version 2026v2" in line
        assert "supports 2026v1" in line
        assert "reported" in line

    @pytest.mark.parametrize(
        ("today", "told"), [("2027-06-01", "presumably deprecated"), ("2027-12-01", "presumably removed")]
    )
    def test_an_expected_end(self, today: str, told: str) -> None:
        """What Floriday has not stated is told as presumed, beside that it is another version."""
        first, second = lines("2026v2", today)

        assert "supports 2026v1" in first
        assert told in second
