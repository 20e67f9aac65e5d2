"""Sensors and schedules request the right runs, evaluated as Dagster's daemon evaluates them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord

from pipelines.floriday.client import FloridayClient
from pipelines.floriday.http.retry import Clock
from pipelines.orchestration.assets.check_events import EVALUATED_AT, EVALUATES
from pipelines.orchestration.assets.checks import checks_of, specs
from pipelines.orchestration.assets.partitions import week_of
from pipelines.orchestration.assets.reports import DASHBOARD
from pipelines.orchestration.automation import changed_feeds, schedules
from pipelines.orchestration.automation.backoff import AGAIN_AFTER, Requests
from pipelines.orchestration.automation.external_syncs import SLACK
from pipelines.orchestration.automation.schedules import run_request
from pipelines.orchestration.automation.triggers import IN_FLIGHT, Automation, sync_in_progress
from pipelines.orchestration.code_location import build_definitions
from pipelines.orchestration.instance.opening import open_instance
from pipelines.orchestration.resources import given_settings
from pipelines.orchestration.run_in_process import STORAGE
from pipelines.sandbox import Sandbox
from pipelines.settings import load_settings
from pipelines.sync.follow.backoff import Backoff
from pipelines.sync.follow.poller import open_poller
from pipelines.sync.follow.rounds import Rounds
from pipelines.sync.session import open_clients
from pipelines.warehouse.file.connection import transaction
from pipelines.warehouse.file.sync_lock import hold_sync_lock
from pipelines.warehouse.load import visibility
from tests.examples import cases
from tests.integration.dagster_project import RECORDS, SUPPLIERS, Project, fill
from tests.integration.syncing import Syncing
from tests.moments import real_now
from tests.records import in_json, valid_records

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""Dagster uses deprecated features of its own and of pydantic."""

ITEMS, BATCHES = "catalog.trade_items", "supply.batches"
ORDERS, REQUESTS = "orders.sales_orders", "orders.order_requests"
"""A daily feed, two fast feeds and an hourly feed, in this order."""

FEEDS = (ITEMS, BATCHES, ORDERS, REQUESTS)
START = dt.date.fromisoformat(week_of(real_now())) - dt.timedelta(weeks=8)
"""The first day of the first partition."""

NOTHING_NEW = "nothing has changed"
REQUESTED_BEFORE = "a run for these changes was requested before"


