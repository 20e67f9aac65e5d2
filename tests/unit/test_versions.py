"""The calendar of API versions, and the notices about the version in use."""

from __future__ import annotations

import datetime as dt

import pytest

from pipelines.catalogue.versions import State, life_cycle, notices


def day(text: str) -> dt.date:
    """Return a date from its ISO form."""
    return dt.date.fromisoformat(text)


def lines(version: str, today: str, known: str = "2026v1") -> list[str]:
    """Return the notices about a version on a day."""
    return [notice.text for notice in notices(version, known, day(today))]


class TestLifeCycle:
    """A version is in one state each day."""

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
    def test_a_state_begins_after_its_month(self, today: str, state: State) -> None:
        """A state that Floriday announces for after a month begins on the first day of the next one."""
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
    def test_an_unlisted_version_is_estimated(self, version: str, main: str, deprecated: str, removed: str) -> None:
        """The dates of a version that the calendar does not contain are estimated from two versions a year."""
        life = life_cycle(version)

        assert life is not None
        assert not life.is_stated
        assert (life.main_from, life.deprecated_from, life.removed_from) == (day(main), day(deprecated), day(removed))

    @pytest.mark.parametrize("version", ["2026", "2026v3", "v1", "next", ""])
    def test_another_form_of_version_has_no_life_cycle(self, version: str) -> None:
        """A version with another form of name has neither dates nor notices."""
        assert life_cycle(version) is None
        assert lines(version, "2030-01-01", known=version) == []


class TestNotices:
    """Notices show what happens to the version."""

    @pytest.mark.parametrize("today", ["2026-03-01", "2026-05-01", "2026-10-31"])
    def test_the_main_version_has_no_notice(self, today: str) -> None:
        """There is no notice before a version is deprecated."""
        assert lines("2026v1", today) == []

    @pytest.mark.parametrize("today", ["2026-11-01", "2026-11-24", "2027-01-30"])
    def test_a_deprecated_version(self, today: str) -> None:
        """The notice of a deprecated version has the date until which it works, and what to do."""
        (notice,) = notices("2026v1", "2026v1", day(today))

        assert notice.text == (
            "version 2026v1 of the API is deprecated: it works until the end of April 2027; no newer one for"
            " FLORIDAY_BASE_URL is supported yet: docs/new-api-version.md shows how to try one"
        )
        assert not notice.is_urgent

    def test_a_newer_version_is_named(self) -> None:
        """The notice names the newer version where the program supports one."""
        *_, notice = notices("2026v1", "2026v2", day("2026-11-24"))

        assert notice.text.endswith("; set 2026v2 in FLORIDAY_BASE_URL before then (docs/new-api-version.md)")

    @pytest.mark.parametrize(
        ("today", "left"), [("2027-01-31", "90 days"), ("2027-04-29", "2 days"), ("2027-04-30", "1 day")]
    )
    def test_less_than_three_months_left(self, today: str, left: str) -> None:
        """In the last three months the notice is urgent and has the number of days left."""
        (notice,) = notices("2026v1", "2026v1", day(today))

        assert notice.text.startswith(f"only {left} left: version 2026v1 of the API is removed after April 2027")
        assert notice.is_urgent

    @pytest.mark.parametrize("today", ["2027-05-01", "2031-01-01"])
    def test_a_removed_version(self, today: str) -> None:
        """The notice of a removed version names the setting to change."""
        (notice,) = notices("2026v1", "2026v1", day(today))

        assert "version 2026v1 of the API was removed after April 2027" in notice.text
        assert "FLORIDAY_BASE_URL" in notice.text
        assert notice.is_urgent

    def test_another_version_than_the_catalogue(self) -> None:
        """The notice of another version than the catalogue's names both versions."""
        (line,) = lines("2026v2", "2026-11-24")

        assert "version 2026v2" in line
        assert "supports 2026v1" in line
        assert "reported" in line

    @pytest.mark.parametrize(
        ("today", "estimate"), [("2027-06-01", "presumably deprecated"), ("2027-12-01", "presumably removed")]
    )
    def test_an_estimated_end(self, today: str, estimate: str) -> None:
        """An estimated date is shown as an estimate, after the notice about the other version."""
        first, second = lines("2026v2", today)

        assert "supports 2026v1" in first
        assert estimate in second
