"""What is special about the Customers API: parts, connections that widen the view, filters, a rebuilt selection."""

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
from pipelines.sync.rebuild import rebuild
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.read.feed_status import feed_statuses
from tests.integration.syncing import Syncing
from tests.records import in_json, valid_records

CUSTOMERS = catalogue_of("customers")
CONNECTIONS, GROUPS = "organizations.connections", "orders.contract_trade_item_groups"
LINES, CUSTOM = "supply.supply_lines", "supply.custom_supply_lines"
GROWERS = ["11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"]


@pytest.fixture
def syncing(tmp_path: Path) -> Iterator[Syncing]:
    """A buyer without any record, who reads a few feeds."""
    with Sandbox(api="customers", empty=True) as sandbox:
        yield Syncing(sandbox, tmp_path / "w.duckdb", api="customers", only=(CONNECTIONS, GROUPS, LINES, CUSTOM))


def put(syncing: Syncing, feed: str, record: dict[str, Any], number: int | None = None) -> int:
    """Store a record at the next number, or at a given one."""
    book = syncing.sandbox.book(feed)
    at = book.reserve() if number is None else number
    return book.put(in_json({**record, "sequenceNumber": at}), number=at)


def connect(syncing: Syncing, grower: str, *, is_deleted: bool = False) -> None:
    """Connect the buyer with a grower, or end that."""
    put(
        syncing,
        CONNECTIONS,
        {"supplierOrganizationId": grower, "lastModified": "2026-11-24T10:00:00Z", "isDeleted": is_deleted},
    )


def records(feed: str, count: int, seed: int = 1, **fields: Any) -> list[dict[str, Any]]:
    """Random records with some fields fixed."""
    return [{**record, **fields} for record in valid_records(CUSTOMERS.feed(feed), seed, count)]


def test_groups_are_read_one_connected_grower_at_a_time(syncing: Syncing) -> None:
    """Each has a cursor of its own; a grower that is not connected is not asked for."""
    for place, grower in enumerate(GROWERS):
        for record in records(GROUPS, 3, seed=place, supplierOrganizationId=grower):
            put(syncing, GROUPS, record)
    connect(syncing, GROWERS[0])
    syncing.sync(CONNECTIONS, GROUPS)
    assert syncing.rows(f"SELECT count(*) FROM {GROUPS}") == [(3,)]
    connect(syncing, GROWERS[1])

    syncing.sync(CONNECTIONS, GROUPS)

    syncing.assert_equal(GROUPS)
    parts = syncing.rows(f"SELECT part FROM sync.cursors WHERE feed = '{GROUPS}' ORDER BY part")
    assert parts == [(grower,) for grower in GROWERS]


def test_a_grower_that_is_gone_does_not_hold_the_feed_back(syncing: Syncing) -> None:
    """How long ago a feed was current is told by the growers that are still connected; without any, nothing waits."""

    def moments() -> tuple[dt.datetime | None, dt.datetime | None]:
        with syncing.reading() as connection:
            (standing,) = feed_statuses(connection, [CUSTOMERS.feed(GROUPS)])
        return standing.current_at, standing.requested_since

    syncing.sync(CONNECTIONS, GROUPS)
    assert moments() == (None, None)

    for grower in GROWERS:
        connect(syncing, grower)
    syncing.sync(CONNECTIONS, GROUPS)
    both = dict(syncing.rows(f"SELECT part, current_at FROM sync.cursors WHERE feed = '{GROUPS}'"))
    current_at, asked_since = moments()
    assert current_at == min(both.values())
    assert asked_since is not None

    connect(syncing, GROWERS[0], is_deleted=True)
    syncing.sync(CONNECTIONS, GROUPS)
    (left,) = syncing.rows(f"SELECT current_at FROM sync.cursors WHERE feed = '{GROUPS}' AND part = '{GROWERS[1]}'")
    assert moments()[0] == left[0] > both[GROWERS[0]]


def test_idle_parts_cost_one_call_each(syncing: Syncing) -> None:
    """The feed's maximum, unmoved since each part was read to its end, proves all of them current."""
    for grower in GROWERS:
        connect(syncing, grower)
        for record in records(GROUPS, 2, seed=hash(grower) % 97, supplierOrganizationId=grower):
            put(syncing, GROUPS, record)
    syncing.sync(CONNECTIONS, GROUPS)
    syncing.sandbox.calls.clear()

    outcome = syncing.sync_one(GROUPS)

    assert outcome.current
    assert not syncing.sandbox.calls.to("/contract-trade-item-groups/sync/")


