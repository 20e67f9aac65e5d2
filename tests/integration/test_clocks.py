"""No order depends on the clock: whatever it says between two commits, what is newer stays newer."""

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
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse for things, open."""
    made = ThingWarehouse(tmp_path_factory.mktemp("w") / "w.duckdb").create()
    with duckdb.connect(str(made.path)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """What a query answers."""
    return connection.execute(sql, list(values)).fetchall()


def empty(connection: duckdb.DuckDBPyConnection) -> None:
    """Forget all things."""
    for name in ("things.things", "versions.things", "raw.things", "sync.windows", "sync.cursors"):
        connection.execute(f"DELETE FROM {name}")


@settings(max_examples=15)
@given(
    commits=st.lists(st.tuples(MOMENTS, st.sampled_from((A, B))), min_size=1, max_size=6),
    others=st.lists(MOMENTS, max_size=2),
)
def test_the_history_is_well_formed_whatever_the_clock_said(
    commits: Sequence[tuple[dt.datetime, str]], others: Sequence[dt.datetime], laid_out: duckdb.DuckDBPyConnection
) -> None:
    """One version after the other without gap or overlap, none in the future, and a table as it was shows one of each.

    A version that was superseded is never shown for a moment after the newer one was seen; now the newest one is shown.
    """
    empty(laid_out)
    for number, (moment, identity) in enumerate(commits, 1):
        commit(laid_out, [word(f"{number}", number, identity)], FEED, THINGS, ends=number, moment=moment)

    with transaction(laid_out):  # in which now() stays the same
        assert_well_formed(laid_out, commits, [*(moment for moment, _ in commits), *others])


def assert_well_formed(
    connection: duckdb.DuckDBPyConnection, commits: Sequence[tuple[dt.datetime, str]], moments: Sequence[dt.datetime]
) -> None:
    """The history, and the tables as they were at some moments, fit the commits and each other."""
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
            seen = [number for number, (at, whose) in enumerate(commits, 1) if whose == identity and at <= moment]
            found = [row[-1] for row in shown if row[0] == identity]
            assert len(found) <= 1
            assert not seen or found[0] >= max(seen)
    current = "SELECT CAST(word AS INTEGER) FROM things.things ORDER BY thing_id"
    shown_now = "SELECT CAST(word AS INTEGER) FROM history.things_as_of(now()) ORDER BY thing_id"
    assert rows(connection, current) == rows(connection, shown_now)


@given(steps=st.lists(st.tuples(MOMENTS, st.sampled_from(("commit", "current", "idle"))), min_size=1))
def test_whether_a_feed_is_current_does_not_depend_on_the_clock(
    steps: Sequence[tuple[dt.datetime, str]],
) -> None:
    """It is, if nothing was committed since that left it unproven; and the last step says when."""
    at = Position()
    for moment, step in steps:
        at = at.found_current(moment, moment) if step == "idle" else at.committed(moment, current=step == "current")
        assert at.is_current is (step != "commit")
        assert not at.is_current or at.current_at == moment
        assert at.committed_at is None or at.committed_at <= moment


@given(moments=st.lists(MOMENTS, min_size=1, max_size=6))
def test_a_page_that_may_be_young_is_read_again_whatever_the_clock_said(
    moments: Sequence[dt.datetime], laid_out: duckdb.DuckDBPyConnection
) -> None:
    """The last window surely is read again; and where the clock jumped since, the ones before it too."""
    empty(laid_out)
    for number, moment in enumerate(moments):
        window = Window(FEED, 1, number * 10, number * 10 + 10, 1, 0, moment, "run")
        add_windows(laid_out, [(window, 1)], moment)
    at = Position(1, len(moments) * 10, committed_at=moments[-1])

    start = FeedCursor(laid_out, FEED).start_of_walk(at, tables_of(THINGS), page=1000)

    trusted = [
        place
        for place, moment in enumerate(moments)
        if all(before <= moment for before in moments[:place] if before <= moments[-1]) and moment <= moments[-1]
    ]
    old = [place for place in trusted if moments[place] <= moments[-1] - YOUNG]
    assert start <= (max(old) + 1 if old else 0) * 10


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A local Floriday."""
    with Sandbox(now=NOW, scale=0.1) as server:
        yield server


class TestAfterAYearInTheFuture:
    """A warehouse of which everything was synced under a clock that was ten years ahead."""

    @pytest.fixture
    def synced(self, sandbox: Sandbox, tmp_path: Path) -> Syncing:
        """Synced, and all its times moved."""
        syncing = Syncing(sandbox, tmp_path / "w.duckdb", only=(ORDERS,))
        syncing.sync(ORDERS)
        changes = (
            "sync.windows SET started_at = started_at + $ahead, committed_at = committed_at + $ahead",
            "sync.cursors SET current_at = current_at + $ahead, committed_at = committed_at + $ahead",
            *(f"{schema}.sales_orders SET synced_at = synced_at + $ahead" for schema in ("orders", "raw", "versions")),
        )
        with ThingWarehouse(syncing.path).warehouse.writing() as connection:
            for change in changes:
                connection.execute(f"UPDATE {change}", {"ahead": TEN_YEARS})
        return syncing

    def current_until(self, synced: Syncing) -> list[dt.datetime | None]:
        """What ``floriday status`` says of the feed."""
        with synced.reading() as connection:
            return [one.current_at for one in feed_statuses(connection, [SUPPLIERS.feed(ORDERS)])]

    def test_an_idle_sync_says_until_when_it_is_current(self, synced: Syncing) -> None:
        """It is now, and the feed is not reported to Dagster before that."""
        with synced.reading() as connection:
            assert list(external_syncs(connection, [SUPPLIERS.feed(ORDERS)], {ORDERS: None})) == []
        before = real_now()

        outcome = synced.sync_one(ORDERS)

        assert (outcome.current, outcome.records) == (True, 0)
        (until,) = self.current_until(synced)
        assert until is not None
        assert before <= until <= real_now()
        with synced.reading() as connection:
            (found,) = external_syncs(connection, [SUPPLIERS.feed(ORDERS)], {ORDERS: None})
            assert found.current_at == until
            assert unread_since(connection, ORDERS) == {"main": until}

    def test_a_sync_of_changes_stores_them_as_of_now(self, synced: Syncing, sandbox: Sandbox) -> None:
        """They are current and newest, the copy for readers is renewed for them, and the tables equal the server."""
        target = synced.path.with_name("copy.duckdb")
        publish(ThingWarehouse(synced.path).warehouse, target)
        assert not is_copy_due(ThingWarehouse(synced.path).warehouse, target, dt.timedelta(0))
        sandbox.advance(dt.timedelta(days=3))

        outcome = synced.sync_one(ORDERS)

        assert outcome.new + outcome.changed > 0
        assert is_copy_due(ThingWarehouse(synced.path).warehouse, target, dt.timedelta(0))
        synced.assert_equal(ORDERS)
        after = real_now()
        (until,) = self.current_until(synced)
        assert until is not None
        assert until <= after
        assert synced.rows("SELECT count(*) FROM orders.sales_orders") == synced.rows(
            "SELECT count(*) FROM history.sales_orders_as_of(now())"
        )
        assert synced.rows("SELECT count(*) FROM history.sales_orders WHERE valid_from > now()") == [(0,)]


def test_a_sync_after_one_in_the_future_completes_this_week() -> None:
    """And not none of the weeks until then."""
    assert weeks_between(REAL + TEN_YEARS, REAL, dt.date(2020, 1, 6)) == weeks_between(REAL, REAL, dt.date(2020, 1, 6))
