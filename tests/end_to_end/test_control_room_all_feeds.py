"""With every feed, Dagster's UI can load, backfill and re-read data and shows the command line's syncs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from pipelines.sync.selection import is_in_parts
from tests.command_line import floriday
from tests.end_to_end.control_room import (
    ACCOUNTS,
    FEEDS,
    WEEKS,
    ControlRoom,
    Numbers,
    Reread,
    control_room,
    sunday,
    week,
)
from tests.end_to_end.dagster_dev import wait_for
from tests.integration.dagster_project import RECORDS, SUPPLIERS
from tests.records import valid_records

pytestmark = pytest.mark.soak

NAMES = [source.name for source in SUPPLIERS.sources]
SINGLE_CURSOR = [feed.name for feed in SUPPLIERS.feeds if not is_in_parts(feed)]
"""Feeds with one cursor for each account."""

BATCHES, ORDERS = "supply.batches", "orders.sales_orders"
FOUR_MINUTES = 240.0

LAUNCH = """
mutation($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename ... on LaunchBackfillSuccess {backfillId} ... on PythonError {message}
  }
}
"""
BACKFILL = (
    "query($id: String!) {partitionBackfillOrError(backfillId: $id) {... on PartitionBackfill {status runs {id}}}}"
)
NEWEST = """
query($key: AssetKeyInput!) {
  assetNodeOrError(assetKey: $key) {
    ... on AssetNode {assetMaterializations(limit: 1) {
      runId metadataEntries {label ... on IntMetadataEntry {intValue}}
    }}
  }
}
"""


@dataclass
class Backfill:
    """A backfill that has ended.

    Args:
        status: how the backfill ended.
        runs: the ids of its runs.
        reread: the first of its runs.
    """

    status: str
    runs: list[str]
    reread: Reread


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlRoom]:
    """The Dagster of all tests; fixtures that change data at the server also sync it."""
    with control_room(tmp_path_factory.mktemp("control_room")) as room:
        yield room


@pytest.fixture(scope="module")
def first_load(room: ControlRoom) -> str:
    """The id of a run that reads everything into a new warehouse."""
    return room.load()


@pytest.fixture(scope="module")
def weekly_cursors(room: ControlRoom, first_load: str) -> list[Numbers]:
    """The cursors of this week, and of one, two, three and four weeks ago, with records in each week."""
    assert first_load
    return room.pass_weeks(FEEDS)


@pytest.fixture(scope="module")
def backfill(room: ControlRoom, weekly_cursors: list[Numbers]) -> Backfill:
    """A backfill of every feed and snapshot for the three weeks before this one, after their rows were deleted."""
    deleted = room.delete_rows(after=_with_single_cursor(weekly_cursors[4]), up_to=weekly_cursors[1])
    room.sandbox.calls.clear()
    params = {
        "assetSelection": [{"path": name.split(".")} for name in NAMES],
        "partitionNames": [week(ago) for ago in (3, 2, 1)],
        "fromFailure": False,
    }
    launched = room.dagster.query(LAUNCH, params=params)["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched

    def ended() -> dict[str, Any] | None:
        result = room.dagster.query(BACKFILL, id=launched["backfillId"])["partitionBackfillOrError"]
        return result if result["status"].startswith(("COMPLETED", "FAILED", "CANCELED")) else None

    result = wait_for(ended, FOUR_MINUTES)
    runs = [run["id"] for run in result["runs"]]
    return Backfill(result["status"], runs, Reread(runs[0], room.dagster.status(runs[0]), room.pages(), deleted))


@pytest.fixture(scope="module")
def full_sync(room: ControlRoom, backfill: Backfill) -> Reread:
    """A run of the job `full_sync` without config, after all orders were deleted."""
    assert backfill.runs
    room.change_tables(f"DELETE FROM {ORDERS}")
    return room.reread(lambda: room.dagster.launch("full_sync"))


@pytest.fixture(scope="module")
def reread_days(room: ControlRoom, weekly_cursors: list[Numbers]) -> Reread:
    """A run of the job `reread_days` for one feed."""
    assert weekly_cursors
    config = {"from_date": week(3), "to_date": sunday(3), "feeds": [BATCHES]}
    return room.reread(lambda: room.dagster.launch("reread_days", ops={"reread": config}))


def _with_single_cursor(numbers: Numbers) -> Numbers:
    return {key: number for key, number in numbers.items() if key[1] in SINGLE_CURSOR}


class TestFirstLoad:
    """A run of all assets for this week, before the warehouse exists."""

    def test_every_table_equals_the_server(self, room: ControlRoom, first_load: str) -> None:
        """The tables of both accounts equal what the server has."""
        assert first_load
        room.assert_equal()

    def test_all_weeks_are_materialized(self, room: ControlRoom, first_load: str) -> None:
        """The first load materializes every week of every feed."""
        assert first_load
        stats = {name: node["partitionStats"] for name, node in room.asset_states().items() if name in NAMES}

        assert stats == {name: {"numPartitions": WEEKS, "numMaterialized": WEEKS, "numFailed": 0} for name in NAMES}

    def test_all_checks_pass(self, room: ControlRoom, first_load: str) -> None:
        """Every check passes, apart from invented values that are unknown and invented batches that do not add up."""
        assert first_load
        evaluations = {
            (name, check["name"]): check["executionForLatestMaterialization"]["evaluation"]
            for name, node in room.asset_states().items()
            for check in node["assetChecksOrError"]["checks"]
        }

        assert len(evaluations) > 5 * len(NAMES)
        assert all(evaluation["description"] for evaluation in evaluations.values())
        failed = {check for (_, check), evaluation in evaluations.items() if not evaluation["success"]}
        assert failed <= {"schema_drift", "batch_ledger"}


class TestBackfill:
    """A backfill of three weeks of every feed."""

    def test_it_is_one_run(self, room: ControlRoom, backfill: Backfill) -> None:
        """The backfill is one run, which materializes each feed and week."""
        assert backfill.status == "COMPLETED_SUCCESS"
        assert len(backfill.runs) == 1
        assert backfill.reread.status == "SUCCESS"
        events = room.dagster.events(backfill.runs[0], "MaterializationEvent")
        materialized = {(".".join(event["assetKey"]["path"]), event["partition"]) for event in events}
        assert materialized >= {(name, week(ago)) for name in NAMES for ago in (3, 2, 1)}

    def test_it_restores_deleted_rows(self, room: ControlRoom, backfill: Backfill) -> None:
        """The backfill restores the deleted rows and their child rows."""
        assert backfill.reread.deleted == len(ACCOUNTS) * len(SINGLE_CURSOR) * 3 * 3
        room.assert_equal()

    @pytest.mark.parametrize("feed", SINGLE_CURSOR)
    def test_it_reads_only_the_pages_of_those_weeks(
        self, feed: str, backfill: Backfill, weekly_cursors: list[Numbers]
    ) -> None:
        """Each feed is read from its cursor at the beginning of the first week, in two pages at most."""
        for account in ACCOUNTS:
            pages = backfill.reread.pages[account, feed]
            assert pages[0] == weekly_cursors[4][account, feed]
            assert len(pages) <= 2


class TestFullSync:
    """The job `full_sync` without config."""

    @pytest.mark.parametrize("feed", SINGLE_CURSOR)
    def test_each_feed_is_read_from_the_beginning(self, feed: str, full_sync: Reread) -> None:
        """Each feed is read from sequence number 0 for both accounts."""
        assert [full_sync.pages[account, feed][0] for account in ACCOUNTS] == [0, 0]

    def test_it_restores_deleted_rows(self, room: ControlRoom, full_sync: Reread) -> None:
        """The run restores the deleted rows."""
        assert full_sync.status == "SUCCESS"
        room.assert_equal()


def test_a_job_rereads_days_of_the_given_feeds(
    room: ControlRoom, reread_days: Reread, weekly_cursors: list[Numbers]
) -> None:
    """The job `reread_days` reads the given feeds from the first day on and reports on their assets."""
    assert reread_days.status == "SUCCESS"
    assert reread_days.pages == {(account, BATCHES): [weekly_cursors[4][account, BATCHES]] for account in ACCOUNTS}
    observed = room.dagster.events(reread_days.run_id, "ObservationEvent")
    assert {".".join(event["assetKey"]["path"]) for event in observed} == {BATCHES}


def test_a_sync_from_the_command_line_is_shown(room: ControlRoom, full_sync: Reread) -> None:
    """A sync of the command line becomes a materialization without a run, with its counts."""
    assert full_sync.run_id
    for account in ACCOUNTS:
        for record in valid_records(SUPPLIERS.feed(ORDERS), seed=200, count=RECORDS):
            room.sandbox.book(ORDERS, account).put(record)
    assert floriday("sync", ORDERS, folder=room.folder).code == 0

    def materialization() -> dict[str, Any] | None:
        node = room.dagster.query(NEWEST, key={"path": ORDERS.split(".")})["assetNodeOrError"]
        (newest,) = node["assetMaterializations"]
        return None if newest["runId"] else newest

    entries = wait_for(materialization, FOUR_MINUTES)["metadataEntries"]
    metadata = {entry["label"]: entry.get("intValue") for entry in entries}
    assert metadata["changed"] == len(ACCOUNTS) * RECORDS
