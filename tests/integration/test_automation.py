"""What starts by itself: sensors and schedules, evaluated as Dagster's daemon evaluates them."""

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

from pipelines.floriday.client import FloridayClient
from pipelines.orchestration.assets.dashboard import DASHBOARD
from pipelines.orchestration.assets.keys import POOL
from pipelines.orchestration.assets.partitions import week_of
from pipelines.orchestration.automation import changed_feeds, schedules
from pipelines.orchestration.automation.backoff import AGAIN_AFTER
from pipelines.orchestration.automation.busy import IN_FLIGHT, sync_in_progress
from pipelines.orchestration.automation.external_syncs import SLACK
from pipelines.orchestration.automation.triggers import Automation
from pipelines.orchestration.code_location import build_definitions
from pipelines.orchestration.instance.opening import open_instance
from pipelines.orchestration.resources import given_settings
from pipelines.orchestration.run_in_process import STORAGE
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import transaction
from pipelines.warehouse.file.sync_lock import hold_sync_lock
from pipelines.warehouse.load import visibility
from tests.integration.dagster_project import RECORDS, SUPPLIERS, Project, fill
from tests.integration.syncing import Syncing
from tests.moments import real_now

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""Dagster uses what it and pydantic have deprecated."""

ITEMS, BATCHES = "catalog.trade_items", "supply.batches"
ORDERS, REQUESTS = "orders.sales_orders", "orders.order_requests"
"""A daily and a fast feed, another fast one and an hourly one."""

FEEDS = (ITEMS, BATCHES, ORDERS, REQUESTS)
START = dt.date.fromisoformat(week_of(real_now())) - dt.timedelta(weeks=8)
"""Where the partitions begin."""

NOTHING_NEW = "nothing has changed"
ASKED_ALREADY = "a run for these changes was requested before"


@dataclass
class Daemon:
    """What Dagster's daemon does, without its loop.

    Args:
        project: whose sensors and schedules are evaluated.
        instance: where runs and events are kept.
        cursors: of the sensors, from tick to tick.
    """

    project: Project
    instance: dg.DagsterInstance
    cursors: dict[str, str | None] = field(default_factory=dict)

    @cached_property
    def repository(self) -> dg.RepositoryDefinition:
        """What is loaded, with the settings as they are when it is asked for first."""
        settings = given_settings(self.project.environment, self.project.root)
        return build_definitions(settings).get_repository_def()

    def looks(self, sensor: str) -> dg.SensorResult:
        """A tick of a sensor, as a result with its requests, or its reason to skip."""
        with dg.build_sensor_context(
            self.instance, self.cursors.get(sensor), repository_def=self.repository
        ) as context:
            came = self.repository.get_sensor_def(sensor).evaluate_tick(context)
        self.cursors[sensor] = came.cursor
        for event in came.asset_events:
            assert isinstance(event, dg.AssetMaterialization)
            self.instance.report_runless_asset_event(event)
        return dg.SensorResult(
            run_requests=came.run_requests, skip_reason=came.skip_message, asset_events=came.asset_events
        )

    def reason(self, sensor: str) -> str | None:
        """Why a tick of a sensor skipped."""
        told = self.looks(sensor).skip_reason
        return told.skip_message if told else None

    def let_pass(self, seconds: float) -> None:
        """Have the sensor of changed feeds think that its requests were made longer ago."""
        made = json.loads(self.cursors["changed_feeds"] or "")
        moved = {feed: (number, position, at - seconds, times) for feed, (number, position, at, times) in made.items()}
        self.cursors["changed_feeds"] = json.dumps(moved)

    def is_due(self, schedule: str) -> tuple[dg.RunRequest | None, str | None]:
        """The run that a schedule asks for when it is due, or its reason to skip."""
        definition = self.repository.get_schedule_def(schedule)
        with dg.build_schedule_context(self.instance, real_now(), repository_def=self.repository) as context:
            came = definition.evaluate_tick(context)
        return next(iter(came.run_requests or ()), None), came.skip_message

    def sync(self) -> None:
        """A sync as the command line does it; a first one, which is the same each time, was done before."""
        path = self.project.warehouse.path
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(first_sync(tuple(self.project.sandbox.api_keys), self.project.settings["FLORIDAY_FEEDS"]))
        else:
            settings: dict[str, Any] = dict(self.project.settings)
            Syncing(self.project.sandbox, path).sync(**settings)

    def execute(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        """The run that a sensor or a schedule asked for."""
        return self.repository.get_job("sync").execute_in_process(
            request.run_config,
            self.instance,
            partition_key=request.partition_key,
            asset_selection=list(request.asset_selection or ()),
            raise_on_error=False,
        )

    def weeks_marked(self, feed: str) -> set[str]:
        """The weeks that Dagster shows as complete."""
        return self.instance.get_materialized_partitions(dg.AssetKey(feed.split(".")))


@cache
def first_sync(accounts: tuple[str, ...], feeds: str) -> bytes:
    """The warehouse after a first sync of those feeds."""
    with TemporaryDirectory() as folder, Sandbox(empty=True, accounts=accounts) as sandbox:
        fill(sandbox, *feeds.split(","))
        syncing = Syncing(sandbox, Path(folder) / "w.duckdb")
        syncing.sync(full=False, FLORIDAY_FEEDS=feeds)
        return syncing.path.read_bytes()


@contextmanager
def watching(folder: Path, *feeds: str, **sandbox: Any) -> Iterator[Daemon]:
    """The daemon of a project with some feeds, a few records each, none of them synced yet."""
    with Sandbox(empty=True, **sandbox) as started, dg.DagsterInstance.ephemeral() as instance:
        fill(started, *feeds)
        settings = {"FLORIDAY_FEEDS": ",".join(feeds), "FLORIDAY_HISTORY_START": START.isoformat()}
        yield Daemon(Project(started, folder, settings), instance)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """The daemon of a project with an account and all four feeds."""
    with watching(tmp_path, *FEEDS) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """An instance that is kept in files: schedules ask for one. Its tests leave nothing in it."""
    folder = tmp_path_factory.mktemp("kept")
    with open_instance(folder, folder / STORAGE) as instance:
        yield instance


@pytest.fixture
def clock(daemon: Daemon, kept: dg.DagsterInstance) -> Daemon:
    """The daemon of the same project, with an instance that schedules can do with."""
    return Daemon(daemon.project, kept)


def change(sandbox: Sandbox, feed: str, account: str | None = None) -> None:
    """Let a record of a feed change."""
    book = sandbox.book(feed, account)
    book.put(book.entries()[0].document)


def requested(result: dg.SensorResult) -> list[str]:
    """The feeds of the one run that was asked for."""
    (request,) = result.run_requests or ()
    return feeds_of(request)


def feeds_of(request: dg.RunRequest) -> list[str]:
    """What a run is for, reports left out."""
    return [".".join(key.path) for key in request.asset_selection or () if key.path[0] != "reports"]


def asked_of(request: dg.RunRequest) -> dict[str, Any]:
    """How each feed is to be read."""
    return {op.replace("__", "."): given["config"] for op, given in request.run_config["ops"].items()}


def this_week() -> str:
    """The partition of this moment."""
    return week_of(real_now())


class TestChangedFeeds:
    """The sensor that watches Floriday."""

    def test_feeds_that_were_never_read_are_asked_for(self, daemon: Daemon) -> None:
        """Of every tier, in one run that evaluates their checks too; its run brings them all."""
        result = daemon.looks("changed_feeds")

        assert requested(result) == list(FEEDS)
        (request,) = result.run_requests or ()
        assert request.asset_check_keys is None
        assert daemon.execute(request).success
        assert daemon.reason("changed_feeds") == NOTHING_NEW
        assert daemon.project.rows(f"SELECT count(*) FROM {ITEMS}") == [(RECORDS,)]

    def test_only_fast_feeds_that_moved_are_asked_for(self, daemon: Daemon) -> None:
        """For this week, to read what is new; the checks and the other tiers are left to the schedules."""
        daemon.sync()
        for feed in (ORDERS, REQUESTS, ITEMS):
            change(daemon.project.sandbox, feed)

        result = daemon.looks("changed_feeds")

        assert requested(result) == [ORDERS]
        (request,) = result.run_requests or ()
        assert asked_of(request) == {ORDERS: {"incremental": True}}
        assert (request.partition_key, request.asset_check_keys) == (this_week(), [])

    def test_a_feed_that_waits_to_be_read_again_is_asked_for(self, daemon: Daemon) -> None:
        """Of any tier, although its numbers have not moved."""
        daemon.sync()
        with daemon.project.warehouse.writing() as connection, transaction(connection):
            visibility.mark(connection, "main", [ITEMS], "1 new or changed in organizations.connections")

        result = daemon.looks("changed_feeds")

        assert requested(result) == [ITEMS]
        (request,) = result.run_requests or ()
        assert daemon.execute(request).success
        assert daemon.reason("changed_feeds") == NOTHING_NEW

    def test_an_idle_floriday_costs_a_call_a_fast_feed(self, daemon: Daemon) -> None:
        """Nothing is asked for then."""
        daemon.sync()
        daemon.project.sandbox.calls.clear()

        assert daemon.reason("changed_feeds") == NOTHING_NEW
        asked = [call.path.split("2026v1")[1] for call in daemon.project.sandbox.calls if "/token" not in call.path]
        assert sorted(asked) == ["/batches/current-max-sequence", "/sales-orders/current-max-sequence"]

    def test_the_same_number_is_not_asked_for_twice(self, daemon: Daemon) -> None:
        """A feed whose run failed is asked for again after a while, or when it moves on."""
        daemon.sync()
        change(daemon.project.sandbox, ORDERS)
        daemon.looks("changed_feeds")

        assert daemon.reason("changed_feeds") == ASKED_ALREADY
        change(daemon.project.sandbox, ORDERS)
        assert requested(daemon.looks("changed_feeds")) == [ORDERS]
        daemon.let_pass(2 * AGAIN_AFTER)
        assert requested(daemon.looks("changed_feeds")) == [ORDERS]

    def test_another_feed_that_moves_meanwhile_is_asked_for_alone(self, daemon: Daemon) -> None:
        """What was asked for already is left out."""
        daemon.sync()
        change(daemon.project.sandbox, ORDERS)
        daemon.looks("changed_feeds")
        change(daemon.project.sandbox, BATCHES)

        assert requested(daemon.looks("changed_feeds")) == [BATCHES]

    def test_a_scope_that_is_not_granted_is_left_out(self, tmp_path: Path) -> None:
        """Its feed is neither asked about nor asked for."""
        scopes = ["role:app", "organization:read", *(set(SUPPLIERS.scopes) - {"sales-order:read"})]
        with watching(tmp_path, ORDERS, BATCHES, scopes=scopes) as daemon:
            first = daemon.looks("changed_feeds")
            daemon.sync()
            change(daemon.project.sandbox, ORDERS)

            assert requested(first) == [BATCHES]
            assert daemon.reason("changed_feeds") == NOTHING_NEW
            assert daemon.project.sandbox.calls.to("/sales-orders/") == []

    def test_a_wrong_secret_is_told(self, daemon: Daemon) -> None:
        """The tick says which variable is wrong, and shows no secret."""
        daemon.project.settings["FLORIDAY_CLIENT_SECRET"] = "not-the-secret"

        reason = daemon.reason("changed_feeds") or ""

        assert "FLORIDAY_CLIENT_SECRET" in reason
        assert "not-the-secret" not in reason

    def test_a_floriday_that_hangs_is_given_half_a_minute(
        self, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In all, whatever the number of feeds; the next look does not begin before the one that hangs has ended."""
        assert changed_feeds.POLL_TIMEOUT == 30.0
        daemon.sync()
        monkeypatch.setattr(changed_feeds, "POLL_TIMEOUT", 0.5)
        go_on = Event()
        monkeypatch.setattr(FloridayClient, "maximum", lambda *_: go_on.wait(60) and None)

        assert "has not answered within 0.5 s" in (daemon.reason("changed_feeds") or "")
        assert "still waits for Floriday" in (daemon.reason("changed_feeds") or "")

        monkeypatch.setattr(changed_feeds, "POLL_TIMEOUT", 30.0)
        go_on.set()
        while "still waits" in (reason := daemon.reason("changed_feeds") or ""):
            pass
        assert reason == NOTHING_NEW

    def test_nothing_set_is_told(self, daemon: Daemon) -> None:
        """The tick says what is missing."""
        daemon.project.settings |= dict.fromkeys(daemon.project.sandbox.environment(), "")

        assert "FLORIDAY_CLIENT_ID is missing" in (daemon.reason("changed_feeds") or "")


