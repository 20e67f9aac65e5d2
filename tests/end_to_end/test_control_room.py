"""The control room: one ``dagster dev``, asked over GraphQL for what a person sees and starts in its pages."""

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
from tests.command_line import Ended, floriday
from tests.end_to_end.control_room import (
    ACCOUNTS,
    WEEKS,
    Again,
    ControlRoom,
    Numbers,
    control_room,
    process_of,
    sunday,
    this_week,
    week,
)
from tests.end_to_end.dagster_dev import ASSETS_JOB, REPOSITORY, for_weeks, until
from tests.integration.alert_sensors import HOOK, TOKEN
from tests.integration.answering_server import AnsweringServer, Reply, answering_server
from tests.integration.dagster_project import SUPPLIERS
from tests.written_files import settings_apart, written_below

pytestmark = pytest.mark.slow

NAMES = [source.name for source in SUPPLIERS.sources]
ITEMS, BATCHES = "catalog.trade_items", "supply.batches"
ORDERS, INBOUND = "orders.sales_orders", "fulfillment.inbound_fulfillment_orders"
SYNCED_FOR_WEEKS = (ITEMS, BATCHES, ORDERS, INBOUND)
"""Feeds with a ledger of several weeks; Floriday tells no maximum of the last one."""

ORGANIZATIONS, STICKERS = "organizations.organizations", "fulfillment.customer_stickers"
LOST = (ORDERS, INBOUND)
WISHED = (ITEMS, BATCHES, ORGANIZATIONS, STICKERS)
READ = (*WISHED, *LOST)
"""What runs are for here; all feeds take minutes (``test_control_room_for_long``)."""

LOOKING = {"syncs_elsewhere", "alert_on_failure"}
"""The sensors that run: one does so by itself whatever is set, the other was switched on."""

SLOW = Fault(kind=Kind.SLOW, seconds=2, times=None)
"""Every answer, so that a run is met in the middle of its work."""

SHOWN = """{
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
LISTED = """
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
SAID = """
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
EVERYTHING_ELSE = """
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
class Together:
    """Two runs that were launched while the first was at work, and a sync from the command line in between.

    Args:
        wishes: the run that was at work: for the week before the last one, with wishes for two feeds in its config, and
            a feed that fails.
        weeks: the run that was launched meanwhile: for the three weeks before this one, whose rows had been lost.
        statuses: how both were doing meanwhile.
        command: how ``floriday sync`` ended meanwhile.
    """

    wishes: Again
    weeks: Again
    statuses: tuple[str, str]
    command: Ended


@pytest.fixture(scope="module")
def receiver() -> Iterator[AnsweringServer]:
    """Takes alerts."""
    with answering_server() as receiver:
        receiver.will_answer(HOOK, Reply(200))
        yield receiver


@pytest.fixture(scope="module")
def room(receiver: AnsweringServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlRoom]:
    """All tests ask the same Dagster; whatever a fixture lets change is synced when it is done."""
    alerts = receiver.address.replace("http://", "json://") + HOOK
    with control_room(tmp_path_factory.mktemp("control_room"), FLORIDAY_ALERTS=alerts) as room:
        switched = room.dagster.ask(SWITCH_ON, selector={"sensorName": "alert_on_failure", **REPOSITORY})
        assert switched["startSensor"]["__typename"] == "Sensor"
        yield room


@pytest.fixture(scope="module")
def killed(room: ControlRoom) -> str:
    """How a run ends whose process is killed when some feeds are stored and some are not; nothing is before it."""
    room.sandbox.faults.add(Fault(kind=Kind.SLOW, seconds=0.5, times=None))
    run_id = room.dagster.launch(ASSETS_JOB, assets=READ, tags=for_weeks(this_week()))
    until(lambda: len(room.pages()) > len(ACCOUNTS) * 2)
    os.kill(process_of(room.dagster, run_id), signal.SIGKILL)
    ended = room.dagster.until_ended(run_id)
    room.sandbox.faults.clear()
    room.syncing.assert_cursors_are_not_ahead()
    return ended


@pytest.fixture(scope="module")
def first_load(room: ControlRoom, killed: str) -> str:
    """The run that reads everything, after one that was killed in the middle of it."""
    assert killed
    return room.load(*READ, "reports.revenue_by_week")


