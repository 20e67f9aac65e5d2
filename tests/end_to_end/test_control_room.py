"""Dagster's UI shows, starts and reports everything through the GraphQL queries of its pages."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Source
from pipelines.orchestration.assets.freshness import FRESHNESS
from pipelines.orchestration.assets.partitions import TIME_ZONE
from pipelines.sandbox import Fault, Kind, status
from tests.command_line import FinishedCommand, floriday
from tests.end_to_end.control_room import (
    ACCOUNTS,
    WEEKS,
    ControlRoom,
    Numbers,
    Reread,
    control_room,
    process_of,
    sunday,
    this_week,
    week,
)
from tests.end_to_end.dagster_dev import ASSETS_JOB, REPOSITORY, partition_tags, wait_for
from tests.integration.alert_sensors import HOOK, TOKEN
from tests.integration.answering_server import AnsweringServer, Reply, answering_server
from tests.integration.dagster_project import SUPPLIERS
from tests.written_files import settings_apart, written_below

pytestmark = pytest.mark.slow

NAMES = [source.name for source in SUPPLIERS.sources]
ITEMS, BATCHES = "catalog.trade_items", "supply.batches"
ORDERS, INBOUND = "orders.sales_orders", "fulfillment.inbound_fulfillment_orders"
SYNCED_FOR_WEEKS = (ITEMS, BATCHES, ORDERS, INBOUND)
"""Feeds that are synced over several weeks; Floriday has no max-sequence operation for the last one."""

ORGANIZATIONS, STICKERS = "organizations.organizations", "fulfillment.customer_stickers"
DELETED = (ORDERS, INBOUND)
CONFIGURED = (ITEMS, BATCHES, ORGANIZATIONS, STICKERS)
SYNCED = (*CONFIGURED, *DELETED)
"""The feeds of the runs in this module; all feeds take minutes (``test_control_room_all_feeds``)."""

RUNNING_SENSORS = {"syncs_elsewhere", "alert_on_failure"}
"""The sensors that run: one runs by default with any settings, the other was switched on."""

SLOW = Fault(kind=Kind.SLOW, seconds=2, times=None)
"""Slows every answer down, so that a run is still syncing when the next one is launched."""

ASSETS = """{
  assetNodes {
    assetKey {path} groupName description kinds
    configField {name}
    partitionKeys partitionDefinition {description} backfillPolicy {policyType}
    internalFreshnessPolicy {... on TimeWindowFreshnessPolicy {failWindowSeconds warnWindowSeconds}}
    metadataEntries {
      label
      ... on TableSchemaMetadataEntry {schema {columns {name description}}}
      ... on CodeReferencesMetadataEntry {codeReferences {... on LocalFileCodeReference {filePath lineNumber}}}
    }
    assetChecksOrError {... on AssetChecks {checks {name description}}}
    dependencyKeys {path}
  }
}"""
AUTOMATION = """
query($selector: RepositorySelector!) {
  repositoryOrError(repositorySelector: $selector) {
    ... on Repository {
      jobs {name description}
      schedules {name description scheduleState {status}}
      sensors {name description sensorState {status}}
    }
  }
}
"""
RUN_CONTENT = """
query($id: ID!) {
  runOrError(runId: $id) {... on Run {runConfigYaml tags {key value}}}
  logsForRun(runId: $id) {... on EventConnection {events {
    ... on MessageEvent {message}
    ... on ErrorEvent {error {message stack causes {message stack}}}
    ... on MaterializationEvent {label description metadataEntries {label description ... on TextMetadataEntry {text}
      ... on TableMetadataEntry {table {records}} ... on JsonMetadataEntry {jsonString}}}
  }}}
}
"""
SWITCH_ON = "mutation($selector: SensorSelector!) {startSensor(sensorSelector: $selector) {__typename}}"
INSTANCE = """
query($selector: RepositorySelector!) {
  instance {info}
  runsOrError {... on Runs {results {runId}}}
  utilizedEnvVarsOrError(repositorySelector: $selector) {__typename}
  allTopLevelResourceDetailsOrError(repositorySelector: $selector) {
    ... on ResourceDetailsList {results {name description configFields {name description} configuredValues {key value}}}
  }
  repositoryOrError(repositorySelector: $selector) {
    ... on Repository {sensors {name sensorState {ticks {skipReason error {message stack}}}}}
  }
}
"""


@dataclass
class TwoRuns:
    """Two runs, the second launched during the first, and a sync of the command line during the first.

    Args:
        configured: the first run, for the week before the last one, with config for two feeds and a feed that fails.
        weeks: the second run, for the three weeks before this one, whose rows were deleted.
        statuses: statuses of both runs during the first.
        command: the result of ``floriday sync`` during the first run.
    """

    configured: Reread
    weeks: Reread
    statuses: tuple[str, str]
    command: FinishedCommand


@pytest.fixture(scope="module")
def receiver() -> Iterator[AnsweringServer]:
    """A server that accepts alerts."""
    with answering_server() as receiver:
        receiver.respond(HOOK, Reply(200))
        yield receiver


@pytest.fixture(scope="module")
def room(receiver: AnsweringServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlRoom]:
    """The Dagster of all tests; fixtures that change data at the server also sync it."""
    alerts = receiver.address.replace("http://", "json://") + HOOK
    with control_room(tmp_path_factory.mktemp("control_room"), FLORIDAY_ALERTS=alerts) as room:
        started = room.dagster.query(SWITCH_ON, selector={"sensorName": "alert_on_failure", **REPOSITORY})
        assert started["startSensor"]["__typename"] == "Sensor"
        yield room


@pytest.fixture(scope="module")
def killed(room: ControlRoom) -> str:
    """The status of a first run whose process was killed when some feeds were stored and others were not."""
    room.sandbox.faults.add(Fault(kind=Kind.SLOW, seconds=0.5, times=None))
    run_id = room.dagster.launch(ASSETS_JOB, assets=SYNCED, tags=partition_tags(this_week()))
    wait_for(lambda: len(room.pages()) > len(ACCOUNTS) * 2)
    os.kill(process_of(room.dagster, run_id), signal.SIGKILL)
    ending = room.dagster.wait_until_ended(run_id)
    room.sandbox.faults.clear()
    room.syncing.assert_cursors_are_not_ahead()
    return ending


@pytest.fixture(scope="module")
def first_load(room: ControlRoom, killed: str) -> str:
    """The id of a run that reads everything, after a run that was killed."""
    assert killed
    return room.load(*SYNCED, "reports.revenue_by_week")


@pytest.fixture(scope="module")
def weekly_cursors(room: ControlRoom, first_load: str) -> list[Numbers]:
    """The cursors of four feeds this week, and one, two, three and four weeks ago, with records in each week."""
    assert first_load
    return room.pass_weeks(SYNCED_FOR_WEEKS)


@pytest.fixture(scope="module")
def two_runs(room: ControlRoom, weekly_cursors: list[Numbers]) -> TwoRuns:
    """Both runs after their end; no feed is in both."""
    dagster, faults = room.dagster, room.sandbox.faults
    deleted = room.delete_rows(after=_of(DELETED, weekly_cursors[4]), up_to=weekly_cursors[1])
    ops: dict[str, dict[str, Any]] = {
        "organizations__organizations": {"full": True},
        "supply__batches": {"from_date": week(3), "to_date": sunday(3)},
    }
    failing = faults.add(status(404, where="/customer-stickers/sync/*", times=None))
    slow = faults.add(SLOW)
    room.sandbox.calls.clear()
    first = dagster.launch(ASSETS_JOB, assets=CONFIGURED, tags=partition_tags(week(2)), ops=ops)
    wait_for(lambda: len(room.sandbox.calls) > 0)
    second = dagster.launch(ASSETS_JOB, assets=DELETED, tags=partition_tags(week(3), week(1)))
    command = floriday("sync", folder=room.folder)
    statuses = dagster.status(first), dagster.status(second)
    faults.remove(*slow)
    endings = [dagster.wait_until_ended(run_id) for run_id in (first, second)]
    faults.remove(*failing)
    pages = room.pages()
    configured = Reread(first, endings[0], {key: numbers for key, numbers in pages.items() if key[1] in CONFIGURED})
    weeks = Reread(second, endings[1], {key: numbers for key, numbers in pages.items() if key[1] in DELETED}, deleted)
    return TwoRuns(configured, weeks, statuses, command)


@pytest.fixture(scope="module")
def configured_run(two_runs: TwoRuns) -> Reread:
    """The run with config."""
    return two_runs.configured


@pytest.fixture(scope="module")
def weeks_run(two_runs: TwoRuns) -> Reread:
    """The run for three weeks."""
    return two_runs.weeks


def _of(feeds: Sequence[str], numbers: Numbers) -> Numbers:
    return {key: number for key, number in numbers.items() if key[1] in feeds}


class TestPages:
    """The pages of assets, jobs and automation before the first run."""

    @pytest.fixture(scope="class")
    @classmethod
    def assets(cls, room: ControlRoom) -> dict[str, dict[str, Any]]:
        """The assets by their names."""
        nodes = room.dagster.query(ASSETS)["assetNodes"]
        return {".".join(node["assetKey"]["path"]): node for node in nodes}

    def test_every_feed_and_report_is_an_asset(self, assets: dict[str, dict[str, Any]]) -> None:
        """Feeds are in the group of their schema, reports depend on feeds, and all are described."""
        reports = {name: node for name, node in assets.items() if node["groupName"] == "reports"}

        assert set(assets) - set(reports) == set(NAMES)
        assert {name: assets[name]["groupName"] for name in NAMES} == {name: name.split(".")[0] for name in NAMES}
        assert all(node["description"] for node in assets.values())
        assert all(
            {"path": ORDERS.split(".")} in reports[f"reports.{name}"]["dependencyKeys"]
            for name in ("revenue_by_week", "customer_ranking")
        )

    @pytest.mark.parametrize("source", [pytest.param(source, id=source.name) for source in SUPPLIERS.sources])
    def test_a_feed_is_described(self, assets: dict[str, dict[str, Any]], source: Source) -> None:
        """A feed has weeks in Amsterdam, freshness of its tier, kinds, columns, checks, config and its code."""
        node, table = assets[source.name], tables_of(source)
        metadata = {entry["label"]: entry for entry in node["metadataEntries"]}

        assert (node["partitionKeys"][0], node["partitionKeys"][-1]) == (week(WEEKS - 1), this_week())
        assert TIME_ZONE in node["partitionDefinition"]["description"]
        assert node["backfillPolicy"] == {"policyType": "SINGLE_RUN"}
        assert node["internalFreshnessPolicy"] == {
            "failWindowSeconds": FRESHNESS[source.tier].fail.total_seconds(),
            "warnWindowSeconds": FRESHNESS[source.tier].warn.total_seconds(),
        }
        assert node["kinds"] == ["duckdb", "pandas"]
        assert metadata["dagster/column_schema"]["schema"]["columns"] == [
            {"name": column.name, "description": column.description} for column in table.columns
        ]
        (code,) = metadata["dagster/code_references"]["codeReferences"]
        assert Path(code["filePath"]).is_file()
        checks = node["assetChecksOrError"]["checks"]
        assert {"current", "unique_key", "raw_equals_current"} < {check["name"] for check in checks}
        assert all(check["description"] for check in checks)
        assert node["configField"] == {"name": "config"}

    def test_jobs_schedules_and_sensors_are_listed(self, room: ControlRoom) -> None:
        """All are described; without FLORIDAY_AUTOMATION only the sensor of external syncs runs by default."""
        listed = room.dagster.query(AUTOMATION, selector=REPOSITORY)["repositoryOrError"]

        names = {kind: {entry["name"] for entry in listed[kind]} for kind in ("jobs", "schedules", "sensors")}
        assert names["jobs"] == {ASSETS_JOB, "sync", "full_sync", "reread_days", "dashboard", "prune_runs", "compact"}
        assert names["schedules"] >= {"hourly_sync", "daily_sync", "weekly_full_sync", "daily_dashboard"}
        assert names["sensors"] >= {"changed_feeds", "syncs_elsewhere"}
        own = [entry for kind in names for entry in listed[kind] if entry["name"] != ASSETS_JOB]
        assert all(entry["description"] for entry in own)
        states = {entry["name"]: entry["scheduleState"]["status"] for entry in listed["schedules"]}
        states |= {entry["name"]: entry["sensorState"]["status"] for entry in listed["sensors"]}
        assert {name for name, state in states.items() if state == "RUNNING"} == RUNNING_SENSORS


class TestFirstLoad:
    """A run for this week after a killed run."""

    def test_a_killed_run_fails(self, killed: str) -> None:
        """A killed run has the status FAILURE."""
        assert killed == "FAILURE"

    def test_every_table_equals_the_server(self, room: ControlRoom, first_load: str) -> None:
        """The tables of both accounts equal what the server has."""
        assert first_load
        room.assert_equal(*SYNCED)

    def test_all_weeks_are_materialized(self, room: ControlRoom, first_load: str) -> None:
        """The first load materializes every week of every feed."""
        assert first_load
        stats = {name: node["partitionStats"] for name, node in room.asset_states().items() if name in SYNCED}

        assert stats == {name: {"numPartitions": WEEKS, "numMaterialized": WEEKS, "numFailed": 0} for name in SYNCED}

    def test_all_checks_pass(self, room: ControlRoom, first_load: str) -> None:
        """Every check passes, apart from invented values that are unknown and invented batches that do not add up."""
        assert first_load
        evaluations = {
            (name, check["name"]): check["executionForLatestMaterialization"]["evaluation"]
            for name, node in room.asset_states().items()
            if name in SYNCED
            for check in node["assetChecksOrError"]["checks"]
        }

        assert len(evaluations) > 5 * len(SYNCED)
        assert all(evaluation["description"] for evaluation in evaluations.values())
        failed = {check for (_, check), evaluation in evaluations.items() if not evaluation["success"]}
        assert failed <= {"schema_drift", "batch_ledger"}


class TestRunForWeeks:
    """A run for three weeks."""

    def test_it_restores_deleted_rows(self, room: ControlRoom, weeks_run: Reread) -> None:
        """The run restores the deleted rows and their child rows."""
        assert weeks_run.status == "SUCCESS"
        assert weeks_run.deleted == len(ACCOUNTS) * len(DELETED) * 3 * 3
        room.assert_equal(*DELETED)

    def test_it_reads_from_the_first_week(self, weeks_run: Reread, weekly_cursors: list[Numbers]) -> None:
        """Each feed is read from its cursor at the beginning of the first week."""
        assert {key: numbers[0] for key, numbers in weeks_run.pages.items()} == _of(DELETED, weekly_cursors[4])

    def test_it_materializes_each_week(self, room: ControlRoom, weeks_run: Reread) -> None:
        """Each feed is materialized once for each week."""
        events = room.dagster.events(weeks_run.run_id, "MaterializationEvent")

        materialized = {(".".join(event["assetKey"]["path"]), event["partition"]) for event in events}
        assert materialized == {(name, week(ago)) for name in DELETED for ago in (3, 2, 1)}
        assert len(events) == len(materialized)


class TestConfiguredRun:
    """A run with config for some feeds."""

    def test_full_reads_everything(self, configured_run: Reread) -> None:
        """The config `full` reads from sequence number 0 for both accounts."""
        assert [configured_run.pages[account, ORGANIZATIONS][0] for account in ACCOUNTS] == [0, 0]

    def test_days_are_read_again(self, configured_run: Reread, weekly_cursors: list[Numbers]) -> None:
        """The config of days reads from the cursor at the first day, whatever the run's week is."""
        for account in ACCOUNTS:
            assert configured_run.pages[account, BATCHES] == [weekly_cursors[4][account, BATCHES]]

    def test_without_config_the_week_is_read_again(self, configured_run: Reread, weekly_cursors: list[Numbers]) -> None:
        """Without config a feed is read from its cursor at the beginning of the run's week."""
        for account in ACCOUNTS:
            assert configured_run.pages[account, ITEMS] == [weekly_cursors[3][account, ITEMS]]

    def test_a_failing_feed_does_not_stop_others(self, room: ControlRoom, configured_run: Reread) -> None:
        """The run fails in the step of one feed, and the other feeds are materialized."""
        materialized = room.dagster.events(configured_run.run_id, "MaterializationEvent")
        failed = room.dagster.events(configured_run.run_id, "ExecutionStepFailureEvent")

        assert configured_run.status == "FAILURE"
        assert {".".join(event["assetKey"]["path"]) for event in materialized} == {ITEMS, BATCHES, ORGANIZATIONS}
        assert [event["stepKey"] for event in failed] == ["fulfillment__customer_stickers"]

    def test_the_error_has_account_status_and_request_id(self, room: ControlRoom, configured_run: Reread) -> None:
        """The line has account, status, error code and request id of each account, and nothing else of the answer."""
        (event,) = room.dagster.events(configured_run.run_id, "ExecutionStepFailureEvent")

        lines = event["failureMetadata"]["description"].split("; ")
        reason = r": 127\.0\.0\.1 refuses /customer-stickers/sync/\d+: 404 Unexpected\. Unexpected, on demand"
        for account, line in zip(ACCOUNTS, lines, strict=True):
            assert re.fullmatch(rf"{account}{reason} \(unexpected, request [0-9a-f-]{{36}}\)", line)