class TestChangedFeedsOfTwoAccounts:
    """The same sensor, with two keys."""

    @pytest.fixture
    def daemon(self, tmp_path: Path) -> Iterator[Daemon]:
        """The daemon of a project with two accounts and two fast feeds, synced."""
        with watching(tmp_path, ORDERS, BATCHES, accounts=("north", "south")) as daemon:
            daemon.sync()
            yield daemon

    def test_every_account_is_watched(self, daemon: Daemon) -> None:
        """A feed that moved for one of them is asked for."""
        change(daemon.project.sandbox, BATCHES, "south")

        assert requested(daemon.looks("changed_feeds")) == [BATCHES]

    def test_a_refused_key_that_was_never_read_is_told_now_and_then(self, daemon: Daemon) -> None:
        """The run that is asked for first says so; those that follow come more and more seldom."""
        keys = {**daemon.project.sandbox.api_keys, "east": "wrong-key-of-the-east"}
        daemon.project.settings["FLORIDAY_API_KEYS"] = json.dumps(keys)

        asked = [bool(daemon.looks("changed_feeds").run_requests)]
        for _ in range(24):
            daemon.let_pass(AGAIN_AFTER)
            asked.append(bool(daemon.looks("changed_feeds").run_requests))

        assert asked[0]
        assert sum(asked) == 1 + 4  # after one, two, four and eight times ten minutes of four hours

    def test_a_refused_key_leaves_the_others_watched(self, daemon: Daemon) -> None:
        """What moved for the good key is asked for; what moved for the refused one is not seen."""
        keys = {**daemon.project.sandbox.api_keys, "south": "wrong-key-of-the-south"}
        daemon.project.settings["FLORIDAY_API_KEYS"] = json.dumps(keys)
        change(daemon.project.sandbox, BATCHES, "south")
        change(daemon.project.sandbox, ORDERS, "north")

        assert requested(daemon.looks("changed_feeds")) == [ORDERS]


