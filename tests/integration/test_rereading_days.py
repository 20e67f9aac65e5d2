"""A sync of some days reads again the records that were numbered in them, and few others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.types import Feed
from pipelines.sandbox import Call, Fault, Kind, Sandbox
from pipelines.warehouse.load.days_to_sequence import Days
from pipelines.warehouse.load.run_state import RunState
from tests.examples import examples
from tests.integration.syncing import SUPPLIERS, Syncing, with_pages_of
from tests.moments import real_now
from tests.records import in_json, valid_records
from tests.warehouses import Saved, saved_at

pytestmark = pytest.mark.both_kinds

MONDAY = dt.date(2026, 3, 2)
"""Monday of the first week, at which Floriday's and ISO weeks begin."""

ORDERS = "orders.sales_orders"
CONNECTIONS, GROUPS = "organizations.connections", "orders.contract_trade_item_groups"
SUPPLIER = "supplierOrganizationId"
GROWERS = ("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222")
WEEKS, RECORDS_PER_WEEK, PAGE = 5, 12, 4


def week(number: int, last: int | None = None) -> Days:
    """Return the days of a week, or of several weeks."""
    return Days(
        MONDAY + dt.timedelta(weeks=number), MONDAY + dt.timedelta(weeks=number if last is None else last, days=6)
    )


def put(sandbox: Sandbox, feed: Feed, seed: int, account: str | None = None, **fields: Any) -> None:
    """Create the records of one week."""
    book = sandbox.book(feed.name, account)
    for record in valid_records(feed, seed, RECORDS_PER_WEEK):
        number = book.reserve()
        book.put(in_json({**record, **fields, "sequenceNumber": number}), number=number)


def change(syncing: Syncing, sql: str, **parameters: object) -> None:
    """Execute a statement in the warehouse."""
    with syncing.warehouse.writing() as connection:
        connection.execute(sql, parameters)


def date_back(syncing: Syncing, run: str, moment: dt.datetime) -> None:
    """Set the time of the last run."""
    change(
        syncing,
        "UPDATE sync.windows SET started_at = $moment, committed_at = $moment + to_microseconds(rowid)"
        " WHERE run_id = $run",
        moment=moment,
        run=run,
    )
    committed_at = "(SELECT max(committed_at) FROM sync.windows WHERE run_id = $run)"
    change(syncing, f"UPDATE sync.cursors SET current_at = {committed_at}, committed_at = {committed_at}", run=run)


def sunday(number: int) -> dt.datetime:
    """Return noon of the last day of a week."""
    return dt.datetime.combine(MONDAY, dt.time(12), dt.UTC) + dt.timedelta(weeks=number, days=6)


def sync_weekly(
    syncing: Syncing, names: Sequence[str], trade: Callable[[int], None], weeks: int
) -> list[dict[tuple[Any, ...], int]]:
    """Create records and sync in each week; return the cursors after each sync, by account, feed and sub-feed."""
    cursors = []
    with syncing.pipeline() as opened:
        pipeline = opened
        feeds = [with_pages_of(syncing.catalogue.feed(name), PAGE) for name in names]
        for number in range(weeks):
            trade(number)
            assert all(outcome.current for outcome in pipeline.sync_all(feeds, run_id=f"week {number}"))
            date_back(syncing, f"week {number}", sunday(number))
            cursors.append(read_cursors(syncing))
            with pipeline.warehouse.reading() as connection:
                pipeline = replace(pipeline, state=RunState.load(connection))
    return cursors


def sell(sandbox: Sandbox, number: int) -> None:
    """Create one week's orders for every account."""
    for place, account in enumerate(sandbox.accounts):
        put(sandbox, SUPPLIERS.feed(ORDERS), 10 * number + place, account.name)


def read_cursors(syncing: Syncing) -> dict[tuple[Any, ...], int]:
    """Return the cursor of each account, feed and sub-feed."""
    rows = syncing.rows("SELECT account, feed, part, cursor FROM sync.cursors")
    return {(account, feed, part): cursor for account, feed, part, cursor in rows}