def test_the_failure_is_sent_as_an_alert(room: ControlRoom, configured_run: Reread, receiver: AnsweringServer) -> None:
    """Dagster's daemon sends an alert with run, feed and reason."""
    (event,) = room.dagster.events(configured_run.run_id, "ExecutionStepFailureEvent")
    line = f"{STICKERS}: {event['failureMetadata']['description']}"

    def alerts_of_the_run() -> list[list[str]]:
        messages = [json.loads(request.body)["message"].split("\n") for request in receiver.requests_to(HOOK)]
        return [lines for lines in messages if lines[0].startswith(f"Run {configured_run.run_id} ")]

    assert line.startswith(wait_for(alerts_of_the_run)[0][1].removesuffix("…"))


class TestConcurrentRuns:
    """Two runs and the command line at the same time."""

    def test_the_second_run_waits(self, room: ControlRoom, two_runs: TwoRuns) -> None:
        """The second run is queued until the first has ended."""
        assert two_runs.statuses == ("STARTED", "QUEUED")
        assert room.dagster.times(two_runs.weeks.run_id)[0] >= room.dagster.times(two_runs.configured.run_id)[1]

    def test_the_command_line_names_the_run(self, two_runs: TwoRuns) -> None:
        """The command fails at once with the id of the run that syncs."""
        assert two_runs.command.code == 1
        assert f"Dagster run {two_runs.configured.run_id}" in two_runs.command.error_line


