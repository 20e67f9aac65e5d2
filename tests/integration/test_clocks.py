"""The order of versions does not depend on the local clock, even if it is wrong by years."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.catalogue.tables import tables_of
from pipelines.orchestration.assets.partitions import weeks_between
from pipelines.orchestration.automation.external_syncs import external_syncs
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import transaction
from pipelines.warehouse.file.publish import is_copy_due, publish
from pipelines.warehouse.load.cursors import YOUNG, FeedPart, Position, Window, add_windows
from pipelines.warehouse.load.feed_cursor import FeedCursor
from pipelines.warehouse.read.feed_status import feed_statuses, unread_since
from tests.every_kind import THINGS
from tests.examples import examples
from tests.integration.syncing import SUPPLIERS, Syncing
from tests.moments import NOW, real_now
from tests.thing_warehouse import A, B, ThingWarehouse, commit, word

REAL = real_now()
TEN_YEARS = dt.timedelta(days=3650)
MOMENTS = st.one_of(
    st.integers(-5, 5).map(lambda minutes: REAL + dt.timedelta(minutes=minutes)),
    st.integers(-4000, 4000).map(lambda days: REAL + dt.timedelta(days=days)),
)
ORDERS = "orders.sales_orders"
FEED = FeedPart("main", THINGS.name)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """An open warehouse for the feed of things."""
    things = ThingWarehouse(tmp_path_factory.mktemp("w") / "w.duckdb").create()
    with duckdb.connect(str(things.path)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    return connection.execute(sql, list(parameters)).fetchall()


def empty(connection: duckdb.DuckDBPyConnection) -> None:
    """Delete all things."""
    for name in ("things.things", "versions.things", "raw.things", "sync.windows", "sync.cursors"):
        connection.execute(f"DELETE FROM {name}")


@pytest.mark.slow
@settings(max_examples=examples(6))
@given(
    commits=st.lists(st.tuples(MOMENTS, st.sampled_from((A, B))), min_size=1, max_size=6),
    others=st.lists(MOMENTS, max_size=2),
)
def test_the_history_is_consistent_whatever_the_clock(
    commits: Sequence[tuple[dt.datetime, str]], others: Sequence[dt.datetime], connection: duckdb.DuckDBPyConnection
) -> None:
    """Versions follow each other without gaps, none is in the future, and ``_as_of`` returns one of each record.

    A superseded version is never returned for a time after its successor was seen.
    """
    empty(connection)
    for number, (moment, identity) in enumerate(commits, 1):
        commit(connection, [word(f"{number}", number, identity)], FEED, THINGS, ends=number, moment=moment)

    with transaction(connection):  # in which now() stays the same
        assert_well_formed(connection, commits, [*(moment for moment, _ in commits), *others])


def assert_well_formed(
    connection: duckdb.DuckDBPyConnection, commits: Sequence[tuple[dt.datetime, str]], moments: Sequence[dt.datetime]
) -> None:
    """Assert that the history and the tables at some times fit the commits."""
    ((now,),) = rows(connection, "SELECT now()")
    columns = "CAST(thing_id AS VARCHAR), valid_from, valid_to, is_current, version, CAST(word AS INTEGER)"
    history = rows(connection, f"SELECT {columns} FROM history.things ORDER BY 1, version")
    for this, following in zip(history, [*history[1:], None], strict=True):
        next_from = following[1] if following and following[0] == this[0] else None
        assert this[2:4] == (next_from, next_from is None)
        assert this[1] <= (this[2] or now)
    for moment in (*moments, now):
        shown = rows(connection, f"SELECT {columns} FROM history.things_as_of(?) ORDER BY 1", moment)
        assert shown == [row for row in history if row[1] <= moment and (row[2] is None or moment < row[2])]
        for identity in (A, B):
            seen = [number for number, (at, changed) in enumerate(commits, 1) if changed == identity and at <= moment]
            found = [row[-1] for row in shown if row[0] == identity]
            assert len(found) <= 1
            assert not seen or found[0] >= max(seen)
    current = "SELECT CAST(word AS INTEGER) FROM things.things ORDER BY thing_id"
    shown_now = "SELECT CAST(word AS INTEGER) FROM history.things_as_of(now()) ORDER BY thing_id"
    assert rows(connection, current) == rows(connection, shown_now)


@given(steps=st.lists(st.tuples(MOMENTS, st.sampled_from(("commit", "current", "idle"))), min_size=1))
def test_whether_a_feed_is_current_is_independent_of_the_clock(
    steps: Sequence[tuple[dt.datetime, str]],
) -> None:
    """A feed is current unless a commit left it unproven, whatever the clock returned."""
    at = Position()
    for moment, step in steps:
        at = at.found_current(moment, moment) if step == "idle" else at.committed(moment, current=step == "current")
        assert at.is_current is (step != "commit")
        assert not at.is_current or at.current_at == moment
        assert at.committed_at is None or at.committed_at <= moment


@given(moments=st.lists(MOMENTS, min_size=1, max_size=6))
def test_recent_pages_are_read_again_whatever_the_clock(
    moments: Sequence[dt.datetime], connection: duckdb.DuckDBPyConnection
) -> None:
    """The last window is always read again, and so are earlier ones if the clock jumped since."""
    empty(connection)
    for number, moment in enumerate(moments):
        window = Window(FEED, 1, number * 10, number * 10 + 10, 1, 0, moment, "run")
        add_windows(connection, [(window, 1)], moment)
    at = Position(1, len(moments) * 10, committed_at=moments[-1])

    start = FeedCursor(connection, FEED).start_of_walk(at, tables_of(THINGS), page=1000)

    trusted = [
        place
        for place, moment in enumerate(moments)
        if all(before <= moment for before in moments[:place] if before <= moments[-1]) and moment <= moments[-1]
    ]
    old = [place for place in trusted if moments[place] <= moments[-1] - YOUNG]
    assert start <= (max(old) + 1 if old else 0) * 10


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A running sandbox."""
    with Sandbox(now=NOW, scale=0.1) as server:
        yield server