@pytest.fixture(scope="module")
def reached(room: ControlRoom, first_load: str) -> list[Numbers]:
    """How far four feeds were read this week, and one, two, three and four weeks ago; something came in each week."""
    assert first_load
    return room.pass_weeks(SYNCED_FOR_WEEKS)


@pytest.fixture(scope="module")
def together(room: ControlRoom, reached: list[Numbers]) -> Together:
    """Both runs to their end; no feed is in both."""
    dagster, faults = room.dagster, room.sandbox.faults
    lost = room.lose(after=_of(LOST, reached[4]), up_to=reached[1])
    ops: dict[str, dict[str, Any]] = {
        "organizations__organizations": {"full": True},
        "supply__batches": {"from_date": week(3), "to_date": sunday(3)},
    }
    failing = faults.add(status(404, where="/customer-stickers/sync/*", times=None))
    slow = faults.add(SLOW)
    room.sandbox.calls.clear()
    first = dagster.launch(ASSETS_JOB, assets=WISHED, tags=for_weeks(week(2)), ops=ops)
    until(lambda: len(room.sandbox.calls) > 0)
    second = dagster.launch(ASSETS_JOB, assets=LOST, tags=for_weeks(week(3), week(1)))
    command = floriday("sync", folder=room.folder)
    statuses = dagster.status(first), dagster.status(second)
    faults.remove(*slow)
    ended = [dagster.until_ended(run_id) for run_id in (first, second)]
    faults.remove(*failing)
    pages = room.pages()
    wishes = Again(first, ended[0], {key: asked for key, asked in pages.items() if key[1] in WISHED})
    weeks = Again(second, ended[1], {key: asked for key, asked in pages.items() if key[1] in LOST}, lost)
    return Together(wishes, weeks, statuses, command)


@pytest.fixture(scope="module")
def wishes(together: Together) -> Again:
    """The first one."""
    return together.wishes


@pytest.fixture(scope="module")
def three_weeks(together: Together) -> Again:
    """The second one."""
    return together.weeks


def _of(feeds: Sequence[str], numbers: Numbers) -> Numbers:
    return {key: number for key, number in numbers.items() if key[1] in feeds}


class TestWhatIsShown:
    """Everything has its page before anything has run."""

    @pytest.fixture(scope="class")
    @classmethod
    def shown(cls, room: ControlRoom) -> dict[str, dict[str, Any]]:
        """The assets by their names."""
        nodes = room.dagster.ask(SHOWN)["assetNodes"]
        return {".".join(node["assetKey"]["path"]): node for node in nodes}

    def test_every_feed_and_report_is_an_asset(self, shown: dict[str, dict[str, Any]]) -> None:
        """A feed in the group of its schema; a report downstream of feeds; each described."""
        reports = {name: node for name, node in shown.items() if node["groupName"] == "reports"}

        assert set(shown) - set(reports) == set(NAMES)
        assert {name: shown[name]["groupName"] for name in NAMES} == {name: name.split(".")[0] for name in NAMES}
        assert all(node["description"] for node in shown.values())
        assert all(
            {"path": ORDERS.split(".")} in reports[f"reports.{name}"]["dependencyKeys"]
            for name in ("revenue_by_week", "customer_ranking")
        )

    @pytest.mark.parametrize("source", [pytest.param(source, id=source.name) for source in SUPPLIERS.sources])
    def test_a_feed_tells_everything(self, shown: dict[str, dict[str, Any]], source: Source) -> None:
        """Weeks in Amsterdam, freshness by its tier, kinds, columns, checks, config, and the code behind it."""
        node, table = shown[source.name], tables_of(source)
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
        told = node["assetChecksOrError"]["checks"]
        assert {"current", "unique_key", "raw_equals_current"} < {check["name"] for check in told}
        assert all(check["description"] for check in told)
        assert node["configField"] == {"name": "config"}

    def test_jobs_schedules_and_sensors_are_listed(self, room: ControlRoom) -> None:
        """Each described; without FLORIDAY_AUTOMATION only one that looks into the warehouse runs by itself."""
        listed = room.dagster.ask(LISTED, selector=REPOSITORY)["repositoryOrError"]

        names = {kind: {each["name"] for each in listed[kind]} for kind in ("jobs", "schedules", "sensors")}
        assert names["jobs"] == {ASSETS_JOB, "sync", "full_sync", "reread_days", "dashboard", "prune_runs", "compact"}
        assert names["schedules"] >= {"hourly_sync", "daily_sync", "weekly_full_sync", "daily_dashboard"}
        assert names["sensors"] >= {"changed_feeds", "syncs_elsewhere"}
        own = [each for kind in names for each in listed[kind] if each["name"] != ASSETS_JOB]
        assert all(each["description"] for each in own)
        states = {each["name"]: each["scheduleState"]["status"] for each in listed["schedules"]}
        states |= {each["name"]: each["sensorState"]["status"] for each in listed["sensors"]}
        assert {name for name, state in states.items() if state == "RUNNING"} == LOOKING


