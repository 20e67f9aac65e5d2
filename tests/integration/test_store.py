"""A batch of records is stored completely or not at all, and storing it again adds nothing."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.types import Feed
from pipelines.floriday.change_feed import ChangeFeed, walk
from pipelines.floriday.pages import Page, read_page
from pipelines.normalize import normalize
from pipelines.warehouse.file.connection import transaction
from pipelines.warehouse.load.cursors import FeedPart, Position
from pipelines.warehouse.load.feed_cursor import FeedCursor
from pipelines.warehouse.load.upsert import store
from tests.every_kind import TABLE, THINGS, thing
from tests.examples import cases, examples
from tests.expected_rows import assert_holds
from tests.moments import real_now
from tests.records import in_json, page_of, renumbered, seeds, valid_record, valid_records
from tests.thing_warehouse import A, B, C, ThingWarehouse, commit, contents, window, word

pytestmark = pytest.mark.both_kinds

FEEDS = catalogue_of("suppliers").feeds
PART = FeedPart("main", THINGS.name)
VERSIONS = "SELECT word, version, is_current FROM history.things WHERE account = 'main' ORDER BY thing_id, version"
RAW = "SELECT count(*) FROM raw.things"
fresh_accounts = (f"account{number}" for number in count())


@pytest.fixture
def things(tmp_path: Path) -> ThingWarehouse:
    """An empty warehouse for the feed of things."""
    return ThingWarehouse(tmp_path / "w.duckdb").create()


@pytest.fixture(scope="module")
def warehouse_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Feed], ThingWarehouse]:
    """Returns one warehouse for each feed; each example uses its own account."""
    folder = tmp_path_factory.mktemp("w")
    # Not named after a schema: DuckDB names the database after the file, and "things.things" would mean two tables.
    return cache(lambda feed: ThingWarehouse(folder / f"of_{feed.table}.duckdb", (feed,)).create())


def branches(*ids: str, number: int = 1, identity: str = A) -> bytes:
    """Return a thing with branches of these ids, each with one leaf."""
    made = [{"branchId": f"8bb25702-90f6-4123-8ccc-{id:0>12}", "leaves": [{"word": id}]} for id in ids]
    return thing(f'"branches":{json.dumps(made)}', number, identity)


class TestOneBatch:
    """One transaction."""

    def test_every_kind_of_row_is_written(self, things: ThingWarehouse) -> None:
        """A batch writes current rows, children, raw and typed versions, the window and the cursor."""
        stored = things.store(branches("1", "2"), word("b", 7, B), begins=3, ends=9)

        assert (stored.new, stored.changed, stored.rejected) == (2, 0, 0)
        counts = {name: len(rows) for name, rows in things.contents().items() if rows}
        assert counts == {
            "things.things": 2,
            "things.thing_branches": 2,
            "things.thing_branch_leaves": 2,
            "versions.things": 2,
            "versions.thing_branches": 2,
            "versions.thing_branch_leaves": 2,
            "raw.things": 2,
            "sync.cursors": 1,
            "sync.windows": 1,
        }

    def test_the_raw_log_contains_what_was_received(self, things: ThingWarehouse) -> None:
        """The raw log has the payload byte for byte, with number, series, run and time."""
        raw = word("\\u00e9", 7)
        stored = things.store(raw)

        columns = "account, CAST(thing_id AS VARCHAR), series, sequence_number, payload, octet_length(content_hash)"
        assert things.rows(f"SELECT {columns}, synced_at, run_id FROM raw.things") == [
            ("main", A, 1, 7, raw.decode(), 16, stored.committed_at, "run")
        ]

    def test_the_window_and_the_cursor_are_stored(self, things: ThingWarehouse) -> None:
        """The window has the range and the counts, and the cursor is marked as current at the time of the commit."""
        stored = things.store(word("a", 5), thing('"count":"x"', 6, B), begins=3, ends=9)

        moment = stored.committed_at
        columns = "from_sequence_number, to_sequence_number, records, changed, rejected, committed_at, run_id"
        assert things.rows(f"SELECT {columns} FROM sync.windows") == [(3, 9, 2, 1, 1, moment, "run")]
        with things.warehouse.reading() as connection:
            assert FeedCursor(connection, PART).position() == Position(1, 9, None, moment, moment)
            assert FeedCursor(connection, FeedPart("other", THINGS.name)).position() == Position()

    @cases("broken", ["things.things", "things.thing_branch_leaves", "cursor"], quick=1)
    def test_an_error_rolls_everything_back(self, things: ThingWarehouse, broken: str) -> None:
        """After an error in any statement the file is as before, and the next batch is stored."""
        things.store(branches("1", "2"), word("b", 2, B))
        before = things.contents()
        batch = normalize(TABLE, [branches("3", number=5), word("c", 6, C), thing('"count":"x"', 7, B)])
        to = Position(1, 9)
        if broken == "cursor":
            to = replace(to, maximum="far")  # type: ignore[arg-type]
        else:
            frame = batch.frames[broken].rename(columns={"word": "wrong"})
            batch = replace(batch, frames={**batch.frames, broken: frame})

        with things.warehouse.writing() as connection:
            with pytest.raises(duckdb.Error), transaction(connection):
                store(connection, TABLE, batch, window(PART, batch, ends=9), to, current=True)
            assert contents(connection) == before

        assert things.contents() == before
        assert things.store(word("c", 6, C)).new == 1

    @pytest.mark.parametrize("known", [False, True], ids=["first versions", "further versions"])
    def test_each_payload_is_stored_with_its_own_key(self, things: ThingWarehouse, *, known: bool) -> None:
        """Each payload is stored with its own key, whatever the order of rows and payloads."""
        raws = [word("a", 1, A), word("b", 2, B), word("c", 3, C)]
        if known:
            things.store(word("before", 0, B))
        batch = normalize(TABLE, raws)
        batch = replace(batch, originals=batch.originals.iloc[::-1].reset_index(drop=True))

        with things.warehouse.writing() as connection, transaction(connection):
            store(connection, TABLE, batch, window(PART, batch, ends=9), Position(1, 9), current=True)

        found = things.rows("SELECT CAST(thing_id AS VARCHAR), payload FROM raw.things WHERE sequence_number > 0")
        assert sorted(found) == [(key, raw.decode()) for key, raw in zip((A, B, C), raws, strict=True)]

    def test_an_empty_batch_only_moves_the_cursor(self, things: ThingWarehouse) -> None:
        """A page without records moves the cursor and adds no rows."""
        things.store(begins=3, ends=9)

        assert things.values("SELECT cursor FROM sync.cursors") == [9]
        assert things.rows("SELECT records, changed FROM sync.windows") == [(0, 0)]


class TestVersions:
    """Records that add a version, and records that do not."""

    def test_the_same_batch_again_changes_nothing(self, things: ThingWarehouse) -> None:
        """The same batch again changes no rows except the times of the cursor."""
        raws = [branches("1", "2"), word("b", 2, B)]
        things.store(*raws, begins=0, ends=2)
        before = things.contents(excluding=["sync.cursors"])

        stored = things.store(*raws, begins=2, ends=2)

        assert (stored.new, stored.changed) == (0, 0)
        assert things.contents(excluding=["sync.cursors"]) == before

    def test_a_new_number_alone_adds_no_version(self, things: ThingWarehouse) -> None:
        """A new number without a new content changes only the number of the current row."""
        things.store(word("a", 1))
        before = things.values("SELECT synced_at FROM things.things")

        stored = things.store(word("a", 50))

        assert stored.changed == 0
        assert things.rows("SELECT sequence_number, word FROM things.things") == [(50, "a")]
        assert things.values("SELECT synced_at FROM things.things") == before
        assert things.values(RAW) == [1]

    def test_a_value_that_returns_makes_three_versions(self, things: ThingWarehouse) -> None:
        """A value that changes and returns makes three versions."""
        for number, text in enumerate(["a", "b", "a"]):
            things.store(word(text, number + 1))

        assert things.rows(VERSIONS) == [("a", 1, False), ("b", 2, False), ("a", 3, True)]
        assert things.values(RAW) == [3]

    def test_a_value_that_returns_within_a_batch_makes_three_versions(self, things: ThingWarehouse) -> None:
        """All versions of a record in one batch are stored, in the order of their numbers."""
        stored = things.store(word("a", 9), word("b", 5), word("b", 7), word("a", 2))

        assert (stored.new, stored.changed) == (1, 2)
        assert things.rows(VERSIONS) == [("a", 1, False), ("b", 2, False), ("a", 3, True)]
        assert things.rows("SELECT sequence_number, word FROM things.things") == [(9, "a")]

    def test_versions_of_a_batch_are_ordered_by_number(self, things: ThingWarehouse) -> None:
        """Versions of a batch are numbered by sequence number, not by their order in the batch."""
        things.store(word("c", 9), word("b", 5), word("a", 2))

        assert things.rows(VERSIONS) == [("a", 1, False), ("b", 2, False), ("c", 3, True)]

    def test_a_batch_continues_after_the_stored_version(self, things: ThingWarehouse) -> None:
        """The first version of a batch is compared with the newest stored version."""
        things.store(word("a", 1))

        stored = things.store(word("a", 2), word("b", 3))

        assert (stored.new, stored.changed) == (0, 1)
        assert things.rows(VERSIONS) == [("a", 1, False), ("b", 2, True)]

    def test_an_older_record_is_ignored(self, things: ThingWarehouse) -> None:
        """An older version is ignored, even if it is newer than the last content but older than the last number."""
        things.store(word("a", 3))
        things.store(word("a", 9))
        before = things.contents(excluding=["sync.cursors", "sync.windows"])

        for number in (2, 5):
            stored = things.store(word("old", number))
            assert stored.changed == 0

        assert things.contents(excluding=["sync.cursors", "sync.windows"]) == before

    def test_another_content_with_the_same_number_is_a_version(self, things: ThingWarehouse) -> None:
        """A different content with the same number counts as newer."""
        things.store(word("a", 3))

        assert things.store(word("b", 3)).changed == 1
        assert things.values("SELECT word FROM things.things") == ["b"]

    def test_deletion_and_return_are_stored(self, things: ThingWarehouse) -> None:
        """A deleted record keeps its row with ``is_deleted``, and the history has the deletion and the return."""
        for number, deleted in enumerate(["false", "true", "false"]):
            things.store(thing(f'"isDeleted":{deleted}', number + 1))
            assert things.values("SELECT is_deleted FROM things.things") == [deleted == "true"]

        assert things.values("SELECT is_deleted FROM history.things ORDER BY version") == [False, True, False]

    def test_synced_at_changes_only_with_the_content(self, things: ThingWarehouse) -> None:
        """``synced_at`` changes with the content, and not with the number."""
        moments = []
        for number, text in enumerate(["a", "a", "b", "b"]):
            things.store(word(text, number + 1))
            moments += things.values("SELECT synced_at FROM things.things")

        assert moments[0] == moments[1] < moments[2] == moments[3]

    def test_a_clock_that_was_wrong_affects_no_later_commit(self, things: ThingWarehouse) -> None:
        """After a commit with a time in the future, the next one has the correct time and the current version."""
        in_ten_years = real_now() + dt.timedelta(days=3650)
        things.store(word("a", 1), moment=in_ten_years)

        stored = things.store(word("b", 2))

        assert stored.committed_at < in_ten_years - dt.timedelta(days=3000)
        assert things.rows("SELECT word, valid_to > valid_from, is_current FROM history.things ORDER BY version") == [
            ("a", False, False),
            ("b", None, True),
        ]
        assert things.rows("SELECT current_at, committed_at FROM sync.cursors") == [(stored.committed_at,) * 2]
        assert things.values("SELECT synced_at FROM things.things") == [stored.committed_at]


class TestChildren:
    """Children belong to the newest version of their parent."""

    def test_elements_that_are_removed_lose_their_rows(self, things: ThingWarehouse) -> None:
        """If an array becomes shorter, its children and grandchildren are removed; those of other parents stay."""
        things.store(branches("1", "2", "3"), branches("4", "5", identity=B))

        things.store(branches("2", number=3))

        assert things.values("SELECT word FROM things.thing_branch_leaves ORDER BY word") == ["2", "4", "5"]
        assert things.rows("SELECT position, count(*) FROM things.thing_branches GROUP BY 1 ORDER BY 1") == [
            (0, 2),
            (1, 1),
        ]

    @cases("nothing", ["", '"branches":[]', '"branches":null'], quick=1)
    def test_an_array_that_disappears_leaves_no_rows(self, things: ThingWarehouse, nothing: str) -> None:
        """An array that becomes empty, null or absent leaves no rows."""
        things.store(branches("1", "2"))

        things.store(thing(nothing, 2))

        assert things.values("SELECT count(*) FROM things.thing_branches") == [0]
        assert things.values("SELECT count(*) FROM things.thing_branch_leaves") == [0]

    def test_a_child_moves_to_another_parent(self, things: ThingWarehouse) -> None:
        """A child that moves to another parent is stored under both while both contain it."""
        things.store(branches("1"), branches("2", identity=B))

        things.store(branches("1", "2", number=3))
        shared = things.values("SELECT count(*) FROM things.thing_branch_leaves WHERE word = '2'")
        things.store(thing("", 4, B))

        assert shared == [2]
        assert things.rows("SELECT CAST(thing_id AS VARCHAR), word FROM things.thing_branch_leaves ORDER BY 2") == [
            (A, "1"),
            (A, "2"),
        ]

    def test_an_older_parent_does_not_restore_its_children(self, things: ThingWarehouse) -> None:
        """Older versions of a parent do not restore their children, also within one batch."""
        things.store(branches("1", number=5), branches("2", number=4))
        things.store(branches("3", number=2))

        assert things.values("SELECT word FROM things.thing_branch_leaves") == ["1"]


class TestAccountsAndSeries:
    """Separation of accounts and series."""

    def test_accounts_are_separate(self, things: ThingWarehouse) -> None:
        """The same record of two accounts has its own rows, versions and cursor in each."""
        things.store(branches("1", number=5), account="one", ends=5)
        things.store(branches("2", number=3), account="two", ends=3)
        things.store(thing("", 6), account="one", ends=6)

        assert things.rows("SELECT account, sequence_number FROM things.things ORDER BY 1") == [("one", 6), ("two", 3)]
        assert things.rows("SELECT account, word FROM things.thing_branch_leaves") == [("two", "2")]
        assert things.rows("SELECT account, version FROM history.things ORDER BY 1, 2") == [
            ("one", 1),
            ("one", 2),
            ("two", 1),
        ]
        assert things.rows("SELECT account, cursor FROM sync.cursors ORDER BY 1") == [("one", 6), ("two", 3)]

    def test_a_new_series_begins_with_lower_numbers(self, things: ThingWarehouse) -> None:
        """In a new series rows stay, versions continue, and unchanged records add none."""
        things.store(word("a", 1000), word("b", 1001, B), word("c", 1002, C))

        stored = things.store(word("a", 1), word("new", 2, B), series=2)

        assert (stored.new, stored.changed) == (0, 1)
        assert things.rows("SELECT word, sequence_number FROM things.things ORDER BY word") == [
            ("a", 1),
            ("c", 1002),
            ("new", 2),
        ]
        assert things.rows("SELECT series, sequence_number FROM raw.things ORDER BY ALL")[-1] == (2, 2)
        assert things.rows(VERSIONS)[1:3] == [("b", 1, False), ("new", 2, True)]

    def test_within_the_new_series_older_records_are_ignored(self, things: ThingWarehouse) -> None:
        """In the new series versions are ordered by series first and number second."""
        things.store(word("a", 1000))
        things.store(word("b", 5), series=2)

        assert things.store(word("c", 4), series=2).changed == 0
        assert things.store(word("d", 6), series=2).changed == 1
        assert things.values("SELECT word FROM history.things ORDER BY version") == ["a", "b", "d"]


class TestRepair:
    """Repair of rows that were lost or changed in the warehouse."""

    @pytest.mark.parametrize("lost", ["things", "thing_branches", "thing_branch_leaves"])
    def test_lost_rows_are_restored_without_a_new_version(self, things: ThingWarehouse, lost: str) -> None:
        """Storing a record again restores lost rows of any of its tables."""
        raws = [branches("1", "2"), word("b", 2, B)]
        things.store(*raws)
        before = things.contents(excluding=["sync.cursors", "sync.windows"])
        things.change(f"DELETE FROM things.{lost}")

        stored = things.store(*raws)

        assert (stored.new, stored.changed) == (0, 0)
        assert things.contents(excluding=["sync.cursors", "sync.windows"]) == before

    def test_rows_that_were_changed_by_hand_are_corrected(self, things: ThingWarehouse) -> None:
        """Storing a record again corrects values that were changed in the warehouse."""
        things.store(word("a", 1))
        things.change("UPDATE things.things SET word = 'by hand'")

        things.store(word("a", 1))

        assert things.values("SELECT word FROM things.things") == ["a"]


@cases("feed", [*FEEDS, THINGS], quick=8, ids=lambda feed: feed.name)
@settings(max_examples=examples(1))
@given(seed=seeds())
def test_any_valid_record_is_stored(warehouse_of: Callable[[Feed], ThingWarehouse], feed: Feed, seed: int) -> None:
    """Every column of every row equals the record, for any valid record of any feed."""
    account = next(fresh_accounts)
    records = [in_json(record) for record in valid_records(feed, seed, 25)]

    warehouse = warehouse_of(feed)
    stored = warehouse.store(*records, account=account, feed=feed)

    assert (stored.new, stored.rejected) == (len(records), 0)
    with warehouse.warehouse.reading() as connection:
        assert_holds(connection, feed, account, records)


def versions_of(feed: Feed, seed: int) -> list[dict[str, Any]]:
    """Return versions of a few records in ascending order of number, some with an unchanged content."""
    random = Random(seed)
    made: list[dict[str, Any]] = []
    for number in range(1, random.randrange(4, 30)):
        if made and random.random() < 0.3:
            made.append(renumbered(random.choice(made), number))
        else:
            made.append(valid_record(feed, random, number, identity=random.randrange(6)))
    return made


def split(raws: list[bytes], random: Random) -> Iterator[list[bytes]]:
    """Yield the records in batches of random sizes."""
    while raws:
        size = random.randrange(1, 9)
        yield raws[:size]
        raws = raws[size:]


@settings(max_examples=examples(2))
@given(seed=seeds())
def test_the_tables_are_the_same_however_versions_are_split_into_batches(
    warehouse_of: Callable[[Feed], ThingWarehouse], seed: int
) -> None:
    """Rows, children, raw log and history do not depend on how versions are split into batches, except for times."""
    records = [in_json(record) for record in versions_of(THINGS, seed)]
    accounts = [next(fresh_accounts) for _ in range(3)]
    with warehouse_of(THINGS).warehouse.writing() as connection:
        commit(connection, records, FeedPart(accounts[0], THINGS.name), THINGS)
        for account in accounts[1:]:
            for batch in split(records, Random(f"{seed} {account}")):
                commit(connection, batch, FeedPart(account, THINGS.name), THINGS)

        for account in accounts:
            assert_holds(connection, THINGS, account, records)
        whole, *others = [without_times(connection, account) for account in accounts]
    assert all(other == whole for other in others)


def without_times(connection: duckdb.DuckDBPyConnection, account: str) -> dict[str, list[str]]:
    """Return all rows of an account without the columns that hold times."""
    queries = {
        table: f"SELECT * EXCLUDE (account, {moments}) FROM {table} WHERE account = ?"
        for table, moments in {
            "raw.things": "synced_at",
            "history.things": "synced_at, valid_from, valid_to",
            "history.thing_branches": "valid_from, valid_to",
            "history.thing_branch_leaves": "valid_from, valid_to",
        }.items()
    }
    return {
        table: sorted(map(repr, connection.execute(query, [account]).fetchall())) for table, query in queries.items()
    }


@pytest.mark.slow
@settings(max_examples=examples(4))
@given(
    feed=st.sampled_from(FEEDS),
    seed=seeds(),
    page_size=st.integers(2, 9),
    pages_per_batch=st.integers(1, 4),
    inclusive=st.booleans(),
    known=st.booleans(),
)
def test_the_tables_are_the_same_however_the_feed_is_split_into_pages(
    *,
    warehouse_of: Callable[[Feed], ThingWarehouse],
    feed: Feed,
    seed: int,
    page_size: int,
    pages_per_batch: int,
    inclusive: bool,
    known: bool,
) -> None:
    """The tables do not depend on the page size, the kind of numbering, or whether the maximum is known."""
    account = next(fresh_accounts)
    records = valid_records(feed, seed, 20)
    numbers = [record["sequenceNumber"] for record in records]

    def fetch(after: int) -> Page:
        first = after if inclusive else after + 1
        found = [in_json(record) for record in records if record["sequenceNumber"] >= first][:page_size]
        return read_page(page_of(found, None if found else after))

    steps = list(walk(ChangeFeed(fetch, max(numbers) if known else None, page_size), 0))

    with warehouse_of(feed).warehouse.writing() as connection:
        for first in range(0, len(steps), pages_per_batch):
            raws = [raw for step in steps[first : first + pages_per_batch] for raw in step.page.records]
            commit(connection, raws, FeedPart(account, feed.name), feed)
        assert_holds(connection, feed, account, records)
        versions = f'SELECT count(*) FROM raw."{feed.table}" WHERE account = ?'
        assert connection.execute(versions, [account]).fetchall() == [(len(records),)]


def test_rejected_records_do_not_affect_others(things: ThingWarehouse) -> None:
    """Of a page of 1,000 records, 997 are stored and three are rejected with their reasons."""
    raws = [word("a", number, f"8bb25702-90f6-4123-8ccc-{number:012x}") for number in range(1, 1001)]
    for place in (0, 500, 999):
        raws[place] = raws[place].replace(b'"word":', b'"count":')

    stored = things.store(*raws, ends=1000)

    assert (stored.new, stored.rejected) == (997, 3)
    assert things.values("SELECT count(*) FROM things.things") == [997]
    assert things.rows("SELECT sequence_number, reason FROM sync.rejected_records ORDER BY 1") == [
        (number, "count: expected a number, got 'a'") for number in (1, 501, 1000)
    ]