AUTOMATIC = ("changed_feeds", "syncs_elsewhere", "hourly_sync", "daily_sync", "weekly_full_sync")


def a_run(status: dg.DagsterRunStatus) -> dg.DagsterRun:
    """A run of assets that a person chose."""
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("any"), "any"), "__ASSET_JOB")
    return dg.DagsterRun("__ASSET_JOB", status=status, remote_job_origin=origin)


class TestWhileSomethingIsUnderWay:
    """Automatic runs never pile up."""

    def skips(self, clock: Daemon) -> dict[str, str | None]:
        """Why each sensor and schedule skips, without a call to Floriday."""
        sensors = {name: clock.reason(name) for name in AUTOMATIC[:2]}
        due = {name: clock.is_due(name) for name in AUTOMATIC[2:]}
        assert [name for name, (request, _) in due.items() if request] == []
        assert len(clock.project.sandbox.calls) == 0
        return {**sensors, **{name: reason for name, (_, reason) in due.items()}}

    def test_they_skip_while_a_run_is_queued(self, clock: Daemon) -> None:
        """Each says which one."""
        run = clock.instance.add_run(a_run(dg.DagsterRunStatus.QUEUED))
        reasons = self.skips(clock)
        clock.instance.delete_run(run.run_id)

        told = f"run {run.run_id[:8]} is QUEUED"
        assert {name: (why or "").split(":")[0] for name, why in reasons.items()} == dict.fromkeys(AUTOMATIC, told)

    @pytest.mark.parametrize("status", dg.DagsterRunStatus, ids=lambda status: status.value)
    def test_a_run_is_under_way_until_it_has_ended(self, daemon: Daemon, status: dg.DagsterRunStatus) -> None:
        """Of whatever job: what a person launches goes by the name of none of ours."""
        daemon.instance.add_run(a_run(status))

        assert bool(sync_in_progress(daemon.instance, given_settings({}, daemon.project.root))) is (status in IN_FLIGHT)

    def test_they_skip_while_the_command_line_syncs(self, clock: Daemon) -> None:
        """The reason says who holds the warehouse."""
        with hold_sync_lock(clock.project.warehouse.path, "floriday sync"):
            reasons = self.skips(clock)

        assert all((why or "").startswith("floriday sync, process ") for why in reasons.values()), reasons
        assert set(reasons) == set(AUTOMATIC)