def test_a_part_that_was_not_read_to_its_end_is_not_idle(syncing: Syncing) -> None:
    """A sync that failed after some pages has stored the feed's maximum; the next one goes on all the same."""

    def fail(outcome: FeedOutcome) -> None:
        if outcome.pages == 2:
            raise PipelineError("no answer")

    first, *others = records(GROUPS, 5, supplierOrganizationId=GROWERS[0])
    connect(syncing, GROWERS[0])
    put(syncing, GROUPS, first)
    syncing.sync(CONNECTIONS, GROUPS)
    for record in others:
        put(syncing, GROUPS, record)
    syncing.page = 1
    (failed,) = syncing.sync(GROUPS, listener=fail).values()
    assert failed.error == "no answer"

    assert syncing.sync_one(GROUPS).current

    syncing.assert_equal(GROUPS)


def test_a_new_connection_brings_older_records_into_view(syncing: Syncing) -> None:
    """Records of the new grower stand below the cursor: the feed is marked, and its next sync reads from 0."""
    old = records(LINES, 2, seed=3)
    numbers = [syncing.sandbox.book(LINES).reserve() for _ in old]
    connect(syncing, GROWERS[0])
    for record in records(LINES, 2, seed=4):
        put(syncing, LINES, record)
    syncing.sync(CONNECTIONS, LINES)
    for record, number in zip(old, numbers, strict=True):
        put(syncing, LINES, record, number)
    connect(syncing, GROWERS[1])

    syncing.sync(CONNECTIONS)

    reason = syncing.rows(f"SELECT reason FROM sync.rereads WHERE feed = '{LINES}' AND done_at IS NULL")
    assert reason == [("1 new or changed in organizations.connections",)]
    syncing.sync(LINES)
    syncing.assert_equal(LINES)
    assert syncing.rows("SELECT count(*) FROM sync.rereads WHERE done_at IS NULL") == [(0,)]


def view_of(syncing: Syncing) -> list[tuple[Any, ...]]:
    """The feeds that wait to be read again."""
    return syncing.rows("SELECT feed FROM sync.rereads WHERE done_at IS NULL ORDER BY feed")


def test_connections_synced_alone_mark_every_feed_that_shows_more(tmp_path: Path) -> None:
    """Whatever was asked for, all feeds that were read before are marked with the connection that widens them."""
    widened = sorted(feed.name for feed in CUSTOMERS.feeds if CONNECTIONS in feed.widened_by)
    with Sandbox(api="customers", empty=True) as sandbox:
        syncing = Syncing(sandbox, tmp_path / "w.duckdb", api="customers", only=(CONNECTIONS, CUSTOM, *widened))
        _connect_twice(syncing)

    assert view_of(syncing) == [(name,) for name in widened]


def _connect_twice(syncing: Syncing) -> None:
    connect(syncing, GROWERS[0])
    syncing.sync()
    connect(syncing, GROWERS[1])

    syncing.sync(CONNECTIONS)


def test_connections_that_are_read_first_of_all_mark_what_was_read_before_them(syncing: Syncing) -> None:
    """A feed that was synced by name before may have been read with fewer connections."""
    put(syncing, LINES, records(LINES, 1)[0])
    syncing.sync(LINES)
    connect(syncing, GROWERS[0])

    syncing.sync(CONNECTIONS)

    assert view_of(syncing) == [(LINES,)]


def test_a_connection_that_came_back_marks_them_too(syncing: Syncing) -> None:
    """It has ended and was revived between two readings: only its number tells."""
    connect(syncing, GROWERS[0])
    put(syncing, LINES, records(LINES, 1)[0])
    syncing.sync()
    connect(syncing, GROWERS[0], is_deleted=True)
    connect(syncing, GROWERS[0])

    syncing.sync(CONNECTIONS)

    assert (LINES,) in view_of(syncing)


@pytest.mark.parametrize("refused", [False, True])
def test_a_feed_of_unknown_parts_is_not_current(syncing: Syncing, *, refused: bool) -> None:
    """As long as the connections were never read, nobody knows what of the feed there is."""
    connect(syncing, GROWERS[0])
    if refused:
        syncing.sandbox.faults.add(status(403, "/connections/*", times=None))

    outcome = syncing.sync(*([CONNECTIONS] if refused else []), GROUPS)["main", GROUPS]

    assert not outcome.current
    assert not outcome.is_well
    assert CONNECTIONS in str(outcome.lacks)