def requested_numbers(calls: Sequence[Call]) -> list[int]:
    """Return the sequence numbers with which pages were requested."""
    return [int(call.path.rpartition("/")[2]) for call in calls]


@pytest.fixture
def syncing(tmp_path: Path) -> Iterator[Syncing]:
    """A supplier's sandbox without records, and an empty warehouse."""
    with Sandbox(empty=True) as sandbox:
        yield Syncing(sandbox, tmp_path / "w.duckdb", page=PAGE, only=(ORDERS, "supply.weekly_base_supply"))


@pytest.fixture
def cursors(syncing: Syncing) -> list[int]:
    """Five weeks of orders, each synced on its Sunday; returns the cursor after each sync."""
    content, cursors = synced_weekly()
    for number in range(WEEKS):
        sell(syncing.sandbox, number)
    content.restore(syncing.path)
    return cursors


@cache
def synced_weekly() -> tuple[Saved, list[int]]:
    """Return the warehouse after five weeks, and the cursor after each; cached, as a seeded server repeats them."""
    with Sandbox(empty=True) as sandbox, TemporaryDirectory() as folder:
        syncing = Syncing(sandbox, Path(folder) / "w.duckdb", page=PAGE, only=(ORDERS, "supply.weekly_base_supply"))
        weekly = sync_weekly(syncing, [ORDERS], lambda number: sell(sandbox, number), WEEKS)
        return saved_at(syncing.path), [each["main", ORDERS, None] for each in weekly]


class TestOneWeek:
    """A sync of one week of one feed."""

    def test_lost_rows_are_restored(self, syncing: Syncing, cursors: list[int]) -> None:
        """Deleted rows and children are restored; raw and history stay unchanged."""
        before = syncing.content()
        lost = f"sequence_number > {cursors[1]} AND sequence_number <= {cursors[2]}"
        change(
            syncing,
            f"DELETE FROM orders.sales_order_mutations m USING {ORDERS} o"
            f" WHERE o.{lost} AND o.sales_order_id = m.sales_order_id",
        )
        change(syncing, f"DELETE FROM {ORDERS} WHERE {lost}")
        assert syncing.rows(f"SELECT count(*) FROM {ORDERS}") == [((WEEKS - 1) * RECORDS_PER_WEEK,)]

        outcome = syncing.sync_one(ORDERS, days=week(2))

        syncing.assert_equal(ORDERS)
        after = syncing.content()
        assert {name for name in before if after[name] != before[name]} == {"sync.windows"}
        assert (outcome.new, outcome.changed) == (0, 0)

    def test_only_its_windows_are_requested(self, syncing: Syncing, cursors: list[int]) -> None:
        """The pages between the last sync before the week and the first one after it are requested, and no others."""
        syncing.sandbox.calls.clear()

        outcome = syncing.sync_one(ORDERS, days=week(2))

        pages = requested_numbers(syncing.sandbox.calls.to("/sales-orders/sync/"))
        assert pages[0] == cursors[1]
        assert all(number < cursors[3] for number in pages)
        assert len(pages) == outcome.pages == 2 * RECORDS_PER_WEEK / PAGE
        ((begins, ends),) = syncing.rows(
            "SELECT min(from_sequence_number), max(to_sequence_number) FROM sync.windows"
            f" WHERE run_id = 'run {syncing.runs}'"
        )
        assert (begins, ends) == (cursors[1], cursors[3])

    def test_several_weeks_are_read_as_one_range(self, syncing: Syncing, cursors: list[int]) -> None:
        """No page of consecutive weeks is requested twice."""
        syncing.sandbox.calls.clear()

        syncing.sync(ORDERS, days=week(1, last=2))

        pages = requested_numbers(syncing.sandbox.calls.to("/sales-orders/sync/"))
        assert pages[0] == cursors[0]
        assert len(set(pages)) == len(pages) == 3 * RECORDS_PER_WEEK / PAGE

    def test_the_cursor_does_not_move(self, syncing: Syncing, cursors: list[int]) -> None:
        """The cursor and ``current_at`` stay, and the next sync continues after the cursor."""
        put(syncing.sandbox, SUPPLIERS.feed(ORDERS), seed=99)
        ((proven,),) = syncing.rows("SELECT current_at FROM sync.cursors")

        outcome = syncing.sync_one(ORDERS, days=week(0))

        assert (outcome.current, outcome.whole, outcome.cursor) == (False, False, cursors[-1])
        assert syncing.rows("SELECT cursor, current_at FROM sync.cursors") == [(cursors[-1], proven)]
        assert syncing.sync_one(ORDERS).new == RECORDS_PER_WEEK
        syncing.assert_equal(ORDERS)

    def test_the_last_page_is_stored_completely(self, syncing: Syncing, cursors: list[int]) -> None:
        """Later records of the last page are stored too; if nothing follows it, that is the end of the feed."""
        put(syncing.sandbox, SUPPLIERS.feed(ORDERS), seed=99)

        outcome = replace(syncing, page=1000).sync_one(ORDERS, days=week(3))

        assert (outcome.records, outcome.new) == (3 * RECORDS_PER_WEEK, RECORDS_PER_WEEK)
        assert outcome.cursor > cursors[-1]
        syncing.assert_equal(ORDERS)

    def test_the_maximum_still_proves_an_idle_feed_current(self, syncing: Syncing, cursors: list[int]) -> None:
        """A feed without new records is still current, because its maximum is requested too."""
        outcome = syncing.sync_one(ORDERS, days=week(0))

        assert (outcome.current, outcome.whole, outcome.cursor) == (True, False, cursors[-1])

    def test_a_week_without_numbers_costs_no_page(self, syncing: Syncing, cursors: list[int]) -> None:
        """No page is requested for weeks in which the feed had no changes."""
        assert cursors
        syncing.sync(ORDERS)
        syncing.sandbox.calls.clear()

        outcome = syncing.sync_one(ORDERS, days=week(8, last=9))

        assert outcome.current
        assert syncing.sandbox.calls.to("/sales-orders/sync/") == []


