"""Runs in Dagster sync every feed, isolate failures of single feeds, and write no secret anywhere."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier
from typing import Any

import dagster as dg
import pytest

from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Feed, Source
from pipelines.errors import WarehouseBusyError
from pipelines.floriday.client import FloridayClient
from pipelines.orchestration import resources
from pipelines.orchestration.resources import WarehouseResource, given_settings
from pipelines.sandbox import Sandbox, status
from pipelines.sync.feed import Run, sync_feed
from pipelines.sync.outcome import FeedOutcome
from pipelines.sync.selection import Everything, WhatToRead
from pipelines.sync.session import SyncSession
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.sync_lock import hold_sync_lock, lock_holder
from tests.integration.dagster_project import RECORDS, SUPPLIERS, Project, failure_lines, fill
from tests.integration.syncing import empty_warehouse
from tests.moments import NOW

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""Dagster uses deprecated features of its own and of pydantic."""

ORDERS = "orders.sales_orders"
SELECTED = ["supply.batches", ORDERS, "supply.weekly_base_supply"]
"""The feeds of most tests, one of them a snapshot; each further feed makes every run longer."""
FEEDS = [
    *("catalog.trade_items", "supply.batches", "supply.batch_mutations", ORDERS),
    *("catalog.base_items", "fulfillment.delivery_orders", "organizations.organizations", "supply.supply_lines"),
    *(feed.name for feed in SUPPLIERS.feeds if not feed.endpoint.max_sequence),
]
"""Feeds of each schema, with and without child tables, and the one without a maximum; the demo syncs all feeds."""


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project in which these feeds were synced once; its tests only read."""
    with Sandbox(now=NOW, empty=True) as sandbox:
        fill(sandbox, *FEEDS)
        project = with_tables(Project(sandbox, tmp_path_factory.mktemp("synced"), {"FLORIDAY_FEEDS": ", ".join(FEEDS)}))
        project.sync()
        yield project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project with the selected feeds, not synced yet."""
    with Sandbox(now=NOW, empty=True) as sandbox:
        fill(sandbox, *(name for name in SELECTED if name in FEEDS))
        yield with_tables(Project(sandbox, tmp_path, {"FLORIDAY_FEEDS": ", ".join(SELECTED)}))


def with_tables(project: Project) -> Project:
    """Create the empty warehouse of a project; creating all tables takes longer than most runs."""
    path = project.warehouse.path
    path.parent.mkdir(mode=0o700)
    path.touch(mode=0o600)
    path.write_bytes(empty_warehouse("suppliers"))
    return project


@pytest.fixture
def two_accounts(tmp_path: Path) -> Iterator[Project]:
    """A project with two accounts and one feed, not synced yet."""
    with Sandbox(now=NOW, empty=True, accounts=("north", "south")) as sandbox:
        fill(sandbox, "supply.batches")
        yield with_tables(Project(sandbox, tmp_path, {"FLORIDAY_FEEDS": "supply.batches"}))