@dataclass
class Daemon:
    """Dagster's daemon without its loop.

    Args:
        project: the project whose sensors and schedules are evaluated.
        instance: the instance that stores runs and events.
        cursors: cursor of each sensor, kept from tick to tick.
    """

    project: Project
    instance: dg.DagsterInstance
    cursors: dict[str, str | None] = field(default_factory=dict)

    @cached_property
    def definitions(self) -> dg.Definitions:
        """The loaded definitions, with the settings at the time of the first access."""
        return build_definitions(given_settings(self.project.environment, self.project.root))

    def feeds_of_report(self, key: dg.AssetKey) -> set[str]:
        """Return the feeds upstream of a report."""
        keys = self.repository.assets_defs_by_key[key].asset_deps[key]
        return {".".join(each.path) for each in keys}

    @cached_property
    def repository(self) -> dg.RepositoryDefinition:
        """The loaded repository."""
        return self.definitions.get_repository_def()

    def tick(self, sensor: str) -> dg.SensorResult:
        """Evaluate a sensor once; return its run requests and materializations, or its reason to skip."""
        with dg.build_sensor_context(
            self.instance, self.cursors.get(sensor), repository_def=self.repository
        ) as context:
            tick = self.repository.get_sensor_def(sensor).evaluate_tick(context)
        self.cursors[sensor] = tick.cursor
        for event in tick.asset_events:
            assert isinstance(event, (dg.AssetMaterialization, dg.AssetCheckEvaluation))
            self.instance.report_runless_asset_event(event)
        materializations = [event for event in tick.asset_events if isinstance(event, dg.AssetMaterialization)]
        return dg.SensorResult(
            run_requests=tick.run_requests, skip_reason=tick.skip_message, asset_events=materializations
        )

    def skip_reason(self, sensor: str) -> str | None:
        """Evaluate a sensor once; return why it skipped."""
        skipped = self.tick(sensor).skip_reason
        return skipped.skip_message if skipped else None

    def age_requests(self, seconds: float) -> None:
        """Make the requests of the sensor of changed feeds older by so many seconds."""
        requests = Requests.read(self.cursors["changed_feeds"]).made
        older = {feed: request._replace(at=request.at - seconds) for feed, request in requests.items()}
        self.cursors["changed_feeds"] = Requests(older).text()

    def evaluate(self, schedule: str) -> tuple[dg.RunRequest | None, str | None]:
        """Evaluate a schedule now; return the run that it requests, or its reason to skip."""
        definition = self.repository.get_schedule_def(schedule)
        with dg.build_schedule_context(self.instance, real_now(), repository_def=self.repository) as context:
            tick = definition.evaluate_tick(context)
        return next(iter(tick.run_requests or ()), None), tick.skip_message

    def sync(self) -> None:
        """Sync with the command line's code; the first sync is copied from a warehouse that tests share."""
        path = self.project.warehouse.path
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(first_sync(tuple(self.project.sandbox.api_keys), self.project.settings["FLORIDAY_FEEDS"]))
        else:
            settings: dict[str, Any] = dict(self.project.settings)
            Syncing(self.project.sandbox, path).sync(**settings)

    def execute(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        """Execute a requested run."""
        checks = request.asset_check_keys
        job = self.repository.get_job("sync").get_subset(
            asset_selection=set(request.asset_selection or ()),
            asset_check_selection=None if checks is None else set(checks),
        )
        return job.execute_in_process(
            request.run_config,
            self.instance,
            partition_key=request.partition_key,
            tags=request.tags,
            raise_on_error=False,
        )

    def materialized_weeks(self, feed: str) -> set[str]:
        """Return the weeks that Dagster shows as materialized."""
        return self.instance.get_materialized_partitions(dg.AssetKey(feed.split(".")))


@cache
def first_sync(accounts: tuple[str, ...], feeds: str) -> bytes:
    """Return the warehouse file after a first sync of the feeds."""
    with TemporaryDirectory() as folder, Sandbox(empty=True, accounts=accounts) as sandbox:
        fill(sandbox, *feeds.split(","))
        syncing = Syncing(sandbox, Path(folder) / "w.duckdb")
        syncing.sync(full=False, FLORIDAY_FEEDS=feeds)
        return syncing.path.read_bytes()


@contextmanager
def daemon_of(folder: Path, *feeds: str, **sandbox: Any) -> Iterator[Daemon]:
    """Yield the daemon of a project whose feeds have a few records each and were not synced yet."""
    with Sandbox(empty=True, **sandbox) as started, dg.DagsterInstance.ephemeral() as instance:
        fill(started, *feeds)
        settings = {"FLORIDAY_FEEDS": ",".join(feeds), "FLORIDAY_HISTORY_START": START.isoformat()}
        yield Daemon(Project(started, folder, settings), instance)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """The daemon of a project with one account and all four feeds."""
    with daemon_of(tmp_path, *FEEDS) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def file_instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """An instance that is stored in files, which schedules need; tests delete what they add to it."""
    folder = tmp_path_factory.mktemp("instance")
    with open_instance(folder, folder / STORAGE) as instance:
        yield instance


@pytest.fixture
def scheduler(daemon: Daemon, file_instance: dg.DagsterInstance) -> Daemon:
    """The daemon of the same project, with an instance that schedules can use."""
    return Daemon(daemon.project, file_instance)


def change(sandbox: Sandbox, feed: str, account: str | None = None) -> None:
    """Change a record of a feed."""
    book = sandbox.book(feed, account)
    book.put(book.entries()[0].document)


def requested_feeds(result: dg.SensorResult) -> list[str]:
    """Return the feeds of the only run that was requested."""
    (request,) = result.run_requests or ()
    return feeds_of(request)


def feeds_of(request: dg.RunRequest) -> list[str]:
    """Return the feeds of a requested run, without the reports."""
    return [".".join(key.path) for key in request.asset_selection or () if key.path[0] != "reports"]


def config_of(request: dg.RunRequest) -> dict[str, Any]:
    """Return the config of each feed in a requested run."""
    return {op.replace("__", "."): values["config"] for op, values in request.run_config["ops"].items()}


def check_results(instance: dg.DagsterInstance, feed: str) -> dict[str, AssetCheckExecutionRecord]:
    """Return the newest execution of each check of a feed that has one."""
    keys = [check.key for check in specs(SUPPLIERS.source(feed))]
    found = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    return {key.name: record for key, record in found.items()}


def evaluation(record: AssetCheckExecutionRecord) -> dg.AssetCheckEvaluation:
    """Return the result of an execution."""
    assert record.evaluation is not None
    return record.evaluation


def this_week() -> str:
    """Return the current week's partition."""
    return week_of(real_now())


class TestChangedFeeds:
    """The sensor that polls Floriday."""

    @pytest.mark.slow
    def test_feeds_that_were_never_read_are_requested(self, daemon: Daemon) -> None:
        """One run with its checks is requested for the feeds of every tier, and it reads all of them."""
        result = daemon.tick("changed_feeds")

        assert requested_feeds(result) == list(FEEDS)
        (request,) = result.run_requests or ()
        assert request.asset_check_keys is None
        assert {key for key in request.asset_selection or () if key.path[0] == "reports"}
        assert daemon.execute(request).success
        assert daemon.skip_reason("changed_feeds") == NOTHING_NEW
        assert daemon.project.rows(f"SELECT count(*) FROM {ITEMS}") == [(RECORDS,)]

    def test_only_fast_feeds_that_changed_are_requested(self, daemon: Daemon) -> None:
        """An incremental run for this week is requested for the fast feeds that changed.

        It evaluates the checks without selecting them.
        """
        daemon.sync()
        for feed in (ORDERS, REQUESTS, ITEMS):
            change(daemon.project.sandbox, feed)

        result = daemon.tick("changed_feeds")

        assert requested_feeds(result) == [ORDERS]
        (request,) = result.run_requests or ()
        assert config_of(request) == {ORDERS: {"incremental": True}}
        assert (request.partition_key, request.asset_check_keys) == (this_week(), ())
        assert EVALUATES in request.tags

    @pytest.mark.slow
    def test_every_small_run_gives_each_check_a_result(self, daemon: Daemon) -> None:
        """After a small run each check has a result of that run; those that read tables repeat a failed one."""
        daemon.sync()
        daemon.execute(run_request([SUPPLIERS.source(ORDERS)], incremental=True))
        with daemon.project.warehouse.writing() as connection:
            connection.execute(f"INSERT INTO {ORDERS} SELECT * FROM {ORDERS} LIMIT 1")
        daemon.execute(run_request([SUPPLIERS.source(ORDERS)], incremental=True))
        with daemon.project.warehouse.writing() as connection:
            connection.execute(f"DELETE FROM {ORDERS}")
        before = check_results(daemon.instance, ORDERS)
        change(daemon.project.sandbox, ORDERS)

        (request,) = daemon.tick("changed_feeds").run_requests or ()
        run = daemon.execute(request)

        after = check_results(daemon.instance, ORDERS)
        assert {name: each.run_id for name, each in after.items()} == dict.fromkeys(before, run.run_id)
        repeats = {name for name, each in after.items() if EVALUATED_AT in evaluation(each).metadata}
        assert repeats == {"unique_key", "no_orphans", "raw_equals_current"} & set(before)
        for name in repeats:
            assert evaluation(after[name]).passed == evaluation(before[name]).passed
            assert evaluation(after[name]).description == evaluation(before[name]).description
            at = evaluation(after[name]).metadata[EVALUATED_AT].value
            assert at == pytest.approx(before[name].create_timestamp)
        assert not evaluation(after["unique_key"]).passed

    def test_a_check_without_a_result_is_evaluated(self, daemon: Daemon) -> None:
        """A small run evaluates the checks that have no result that it could repeat."""
        daemon.sync()
        change(daemon.project.sandbox, ORDERS)

        (request,) = daemon.tick("changed_feeds").run_requests or ()
        daemon.execute(request)

        results = check_results(daemon.instance, ORDERS)
        assert set(results) == {check.name for check in specs(SUPPLIERS.source(ORDERS))}
        assert not any(EVALUATED_AT in evaluation(each).metadata for each in results.values())

    @pytest.mark.slow
    def test_a_feed_marked_for_a_full_re_read_is_requested(self, daemon: Daemon) -> None:
        """A feed of any tier that is marked for a full re-read is requested although its maximum is unchanged."""
        daemon.sync()
        with daemon.project.warehouse.writing() as connection, transaction(connection):
            visibility.mark(connection, "main", [ITEMS], "1 new or changed in organizations.connections")

        result = daemon.tick("changed_feeds")

        assert requested_feeds(result) == [ITEMS]
        (request,) = result.run_requests or ()
        assert daemon.execute(request).success
        assert daemon.skip_reason("changed_feeds") == NOTHING_NEW

    def test_a_tick_without_changes_costs_one_call_for_each_fast_feed(self, daemon: Daemon) -> None:
        """Without changes, a tick calls max-sequence once for each fast feed and requests no run."""
        daemon.sync()
        daemon.project.sandbox.calls.clear()

        assert daemon.skip_reason("changed_feeds") == NOTHING_NEW
        paths = [call.path.split("2026v1")[1] for call in daemon.project.sandbox.calls if "/token" not in call.path]
        assert sorted(paths) == ["/batches/current-max-sequence", "/sales-orders/current-max-sequence"]

    def test_the_same_maximum_is_not_requested_twice(self, daemon: Daemon) -> None:
        """A feed whose run made no progress is requested again after the back-off, or when it changes again."""
        daemon.sync()
        change(daemon.project.sandbox, ORDERS)
        daemon.tick("changed_feeds")

        assert daemon.skip_reason("changed_feeds") == REQUESTED_BEFORE
        change(daemon.project.sandbox, ORDERS)
        assert requested_feeds(daemon.tick("changed_feeds")) == [ORDERS]
        daemon.age_requests(2 * AGAIN_AFTER)
        assert requested_feeds(daemon.tick("changed_feeds")) == [ORDERS]

    def test_another_feed_that_changes_is_requested_alone(self, daemon: Daemon) -> None:
        """A later request leaves out the feeds that were already requested."""
        daemon.sync()
        change(daemon.project.sandbox, ORDERS)
        daemon.tick("changed_feeds")
        change(daemon.project.sandbox, BATCHES)

        assert requested_feeds(daemon.tick("changed_feeds")) == [BATCHES]

    def test_a_feed_without_its_scope_is_left_out(self, tmp_path: Path) -> None:
        """A feed whose scope is not granted is neither polled nor requested."""
        scopes = ["role:app", "organization:read", *(set(SUPPLIERS.scopes) - {"sales-order:read"})]
        with daemon_of(tmp_path, ORDERS, BATCHES, scopes=scopes) as daemon:
            first = daemon.tick("changed_feeds")
            daemon.sync()
            change(daemon.project.sandbox, ORDERS)

            assert requested_feeds(first) == [BATCHES]
            assert daemon.skip_reason("changed_feeds") == NOTHING_NEW
            assert daemon.project.sandbox.calls.to("/sales-orders/") == []

    def test_a_wrong_secret_is_reported(self, daemon: Daemon) -> None:
        """The tick names the setting that is wrong and shows no secret."""
        daemon.project.settings["FLORIDAY_CLIENT_SECRET"] = "not-the-secret"

        reason = daemon.skip_reason("changed_feeds") or ""

        assert "FLORIDAY_CLIENT_SECRET" in reason
        assert "not-the-secret" not in reason

    def test_polling_times_out_after_half_a_minute(self, daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
        """The time-out covers all feeds together, and no new poll starts while the previous one still waits."""
        assert changed_feeds.POLL_TIMEOUT == 30.0
        daemon.sync()
        monkeypatch.setattr(changed_feeds, "POLL_TIMEOUT", 0.5)
        answered = Event()
        monkeypatch.setattr(FloridayClient, "maximum", lambda *_: answered.wait(60) and None)

        assert "has not answered within 0.5 s" in (daemon.skip_reason("changed_feeds") or "")
        assert "still waits for Floriday" in (daemon.skip_reason("changed_feeds") or "")

        monkeypatch.setattr(changed_feeds, "POLL_TIMEOUT", 30.0)
        answered.set()
        while "still waits" in (reason := daemon.skip_reason("changed_feeds") or ""):
            pass
        assert reason == NOTHING_NEW

    def test_missing_credentials_are_reported(self, daemon: Daemon) -> None:
        """The tick names the setting that is missing."""
        daemon.project.settings |= dict.fromkeys(daemon.project.sandbox.environment(), "")

        assert "FLORIDAY_CLIENT_ID is missing" in (daemon.skip_reason("changed_feeds") or "")


class TestChangedFeedsOfTwoAccounts:
    """The same sensor with two accounts."""

    @pytest.fixture
    def daemon(self, tmp_path: Path) -> Iterator[Daemon]:
        """The daemon of a project with two accounts and two fast feeds that are synced."""
        with daemon_of(tmp_path, ORDERS, BATCHES, accounts=("north", "south")) as daemon:
            daemon.sync()
            yield daemon

    def test_every_account_is_polled(self, daemon: Daemon) -> None:
        """A feed that changed for one of two accounts is requested."""
        change(daemon.project.sandbox, BATCHES, "south")

        assert requested_feeds(daemon.tick("changed_feeds")) == [BATCHES]

    @pytest.mark.slow
    def test_runs_for_a_refused_key_back_off(self, daemon: Daemon) -> None:
        """An account whose key is refused causes a run at first, and further runs at growing intervals."""
        keys = {**daemon.project.sandbox.api_keys, "east": "wrong-key-of-the-east"}
        daemon.project.settings["FLORIDAY_API_KEYS"] = json.dumps(keys)

        requests = [bool(daemon.tick("changed_feeds").run_requests)]
        for _ in range(24):
            daemon.age_requests(AGAIN_AFTER)
            requests.append(bool(daemon.tick("changed_feeds").run_requests))

        assert requests[0]
        assert sum(requests) == 1 + 4  # after one, two, four and eight times ten minutes of four hours

    def test_a_refused_key_does_not_stop_other_accounts(self, daemon: Daemon) -> None:
        """Changes of the account with a valid key are requested; those of the refused account are not seen."""
        keys = {**daemon.project.sandbox.api_keys, "south": "wrong-key-of-the-south"}
        daemon.project.settings["FLORIDAY_API_KEYS"] = json.dumps(keys)
        change(daemon.project.sandbox, BATCHES, "south")
        change(daemon.project.sandbox, ORDERS, "north")

        assert requested_feeds(daemon.tick("changed_feeds")) == [ORDERS]


SENSORS = ("changed_feeds", "syncs_elsewhere")
SCHEDULES = ("hourly_sync", "daily_sync", "weekly_full_sync")


def run_by_hand(status: dg.DagsterRunStatus, schedule: str | None = None, *, feed: str | None = None) -> dg.DagsterRun:
    """Return a run that a person, or the named schedule, started: of all assets, or of a feed."""
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("any"), "any"), "__ASSET_JOB")
    tags = {"dagster/schedule_name": schedule} if schedule else {}
    selected = {dg.AssetKey(feed.split("."))} if feed else None
    return dg.DagsterRun("__ASSET_JOB", status=status, remote_job_origin=origin, tags=tags, asset_selection=selected)