class TestFirstLoad:
    """A run for this week, where nothing was read but what a killed run had stored."""

    def test_a_killed_run_has_failed(self, killed: str) -> None:
        """It is known as failed soon; what it stored is whole, and stands in the way of nobody."""
        assert killed == "FAILURE"

    def test_every_table_equals_the_server(self, room: ControlRoom, first_load: str) -> None:
        """The tables of both accounts hold what Floriday serves."""
        assert first_load
        room.assert_equal(*READ)

    def test_all_weeks_are_filled(self, room: ControlRoom, first_load: str) -> None:
        """The grid shows every week of every feed as complete: the first load brought all that Floriday serves."""
        assert first_load
        stats = {name: node["partitionStats"] for name, node in self.standing(room).items() if name in READ}

        assert stats == {name: {"numPartitions": WEEKS, "numMaterialized": WEEKS, "numFailed": 0} for name in READ}

    def test_all_checks_have_passed(self, room: ControlRoom, first_load: str) -> None:
        """Each is evaluated and says something; only made-up values are unknown, and made-up batches do not add up."""
        assert first_load
        evaluations = {
            (name, check["name"]): check["executionForLatestMaterialization"]["evaluation"]
            for name, node in self.standing(room).items()
            if name in READ
            for check in node["assetChecksOrError"]["checks"]
        }

        assert len(evaluations) > 5 * len(READ)
        assert all(evaluation["description"] for evaluation in evaluations.values())
        failed = {check for (_, check), evaluation in evaluations.items() if not evaluation["success"]}
        assert failed <= {"schema_drift", "batch_ledger"}

    def standing(self, room: ControlRoom) -> dict[str, dict[str, Any]]:
        """Weeks and checks of each asset."""
        return room.standing()


class TestWeeksAgain:
    """A backfill of weeks, as one run."""

    def test_lost_rows_are_back(self, room: ControlRoom, three_weeks: Again) -> None:
        """The tables equal the server again, child tables too."""
        assert three_weeks.status == "SUCCESS"
        assert three_weeks.lost == len(ACCOUNTS) * len(LOST) * 3 * 3
        room.assert_equal(*LOST)

    def test_it_reads_what_those_weeks_brought(self, three_weeks: Again, reached: list[Numbers]) -> None:
        """From where the feeds were when the first of them began; a page serves all that came since."""
        assert {key: asked[0] for key, asked in three_weeks.pages.items()} == _of(LOST, reached[4])

    def test_the_weeks_are_marked(self, room: ControlRoom, three_weeks: Again) -> None:
        """Each feed is materialized once for each week."""
        events = room.dagster.events(three_weeks.run_id, "MaterializationEvent")

        marked = {(".".join(event["assetKey"]["path"]), event["partition"]) for event in events}
        assert marked == {(name, week(ago)) for name in LOST for ago in (3, 2, 1)}
        assert len(events) == len(marked)


