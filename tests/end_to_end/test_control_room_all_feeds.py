"""The control room with every feed, and what takes minutes there: a backfill, everything anew, the command line."""

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
    Again,
    ControlRoom,
    Numbers,
    control_room,
    sunday,
    week,
)
from tests.end_to_end.dagster_dev import until
from tests.integration.dagster_project import RECORDS, SUPPLIERS
from tests.records import valid_records

pytestmark = pytest.mark.soak

NAMES = [source.name for source in SUPPLIERS.sources]
WHOLE = [feed.name for feed in SUPPLIERS.feeds if not is_in_parts(feed)]
"""Feeds with one cursor for each account."""

BATCHES, ORDERS = "supply.batches", "orders.sales_orders"
FOUR_MINUTES = 240.0

LAUNCH = """
mutation($given: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $given) {
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
        status: how it ended.
        runs: the ids of its runs.
        again: its first run.
    """

    status: str
    runs: list[str]
    again: Again


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlRoom]:
    """All tests ask the same Dagster; whatever a fixture lets change is synced when it is done."""
    with control_room(tmp_path_factory.mktemp("control_room")) as room:
        yield room


@pytest.fixture(scope="module")
def first_load(room: ControlRoom) -> str:
    """The run that reads everything, where nothing was read yet."""
    return room.load()


@pytest.fixture(scope="module")
def reached(room: ControlRoom, first_load: str) -> list[Numbers]:
    """How far the feeds were read this week, and one, two, three and four weeks ago; something came in each week."""
    assert first_load
    return room.pass_weeks(FEEDS)