class TestNewerChanges:
    """Days that end before changes which no sync has read yet."""

    def test_the_days_are_complete(self, syncing: Syncing, cursors: list[int]) -> None:
        """The sync is successful, and its reason names the days instead of a feed that ends too early."""
        put(syncing.sandbox, SUPPLIERS.feed(ORDERS), seed=99)

        outcome = syncing.sync_one(ORDERS, days=week(1))

        assert (outcome.is_well, outcome.days_read, outcome.cursor) == (True, True, cursors[-1])
        assert outcome.why_not_current == "the days were read completely; the next sync reads what changed after them"

    def test_days_without_numbers_are_complete(self, syncing: Syncing, cursors: list[int]) -> None:
        """Days in which nothing was numbered are complete without a page, whatever is unread."""
        put(syncing.sandbox, SUPPLIERS.feed(ORDERS), seed=99)
        next_year = MONDAY + dt.timedelta(days=365)

        outcome = syncing.sync_one(ORDERS, days=Days(next_year, next_year))

        assert (outcome.is_well, outcome.cursor) == (True, cursors[-1])

    def test_days_that_were_not_read_completely_are_a_failure(self, syncing: Syncing, cursors: list[int]) -> None:
        """A feed that serves nothing more before the end of the days, and a higher maximum, is not complete."""
        put(syncing.sandbox, SUPPLIERS.feed(ORDERS), seed=99)
        fault = Fault(kind=Kind.EMPTY_END, where="/sales-orders/sync/*", times=None)
        syncing.sandbox.faults.add(fault)

        outcome = syncing.sync_one(ORDERS, days=week(2))

        assert (outcome.is_well, outcome.cursor) == (False, cursors[-1])