class TestWishes:
    """What a person may ask for in a run's config, and what fails alone."""

    def test_full_reads_everything(self, wishes: Again) -> None:
        """From the beginning, for both accounts."""
        assert [wishes.pages[account, ORGANIZATIONS][0] for account in ACCOUNTS] == [0, 0]

    def test_days_are_read_again(self, wishes: Again, reached: list[Numbers]) -> None:
        """From where the feed was when the first day began, whatever week the run is for."""
        for account in ACCOUNTS:
            assert wishes.pages[account, BATCHES] == [reached[4][account, BATCHES]]

    def test_without_a_wish_the_week_is_read_again(self, wishes: Again, reached: list[Numbers]) -> None:
        """From where the feed was when it began."""
        for account in ACCOUNTS:
            assert wishes.pages[account, ITEMS] == [reached[3][account, ITEMS]]

    def test_a_failing_feed_fails_alone(self, room: ControlRoom, wishes: Again) -> None:
        """The run has failed in that feed's step, and the other feeds are materialized."""
        materialized = room.dagster.events(wishes.run_id, "MaterializationEvent")
        failed = room.dagster.events(wishes.run_id, "ExecutionStepFailureEvent")

        assert wishes.status == "FAILURE"
        assert {".".join(event["assetKey"]["path"]) for event in materialized} == {ITEMS, BATCHES, ORGANIZATIONS}
        assert [event["stepKey"] for event in failed] == ["fulfillment__customer_stickers"]

    def test_its_line_says_what_floriday_said(self, room: ControlRoom, wishes: Again) -> None:
        """Account, status, error code and request id, for each account; nothing else of the answer."""
        (event,) = room.dagster.events(wishes.run_id, "ExecutionStepFailureEvent")

        told = event["failureMetadata"]["description"].split("; ")
        said = r": 127\.0\.0\.1 refuses /customer-stickers/sync/\d+: 404 Unexpected\. Unexpected, on demand"
        for account, line in zip(ACCOUNTS, told, strict=True):
            assert re.fullmatch(rf"{account}{said} \(unexpected, request [0-9a-f-]{{36}}\)", line)


def test_the_failure_is_told(room: ControlRoom, wishes: Again, receiver: AnsweringServer) -> None:
    """Dagster's daemon looks by itself, and tells the receiver which run failed, which feed, and why in a line."""
    (event,) = room.dagster.events(wishes.run_id, "ExecutionStepFailureEvent")
    line = f"{STICKERS}: {event['failureMetadata']['description']}"

    def told() -> list[list[str]]:
        alerts = [json.loads(question.body)["message"].split("\n") for question in receiver.asked(HOOK)]
        return [lines for lines in alerts if lines[0].startswith(f"Run {wishes.run_id} ")]

    assert line.startswith(until(told)[0][1].removesuffix("…"))


class TestOneAtATime:
    """Two runs and the command line want to write at once."""

    def test_the_second_run_waits(self, room: ControlRoom, together: Together) -> None:
        """It is queued until the first one has ended."""
        assert together.statuses == ("STARTED", "QUEUED")
        assert room.dagster.times(together.weeks.run_id)[0] >= room.dagster.times(together.wishes.run_id)[1]

    def test_the_command_line_is_told_who_writes(self, together: Together) -> None:
        """It ends at once, with the run's id."""
        assert together.command.code == 1
        assert f"Dagster run {together.wishes.run_id}" in together.command.complaint


def test_no_secret_is_told(room: ControlRoom, first_load: str, together: Together) -> None:
    """Neither the client's secret, nor a key or token, nor where alerts go: in no answer, page, event, log or file."""
    runs = {first_load, together.wishes.run_id, together.weeks.run_id}
    told = room.dagster.ask(EVERYTHING_ELSE, selector=REPOSITORY)
    assert runs < {run["runId"] for run in told["runsOrError"]["results"]}
    for run in told["runsOrError"]["results"]:
        room.dagster.ask(SAID, id=run["runId"])
    heard = [room.dagster.heard.encode(), together.command.out.encode(), together.command.err.encode()]
    address = f"http://127.0.0.1:{room.dagster.port}"
    pages = ("", f"assets/{ORDERS.replace('.', '/')}", f"runs/{together.wishes.run_id}", "locations", "config")
    heard += [requests.get(f"{address}/{page}", timeout=30).content for page in pages]
    written = settings_apart(written_below(room.folder))
    heard += written.values()

    sandbox = room.sandbox
    credentials = f"{sandbox.client_id}:{sandbox.client_secret}".encode()
    secrets = [sandbox.client_secret, *sandbox.api_keys.values(), *sandbox.tokens.issued, TOKEN]
    assert len(sandbox.tokens.issued) >= len(runs)
    assert {"index.db", "output", "floriday.duckdb"} <= {path.name for path in written}
    for secret in [*(each.encode() for each in secrets), base64.b64encode(credentials)]:
        assert not any(secret in each for each in heard)