def test_a_buyer_without_connections_has_no_parts_to_read(syncing: Syncing) -> None:
    """That is known once the connections were read to their end."""
    assert syncing.sync(CONNECTIONS, GROUPS)["main", GROUPS].is_well


def test_everything_is_asked_for_unless_the_setting_says_otherwise(syncing: Syncing) -> None:
    """The post filters are off until the setting turns them on, and that change means a full re-read."""
    put(syncing, LINES, records(LINES, 1)[0])
    syncing.sync(LINES)
    assert "postFilterSelectedTradeItems=false" in syncing.sandbox.calls.to("/supply-lines/sync/")[-1].query

    syncing.sync(LINES, FLORIDAY_SELECTED_ASSORTMENT_ONLY="true")

    last = syncing.sandbox.calls.to("/supply-lines/sync/")[-1]
    assert (last.path.rpartition("/")[2], "postFilterSelectedTradeItems=true" in last.query) == ("0", True)


def test_a_rebuilt_selection_is_read_anew_and_ends_what_it_left_out(syncing: Syncing) -> None:
    """423 while it lasts; then the series begins at 0, and what the complete walk does not serve is deleted."""
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


class Death(BaseException):
    """The process dies."""


class TestLeavingARestartedSelection:
    """What the complete walk after a restart does not serve is deleted, whatever comes in between."""

    @pytest.fixture
    def restarted(self, syncing: Syncing) -> Syncing:
        """A selection of six that was rebuilt without five of them."""
        for record in records(CUSTOM, 6, status="AVAILABLE", isDeleted=False, isDisabledForSync=False):
            put(syncing, CUSTOM, record)
        syncing.sync(CUSTOM)
        book = syncing.sandbox.book(CUSTOM)
        for entry in book.entries()[:5]:
            book.remove(*entry.key)
        book.restart()
        return syncing

    @staticmethod
    def deleted(syncing: Syncing) -> int:
        """How many rows are marked as deleted."""
        ((count,),) = syncing.rows(f"SELECT count(*) FILTER (is_deleted) FROM {CUSTOM}")
        return int(count)

    @pytest.mark.parametrize("rebuilt", [False, True])
    def test_a_death_before_it_is_marked_is_made_up_for(
        self, restarted: Syncing, monkeypatch: pytest.MonkeyPatch, *, rebuilt: bool
    ) -> None:
        """By the next sync, although the feed is idle then, and although the tables were rebuilt in between."""

        def die(*_: object) -> bool:
            raise Death

        with monkeypatch.context() as patch:
            patch.setattr(FeedWriter, "delete_unserved", die)
            with pytest.raises(Death):
                restarted.sync(CUSTOM)
        assert self.deleted(restarted) == 0
        if rebuilt:
            rebuild(Warehouse(restarted.path), CUSTOMERS.feed(CUSTOM))

        assert restarted.sync_one(CUSTOM).current

        assert self.deleted(restarted) == 5
        assert view_of(restarted) == []

    def test_a_death_between_two_batches_of_them_is_too(
        self, restarted: Syncing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each batch is a transaction; the rest is found by reading the selection once more."""
        monkeypatch.setattr("pipelines.sync.feed_writer.DELETED_AT_ONCE", 2)
        store_again = FeedWriter.store_again

        def die_after_the_first(writer: FeedWriter, some: Sequence[bytes], *, was_served: bool = True) -> None:
            store_again(writer, some, was_served=was_served)
            raise Death

        with monkeypatch.context() as patch:
            patch.setattr(FeedWriter, "store_again", die_after_the_first)
            with pytest.raises(Death):
                restarted.sync(CUSTOM)
        assert self.deleted(restarted) == 2

        restarted.sync(CUSTOM)

        assert self.deleted(restarted) == 5

    def test_a_record_without_a_readable_key_may_be_any_of_them(self, restarted: Syncing) -> None:
        """Nothing is marked as long as it is there, and everything is read again until it has healed."""
        book = restarted.sandbox.book(CUSTOM)
        (kept,) = book.entries()
        number = book.reserve()
        book.put(in_json({**kept.document, "supplyLineId": "?", "sequenceNumber": number}), number=number)

        restarted.sync(CUSTOM)
        assert self.deleted(restarted) == 0
        assert view_of(restarted) == [(CUSTOM,)]

        book.remove("?")
        restarted.sync(CUSTOM)
        assert self.deleted(restarted) == 5