class TestSchedules:
    """Runs by the clock."""

    @pytest.fixture
    def clock(self, daemon: Daemon, kept: dg.DagsterInstance) -> Daemon:
        """The daemon of a project with all feeds."""
        del daemon.project.settings["FLORIDAY_FEEDS"]
        return Daemon(daemon.project, kept)

    def test_hourly_sync(self, clock: Daemon) -> None:
        """What is new in the fast and hourly feeds, for this week, and every report."""
        request, _ = clock.is_due("hourly_sync")

        assert request is not None
        often = [source.name for source in SUPPLIERS.sources if source.tier != "daily"]
        assert sorted(feeds_of(request)) == sorted(often)
        self.assert_complete(request, clock)

    def test_daily_sync(self, clock: Daemon) -> None:
        """What is new in every feed, for this week, and every report."""
        request, _ = clock.is_due("daily_sync")

        assert request is not None
        assert sorted(feeds_of(request)) == sorted(source.name for source in SUPPLIERS.sources)
        self.assert_complete(request, clock)

    def test_daily_dashboard(self, clock: Daemon) -> None:
        """The page alone, whatever is under way: its run waits in the queue for the warehouse, as each feed's does."""
        run = clock.instance.add_run(a_run(dg.DagsterRunStatus.STARTED))
        request, _ = clock.is_due("daily_dashboard")
        clock.instance.delete_run(run.run_id)

        assert request is not None
        job = clock.repository.get_job("dashboard")
        assert set(job.asset_layer.executable_asset_keys) == {DASHBOARD}
        assert clock.repository.assets_defs_by_key[DASHBOARD].op.pool == POOL

    def assert_complete(self, request: dg.RunRequest, clock: Daemon) -> None:
        """All reports are there but not the dashboard, checks are evaluated, and each feed is read from its cursor."""
        known = clock.repository.assets_defs_by_key
        reports = {key for key in request.asset_selection or () if key.path[0] == "reports"}
        assert reports == {key for key in known if key.path[0] == "reports"} - {DASHBOARD} != set()
        assert (request.partition_key, request.asset_check_keys) == (this_week(), None)
        assert asked_of(request) == {feed: {"incremental": True} for feed in feeds_of(request)}

    def test_installations_do_not_all_start_at_once(self, clock: Daemon) -> None:
        """The minute follows from Floriday's address and the warehouse, and stays."""
        environment, root = clock.project.environment, clock.project.root

        def minute(warehouse: str) -> int:
            settings = given_settings({**environment, "FLORIDAY_WAREHOUSE": warehouse}, root)
            return Automation(settings, is_on=False).minute

        names = [f"{number}.duckdb" for number in range(20)]
        assert [minute(name) for name in names] == [minute(name) for name in names]
        assert len({minute(name) for name in names}) > 10

    def test_a_malformed_setting_is_told(self, clock: Daemon) -> None:
        """A schedule that looks into the warehouse skips then, with the line."""
        clock.project.settings["FLORIDAY_AUTOMATION"] = "perhaps"

        assert (clock.is_due("weekly_full_sync")[1] or "").startswith("FLORIDAY_AUTOMATION")