@pytest.mark.slow
@settings(max_examples=examples(15), deadline=None)
@given(
    first=st.integers(-1, WEEKS),
    length=st.integers(0, 2),
    moved=st.sets(st.integers(0, WEEKS * RECORDS_PER_WEEK - 1), max_size=8),
    unread=st.integers(0, 2),
)
def test_any_days_are_read_beside_any_changes(first: int, length: int, moved: set[int], unread: int) -> None:
    """Whatever is unread: days are read completely, the cursor passes no unread record, and nothing false is proven."""
    content, _ = synced_weekly()
    with Sandbox(empty=True) as sandbox, TemporaryDirectory() as folder:
        content.restore(path := Path(folder) / "w.duckdb")
        syncing = Syncing(sandbox, path, page=PAGE, only=(ORDERS, "supply.weekly_base_supply"))
        for number in range(WEEKS):
            sell(sandbox, number)
        keys = [entry.key for entry in sandbox.book(ORDERS).entries()]
        for place in sorted(moved):
            sandbox.book(ORDERS).renumber(*keys[place])
        for seed in range(unread):
            put(sandbox, SUPPLIERS.feed(ORDERS), seed=100 + seed)
        ((cursor, proven),) = syncing.rows("SELECT cursor, current_at FROM sync.cursors")

        outcome = syncing.sync_one(ORDERS, days=week(first, last=first + length))

        assert outcome.is_well
        assert outcome.current == (outcome.cursor == sandbox.book(ORDERS).maximum)
        ((cursor_after, proven_after),) = syncing.rows("SELECT cursor, current_at FROM sync.cursors")
        assert cursor_after == outcome.cursor >= cursor  # the last page of the days may reach beyond the cursor
        assert outcome.current or proven_after == proven
        syncing.sync(ORDERS)
        syncing.assert_equal(ORDERS)


class TestUpToNow:
    """Days up to today."""

    def test_new_records_are_read_too(self, syncing: Syncing, cursors: list[int]) -> None:
        """A range up to today is read to the end of the feed, which is then current."""
        put(syncing.sandbox, SUPPLIERS.feed(ORDERS), seed=99)

        outcome = syncing.sync_one(ORDERS, days=Days(week(4).first, real_now().date()))

        assert (outcome.new, outcome.current, outcome.whole) == (RECORDS_PER_WEEK, True, False)
        assert outcome.cursor > cursors[-1]
        syncing.assert_equal(ORDERS)

    def test_a_feed_that_was_never_read_is_read_completely(self, syncing: Syncing) -> None:
        """A feed without a cursor is read completely, whatever the days."""
        put(syncing.sandbox, SUPPLIERS.feed(ORDERS), seed=1)

        outcome = syncing.sync_one(ORDERS, days=week(0))

        assert (outcome.new, outcome.current, outcome.whole) == (RECORDS_PER_WEEK, True, True)
        syncing.assert_equal(ORDERS)

    def test_a_restart_is_detected(self, syncing: Syncing, cursors: list[int]) -> None:
        """After a restart of the numbering all records are read."""
        assert cursors
        syncing.sandbox.book(ORDERS).restart()

        outcome = syncing.sync_one(ORDERS, days=week(2))

        assert (outcome.restarted, outcome.series, outcome.whole) == (True, 2, True)
        assert outcome.records == WEEKS * RECORDS_PER_WEEK


class TestBeforeTheFirstSync:
    """Weeks before the first sync."""

    def test_only_records_that_changed_in_the_week_are_read(self, syncing: Syncing) -> None:
        """Only the pages with records that changed in the week are read."""
        book = syncing.sandbox.book(ORDERS)
        for place, record in enumerate(valid_records(SUPPLIERS.feed(ORDERS), 1, WEEKS * RECORDS_PER_WEEK)):
            noon = dt.datetime.combine(MONDAY, dt.time(12), dt.UTC)
            changed = noon + place * dt.timedelta(weeks=1) / RECORDS_PER_WEEK
            number = book.reserve()
            document = {**record, "sequenceNumber": number, "lastModifiedDateTime": changed.isoformat()}
            book.put(in_json(document), number=number)
        syncing.sync(ORDERS)
        syncing.sandbox.calls.clear()

        outcome = syncing.sync_one(ORDERS, days=week(2))

        assert outcome.pages == RECORDS_PER_WEEK / PAGE + 1
        change(syncing, f"DELETE FROM {ORDERS} WHERE week(last_modified_date_time) = week(DATE '{week(2).first}')")
        assert syncing.rows(f"SELECT count(*) FROM {ORDERS}") == [((WEEKS - 1) * RECORDS_PER_WEEK,)]
        syncing.sync(ORDERS, days=week(2))
        syncing.assert_equal(ORDERS)


