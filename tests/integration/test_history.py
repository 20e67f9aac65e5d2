"""The history has every version with the time in which it was valid, and each table as it was at any time."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from pipelines.catalogue.types import Boolean, Feed, Int32, Int64, Record, Text, field
from pipelines.floriday.endpoints import Endpoint
from tests.every_kind import thing
from tests.examples import cases
from tests.thing_warehouse import A, B, ThingWarehouse, word

pytestmark = pytest.mark.both_kinds


class Edition(Record):
    """A record with fields that are named like columns of the history."""

    edition_code: Text = field("code")
    sequence_number: Int64 = field("number")
    version: Int32 = field("version")
    is_current: Boolean = field("whether it is current")


EDITIONS = Feed("things", "editions", Edition, ("edition_code",), Endpoint("/editions"), scope="things:read")


@pytest.fixture
def things(tmp_path: Path) -> ThingWarehouse:
    """An empty warehouse for the feed of things."""
    return ThingWarehouse(tmp_path / "w.duckdb").create()


def leafy(*words: str, number: int = 1) -> bytes:
    """Return a thing with one branch with these leaves."""
    branches = [{"leaves": [{"word": text} for text in words]}]
    return thing(f'"branches":{json.dumps(branches)}', number)


def set_times(things: ThingWarehouse, *moments: str) -> None:
    """Set the times at which the versions of things were seen, in their order."""
    for version, moment in enumerate(moments, start=1):
        things.change("UPDATE versions.things SET synced_at = ?::TIMESTAMPTZ WHERE row_version = ?", moment, version)


def words_as_of(things: ThingWarehouse, moment: object) -> list[str]:
    """Return the words of all things at a time."""
    return things.values("SELECT word FROM history.things_as_of(?) ORDER BY 1", moment)


class TestVersions:
    """Rows of the history."""

    def test_versions_follow_each_other_without_gaps(self, things: ThingWarehouse) -> None:
        """Each version ends where the next one begins, and the newest has no end."""
        moments = [things.store(word(text, number)).committed_at for number, text in enumerate(["a", "b", "c"], 1)]

        columns = "word, valid_from, valid_to, is_current, version, sequence_number"
        assert things.rows(f"SELECT {columns} FROM history.things ORDER BY version") == [
            ("a", moments[0], moments[1], False, 1, 1),
            ("b", moments[1], moments[2], False, 2, 2),
            ("c", moments[2], None, True, 3, 3),
        ]

    def test_children_have_the_validity_of_their_parent(self, things: ThingWarehouse) -> None:
        """Children have the times of their parent's version, and a version without children has no rows."""
        for number, words in enumerate([["a", "b"], [], ["c"]], 1):
            things.store(leafy(*words, number=number))

        assert things.rows("SELECT version, word, is_current FROM history.thing_branch_leaves ORDER BY ALL") == [
            (1, "a", False),
            (1, "b", False),
            (3, "c", True),
        ]
        joined = "SELECT count(*) FROM history.thing_branch_leaves c JOIN history.things p USING (thing_id, version)"
        assert things.values(
            f"{joined} WHERE c.valid_from = p.valid_from AND c.valid_to IS NOT DISTINCT FROM p.valid_to"
        ) == [3]

    def test_the_newest_versions_are_the_current_rows(self, things: ThingWarehouse) -> None:
        """The newest versions equal the current rows in every column, for parents and children."""
        things.store(leafy("a"), word("x", 2, B))
        things.store(leafy("b", "c", number=3))

        for table in ("things", "thing_branches", "thing_branch_leaves"):
            newest = (
                f"SELECT * EXCLUDE (valid_from, valid_to, is_current, version) FROM history.{table} WHERE is_current"
            )
            assert things.rows(f"{newest} EXCEPT SELECT * FROM things.{table}") == []
            assert things.rows(f"SELECT * FROM things.{table} EXCEPT {newest}") == []

    def test_fields_with_names_of_history_columns_are_renamed(self, tmp_path: Path) -> None:
        """A record's own field that is named like a column of the history gets the prefix ``record_``."""
        editions = ThingWarehouse(tmp_path / "w.duckdb", (EDITIONS,)).create()
        for number in (1, 2):
            raw = f'{{"editionCode":"e","sequenceNumber":{number},"version":{number + 10},"isCurrent":true}}'
            editions.store(raw.encode(), feed=EDITIONS)

        columns = "record_version, version, record_is_current, is_current"
        assert editions.rows(f"SELECT {columns} FROM history.editions ORDER BY version") == [
            (11, 1, True, False),
            (12, 2, True, True),
        ]
        assert editions.rows("SELECT version, is_current FROM things.editions") == [(12, True)]