class TestAfterAClockInTheFuture:
    """A warehouse that was synced while the clock was ten years ahead."""

    @pytest.fixture
    def synced(self, sandbox: Sandbox, tmp_path: Path) -> Syncing:
        """Sync, and move all times of the warehouse by ten years."""
        syncing = Syncing(sandbox, tmp_path / "w.duckdb", only=(ORDERS,))
        syncing.sync(ORDERS)
        changes = (
            "sync.windows SET started_at = started_at + $error, committed_at = committed_at + $error",
            "sync.cursors SET current_at = current_at + $error, committed_at = committed_at + $error",
            *(f"{schema}.sales_orders SET synced_at = synced_at + $error" for schema in ("orders", "raw", "versions")),
        )
        with ThingWarehouse(syncing.path).warehouse.writing() as connection:
            for change in changes:
                connection.execute(f"UPDATE {change}", {"error": TEN_YEARS})
        return syncing

    def current_at(self, synced: Syncing) -> list[dt.datetime | None]:
        """Return ``current_at`` as ``floriday status`` shows it."""
        with synced.reading() as connection:
            return [each.current_at for each in feed_statuses(connection, [SUPPLIERS.feed(ORDERS)])]

    @pytest.mark.slow
    def test_an_idle_sync_corrects_current_at(self, synced: Syncing) -> None:
        """An idle sync sets ``current_at`` to the correct time, and only then is the feed reported to Dagster."""
        with synced.reading() as connection:
            assert list(external_syncs(connection, [SUPPLIERS.feed(ORDERS)], {ORDERS: None})) == []
        before = real_now()

        outcome = synced.sync_one(ORDERS)

        assert (outcome.current, outcome.records) == (True, 0)
        (until,) = self.current_at(synced)
        assert until is not None
        assert before <= until <= real_now()
        with synced.reading() as connection:
            (found,) = external_syncs(connection, [SUPPLIERS.feed(ORDERS)], {ORDERS: None})
            assert found.current_at == until
            assert unread_since(connection, ORDERS) == {"main": until}

    @pytest.mark.slow
    def test_changes_are_stored_with_the_correct_time(self, synced: Syncing, sandbox: Sandbox) -> None:
        """Changes are stored as the newest versions with the correct time, and the published copy is renewed."""
        target = synced.path.with_name("copy.duckdb")
        publish(ThingWarehouse(synced.path).warehouse, target)
        assert not is_copy_due(ThingWarehouse(synced.path).warehouse, target, dt.timedelta(0))
        sandbox.advance(dt.timedelta(days=3))

        outcome = synced.sync_one(ORDERS)

        assert outcome.new + outcome.changed > 0
        assert is_copy_due(ThingWarehouse(synced.path).warehouse, target, dt.timedelta(0))
        synced.assert_equal(ORDERS)
        after = real_now()
        (until,) = self.current_at(synced)
        assert until is not None
        assert until <= after
        assert synced.rows("SELECT count(*) FROM orders.sales_orders") == synced.rows(
            "SELECT count(*) FROM history.sales_orders_as_of(now())"
        )
        assert synced.rows("SELECT count(*) FROM history.sales_orders WHERE valid_from > now()") == [(0,)]


def test_a_sync_after_one_in_the_future_completes_only_this_week() -> None:
    """After a sync with a time in the future, the next sync completes this week, and none of the weeks in between."""
    assert weeks_between(REAL + TEN_YEARS, REAL, dt.date(2020, 1, 6)) == weeks_between(REAL, REAL, dt.date(2020, 1, 6))