class TestWeeklyFullSync:
    """The insurance against what nobody saw."""

    def test_small_feeds_are_read_whole(self, clock: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
        """Those with few rows of all accounts together, from their beginning; the run brings lost rows back."""
        clock.sync()
        book = clock.project.sandbox.book(ORDERS)
        with clock.project.warehouse.writing() as connection:
            connection.execute(f"INSERT INTO {ITEMS} SELECT * FROM {ITEMS}")
            connection.execute(f"DELETE FROM {ORDERS}")
        monkeypatch.setattr(schedules, "SMALL", RECORDS)

        request, _ = clock.is_due("weekly_full_sync")

        assert request is not None
        assert feeds_of(request) == [BATCHES, ORDERS, REQUESTS]
        assert asked_of(request) == {feed: {"full": True} for feed in (BATCHES, ORDERS, REQUESTS)}
        assert clock.execute(request).success
        assert clock.project.rows(f"SELECT count(*) FROM {ORDERS}") == [(len(book.entries()),)]

    def test_before_the_first_sync_there_is_nothing(self, clock: Daemon) -> None:
        """It skips, and makes no warehouse."""
        assert clock.is_due("weekly_full_sync") == (None, "there is no feed for it yet")
        assert not clock.project.warehouse.exists()


class TestSyncsElsewhere:
    """The sensor that shows what the command line synced."""

    def later(self, daemon: Daemon, by: dt.timedelta) -> None:
        """Let the feeds have been current so much later than they were."""
        with daemon.project.warehouse.writing() as connection:
            connection.execute("UPDATE sync.cursors SET current_at = current_at + $by", {"by": by})

    def told(self, daemon: Daemon, feed: str) -> Mapping[str, Any]:
        """What Dagster shows with a feed's newest materialization."""
        event = daemon.instance.get_latest_materialization_event(dg.AssetKey(feed.split(".")))
        assert event is not None
        assert event.asset_materialization is not None
        return {name: value.value for name, value in event.asset_materialization.metadata.items()}

    def test_before_the_first_sync_there_is_nothing(self, daemon: Daemon) -> None:
        """It makes no warehouse."""
        assert daemon.reason("syncs_elsewhere") == "no syncs outside of Dagster"
        assert not daemon.project.warehouse.exists()

    def test_a_first_sync_marks_all_weeks(self, daemon: Daemon) -> None:
        """Each feed shows what was stored, with this week as the newest; Floriday is not called."""
        daemon.sync()
        daemon.project.sandbox.calls.clear()

        result = daemon.looks("syncs_elsewhere")

        assert {event.asset_key.to_user_string() for event in result.asset_events} == {
            feed.replace(".", "/") for feed in FEEDS
        }
        assert {feed: len(daemon.weeks_marked(feed)) for feed in FEEDS} == dict.fromkeys(FEEDS, 9)
        assert result.asset_events[-1].partition == this_week()
        shown = self.told(daemon, ORDERS)
        assert (shown["changed"], shown["rejected"], shown["dagster/row_count"]) == (RECORDS, 0, RECORDS)
        assert len(daemon.project.sandbox.calls) == 0

    def test_it_tells_each_sync_once(self, daemon: Daemon) -> None:
        """A later one is told for the weeks since, with what came by it; one that found nothing counts too."""
        daemon.sync()
        daemon.looks("syncs_elsewhere")

        assert daemon.reason("syncs_elsewhere") == "no syncs outside of Dagster"
        change(daemon.project.sandbox, ORDERS)
        daemon.sync()
        self.later(daemon, 2 * SLACK)
        result = daemon.looks("syncs_elsewhere")

        assert sorted(".".join(event.asset_key.path) for event in result.asset_events) == sorted(FEEDS)
        assert {event.partition for event in result.asset_events} == {this_week()}
        assert (self.told(daemon, ORDERS)["changed"], self.told(daemon, BATCHES)["changed"]) == (1, 0)

    def test_what_came_a_moment_later_is_told(self, daemon: Daemon) -> None:
        """However soon after the last telling; feeds that brought nothing in that moment are left out."""
        daemon.sync()
        daemon.looks("syncs_elsewhere")
        change(daemon.project.sandbox, ORDERS)
        daemon.sync()

        events = daemon.looks("syncs_elsewhere").asset_events

        assert {".".join(event.asset_key.path) for event in events} == {ORDERS}
        assert self.told(daemon, ORDERS)["changed"] == 1

    def test_dagsters_own_syncs_are_not_told_again(self, daemon: Daemon) -> None:
        """Their runs have materialized the feeds."""
        (request,) = daemon.looks("changed_feeds").run_requests or ()
        daemon.execute(request)

        assert daemon.reason("syncs_elsewhere") == "no syncs outside of Dagster"

    def test_a_feed_that_is_not_current_is_not_told(self, daemon: Daemon) -> None:
        """Nor one that was synced for one of two accounts only."""
        daemon.sync()
        with daemon.project.warehouse.writing() as connection:
            connection.execute(f"UPDATE sync.cursors SET current_at = NULL WHERE feed = '{BATCHES}'")
            connection.execute(
                f"INSERT INTO sync.cursors SELECT * REPLACE ('other' AS account, NULL AS current_at)"
                f" FROM sync.cursors WHERE feed = '{ITEMS}'"
            )

        events = daemon.looks("syncs_elsewhere").asset_events

        assert {".".join(event.asset_key.path) for event in events} == {ORDERS, REQUESTS}

    def test_a_warehouse_that_cannot_be_read_is_told(self, daemon: Daemon) -> None:
        """The next tick looks again."""
        daemon.project.warehouse.path.parent.mkdir(exist_ok=True)
        daemon.project.warehouse.path.write_text("no DuckDB file")

        assert str(daemon.project.warehouse.path) in (daemon.reason("syncs_elsewhere") or "")