class TestAsOf:
    """The ``_as_of`` functions."""

    def test_the_version_of_a_time_is_returned(self, things: ThingWarehouse) -> None:
        """A version is valid from the time at which it was seen, inclusive; before the first sync there is no row."""
        things.store(word("a", 1))
        things.store(word("b", 2))
        set_times(things, "2024-01-10T08:00:00Z", "2024-01-20T08:00:00Z")

        assert words_as_of(things, "2024-01-10T07:59:59.999999Z") == []
        assert words_as_of(things, "2024-01-10T08:00:00Z") == ["a"]
        assert words_as_of(things, "2024-01-20T07:59:59.999999Z") == ["a"]
        assert words_as_of(things, "2024-01-20T08:00:00Z") == ["b"]
        assert words_as_of(things, "2025-01-01T00:00:00+01:00") == ["b"]

    def test_the_children_of_a_time_are_returned(self, things: ThingWarehouse) -> None:
        """The children of the parent's version at that time are returned."""
        for number, words in enumerate([["a", "b"], ["b"]], 1):
            things.store(leafy(*words, number=number))
        set_times(things, "2024-01-10T08:00:00Z", "2024-01-20T08:00:00Z")

        query = "SELECT word FROM history.thing_branch_leaves_as_of(?) ORDER BY 1"
        assert things.values(query, "2024-01-15") == ["a", "b"]
        assert things.values(query, "2024-01-20") == ["b"]
        assert things.values(query, "2024-01-09") == []

    def test_deleted_records_are_returned_as_deleted(self, things: ThingWarehouse) -> None:
        """A deleted record is returned with ``is_deleted`` after its deletion."""
        things.store(word("a", 1))
        things.store(thing('"isDeleted":true', 2))
        set_times(things, "2024-01-10T08:00:00Z", "2024-01-20T08:00:00Z")

        query = "SELECT is_deleted FROM history.things_as_of(?)"
        assert things.values(query, "2024-01-15") == [False]
        assert things.values(query, "2024-01-25") == [True]

    @cases(
        ("day", "last"),
        [
            pytest.param("2024-01-15", "2024-01-15T22:59:59.999999Z", id="winter"),
            pytest.param("2024-07-01", "2024-07-01T21:59:59.999999Z", id="summer"),
            pytest.param("2024-03-30", "2024-03-30T22:59:59.999999Z", id="the day before summer time"),
            pytest.param("2024-03-31", "2024-03-31T21:59:59.999999Z", id="the day of 23 hours"),
            pytest.param("2024-10-26", "2024-10-26T21:59:59.999999Z", id="the day before winter time"),
            pytest.param("2024-10-27", "2024-10-27T22:59:59.999999Z", id="the day of 25 hours"),
        ],
        quick=2,
    )
    def test_a_date_is_the_end_of_that_day_in_amsterdam(self, things: ThingWarehouse, day: str, last: str) -> None:
        """A date means its last microsecond in Amsterdam, as text or DATE, whatever the time zone of the session."""
        after = dt.datetime.fromisoformat(last) + dt.timedelta(microseconds=1)
        things.store(word("that day", 1))
        things.store(word("the next", 2))
        set_times(things, last, after.isoformat())

        for given in (day, dt.date.fromisoformat(day)):
            assert words_as_of(things, given) == ["that day"]
        next_day = str(dt.date.fromisoformat(day) + dt.timedelta(days=1))
        assert words_as_of(things, next_day) == ["the next"]
        with things.warehouse.reading() as connection:
            connection.execute("SET TimeZone = 'America/New_York'")
            result = connection.execute(f"SELECT word FROM history.things_as_of(DATE '{day}')").fetchall()
            assert result == [("that day",)]

    @cases(
        "given",
        [
            "'2024-01-15T12:00:00Z'",
            "'2024-01-15 13:00:00+01:00'",
            "TIMESTAMPTZ '2024-01-15 12:00:00+00'",
            "TIMESTAMP '2024-01-15 12:00:00'",
            "DATE '2024-01-15'",
            "'2024-01-15'",
            "TIMESTAMPTZ '2024-01-10 00:00:00+00'",
            "TIMESTAMP '2024-01-10 00:00:00'",
        ],
        quick=2,
    )
    def test_every_type_of_time_is_accepted(self, things: ThingWarehouse, given: str) -> None:
        """Text, DATE, TIMESTAMP and TIMESTAMPTZ are accepted; midnight as a timestamp does not mean the whole day."""
        for number, text in enumerate(["early", "midnight", "late"], 1):
            things.store(word(text, number))
        set_times(things, "2024-01-05T00:00:00Z", "2024-01-10T00:00:00Z", "2024-01-20T00:00:00Z")

        assert things.values(f"SELECT word FROM history.things_as_of({given})") == ["midnight"]

    def test_python_datetimes_are_accepted(self, things: ThingWarehouse) -> None:
        """A datetime with a time zone can be bound as a parameter."""
        things.store(word("a", 1))
        set_times(things, "2024-01-10T08:00:00Z")

        assert words_as_of(things, dt.datetime(2024, 1, 10, 8, tzinfo=dt.UTC)) == ["a"]
        assert words_as_of(things, dt.datetime(2024, 1, 10, 7, tzinfo=dt.UTC)) == []

    def test_a_restarted_feed_has_one_history(self, things: ThingWarehouse) -> None:
        """Versions of a new series follow those of the old series."""
        things.store(word("a", 1000))
        things.store(word("b", 1), series=2)
        set_times(things, "2024-01-10T08:00:00Z", "2024-01-20T08:00:00Z")

        assert words_as_of(things, "2024-01-15") == ["a"]
        assert words_as_of(things, "2024-01-21") == ["b"]

    def test_versions_of_one_batch_do_not_overlap(self, things: ThingWarehouse) -> None:
        """Of several versions in one batch only the newest was valid at the time of the commit."""
        stored = things.store(word("a", 1), word("b", 2), word("x", 3, B))

        assert words_as_of(things, stored.committed_at) == ["b", "x"]
        assert things.values("SELECT count(*) FROM history.things WHERE thing_id = ?::UUID", A) == [2]