@pytest.fixture(scope="module")
def backfill(room: ControlRoom, reached: list[Numbers]) -> Backfill:
    """A backfill of every feed and snapshot for the three weeks before this one, after their rows were lost."""
    lost = room.lose(after=_whole(reached[4]), up_to=reached[1])
    room.sandbox.calls.clear()
    given = {
        "assetSelection": [{"path": name.split(".")} for name in NAMES],
        "partitionNames": [week(ago) for ago in (3, 2, 1)],
        "fromFailure": False,
    }
    launched = room.dagster.ask(LAUNCH, given=given)["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched

    def ended() -> dict[str, Any] | None:
        told = room.dagster.ask(BACKFILL, id=launched["backfillId"])["partitionBackfillOrError"]
        return told if told["status"].startswith(("COMPLETED", "FAILED", "CANCELED")) else None

    told = until(ended, FOUR_MINUTES)
    runs = [run["id"] for run in told["runs"]]
    return Backfill(told["status"], runs, Again(runs[0], room.dagster.status(runs[0]), room.pages(), lost))


@pytest.fixture(scope="module")
def everything(room: ControlRoom, backfill: Backfill) -> Again:
    """A run of the job `full_sync`, launched without any config, after all orders were lost."""
    assert backfill.runs
    room.change_tables(f"DELETE FROM {ORDERS}")
    return room.again(lambda: room.dagster.launch("full_sync"))


@pytest.fixture(scope="module")
def days(room: ControlRoom, reached: list[Numbers]) -> Again:
    """A run of the job that reads some days again, of one feed."""
    assert reached
    config = {"from_date": week(3), "to_date": sunday(3), "feeds": [BATCHES]}
    return room.again(lambda: room.dagster.launch("reread_days", ops={"reread": config}))


def _whole(numbers: Numbers) -> Numbers:
    return {key: number for key, number in numbers.items() if key[1] in WHOLE}


class TestFirstLoad:
    """A run of everything for this week, in a warehouse that does not exist yet."""

    def test_every_table_equals_the_server(self, room: ControlRoom, first_load: str) -> None:
        """The tables of both accounts hold what Floriday serves."""
        assert first_load
        room.assert_equal()

    def test_all_weeks_are_filled(self, room: ControlRoom, first_load: str) -> None:
        """The grid shows every week of every feed as complete: the first load brought all that Floriday serves."""
        assert first_load
        stats = {name: node["partitionStats"] for name, node in room.standing().items() if name in NAMES}

        assert stats == {name: {"numPartitions": WEEKS, "numMaterialized": WEEKS, "numFailed": 0} for name in NAMES}

    def test_all_checks_have_passed(self, room: ControlRoom, first_load: str) -> None:
        """Each is evaluated and says something; only made-up values are unknown, and made-up batches do not add up."""
        assert first_load
        evaluations = {
            (name, check["name"]): check["executionForLatestMaterialization"]["evaluation"]
            for name, node in room.standing().items()
            for check in node["assetChecksOrError"]["checks"]
        }

        assert len(evaluations) > 5 * len(NAMES)
        assert all(evaluation["description"] for evaluation in evaluations.values())
        failed = {check for (_, check), evaluation in evaluations.items() if not evaluation["success"]}
        assert failed <= {"schema_drift", "batch_ledger"}


class TestBackfill:
    """Three weeks of every feed, as the Backfills tab starts it."""

    def test_it_is_one_run(self, room: ControlRoom, backfill: Backfill) -> None:
        """Which succeeds, and is materialized for each feed and week."""
        assert backfill.status == "COMPLETED_SUCCESS"
        assert len(backfill.runs) == 1
        assert backfill.again.status == "SUCCESS"
        events = room.dagster.events(backfill.runs[0], "MaterializationEvent")
        marked = {(".".join(event["assetKey"]["path"]), event["partition"]) for event in events}
        assert marked >= {(name, week(ago)) for name in NAMES for ago in (3, 2, 1)}

    def test_lost_rows_are_back(self, room: ControlRoom, backfill: Backfill) -> None:
        """The tables equal the server again, child tables too."""
        assert backfill.again.lost == len(ACCOUNTS) * len(WHOLE) * 3 * 3
        room.assert_equal()

    @pytest.mark.parametrize("feed", WHOLE)
    def test_it_reads_those_weeks_and_little_more(self, feed: str, backfill: Backfill, reached: list[Numbers]) -> None:
        """From where the feed was when the first week began, and not again from the beginning."""
        for account in ACCOUNTS:
            asked = backfill.again.pages[account, feed]
            assert asked[0] == reached[4][account, feed]
            assert len(asked) <= 2


class TestEverything:
    """The job `full_sync`, as somebody launches it who gives no config."""

    @pytest.mark.parametrize("feed", WHOLE)
    def test_each_feed_is_read_from_the_beginning(self, feed: str, everything: Again) -> None:
        """For each account."""
        assert [everything.pages[account, feed][0] for account in ACCOUNTS] == [0, 0]

    def test_lost_rows_are_back(self, room: ControlRoom, everything: Again) -> None:
        """The tables equal the server again."""
        assert everything.status == "SUCCESS"
        room.assert_equal()


def test_days_can_be_read_again_by_a_job(room: ControlRoom, days: Again, reached: list[Numbers]) -> None:
    """Of the feeds that its config names; what came of it is shown on their assets."""
    assert days.status == "SUCCESS"
    assert days.pages == {(account, BATCHES): [reached[4][account, BATCHES]] for account in ACCOUNTS}
    observed = room.dagster.events(days.run_id, "ObservationEvent")
    assert {".".join(event["assetKey"]["path"]) for event in observed} == {BATCHES}


def test_a_sync_from_the_command_line_is_shown(room: ControlRoom, everything: Again) -> None:
    """As a materialization that belongs to no run, and counts what came."""
    assert everything.run_id
    for account in ACCOUNTS:
        for record in valid_records(SUPPLIERS.feed(ORDERS), seed=200, count=RECORDS):
            room.sandbox.book(ORDERS, account).put(record)
    assert floriday("sync", ORDERS, folder=room.folder).code == 0

    def shown() -> dict[str, Any] | None:
        node = room.dagster.ask(NEWEST, key={"path": ORDERS.split(".")})["assetNodeOrError"]
        (newest,) = node["assetMaterializations"]
        return None if newest["runId"] else newest

    told = {each["label"]: each.get("intValue") for each in until(shown, FOUR_MINUTES)["metadataEntries"]}
    assert told["changed"] == len(ACCOUNTS) * RECORDS
