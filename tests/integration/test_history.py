"""The history shows every version with the time in which it was valid here, and any table as it was at a moment."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from pipelines.catalogue.types import Boolean, Feed, Int32, Int64, Record, Text, field
from pipelines.floriday.endpoints import Endpoint
from tests.every_kind import thing
from tests.thing_warehouse import A, B, ThingWarehouse, word


class Edition(Record):
    """A record whose own fields are called like columns of every history."""

    edition_code: Text = field("code")
    sequence_number: Int64 = field("number")
    version: Int32 = field("its own version")
    is_current: Boolean = field("its own word about itself")


EDITIONS = Feed("things", "editions", Edition, ("edition_code",), Endpoint("/editions"), scope="things:read")


@pytest.fixture
def things(tmp_path: Path) -> ThingWarehouse:
    """An empty warehouse for things and editions."""
    return ThingWarehouse(tmp_path / "w.duckdb").create()


def leafy(*words: str, number: int = 1) -> bytes:
    """A thing with one branch of leaves."""
    branches = [{"leaves": [{"word": text} for text in words]}]
    return thing(f'"branches":{json.dumps(branches)}', number)


def seen_at(things: ThingWarehouse, *moments: str) -> None:
    """Have the versions of things, in their order, been seen at these moments."""
    for version, moment in enumerate(moments, start=1):
        things.change("UPDATE versions.things SET synced_at = ?::TIMESTAMPTZ WHERE row_version = ?", moment, version)


def words_as_of(things: ThingWarehouse, moment: object) -> list[str]:
    """The words of things at a moment that is given as a parameter."""
    return things.values("SELECT word FROM history.things_as_of(?) ORDER BY 1", moment)


class TestVersions:
    """One row a version."""

    def test_validity_is_an_unbroken_chain(self, things: ThingWarehouse) -> None:
        """Each version ends where the next begins; the newest is open."""
        moments = [things.store(word(text, number)).committed_at for number, text in enumerate(["a", "b", "c"], 1)]

        columns = "word, valid_from, valid_to, is_current, version, sequence_number"
        assert things.rows(f"SELECT {columns} FROM history.things ORDER BY version") == [
            ("a", moments[0], moments[1], False, 1, 1),
            ("b", moments[1], moments[2], False, 2, 2),
            ("c", moments[2], None, True, 3, 3),
        ]

    def test_children_have_the_validity_of_their_parent(self, things: ThingWarehouse) -> None:
        """A version without children simply has no rows there."""
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
        """Column by column, for parents and children, while nothing is only renumbered."""
        things.store(leafy("a"), word("x", 2, B))
        things.store(leafy("b", "c", number=3))

        for table in ("things", "thing_branches", "thing_branch_leaves"):
            newest = (
                f"SELECT * EXCLUDE (valid_from, valid_to, is_current, version) FROM history.{table} WHERE is_current"
            )
            assert things.rows(f"{newest} EXCEPT SELECT * FROM things.{table}") == []
            assert things.rows(f"SELECT * FROM things.{table} EXCEPT {newest}") == []

    def test_fields_of_the_same_names_keep_their_place(self, tmp_path: Path) -> None:
        """Under a name that says that they are the record's own."""
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
    """A table as it was."""

    def test_a_moment_shows_the_version_of_that_moment(self, things: ThingWarehouse) -> None:
        """The first instant belongs to the new version; before the first sync there is nothing."""
        things.store(word("a", 1))
        things.store(word("b", 2))
        seen_at(things, "2024-01-10T08:00:00Z", "2024-01-20T08:00:00Z")

        assert words_as_of(things, "2024-01-10T07:59:59.999999Z") == []
        assert words_as_of(things, "2024-01-10T08:00:00Z") == ["a"]
        assert words_as_of(things, "2024-01-20T07:59:59.999999Z") == ["a"]
        assert words_as_of(things, "2024-01-20T08:00:00Z") == ["b"]
        assert words_as_of(things, "2025-01-01T00:00:00+01:00") == ["b"]

    def test_children_show_those_of_that_moment(self, things: ThingWarehouse) -> None:
        """Those that were gone, and not those that came."""
        for number, words in enumerate([["a", "b"], ["b"]], 1):
            things.store(leafy(*words, number=number))
        seen_at(things, "2024-01-10T08:00:00Z", "2024-01-20T08:00:00Z")

        query = "SELECT word FROM history.thing_branch_leaves_as_of(?) ORDER BY 1"
        assert things.values(query, "2024-01-15") == ["a", "b"]
        assert things.values(query, "2024-01-20") == ["b"]
        assert things.values(query, "2024-01-09") == []

    def test_deleted_records_are_shown_as_deleted(self, things: ThingWarehouse) -> None:
        """They were there, and said so."""
        things.store(word("a", 1))
        things.store(thing('"isDeleted":true', 2))
        seen_at(things, "2024-01-10T08:00:00Z", "2024-01-20T08:00:00Z")

        query = "SELECT is_deleted FROM history.things_as_of(?)"
        assert things.values(query, "2024-01-15") == [False]
        assert things.values(query, "2024-01-25") == [True]

    @pytest.mark.parametrize(
        ("day", "last"),
        [
            pytest.param("2024-01-15", "2024-01-15T22:59:59.999999Z", id="winter"),
            pytest.param("2024-07-01", "2024-07-01T21:59:59.999999Z", id="summer"),
            pytest.param("2024-03-30", "2024-03-30T22:59:59.999999Z", id="the day before summer time"),
            pytest.param("2024-03-31", "2024-03-31T21:59:59.999999Z", id="the day of 23 hours"),
            pytest.param("2024-10-26", "2024-10-26T21:59:59.999999Z", id="the day before winter time"),
            pytest.param("2024-10-27", "2024-10-27T22:59:59.999999Z", id="the day of 25 hours"),
        ],
    )
    def test_a_date_is_the_end_of_that_day_in_amsterdam(self, things: ThingWarehouse, day: str, last: str) -> None:
        """Its last microsecond, whether given as text or as DATE, in whatever time zone one asks."""
        after = dt.datetime.fromisoformat(last) + dt.timedelta(microseconds=1)
        things.store(word("that day", 1))
        things.store(word("the next", 2))
        seen_at(things, last, after.isoformat())

        for given in (day, dt.date.fromisoformat(day)):
            assert words_as_of(things, given) == ["that day"]
        next_day = str(dt.date.fromisoformat(day) + dt.timedelta(days=1))
        assert words_as_of(things, next_day) == ["the next"]
        with things.warehouse.reading() as connection:
            connection.execute("SET TimeZone = 'America/New_York'")
            shown = connection.execute(f"SELECT word FROM history.things_as_of(DATE '{day}')").fetchall()
            assert shown == [("that day",)]

    @pytest.mark.parametrize(
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
    )
    def test_any_way_to_say_when_is_taken(self, things: ThingWarehouse, given: str) -> None:
        """Text, DATE, TIMESTAMP and TIMESTAMPTZ; midnight as a moment is not taken for the whole day."""
        for number, text in enumerate(["early", "midnight", "late"], 1):
            things.store(word(text, number))
        seen_at(things, "2024-01-05T00:00:00Z", "2024-01-10T00:00:00Z", "2024-01-20T00:00:00Z")

        assert things.values(f"SELECT word FROM history.things_as_of({given})") == ["midnight"]

    def test_moments_of_python_are_taken_too(self, things: ThingWarehouse) -> None:
        """As bound parameters, with a zone."""
        things.store(word("a", 1))
        seen_at(things, "2024-01-10T08:00:00Z")

        assert words_as_of(things, dt.datetime(2024, 1, 10, 8, tzinfo=dt.UTC)) == ["a"]
        assert words_as_of(things, dt.datetime(2024, 1, 10, 7, tzinfo=dt.UTC)) == []

    def test_a_restarted_feed_keeps_one_history(self, things: ThingWarehouse) -> None:
        """Versions of the new series follow those of the old."""
        things.store(word("a", 1000))
        things.store(word("b", 1), series=2)
        seen_at(things, "2024-01-10T08:00:00Z", "2024-01-20T08:00:00Z")

        assert words_as_of(things, "2024-01-15") == ["a"]
        assert words_as_of(things, "2024-01-21") == ["b"]

    def test_versions_of_one_batch_do_not_overlap(self, things: ThingWarehouse) -> None:
        """They were seen at once, and the newest of them was what was valid."""
        stored = things.store(word("a", 1), word("b", 2), word("x", 3, B))

        assert words_as_of(things, stored.committed_at) == ["b", "x"]
        assert things.values("SELECT count(*) FROM history.things WHERE thing_id = ?::UUID", A) == [2]