def statuses(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """Return how the step of each feed ended, without those of the reports."""
    done = {event.step_key: "done" for event in result.all_events if event.is_step_success}
    failed = {event.step_key: "failed" for event in result.all_events if event.is_step_failure}
    steps = {str(name).replace("__", "."): ending for name, ending in (done | failed).items()}
    return {name: ending for name, ending in steps.items() if not name.startswith("reports.")}


class TestSync:
    """Syncs of all feeds."""

    def test_every_feed_is_stored(self, synced: Project) -> None:
        """The run succeeds, and each feed's table has a row for each record."""
        run = synced.last_run()

        assert (run.job_name, run.status) == ("sync", dg.DagsterRunStatus.SUCCESS)
        counts = {name: synced.rows(f"SELECT count(*) FROM {name}")[0][0] for name in FEEDS}
        assert counts == dict.fromkeys(FEEDS, RECORDS)

    @pytest.mark.parametrize("name", FEEDS)
    def test_a_materialization_has_the_counts_of_its_sync(self, synced: Project, name: str) -> None:
        """The metadata contains counts of records and versions, the cursor, the distance and rows of child tables."""
        metadata = synced.metadata(name)
        maximum = synced.sandbox.book(name).maximum
        rows = {
            f"rows in {child.name}": synced.rows(f"SELECT count(*) FROM {child.qualified_name}")[0][0]
            for child in list(tables_of(SUPPLIERS.feed(name)).walk())[1:]
        }

        expected = {"records": RECORDS, "new": RECORDS, "changed": 0, "rejected": 0, "current": True}
        expected |= {"cursor": maximum, "dagster/row_count": RECORDS, **rows}
        if SUPPLIERS.feed(name).endpoint.max_sequence:
            expected |= {"pages": 1, "maximum": maximum, "distance": 0}
        else:
            expected |= {"pages": 2}
        assert {key: metadata[key] for key in expected} == expected

    def test_the_warehouse_contains_the_run_id(self, synced: Project) -> None:
        """Windows and raw versions have the run's id."""
        runs = synced.rows("SELECT DISTINCT run_id FROM sync.windows UNION SELECT DISTINCT run_id FROM raw.batches")

        assert runs == [(synced.last_run().run_id,)]

    def test_no_secret_is_written(self, synced: Project) -> None:
        """No file of Dagster contains the client secret or an API key."""
        found = [
            path for path, content in synced.files().items() for each in synced.secrets if each.encode() in content
        ]

        assert found == []

    @pytest.mark.slow
    def test_a_second_sync_stores_nothing_new(self, project: Project) -> None:
        """A second sync succeeds with all feeds current and adds no version."""
        project.sync()

        outcomes = project.sync()

        assert set(outcomes) == set(SELECTED)
        assert all(outcome.current and outcome.new + outcome.changed == 0 for outcome in outcomes.values())

    @pytest.mark.slow
    def test_a_full_sync_restores_lost_rows(self, project: Project) -> None:
        """A full sync restores lost rows and adds no version."""
        project.settings["FLORIDAY_FEEDS"] = "sales_orders"
        project.sync()
        with project.warehouse.writing() as connection:
            connection.execute("DELETE FROM orders.sales_orders")

        outcomes = project.sync(full=True)

        assert project.last_run().job_name == "full_sync"
        assert (outcomes[ORDERS].records, outcomes[ORDERS].new, outcomes[ORDERS].changed) == (RECORDS, 0, 0)
        assert project.rows("SELECT count(*) FROM orders.sales_orders") == [(RECORDS,)]

    @pytest.mark.slow
    def test_an_unknown_field_is_reported(self, project: Project) -> None:
        """The metadata names a field that the catalogue does not contain."""
        project.settings["FLORIDAY_FEEDS"] = "sales_orders"
        entry = project.sandbox.book(ORDERS).entries()[0]
        project.sandbox.book(ORDERS).put({**entry.document, "fieldOfTomorrow": 1})

        project.sync()

        assert list(project.metadata(ORDERS)["unknown fields"]) == ["fieldOfTomorrow"]


class TestFailures:
    """Errors and their limits."""

    @pytest.mark.slow
    def test_a_failing_feed_does_not_stop_others(self, project: Project) -> None:
        """The run fails with one line that names account, status and reason; the other feeds are materialized."""
        project.sandbox.faults.add(status(404, where="/sales-orders/sync/*", times=None))

        result = project.run("sync")

        assert statuses(result) == {name: "failed" if name == ORDERS else "done" for name in SELECTED}
        (line,) = failure_lines(result).values()
        assert line.startswith("main: 127.0.0.1 refuses /sales-orders/sync/0: 404")
        assert "\n" not in line
        assert project.last_run().status is dg.DagsterRunStatus.FAILURE
        assert project.rows("SELECT count(*) FROM supply.batches") == [(RECORDS,)]

    def test_a_failure_becomes_an_outcome(self, project: Project) -> None:
        """A run in process returns the failing feed's outcome with its error, and the other feeds' counts."""
        project.sandbox.faults.add(status(404, where="/sales-orders/sync/*", times=None))

        outcomes = project.sync()

        assert {name for name, outcome in outcomes.items() if outcome.error} == {ORDERS}
        assert (outcomes[ORDERS].account, outcomes["supply.batches"].new) == ("main", RECORDS)

    @pytest.mark.slow
    def test_a_scope_that_is_not_granted_is_no_failure(self, tmp_path: Path) -> None:
        """A feed without its scope is skipped with the reason and not materialized, and the run succeeds."""
        scopes = ["role:app", "organization:read", *(set(SUPPLIERS.scopes) - {"sales-order:read"})]
        with Sandbox(now=NOW, empty=True, scopes=scopes) as sandbox:
            fill(sandbox, ORDERS, "supply.batches")
            project = Project(sandbox, tmp_path, {"FLORIDAY_FEEDS": "sales_orders, batches"})
            outcomes = project.sync()

        assert project.last_run().status is dg.DagsterRunStatus.SUCCESS
        assert {name: outcome.skipped for name, outcome in outcomes.items() if outcome.skipped} == {
            ORDERS: "scope sales-order:read is not granted"
        }
        with project.instance() as instance:
            assert instance.get_latest_materialization_event(dg.AssetKey(["orders", "sales_orders"])) is None

    def test_a_feed_that_is_being_rebuilt_is_no_failure(self, project: Project) -> None:
        """A feed that answers 423 is skipped until the next run."""
        project.settings["FLORIDAY_FEEDS"] = "batches, sales_orders"
        project.sandbox.faults.add(status(423, where="/sales-orders/sync/*", times=None))

        outcomes = project.sync()

        assert project.last_run().status is dg.DagsterRunStatus.SUCCESS
        assert {name for name, outcome in outcomes.items() if outcome.skipped} == {ORDERS}

    @pytest.mark.slow
    def test_a_refused_key_does_not_stop_other_accounts(self, two_accounts: Project) -> None:
        """The feed fails with one line that names the account, and the other account's rows are stored."""
        keys = {**two_accounts.sandbox.api_keys, "south": "wrong-key-of-the-south"}
        two_accounts.settings["FLORIDAY_API_KEYS"] = json.dumps(keys)

        result = two_accounts.run("sync")

        (line,) = failure_lines(result).values()
        assert line.startswith("south: 127.0.0.1 refuses /identities: 403")
        assert "\n" not in line
        assert not any("wrong-key-of-the-south" in repr(event) for event in result.all_events)
        assert two_accounts.rows("SELECT account, count(*) FROM supply.batches GROUP BY ALL") == [("north", RECORDS)]

    def test_missing_settings_fail_each_feed(self, project: Project) -> None:
        """Without settings every feed fails with one line that names them, and no warehouse is created."""
        project.warehouse.path.unlink()
        project.settings |= dict.fromkeys(project.sandbox.environment(), "")

        lines = failure_lines(project.run("sync"))

        assert len(lines) == len(SELECTED)
        assert all(line.startswith("FLORIDAY_") and "\n" not in line for line in lines.values())
        assert not project.warehouse.path.exists()

    def test_a_refused_secret_is_sent_once(self, project: Project) -> None:
        """A wrong secret fails every feed after one call, with a line that does not contain it."""
        project.settings["FLORIDAY_CLIENT_SECRET"] = "not-the-secret"

        result = project.run("sync")

        assert {"FLORIDAY_CLIENT_SECRET" in line for line in failure_lines(result).values()} == {True}
        assert not any("not-the-secret" in repr(event) for event in result.all_events)
        assert len(project.sandbox.calls) == 1

    @pytest.mark.slow
    def test_an_unexpected_error_becomes_an_outcome(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        """The outcome names type and place of an unexpected error; its message, which may quote data, is not stored."""

        def fail(_: object) -> None:
            raise RuntimeError("a fault".upper())

        monkeypatch.setattr("pipelines.orchestration.assets.metadata.of_sync", fail)
        project.settings["FLORIDAY_FEEDS"] = "batches"

        outcomes = project.sync()

        (error,) = {outcome.error for outcome in outcomes.values()}
        assert error is not None
        assert error.startswith("unexpected RuntimeError at test_dagster_syncs.py:")
        assert not any(b"A FAULT" in content for content in project.files().values())


class TestConfig:
    """The config of a run."""

    def test_only_the_named_accounts_are_synced(self, two_accounts: Project) -> None:
        """The config can limit a run to some accounts."""
        result = two_accounts.run("sync", {"supply__batches": {"accounts": ["south"]}})

        assert result.success
        assert two_accounts.rows("SELECT account, count(*) FROM supply.batches GROUP BY ALL") == [("south", RECORDS)]

    def test_an_unknown_account_is_refused(self, two_accounts: Project) -> None:
        """The error of an unknown account lists the accounts that exist."""
        result = two_accounts.run("sync", {"supply__batches": {"accounts": ["west"]}})

        assert failure_lines(result) == {
            "supply__batches": "the settings have no account west; there are: north, south"
        }

    @pytest.mark.slow
    def test_counts_of_accounts_are_added_up(self, two_accounts: Project) -> None:
        """Counts of accounts are added up; cursors are listed for each account in a table."""
        two_accounts.run("sync")

        metadata = two_accounts.metadata("supply.batches")
        assert (metadata["records"], metadata["dagster/row_count"]) == (2 * RECORDS, 2 * RECORDS)
        assert "cursor" not in metadata
        assert [(row.data["account"], row.data["distance"]) for row in metadata["accounts"].records] == [
            ("north", 0),
            ("south", 0),
        ]


class CallingHandler(logging.Handler):
    """A log handler that stores each message and calls a function."""

    def __init__(self, on_message: Callable[[], None]) -> None:
        super().__init__()
        self.messages: list[str] = []
        self.on_message = on_message

    def emit(self, record: logging.LogRecord) -> None:
        """Store the message, then call the function."""
        self.messages.append(record.getMessage())
        self.on_message()


A_RUN = dg.DagsterRun("sync")
A_SCHEDULED_RUN = dg.DagsterRun("sync", tags={"dagster/schedule_name": "hourly_sync"})


class TestLock:
    """Runs that start during another sync."""

    @pytest.fixture
    def warehouse(self, project: Project) -> WarehouseResource:
        """The warehouse resource of a run."""
        return WarehouseResource(settings=given_settings(project.environment, project.root))

    def test_a_run_waits_for_another_sync(self, project: Project, warehouse: WarehouseResource) -> None:
        """The log names the sync that holds the lock, and the run continues when that sync releases it."""
        other_sync = ExitStack()
        log, handler = logging.getLogger("waiting run"), CallingHandler(other_sync.close)
        log.addHandler(handler)
        other_sync.enter_context(hold_sync_lock(project.warehouse.path, "floriday sync"))

        warehouse.hold(A_RUN, log)
        warehouse.release()

        (line,) = handler.messages
        assert line.startswith("Waiting: another sync holds")
        assert "floriday sync" in line

    @pytest.mark.parametrize(("run", "limit"), [(A_RUN, "LONGEST_WAIT"), (A_SCHEDULED_RUN, "SCHEDULED_WAIT")])
    def test_waiting_times_out(
        self,
        project: Project,
        warehouse: WarehouseResource,
        monkeypatch: pytest.MonkeyPatch,
        run: dg.DagsterRun,
        limit: str,
    ) -> None:
        """After the longest wait, which is that of its kind, a run fails with the name of the lock's holder."""
        assert resources.SCHEDULED_WAIT > resources.LONGEST_WAIT
        monkeypatch.setattr(resources, limit, 0.0)
        log = logging.getLogger("impatient run")

        with (
            hold_sync_lock(project.warehouse.path, "floriday sync"),
            pytest.raises(WarehouseBusyError, match="floriday sync"),
        ):
            warehouse.hold(run, log)

    def test_the_lock_is_held_until_the_run_ends(self, project: Project, warehouse: WarehouseResource) -> None:
        """A run holds the lock until it ends, however often its assets acquire it."""
        log = logging.getLogger("holding run")
        warehouse.hold(A_RUN, log)
        warehouse.hold(A_RUN, log)

        with (
            pytest.raises(WarehouseBusyError, match=f"Dagster run {A_RUN.run_id}"),
            hold_sync_lock(project.warehouse.path, "floriday sync"),
        ):
            pytest.fail("two hold it at once")
        warehouse.release()

        with hold_sync_lock(project.warehouse.path, "floriday sync"):
            assert lock_holder(project.warehouse.path) is not None
        assert lock_holder(project.warehouse.path) is None


class TestConcurrency:
    """The feeds of a run are read concurrently, although its steps run one after the other."""

    @pytest.mark.slow
    def test_feeds_are_read_concurrently(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        """Two feeds whose syncs wait for each other both complete."""
        project.settings["FLORIDAY_FEEDS"] = "batches, sales_orders"
        meeting, sync = Barrier(2, timeout=60), SyncSession.sync

        def sync_after_meeting(session: SyncSession, source: Source, account: str, **options: Any) -> FeedOutcome:
            meeting.wait()
            return sync(session, source, account, **options)

        monkeypatch.setattr(SyncSession, "sync", sync_after_meeting)

        outcomes = project.sync()

        assert {name: outcome.new for name, outcome in outcomes.items()} == {"supply.batches": RECORDS, ORDERS: RECORDS}

    @pytest.mark.slow
    def test_each_feed_is_read_with_its_own_config(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each feed is read once with its own config, whichever step is the first."""
        read, sync = [], SyncSession.sync

        def recording_sync(session: SyncSession, source: Source, account: str, **options: Any) -> FeedOutcome:
            read.append((source.name, options["what"] == Everything()))
            return sync(session, source, account, **options)

        monkeypatch.setattr(SyncSession, "sync", recording_sync)
        full = {name.replace(".", "__"): {"full": name in SELECTED[:1]} for name in SELECTED}

        result = project.run("sync", full)

        assert set(statuses(result).values()) == {"done"}
        assert sorted(read) == sorted((name, name in SELECTED[:1]) for name in SELECTED)

    @pytest.mark.slow
    def test_a_defect_fails_only_its_feed(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        """An exception in one feed's sync fails the step of that feed only."""
        sync = SyncSession.sync

        def broken_sync(session: SyncSession, source: Source, account: str, **options: Any) -> FeedOutcome:
            if source.name == "supply.batches":
                raise ZeroDivisionError
            return sync(session, source, account, **options)

        monkeypatch.setattr(SyncSession, "sync", broken_sync)

        result = project.run("sync")

        assert statuses(result) == {name: "failed" if name == "supply.batches" else "done" for name in SELECTED}

    def test_the_message_of_a_defect_is_not_stored(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        """The step fails in one line and the log has the stack; the message, which may quote data, is not stored."""

        def broken(
            client: FloridayClient, warehouse: Warehouse, feed: Feed, run: Run, what: WhatToRead, **options: Any
        ) -> FeedOutcome:
            if feed.name == "supply.batches":
                raise OverflowError("k3y-7hat-must-not-show")
            return sync_feed(client, warehouse, feed, run, what, **options)

        monkeypatch.setattr("pipelines.sync.session.sync_feed", broken)

        result = project.run("sync")

        assert statuses(result) == {name: "failed" if name == "supply.batches" else "done" for name in SELECTED}
        (line,) = failure_lines(result).values()
        assert line.startswith("main: unexpected OverflowError at test_dagster_syncs.py:")
        assert "report it in the issue tracker" in line
        with project.instance() as instance:
            logged = [repr(entry) for entry in instance.all_logs(result.run_id)]
        assert any("in broken" in entry for entry in logged)
        assert not any("k3y-7hat-" in entry.replace('"k3y-7hat-must-not-show")', "") for entry in logged)