class TestWhileASyncRuns:
    """Sensors request no runs while another sync runs; those of schedules wait in the queue."""

    def reasons(self, scheduler: Daemon) -> dict[str, str]:
        """Return why each sensor skips; none of them may call Floriday."""
        reasons = {name: scheduler.skip_reason(name) or "" for name in SENSORS}
        assert len(scheduler.project.sandbox.calls) == 0
        return reasons

    def test_sensors_skip_while_a_run_is_queued(self, scheduler: Daemon) -> None:
        """Each sensor skips while a run is queued, and names the run."""
        run = scheduler.instance.add_run(run_by_hand(dg.DagsterRunStatus.QUEUED))
        reasons = self.reasons(scheduler)
        scheduler.instance.delete_run(run.run_id)

        expected = f"run {run.run_id[:8]} is QUEUED"
        assert {name: why.split(":")[0] for name, why in reasons.items()} == dict.fromkeys(SENSORS, expected)

    @cases("status", IN_FLIGHT, quick=1, ids=lambda status: status.value)
    def test_schedules_queue_a_run_behind_another(self, scheduler: Daemon, status: dg.DagsterRunStatus) -> None:
        """A schedule requests its run while another one is in progress, but only one waits for each schedule."""
        scheduler.sync()
        requested = {}
        for started_by in (None, *SCHEDULES):
            run = scheduler.instance.add_run(run_by_hand(status, started_by))
            requested[started_by] = {name for name in SCHEDULES if scheduler.evaluate(name)[0]}
            scheduler.instance.delete_run(run.run_id)

        has_begun = status in {dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING}
        assert requested == {
            name: set(SCHEDULES) - (set() if has_begun or name is None else {name}) for name in (None, *SCHEDULES)
        }

    @pytest.mark.parametrize("status", dg.DagsterRunStatus, ids=lambda status: status.value)
    def test_a_run_of_any_job_is_in_progress_until_it_ends(self, daemon: Daemon, status: dg.DagsterRunStatus) -> None:
        """A run that a person started, whose job is not one of ours, counts as a sync until it has ended."""
        daemon.instance.add_run(run_by_hand(status))

        assert bool(sync_in_progress(daemon.instance, given_settings({}, daemon.project.root))) is (status in IN_FLIGHT)

    def test_sensors_skip_while_the_command_line_syncs(self, scheduler: Daemon) -> None:
        """Each sensor skips during a sync of the command line, and names the process; schedules request their runs."""
        scheduler.sync()
        with hold_sync_lock(scheduler.project.warehouse.path, "floriday sync"):
            reasons = self.reasons(scheduler)
            requested = [name for name in SCHEDULES if scheduler.evaluate(name)[0]]

        assert all(why.startswith("floriday sync, process ") for why in reasons.values()), reasons
        assert requested == list(SCHEDULES)