def test_no_secret_is_shown_or_stored(room: ControlRoom, first_load: str, two_runs: TwoRuns) -> None:
    """No answer, page, event, log or file contains the client secret, an API key, a token or an alert address."""
    runs = {first_load, two_runs.configured.run_id, two_runs.weeks.run_id}
    instance = room.dagster.query(INSTANCE, selector=REPOSITORY)
    assert runs < {run["runId"] for run in instance["runsOrError"]["results"]}
    for run in instance["runsOrError"]["results"]:
        room.dagster.query(RUN_CONTENT, id=run["runId"])
    texts = [room.dagster.answers.encode(), two_runs.command.out.encode(), two_runs.command.err.encode()]
    address = f"http://127.0.0.1:{room.dagster.port}"
    pages = ("", f"assets/{ORDERS.replace('.', '/')}", f"runs/{two_runs.configured.run_id}", "locations", "config")
    texts += [requests.get(f"{address}/{page}", timeout=30).content for page in pages]
    files = settings_apart(written_below(room.folder))
    texts += files.values()

    sandbox = room.sandbox
    credentials = f"{sandbox.client_id}:{sandbox.client_secret}".encode()
    secrets = [sandbox.client_secret, *sandbox.api_keys.values(), *sandbox.tokens.issued, TOKEN]
    assert len(sandbox.tokens.issued) >= len(runs)
    assert {"index.db", "output", "floriday.duckdb"} <= {path.name for path in files}
    for secret in [*(text.encode() for text in secrets), base64.b64encode(credentials)]:
        assert not any(secret in text for text in texts)
