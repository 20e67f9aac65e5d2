"""Behaviour of the Customers API: sub-feeds, connections that make records visible, filters, a rebuilt selection."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalogue import catalogue_of
from pipelines.errors import PipelineError
from pipelines.sandbox import Sandbox, status
from pipelines.sync.feed_writer import FeedWriter
from pipelines.sync.outcome import FeedOutcome
from pipelines.sync.stored.rebuild import rebuild
from pipelines.warehouse.read.feed_status import feed_statuses
from tests.examples import cases
from tests.integration.syncing import Syncing
from tests.records import in_json, valid_records

pytestmark = pytest.mark.both_kinds

CUSTOMERS = catalogue_of("customers")
CONNECTIONS, GROUPS = "organizations.connections", "orders.contract_trade_item_groups"
LINES, CUSTOM = "supply.supply_lines", "supply.custom_supply_lines"
WITHOUT_GROUPS = "33333333-3333-4333-8333-333333333333"
SUPPLIERS = ["11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"]


@pytest.fixture
def syncing(tmp_path: Path) -> Iterator[Syncing]:
    """A customer without records that reads a few feeds."""
    with Sandbox(api="customers", empty=True) as sandbox:
        yield Syncing(sandbox, tmp_path / "w.duckdb", api="customers", only=(CONNECTIONS, GROUPS, LINES, CUSTOM))


def put(syncing: Syncing, feed: str, record: dict[str, Any], number: int | None = None) -> int:
    """Store a record at the next number, or at a given one."""
    book = syncing.sandbox.book(feed)
    at = book.reserve() if number is None else number
    return book.put(in_json({**record, "sequenceNumber": at}), number=at)


def connect(syncing: Syncing, supplier: str, *, is_deleted: bool = False) -> None:
    """Connect the customer with a supplier, or end the connection."""
    put(
        syncing,
        CONNECTIONS,
        {"supplierOrganizationId": supplier, "lastModified": "2026-11-24T10:00:00Z", "isDeleted": is_deleted},
    )


def records(feed: str, count: int, seed: int = 1, **fields: Any) -> list[dict[str, Any]]:
    """Return random records with some fields fixed."""
    return [{**record, **fields} for record in valid_records(CUSTOMERS.feed(feed), seed, count)]


def test_groups_are_read_by_connected_supplier(syncing: Syncing) -> None:
    """Each connected supplier has a sub-feed with its own cursor, and other suppliers are not requested."""
    for place, supplier in enumerate(SUPPLIERS):
        for record in records(GROUPS, 3, seed=place, supplierOrganizationId=supplier):
            put(syncing, GROUPS, record)
    connect(syncing, SUPPLIERS[0])
    syncing.sync(CONNECTIONS, GROUPS)
    assert syncing.rows(f"SELECT count(*) FROM {GROUPS}") == [(3,)]
    connect(syncing, SUPPLIERS[1])

    syncing.sync(CONNECTIONS, GROUPS)

    syncing.assert_equal(GROUPS)
    parts = syncing.rows(f"SELECT part FROM sync.cursors WHERE feed = '{GROUPS}' ORDER BY part")
    assert parts == [(supplier,) for supplier in SUPPLIERS]


def test_a_disconnected_supplier_does_not_make_the_feed_older(syncing: Syncing) -> None:
    """The status of a feed is that of its least current connected supplier; without suppliers it has none."""

    def status_times() -> tuple[dt.datetime | None, dt.datetime | None]:
        with syncing.reading() as connection:
            (feed_status,) = feed_statuses(connection, [CUSTOMERS.feed(GROUPS)])
        return feed_status.current_at, feed_status.requested_since

    syncing.sync(CONNECTIONS, GROUPS)
    assert status_times() == (None, None)

    for supplier in SUPPLIERS:
        connect(syncing, supplier)
    syncing.sync(CONNECTIONS, GROUPS)
    both = dict(syncing.rows(f"SELECT part, current_at FROM sync.cursors WHERE feed = '{GROUPS}'"))
    current_at, requested_since = status_times()
    assert current_at == min(both.values())
    assert requested_since is not None

    connect(syncing, SUPPLIERS[0], is_deleted=True)
    syncing.sync(CONNECTIONS, GROUPS)
    sql = f"SELECT current_at FROM sync.cursors WHERE feed = '{GROUPS}' AND part = '{SUPPLIERS[1]}'"
    (remaining,) = syncing.rows(sql)
    assert status_times()[0] == remaining[0] > both[SUPPLIERS[0]]


def test_idle_sub_feeds_cost_no_page(syncing: Syncing) -> None:
    """The unchanged maximum of the feed proves all its sub-feeds current, without a page."""
    for supplier in SUPPLIERS:
        connect(syncing, supplier)
        for record in records(GROUPS, 2, seed=hash(supplier) % 97, supplierOrganizationId=supplier):
            put(syncing, GROUPS, record)
    syncing.sync(CONNECTIONS, GROUPS)
    syncing.sandbox.calls.clear()

    outcome = syncing.sync_one(GROUPS)

    assert outcome.current
    assert not syncing.sandbox.calls.to("/contract-trade-item-groups/sync/")


def test_a_sub_feed_that_was_not_read_to_its_end_is_not_idle(syncing: Syncing) -> None:
    """After a sync that failed with a stored maximum, the next sync still reads the rest of the sub-feed."""

    def fail(outcome: FeedOutcome) -> None:
        if outcome.pages == 2:
            raise PipelineError("no answer")

    first, *others = records(GROUPS, 5, supplierOrganizationId=SUPPLIERS[0])
    connect(syncing, SUPPLIERS[0])
    put(syncing, GROUPS, first)
    syncing.sync(CONNECTIONS, GROUPS)
    for record in others:
        put(syncing, GROUPS, record)
    syncing.page = 1
    (failed,) = syncing.sync(GROUPS, listener=fail).values()
    assert failed.error == "no answer"

    assert syncing.sync_one(GROUPS).current

    syncing.assert_equal(GROUPS)


def test_after_a_423_a_restart_of_a_sub_feed_is_detected(syncing: Syncing) -> None:
    """After a status 423 the numbering of every sub-feed is examined, and a restarted one is read from number 0."""
    for place, supplier in enumerate(SUPPLIERS):
        connect(syncing, supplier)
        for record in records(GROUPS, 3, seed=place, supplierOrganizationId=supplier):
            put(syncing, GROUPS, record)
    connect(syncing, WITHOUT_GROUPS)
    syncing.sync(CONNECTIONS, GROUPS)
    syncing.sandbox.faults.add(status(423, "/contract-trade-item-groups/*", times=None))
    assert syncing.sync_one(GROUPS).skipped
    syncing.sandbox.faults.clear()
    book = syncing.sandbox.book(GROUPS)
    number = book.maximum + 5
    book.restart()
    last = book.entries()[-1]
    book.put(in_json({**last.document, "isDeleted": True, "sequenceNumber": number}), number=number)

    outcome = syncing.sync_one(GROUPS)

    assert (outcome.restarted, outcome.current) == (True, True)
    syncing.assert_equal(GROUPS)
    assert syncing.rows("SELECT count(*) FROM sync.rereads WHERE done_at IS NULL") == [(0,)]


def test_a_new_connection_makes_older_records_visible(syncing: Syncing) -> None:
    """A new connection marks the feeds that depend on it, and their next sync reads from sequence number 0."""
    old = records(LINES, 2, seed=3)
    numbers = [syncing.sandbox.book(LINES).reserve() for _ in old]
    connect(syncing, SUPPLIERS[0])
    for record in records(LINES, 2, seed=4):
        put(syncing, LINES, record)
    syncing.sync(CONNECTIONS, LINES)
    for record, number in zip(old, numbers, strict=True):
        put(syncing, LINES, record, number)
    connect(syncing, SUPPLIERS[1])

    syncing.sync(CONNECTIONS)

    reason = syncing.rows(f"SELECT reason FROM sync.rereads WHERE feed = '{LINES}' AND done_at IS NULL")
    assert reason == [("1 new or changed in organizations.connections",)]
    syncing.sync(LINES)
    syncing.assert_equal(LINES)
    assert syncing.rows("SELECT count(*) FROM sync.rereads WHERE done_at IS NULL") == [(0,)]


def feeds_to_reread(syncing: Syncing) -> list[tuple[Any, ...]]:
    """Return the feeds that are marked for a full re-read."""
    return syncing.rows("SELECT feed FROM sync.rereads WHERE done_at IS NULL ORDER BY feed")


def test_a_new_connection_marks_all_dependent_feeds(tmp_path: Path) -> None:
    """Reading the connections alone marks all dependent feeds that were read before."""
    dependent = sorted(feed.name for feed in CUSTOMERS.feeds if CONNECTIONS in feed.widened_by)
    with Sandbox(api="customers", empty=True) as sandbox:
        syncing = Syncing(sandbox, tmp_path / "w.duckdb", api="customers", only=(CONNECTIONS, CUSTOM, *dependent))
        _connect_twice(syncing)

    assert feeds_to_reread(syncing) == [(name,) for name in dependent]


def _connect_twice(syncing: Syncing) -> None:
    connect(syncing, SUPPLIERS[0])
    syncing.sync()
    connect(syncing, SUPPLIERS[1])

    syncing.sync(CONNECTIONS)


def test_the_first_connections_mark_feeds_that_were_read_before(syncing: Syncing) -> None:
    """A dependent feed that was read before any connection is marked by the first connections."""
    put(syncing, LINES, records(LINES, 1)[0])
    syncing.sync(LINES)
    connect(syncing, SUPPLIERS[0])

    syncing.sync(CONNECTIONS)

    assert feeds_to_reread(syncing) == [(LINES,)]


def test_a_renewed_connection_marks_dependent_feeds(syncing: Syncing) -> None:
    """A connection that ended and was renewed between two syncs marks the dependent feeds by its new number."""
    connect(syncing, SUPPLIERS[0])
    put(syncing, LINES, records(LINES, 1)[0])
    syncing.sync()
    connect(syncing, SUPPLIERS[0], is_deleted=True)
    connect(syncing, SUPPLIERS[0])

    syncing.sync(CONNECTIONS)

    assert (LINES,) in feeds_to_reread(syncing)


@pytest.mark.parametrize("refused", [False, True])
def test_a_feed_with_unknown_sub_feeds_is_not_current(syncing: Syncing, *, refused: bool) -> None:
    """A feed with sub-feeds is not current until the connections have been read."""
    connect(syncing, SUPPLIERS[0])
    if refused:
        syncing.sandbox.faults.add(status(403, "/connections/*", times=None))

    outcome = syncing.sync(*([CONNECTIONS] if refused else []), GROUPS)["main", GROUPS]

    assert not outcome.current
    assert not outcome.is_well
    assert CONNECTIONS in str(outcome.lacks)


def test_a_customer_without_connections_has_no_sub_feeds(syncing: Syncing) -> None:
    """Without connections, a feed with sub-feeds is current as soon as the connections have been read."""
    assert syncing.sync(CONNECTIONS, GROUPS)["main", GROUPS].is_well


def test_the_assortment_filter_is_off_by_default(syncing: Syncing) -> None:
    """The post filters are off until the setting turns them on, which leads to a full re-read."""
    put(syncing, LINES, records(LINES, 1)[0])
    syncing.sync(LINES)
    assert "postFilterSelectedTradeItems=false" in syncing.sandbox.calls.to("/supply-lines/sync/")[-1].query

    syncing.sync(LINES, FLORIDAY_SELECTED_ASSORTMENT_ONLY="true")

    last = syncing.sandbox.calls.to("/supply-lines/sync/")[-1]
    assert (last.path.rpartition("/")[2], "postFilterSelectedTradeItems=true" in last.query) == ("0", True)


def test_a_rebuilt_selection_marks_missing_records_as_deleted(syncing: Syncing) -> None:
    """After a restart of a selection, records that the complete walk does not serve are marked as deleted."""
    book = syncing.sandbox.book(CUSTOM)
    for record in records(CUSTOM, 4, status="AVAILABLE", isDeleted=False, isDisabledForSync=False):
        put(syncing, CUSTOM, record)
    syncing.sync(CUSTOM)
    syncing.sandbox.faults.add(status(423, "/supply-lines/sync/custom*", times=None))
    assert syncing.sync_one(CUSTOM).skipped
    syncing.sandbox.faults.clear()
    book.remove(*book.entries()[0].key)
    book.restart()

    outcome = syncing.sync_one(CUSTOM)

    assert outcome.restarted
    assert syncing.rows(f"SELECT count(*), count(*) FILTER (is_deleted) FROM {CUSTOM}") == [(4, 1)]
    assert syncing.rows("SELECT count(*) FROM raw.custom_supply_lines") == [(5,)]
    assert syncing.sync_one(CUSTOM).changed == 0


class Crash(BaseException):
    """The process crashes."""


class TestRestartedSelection:
    """Records that left a restarted selection are marked as deleted, even after a crash."""

    @pytest.fixture
    def restarted(self, syncing: Syncing) -> Syncing:
        """A selection of six records that was rebuilt without five of them."""
        for record in records(CUSTOM, 6, status="AVAILABLE", isDeleted=False, isDisabledForSync=False):
            put(syncing, CUSTOM, record)
        syncing.sync(CUSTOM)
        book = syncing.sandbox.book(CUSTOM)
        for entry in book.entries()[:5]:
            book.remove(*entry.key)
        book.restart()
        return syncing

    @staticmethod
    def deleted_count(syncing: Syncing) -> int:
        """Return the number of rows that are marked as deleted."""
        ((count,),) = syncing.rows(f"SELECT count(*) FILTER (is_deleted) FROM {CUSTOM}")
        return int(count)

    @cases("rebuilt", [False, True], quick=1)
    def test_a_crash_before_the_deletion_is_repaired(
        self, restarted: Syncing, monkeypatch: pytest.MonkeyPatch, *, rebuilt: bool
    ) -> None:
        """After a crash before the deletions the next sync marks them, even if the tables were rebuilt meanwhile."""

        def crash(*_: object) -> bool:
            raise Crash

        with monkeypatch.context() as patch:
            patch.setattr(FeedWriter, "delete_unserved", crash)
            with pytest.raises(Crash):
                restarted.sync(CUSTOM)
        assert self.deleted_count(restarted) == 0
        if rebuilt:
            rebuild(restarted.warehouse, CUSTOMERS.feed(CUSTOM))

        assert restarted.sync_one(CUSTOM).current

        assert self.deleted_count(restarted) == 5
        assert feeds_to_reread(restarted) == []

    @pytest.mark.slow
    def test_a_crash_between_two_deletions_is_repaired(
        self, restarted: Syncing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After a crash between two transactions the next sync reads the selection again and marks the others."""
        monkeypatch.setattr("pipelines.sync.feed_writer.DELETED_AT_ONCE", 2)
        store_again = FeedWriter.store_again

        def crash_after_the_first(writer: FeedWriter, some: Sequence[bytes], *, was_served: bool = True) -> None:
            store_again(writer, some, was_served=was_served)
            raise Crash

        with monkeypatch.context() as patch:
            patch.setattr(FeedWriter, "store_again", crash_after_the_first)
            with pytest.raises(Crash):
                restarted.sync(CUSTOM)
        assert self.deleted_count(restarted) == 2

        restarted.sync(CUSTOM)

        assert self.deleted_count(restarted) == 5

    def test_a_record_without_a_readable_key_prevents_deletions(self, restarted: Syncing) -> None:
        """No record is marked as deleted, and the selection is read again, while a key cannot be read."""
        book = restarted.sandbox.book(CUSTOM)
        (kept,) = book.entries()
        number = book.reserve()
        book.put(in_json({**kept.document, "supplyLineId": "?", "sequenceNumber": number}), number=number)

        restarted.sync(CUSTOM)
        assert self.deleted_count(restarted) == 0
        assert feeds_to_reread(restarted) == [(CUSTOM,)]

        book.remove("?")
        restarted.sync(CUSTOM)
        assert self.deleted_count(restarted) == 5