class TestSchedules:
    """Runs at fixed times."""

    @pytest.fixture
    def scheduler(self, daemon: Daemon, file_instance: dg.DagsterInstance) -> Daemon:
        """The daemon of a project with all feeds."""
        del daemon.project.settings["FLORIDAY_FEEDS"]
        return Daemon(daemon.project, file_instance)

    def test_hourly_sync(self, scheduler: Daemon) -> None:
        """The hourly run reads fast and hourly feeds incrementally for this week, and all reports."""
        request, _ = scheduler.evaluate("hourly_sync")

        assert request is not None
        often = [source.name for source in SUPPLIERS.sources if source.tier != "daily"]
        assert sorted(feeds_of(request)) == sorted(often)
        self.assert_complete(request, scheduler)

    def test_daily_sync(self, scheduler: Daemon) -> None:
        """The daily run reads every feed incrementally for this week, and all reports."""
        request, _ = scheduler.evaluate("daily_sync")

        assert request is not None
        assert sorted(feeds_of(request)) == sorted(source.name for source in SUPPLIERS.sources)
        self.assert_complete(request, scheduler)

    def test_daily_dashboard(self, scheduler: Daemon) -> None:
        """The dashboard alone is requested, also during another run: it only reads."""
        run = scheduler.instance.add_run(run_by_hand(dg.DagsterRunStatus.STARTED))
        request, _ = scheduler.evaluate("daily_dashboard")
        scheduler.instance.delete_run(run.run_id)

        assert request is not None
        job = scheduler.repository.get_job("dashboard")
        assert set(job.asset_layer.executable_asset_keys) == {DASHBOARD}

    def assert_complete(self, request: dg.RunRequest, scheduler: Daemon) -> None:
        """Assert that the run has all reports but no dashboard, runs the checks, and reads feeds from their cursors."""
        known = scheduler.repository.assets_defs_by_key
        reports = {key for key in request.asset_selection or () if key.path[0] == "reports"}
        assert reports == {key for key in known if key.path[0] == "reports"} - {DASHBOARD} != set()
        assert (request.partition_key, request.asset_check_keys) == (this_week(), None)
        assert EVALUATES not in request.tags
        assert config_of(request) == {feed: {"incremental": True} for feed in feeds_of(request)}

    def test_installations_start_at_different_minutes(self, scheduler: Daemon) -> None:
        """The minute is derived from the API's address and the warehouse, and does not change."""
        environment, root = scheduler.project.environment, scheduler.project.root

        def minute(warehouse: str) -> int:
            settings = given_settings({**environment, "FLORIDAY_WAREHOUSE": warehouse}, root)
            return Automation(settings, is_on=False).minute

        names = [f"{number}.duckdb" for number in range(20)]
        assert [minute(name) for name in names] == [minute(name) for name in names]
        assert len({minute(name) for name in names}) > 10

    def test_a_malformed_setting_is_reported(self, scheduler: Daemon) -> None:
        """A schedule that reads the warehouse skips with the error of a malformed setting."""
        scheduler.project.settings["FLORIDAY_AUTOMATION"] = "perhaps"

        assert (scheduler.evaluate("weekly_full_sync")[1] or "").startswith("FLORIDAY_AUTOMATION")