class TestAccountsAndSubFeeds:
    """Accounts and sub-feeds have separate numbers."""

    @pytest.mark.slow
    def test_accounts_are_read_by_their_own_windows(self, tmp_path: Path) -> None:
        """The same week is a different range of numbers for each account."""
        with Sandbox(accounts=("north", "south"), empty=True) as sandbox:
            syncing = Syncing(sandbox, tmp_path / "w.duckdb", page=PAGE, only=(ORDERS,))
            cursors = sync_weekly(syncing, [ORDERS], lambda number: sell(sandbox, number), weeks=4)
            change(syncing, f"DELETE FROM {ORDERS}")
            sandbox.calls.clear()

            syncing.sync(ORDERS, days=week(1))

            for account in ("north", "south"):
                calls = [call for call in sandbox.calls.to("/sales-orders/sync/") if call.account == account]
                pages = requested_numbers(calls)
                assert pages[0] == cursors[0][account, ORDERS, None]
                assert len(pages) == 2 * RECORDS_PER_WEEK / PAGE
                count = f"SELECT count(*) FROM {ORDERS} WHERE account = '{account}'"
                assert syncing.rows(count) == [(2 * RECORDS_PER_WEEK,)]

    @pytest.mark.slow
    def test_sub_feeds_are_read_by_their_own_windows(self, tmp_path: Path) -> None:
        """The same week is a different range of numbers for each supplier's sub-feed."""
        with Sandbox(api="customers", empty=True) as sandbox:
            syncing = Syncing(sandbox, tmp_path / "w.duckdb", page=PAGE, api="customers", only=(CONNECTIONS, GROUPS))

            def trade(number: int) -> None:
                for place, grower in enumerate(GROWERS[: 1 + number]):
                    connect(sandbox, grower)
                    put(sandbox, catalogue_of("customers").feed(GROUPS), 10 * number + place, **{SUPPLIER: grower})

            cursors = sync_weekly(syncing, [CONNECTIONS, GROUPS], trade, weeks=4)
            change(syncing, f"DELETE FROM {GROUPS}")
            sandbox.calls.clear()

            syncing.sync(GROUPS, days=week(2))

            calls = sandbox.calls.to("/contract-trade-item-groups/sync/")
            for grower in GROWERS:
                pages = requested_numbers([call for call in calls if grower in call.query])
                assert pages[0] == cursors[1]["main", GROUPS, grower]
                assert len(pages) == 2 * RECORDS_PER_WEEK / PAGE
            assert syncing.rows(f"SELECT count(*) FROM {GROUPS}") == [(2 * 2 * RECORDS_PER_WEEK,)]


def connect(sandbox: Sandbox, grower: str) -> None:
    """Connect the customer with a supplier, once."""
    book = sandbox.book(CONNECTIONS)
    if book.get(grower) is None:
        record = {SUPPLIER: grower, "lastModified": "2026-03-02T10:00:00Z", "isDeleted": False}
        book.put(record)