class TestWeeklyFullSync:
    """The weekly re-read of small feeds."""

    @pytest.mark.slow
    def test_small_feeds_are_read_in_full(self, scheduler: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
        """Feeds with few rows over all accounts are read in full, which restores lost rows."""
        scheduler.sync()
        book = scheduler.project.sandbox.book(ORDERS)
        with scheduler.project.warehouse.writing() as connection:
            connection.execute(f"INSERT INTO {ITEMS} SELECT * FROM {ITEMS}")
            connection.execute(f"DELETE FROM {ORDERS}")
        monkeypatch.setattr(schedules, "SMALL", RECORDS)

        request, _ = scheduler.evaluate("weekly_full_sync")

        assert request is not None
        assert feeds_of(request) == [BATCHES, ORDERS, REQUESTS]
        assert config_of(request) == {feed: {"full": True} for feed in (BATCHES, ORDERS, REQUESTS)}
        assert scheduler.execute(request).success
        assert scheduler.project.rows(f"SELECT count(*) FROM {ORDERS}") == [(len(book.entries()),)]

    def test_it_skips_before_the_first_sync(self, scheduler: Daemon) -> None:
        """Before the first sync the schedule skips and creates no warehouse."""
        assert scheduler.evaluate("weekly_full_sync") == (None, "there is no feed for it yet")
        assert not scheduler.project.warehouse.exists()


class TestReportsFollowFeeds:
    """The sensor that renews reports and the dashboard."""

    def test_reports_and_dashboard_follow_their_feeds(self, daemon: Daemon) -> None:
        """All follow the first syncs; later a changed feed renews its reports, those on syncs, and the dashboard."""
        reports = {key for key in daemon.repository.assets_defs_by_key if key.path[0] == "reports"}
        of_orders = {key for key in reports - {DASHBOARD} if ORDERS in daemon.feeds_of_report(key)}
        on_syncs = {key for key in reports if not daemon.feeds_of_report(key)}
        cursor = None
        requested = []
        for changed in ((), FEEDS, (), (ORDERS,), ()):
            for feed in changed:
                event = dg.AssetMaterialization(dg.AssetKey(feed.split(".")), partition=this_week())
                daemon.instance.report_runless_asset_event(event)
            result = dg.evaluate_automation_conditions(daemon.definitions, daemon.instance, cursor=cursor)
            cursor = result.cursor
            keys = {key for key in reports if result.get_num_requested(key)}
            for key in keys:
                daemon.instance.report_runless_asset_event(dg.AssetMaterialization(key))
            requested.append(keys)

        assert of_orders < reports
        assert requested == [set(), reports, set(), of_orders | on_syncs | {DASHBOARD}, set()]

    def test_syncs_do_not_wait_for_their_runs(self, daemon: Daemon) -> None:
        """A run of reports is no sync in progress: sensors continue meanwhile."""
        sensor = daemon.repository.get_sensor_def("reports_follow_feeds")
        assert isinstance(sensor, dg.AutomationConditionSensorDefinition)
        run = run_by_hand(dg.DagsterRunStatus.STARTED).with_tags(sensor.run_tags)
        daemon.instance.add_run(run)

        assert sync_in_progress(daemon.instance, given_settings({}, daemon.project.root)) is None
        assert daemon.repository.assets_defs_by_key[DASHBOARD].op.pool is None


class TestExternalSyncs:
    """The sensor that records the command line's syncs as materializations."""

    def later(self, daemon: Daemon, by: dt.timedelta) -> None:
        """Let the feeds have become current so much later."""
        with daemon.project.warehouse.writing() as connection:
            connection.execute("UPDATE sync.cursors SET current_at = current_at + $by", {"by": by})

    def latest_metadata(self, daemon: Daemon, feed: str) -> Mapping[str, Any]:
        """Return the metadata of a feed's newest materialization."""
        event = daemon.instance.get_latest_materialization_event(dg.AssetKey(feed.split(".")))
        assert event is not None
        assert event.asset_materialization is not None
        return {name: value.value for name, value in event.asset_materialization.metadata.items()}

    def test_it_skips_before_the_first_sync(self, daemon: Daemon) -> None:
        """Before the first sync the sensor skips and creates no warehouse."""
        assert daemon.skip_reason("syncs_elsewhere") == "no syncs outside of Dagster"
        assert not daemon.project.warehouse.exists()

    def test_a_first_sync_materializes_all_weeks(self, daemon: Daemon) -> None:
        """A first sync materializes all weeks of each feed, this week last, without a call to Floriday."""
        daemon.sync()
        daemon.project.sandbox.calls.clear()

        result = daemon.tick("syncs_elsewhere")

        assert {event.asset_key.to_user_string() for event in result.asset_events} == {
            feed.replace(".", "/") for feed in FEEDS
        }
        assert {feed: len(daemon.materialized_weeks(feed)) for feed in FEEDS} == dict.fromkeys(FEEDS, 9)
        assert result.asset_events[-1].partition == this_week()
        metadata = self.latest_metadata(daemon, ORDERS)
        assert (metadata["changed"], metadata["rejected"], metadata["dagster/row_count"]) == (RECORDS, 0, RECORDS)
        assert len(daemon.project.sandbox.calls) == 0

    @pytest.mark.slow
    def test_rounds_of_the_resident_sync_are_recorded(self, daemon: Daemon) -> None:
        """A round of ``floriday sync --follow`` materializes the feeds that it synced, as any other sync does."""
        settings = load_settings(daemon.project.environment, daemon.project.root)
        with open_clients(settings) as connected, open_poller() as poller:
            rounds = Rounds(connected, poller, Backoff(30.0, 300.0), Clock())
            rounds.whole(lambda: None)
            daemon.tick("syncs_elsewhere")
            (record,) = valid_records(SUPPLIERS.feed(ORDERS), seed=4, count=1)
            daemon.project.sandbox.book(ORDERS).put(in_json(record))
            rounds.moved()

            result = daemon.tick("syncs_elsewhere")

        assert {event.asset_key.to_user_string() for event in result.asset_events} == {ORDERS.replace(".", "/")}
        assert self.latest_metadata(daemon, ORDERS)["changed"] == 1

    def test_each_sync_is_recorded_once(self, daemon: Daemon) -> None:
        """A later sync materializes the weeks since the previous one, also of feeds without changes."""
        daemon.sync()
        daemon.tick("syncs_elsewhere")

        assert daemon.skip_reason("syncs_elsewhere") == "no syncs outside of Dagster"
        change(daemon.project.sandbox, ORDERS)
        daemon.sync()
        self.later(daemon, 2 * SLACK)
        result = daemon.tick("syncs_elsewhere")

        assert sorted(".".join(event.asset_key.path) for event in result.asset_events) == sorted(FEEDS)
        assert {event.partition for event in result.asset_events} == {this_week()}
        assert [self.latest_metadata(daemon, feed)["changed"] for feed in (ORDERS, BATCHES)] == [1, 0]

    @cases("first", ["changed_feeds", "syncs_elsewhere"], quick=1)
    @pytest.mark.parametrize("is_marked", [False, True])
    def test_all_weeks_are_marked_whichever_sensor_comes_first(
        self, daemon: Daemon, first: str, *, is_marked: bool
    ) -> None:
        """After a sync of the command line all weeks are marked, also if a small run comes before they are reported."""
        daemon.sync()
        change(daemon.project.sandbox, ORDERS)
        if is_marked:  # this week alone, as a run of an earlier version did
            daemon.instance.report_runless_asset_event(
                dg.AssetMaterialization(dg.AssetKey(ORDERS.split(".")), partition=this_week())
            )
        for sensor in (first, "syncs_elsewhere"):
            for request in daemon.tick(sensor).run_requests or ():
                daemon.execute(request)

        assert {feed: len(daemon.materialized_weeks(feed)) for feed in FEEDS} == dict.fromkeys(FEEDS, 9)
        assert daemon.skip_reason("syncs_elsewhere") == "no syncs outside of Dagster"

    def test_a_run_of_a_feed_does_not_delay_the_others(self, daemon: Daemon) -> None:
        """While a run of one feed is in progress, the weeks of the other feeds are marked; those of this feed after it.

        Small runs are in progress most of the time while trade goes on.
        """
        daemon.sync()
        run = daemon.instance.add_run(run_by_hand(dg.DagsterRunStatus.STARTED, feed=ORDERS))
        during = daemon.tick("syncs_elsewhere").asset_events
        daemon.instance.delete_run(run.run_id)
        after = daemon.tick("syncs_elsewhere").asset_events

        assert {".".join(event.asset_key.path) for event in during} == {*FEEDS} - {ORDERS}
        assert {".".join(event.asset_key.path) for event in after} == {ORDERS}
        assert {feed: len(daemon.materialized_weeks(feed)) for feed in FEEDS} == dict.fromkeys(FEEDS, 9)

    @pytest.mark.slow
    def test_a_sync_gives_checks_a_result(self, daemon: Daemon) -> None:
        """A sync of the command line evaluates the cheap checks; the others repeat their last result."""
        (request,) = daemon.tick("changed_feeds").run_requests or ()
        daemon.execute(request)
        change(daemon.project.sandbox, ORDERS)
        daemon.sync()

        daemon.tick("syncs_elsewhere")

        results = check_results(daemon.instance, ORDERS)
        assert {each.run_id for each in results.values()} == {""}
        assert {name for name, each in results.items() if EVALUATED_AT in evaluation(each).metadata} == {
            check.name for check in checks_of(SUPPLIERS.source(ORDERS)) if check.reads_tables
        }

    def test_a_sync_soon_after_the_last_one_is_recorded(self, daemon: Daemon) -> None:
        """Shortly after a recorded sync, only feeds with changes are materialized again."""
        daemon.sync()
        daemon.tick("syncs_elsewhere")
        change(daemon.project.sandbox, ORDERS)
        daemon.sync()

        events = daemon.tick("syncs_elsewhere").asset_events

        assert {".".join(event.asset_key.path) for event in events} == {ORDERS}
        assert self.latest_metadata(daemon, ORDERS)["changed"] == 1

    @pytest.mark.slow
    def test_syncs_of_dagster_are_not_recorded_again(self, daemon: Daemon) -> None:
        """Runs of Dagster have materialized their feeds themselves."""
        (request,) = daemon.tick("changed_feeds").run_requests or ()
        daemon.execute(request)

        assert daemon.skip_reason("syncs_elsewhere") == "no syncs outside of Dagster"

    def test_a_feed_that_is_not_current_is_not_recorded(self, daemon: Daemon) -> None:
        """A feed that is not current for every account is not materialized."""
        daemon.sync()
        with daemon.project.warehouse.writing() as connection:
            connection.execute(f"UPDATE sync.cursors SET current_at = NULL WHERE feed = '{BATCHES}'")
            connection.execute(
                f"INSERT INTO sync.cursors SELECT * REPLACE ('other' AS account, NULL AS current_at)"
                f" FROM sync.cursors WHERE feed = '{ITEMS}'"
            )

        events = daemon.tick("syncs_elsewhere").asset_events

        assert {".".join(event.asset_key.path) for event in events} == {ORDERS, REQUESTS}

    def test_an_unreadable_warehouse_is_reported(self, daemon: Daemon) -> None:
        """The tick skips and names the file of a warehouse that cannot be read."""
        daemon.project.warehouse.path.parent.mkdir(exist_ok=True)
        daemon.project.warehouse.path.write_text("no DuckDB file")

        assert str(daemon.project.warehouse.path) in (daemon.skip_reason("syncs_elsewhere") or "")