class TestKilledSyncs:
    """Days that a killed sync began to read."""

    @pytest.fixture
    def small(self, syncing: Syncing) -> Syncing:
        """Pages of one record, so that a week fills several transactions."""
        syncing.page = 1
        return syncing

    def kill(self, syncing: Syncing) -> None:
        """Run a sync that commits ten pages and then fails."""
        where = "/sales-orders/sync/*"
        syncing.sandbox.faults.add(Fault(kind=Kind.STATUS, status=400, where=where, times=None, after=11))
        assert syncing.sync_one(ORDERS).error
        syncing.sandbox.faults.clear()

    @pytest.mark.slow
    def test_the_run_that_continues_is_recorded(self, small: Syncing) -> None:
        """The run after a killed sync is recorded, with the time at which the feed was last current."""
        put(small.sandbox, SUPPLIERS.feed(ORDERS), 1)
        self.kill(small)
        small.sync(ORDERS)
        ((current,),) = small.rows("SELECT current_at FROM sync.cursors")
        put(small.sandbox, SUPPLIERS.feed(ORDERS), 2)
        self.kill(small)
        small.sync(ORDERS)
        put(small.sandbox, SUPPLIERS.feed(ORDERS), 3)
        small.sync(ORDERS)

        rows = small.rows("SELECT account, feed, part, series, run_id, since FROM sync.catch_ups ORDER BY run_id")
        assert rows == [("main", ORDERS, None, 1, "run 2", None), ("main", ORDERS, None, 1, "run 4", current)]

    @pytest.mark.slow
    def test_its_windows_cover_the_days_of_the_killed_sync(self, small: Syncing) -> None:
        """The days of a killed sync include what a later run read weeks afterwards."""
        put(small.sandbox, SUPPLIERS.feed(ORDERS), 1)
        small.sync(ORDERS)
        date_back(small, "run 1", sunday(0))
        put(small.sandbox, SUPPLIERS.feed(ORDERS), 2)
        self.kill(small)
        end = {"moment": sunday(1)}
        change(
            small,
            "UPDATE sync.windows SET started_at = $moment, committed_at = $moment WHERE run_id = 'run 2'",
            **end,
        )
        change(small, "UPDATE sync.cursors SET committed_at = $moment", **end)
        small.sync(ORDERS)
        date_back(small, "run 3", sunday(4))
        change(
            small,
            f"DELETE FROM {ORDERS} WHERE sales_order_id IN"
            " (SELECT sales_order_id FROM raw.sales_orders WHERE run_id <> 'run 1')",
        )

        small.sync(ORDERS, days=Days(week(1).first, week(1).first))

        small.assert_equal(ORDERS)


class TestOutcome:
    """What the outcome reports about the covered range."""

    def test_the_outcome_shows_what_was_covered(self, syncing: Syncing) -> None:
        """A first load and a full re-read are whole; every outcome has the time at which the feed was last current."""
        put(syncing.sandbox, SUPPLIERS.feed(ORDERS), 1)

        first = syncing.sync_one(ORDERS)
        ((current,),) = syncing.rows("SELECT current_at FROM sync.cursors")
        put(syncing.sandbox, SUPPLIERS.feed(ORDERS), 2)
        delta = syncing.sync_one(ORDERS)
        full = syncing.sync_one(ORDERS, full=True)

        assert (first.whole, first.current_before) == (True, None)
        assert (delta.whole, delta.current_before) == (False, current)
        assert full.whole

    def test_an_empty_feed_is_whole(self, syncing: Syncing) -> None:
        """A sync of an empty feed is whole."""
        assert syncing.sync_one(ORDERS).whole

    def test_a_snapshot_is_always_whole(self, syncing: Syncing) -> None:
        """A snapshot is read completely, whatever the days."""
        syncing.sandbox.set_switches(rate_limits=None)
        first = syncing.sync_one("supply.weekly_base_supply", days=week(0))
        second = syncing.sync_one("supply.weekly_base_supply", days=week(0))

        assert (first.whole, first.current_before) == (True, None)
        assert second.whole
        assert second.current_before is not None

    def test_a_feed_is_as_current_as_its_least_current_sub_feed(self, tmp_path: Path) -> None:
        """With a sub-feed that was never read, the feed counts as never current."""
        with Sandbox(api="customers", empty=True) as sandbox:
            syncing = Syncing(sandbox, tmp_path / "w.duckdb", api="customers", only=(CONNECTIONS, GROUPS))
            assert syncing.sync(CONNECTIONS, GROUPS)["main", GROUPS].whole
            connect(sandbox, GROWERS[0])
            syncing.sync(CONNECTIONS, GROUPS)
            assert syncing.sync_one(GROUPS).current_before is not None
            connect(sandbox, GROWERS[1])

            outcome = syncing.sync(CONNECTIONS, GROUPS)["main", GROUPS]

            assert outcome.current
            assert outcome.current_before is None
