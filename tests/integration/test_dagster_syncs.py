"""Runs in Dagster: every feed lands, a failing one leaves the others done, and no secret is written anywhere."""

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
from tests.moments import NOW

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""Dagster uses what it and pydantic have deprecated."""

FEEDS = [feed.name for feed in SUPPLIERS.feeds]
ORDERS = "orders.sales_orders"
SOME = ["catalog.trade_items", "supply.batches", "supply.batch_mutations", ORDERS, "supply.weekly_base_supply"]
"""Feeds that most tests are content with, a snapshot among them; all take a while."""


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose eight feeds were synced once; only tests that look use it."""
    with Sandbox(now=NOW, empty=True) as sandbox:
        fill(sandbox)
        project = Project(sandbox, tmp_path_factory.mktemp("synced"))
        project.sync()
        yield project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project of some feeds that was not synced yet."""
    with Sandbox(now=NOW, empty=True) as sandbox:
        fill(sandbox)
        yield Project(sandbox, tmp_path, {"FLORIDAY_FEEDS": ", ".join(SOME)})


@pytest.fixture
def two_accounts(tmp_path: Path) -> Iterator[Project]:
    """A project with two accounts and one feed, not synced yet."""
    with Sandbox(now=NOW, empty=True, accounts=("north", "south")) as sandbox:
        fill(sandbox)
        yield Project(sandbox, tmp_path, {"FLORIDAY_FEEDS": "supply.batches"})


def statuses(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """How each feed's step ended; those of the reports are left out."""
    ended = {event.step_key: "done" for event in result.all_events if event.is_step_success}
    failed = {event.step_key: "failed" for event in result.all_events if event.is_step_failure}
    told = {str(name).replace("__", "."): how for name, how in (ended | failed).items()}
    return {name: how for name, how in told.items() if not name.startswith("reports.")}


class TestSync:
    """All feeds."""

    def test_every_feed_lands(self, synced: Project) -> None:
        """The run ends well, and each feed's table has a row for each record."""
        run = synced.last_run()

        assert (run.job_name, run.status) == ("sync", dg.DagsterRunStatus.SUCCESS)
        counts = {name: synced.rows(f"SELECT count(*) FROM {name}")[0][0] for name in FEEDS}
        assert counts == dict.fromkeys(FEEDS, RECORDS)

    @pytest.mark.parametrize("name", FEEDS)
    def test_a_materialization_tells_what_came(self, synced: Project, name: str) -> None:
        """Records, versions, cursor, distance and rows are told, those of the child tables too."""
        told = synced.metadata(name)
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
        assert {key: told[key] for key in expected} == expected

    def test_the_run_is_named_in_the_ledger(self, synced: Project) -> None:
        """Windows and raw versions carry the run's id."""
        runs = synced.rows("SELECT DISTINCT run_id FROM sync.windows UNION SELECT DISTINCT run_id FROM raw.batches")

        assert runs == [(synced.last_run().run_id,)]

    def test_no_secret_is_written(self, synced: Project) -> None:
        """Neither the client's secret nor a key stands in anything that Dagster keeps."""
        found = [
            path for path, content in synced.files().items() for each in synced.secrets if each.encode() in content
        ]

        assert found == []

    def test_a_second_sync_finds_nothing_new(self, project: Project) -> None:
        """It ends well, all feeds current, without a new version."""
        project.sync()

        outcomes = project.sync()

        assert set(outcomes) == set(SOME)
        assert all(outcome.current and outcome.new + outcome.changed == 0 for outcome in outcomes.values())

    def test_a_full_sync_brings_lost_rows_back(self, project: Project) -> None:
        """Rows that went missing are there again, and no version was added."""
        project.settings["FLORIDAY_FEEDS"] = "sales_orders"
        project.sync()
        with project.warehouse.writing() as connection:
            connection.execute("DELETE FROM orders.sales_orders")

        outcomes = project.sync(full=True)

        assert project.last_run().job_name == "full_sync"
        assert (outcomes[ORDERS].records, outcomes[ORDERS].new, outcomes[ORDERS].changed) == (RECORDS, 0, 0)
        assert project.rows("SELECT count(*) FROM orders.sales_orders") == [(RECORDS,)]

    def test_a_record_of_tomorrow_is_told(self, project: Project) -> None:
        """A field that the catalogue does not know stands in the materialization, by its name."""
        project.settings["FLORIDAY_FEEDS"] = "sales_orders"
        entry = project.sandbox.book(ORDERS).entries()[0]
        project.sandbox.book(ORDERS).put({**entry.document, "fieldOfTomorrow": 1})

        project.sync()

        assert list(project.metadata(ORDERS)["unknown fields"]) == ["fieldOfTomorrow"]


class TestFailures:
    """What goes wrong, and what does not because of it."""

    def test_a_failing_feed_leaves_the_others_done(self, project: Project) -> None:
        """The run fails, naming account, status and Floriday's reason in one line; the others are materialized."""
        project.sandbox.faults.add(status(404, where="/sales-orders/sync/*", times=None))

        result = project.run("sync")

        assert statuses(result) == {name: "failed" if name == ORDERS else "done" for name in SOME}
        (line,) = failure_lines(result).values()
        assert line.startswith("main: 127.0.0.1 refuses /sales-orders/sync/0: 404")
        assert "\n" not in line
        assert project.last_run().status is dg.DagsterRunStatus.FAILURE
        assert project.rows("SELECT count(*) FROM supply.batches") == [(RECORDS,)]

    def test_a_failure_is_told_as_an_outcome(self, project: Project) -> None:
        """Who runs it in process gets the failing feed's outcome with its error, and the others' counts."""
        project.sandbox.faults.add(status(404, where="/sales-orders/sync/*", times=None))

        outcomes = project.sync()

        assert {name for name, outcome in outcomes.items() if outcome.error} == {ORDERS}
        assert (outcomes[ORDERS].account, outcomes["supply.batches"].new) == ("main", RECORDS)

    def test_a_scope_that_is_not_granted_is_no_failure(self, tmp_path: Path) -> None:
        """The feed is observed as skipped, with the reason, and not materialized; the run ends well."""
        scopes = ["role:app", "organization:read", *(set(SUPPLIERS.scopes) - {"sales-order:read"})]
        with Sandbox(now=NOW, empty=True, scopes=scopes) as sandbox:
            fill(sandbox)
            project = Project(sandbox, tmp_path, {"FLORIDAY_FEEDS": "sales_orders, batches"})
            outcomes = project.sync()

        assert project.last_run().status is dg.DagsterRunStatus.SUCCESS
        assert {name: outcome.skipped for name, outcome in outcomes.items() if outcome.skipped} == {
            ORDERS: "scope sales-order:read is not granted"
        }
        with project.instance() as instance:
            assert instance.get_latest_materialization_event(dg.AssetKey(["orders", "sales_orders"])) is None

    def test_a_feed_that_is_being_rebuilt_is_no_failure(self, project: Project) -> None:
        """423 skips the feed until the next run."""
        project.settings["FLORIDAY_FEEDS"] = "batches, batch_mutations"
        project.sandbox.faults.add(status(423, where="/batches/mutations/sync/*", times=None))

        outcomes = project.sync()

        assert project.last_run().status is dg.DagsterRunStatus.SUCCESS
        assert {name for name, outcome in outcomes.items() if outcome.skipped} == {"supply.batch_mutations"}

    def test_a_bad_key_of_one_account_leaves_the_other_done(self, two_accounts: Project) -> None:
        """The feed fails with one line that names the account; the other account's rows are there."""
        keys = {**two_accounts.sandbox.api_keys, "south": "wrong-key-of-the-south"}
        two_accounts.settings["FLORIDAY_API_KEYS"] = json.dumps(keys)

        result = two_accounts.run("sync")

        (line,) = failure_lines(result).values()
        assert line.startswith("south: 127.0.0.1 refuses /identities: 403")
        assert "\n" not in line
        assert not any("wrong-key-of-the-south" in repr(event) for event in result.all_events)
        assert two_accounts.rows("SELECT account, count(*) FROM supply.batches GROUP BY ALL") == [("north", RECORDS)]

    def test_nothing_set_is_told_in_one_line(self, project: Project) -> None:
        """Every feed fails with the line that names the variables, and nothing is created."""
        project.settings |= dict.fromkeys(project.sandbox.environment(), "")

        lines = failure_lines(project.run("sync"))

        assert len(lines) == len(SOME)
        assert all(line.startswith("FLORIDAY_") and "\n" not in line for line in lines.values())
        assert not project.warehouse.path.exists()

    def test_a_refused_secret_is_asked_once(self, project: Project) -> None:
        """A run with a wrong secret fails for each feed in the same words, after one call; none shows the secret."""
        project.settings["FLORIDAY_CLIENT_SECRET"] = "not-the-secret"

        result = project.run("sync")

        assert {"FLORIDAY_CLIENT_SECRET" in line for line in failure_lines(result).values()} == {True}
        assert not any("not-the-secret" in repr(event) for event in result.all_events)
        assert len(project.sandbox.calls) == 1

    def test_what_nobody_expected_is_told_too(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        """A fault of the program itself becomes an outcome that says so; its message may quote data, and is nowhere."""

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
    """What a person may ask for when launching a run."""

    def test_only_the_named_accounts_are_synced(self, two_accounts: Project) -> None:
        """The other account keeps what it had."""
        result = two_accounts.run("sync", {"supply__batches": {"accounts": ["south"]}})

        assert result.success
        assert two_accounts.rows("SELECT account, count(*) FROM supply.batches GROUP BY ALL") == [("south", RECORDS)]

    def test_an_account_that_there_is_not(self, two_accounts: Project) -> None:
        """The line names those that there are."""
        result = two_accounts.run("sync", {"supply__batches": {"accounts": ["west"]}})

        assert failure_lines(result) == {
            "supply__batches": "the settings have no account west; there are: north, south"
        }

    def test_numbers_of_several_accounts_are_told_apart(self, two_accounts: Project) -> None:
        """Counts are added up; cursors, which have nothing to do with each other, stand in the table of accounts."""
        two_accounts.run("sync")

        told = two_accounts.metadata("supply.batches")
        assert (told["records"], told["dagster/row_count"], "cursor" in told) == (2 * RECORDS, 2 * RECORDS, False)
        assert [(row.data["account"], row.data["distance"]) for row in told["accounts"].records] == [
            ("north", 0),
            ("south", 0),
        ]


class Listening(logging.Handler):
    """Keeps what is logged, and lets something follow from it."""

    def __init__(self, then: Callable[[], None]) -> None:
        super().__init__()
        self.said: list[str] = []
        self.then = then

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line, and go on."""
        self.said.append(record.getMessage())
        self.then()


class TestLock:
    """A sync that was started elsewhere."""

    @pytest.fixture
    def warehouse(self, project: Project) -> WarehouseResource:
        """The warehouse as a run has it."""
        return WarehouseResource(settings=given_settings(project.environment, project.root))

    def test_a_run_waits_for_it(self, project: Project, warehouse: WarehouseResource) -> None:
        """The log says who is waited for, and the run goes on once that one is done."""
        elsewhere = ExitStack()
        log, listening = logging.getLogger("waiting run"), Listening(elsewhere.close)
        log.addHandler(listening)
        elsewhere.enter_context(hold_sync_lock(project.warehouse.path, "floriday sync"))

        warehouse.hold("Dagster run 1", log)
        warehouse.release()

        (line,) = listening.said
        assert line.startswith("Waiting: another sync holds")
        assert "floriday sync" in line

    def test_its_patience_ends(
        self, project: Project, warehouse: WarehouseResource, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A run that waited long enough fails with the line that says who holds the warehouse."""
        monkeypatch.setattr(resources, "LONGEST_WAIT", 0.0)
        log = logging.getLogger("impatient run")

        with (
            hold_sync_lock(project.warehouse.path, "floriday sync"),
            pytest.raises(WarehouseBusyError, match="floriday sync"),
        ):
            warehouse.hold("Dagster run 1", log)

    def test_it_is_held_until_the_run_ends(self, project: Project, warehouse: WarehouseResource) -> None:
        """However often the run's assets ask for it; then others may sync."""
        log = logging.getLogger("holding run")
        warehouse.hold("Dagster run 1", log)
        warehouse.hold("Dagster run 1", log)

        with (
            pytest.raises(WarehouseBusyError, match="Dagster run 1"),
            hold_sync_lock(project.warehouse.path, "floriday sync"),
        ):
            pytest.fail("two hold it at once")
        warehouse.release()

        with hold_sync_lock(project.warehouse.path, "floriday sync"):
            assert lock_holder(project.warehouse.path) is not None
        assert lock_holder(project.warehouse.path) is None


class TestTogether:
    """The steps of a run come one after the other, what they ask Floriday for does not."""

    def test_feeds_of_a_run_are_read_at_once(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        """Neither of two that wait for each other waits in vain."""
        project.settings["FLORIDAY_FEEDS"] = "batches, sales_orders"
        meeting, sync = Barrier(2, timeout=60), SyncSession.sync

        def met(pipeline: SyncSession, source: Source, account: str, **named: Any) -> FeedOutcome:
            meeting.wait()
            return sync(pipeline, source, account, **named)

        monkeypatch.setattr(SyncSession, "sync", met)

        outcomes = project.sync()

        assert {name: outcome.new for name, outcome in outcomes.items()} == {"supply.batches": RECORDS, ORDERS: RECORDS}

    def test_what_is_asked_for_differently_is_read_as_asked(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each feed once, whatever the first one asks for."""
        asked, sync = [], SyncSession.sync

        def noted(pipeline: SyncSession, source: Source, account: str, **named: Any) -> FeedOutcome:
            asked.append((source.name, named["what"] == Everything()))
            return sync(pipeline, source, account, **named)

        monkeypatch.setattr(SyncSession, "sync", noted)
        full = {name.replace(".", "__"): {"full": name in SOME[:2]} for name in SOME}

        result = project.run("sync", full)

        assert set(statuses(result).values()) == {"done"}
        assert sorted(asked) == sorted((name, name in SOME[:2]) for name in SOME)

    def test_a_defect_fails_the_step_of_its_feed_alone(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        """The others are read all the same."""
        sync = SyncSession.sync

        def broken(pipeline: SyncSession, source: Source, account: str, **named: Any) -> FeedOutcome:
            if source.name == "supply.batches":
                raise ZeroDivisionError
            return sync(pipeline, source, account, **named)

        monkeypatch.setattr(SyncSession, "sync", broken)

        result = project.run("sync")

        assert statuses(result) == {name: "failed" if name == "supply.batches" else "done" for name in SOME}

    def test_a_defect_within_a_feed_is_told_without_what_it_says(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its step fails in one line, the log has the stack; the message, which may hold anything, is nowhere."""

        def broken(
            client: FloridayClient, warehouse: Warehouse, feed: Feed, run: Run, what: WhatToRead, **named: Any
        ) -> FeedOutcome:
            if feed.name == "supply.batches":
                raise OverflowError("k3y-7hat-must-not-show")
            return sync_feed(client, warehouse, feed, run, what, **named)

        monkeypatch.setattr("pipelines.sync.session.sync_feed", broken)

        result = project.run("sync")

        assert statuses(result) == {name: "failed" if name == "supply.batches" else "done" for name in SOME}
        (line,) = failure_lines(result).values()
        assert line.startswith("main: unexpected OverflowError at test_dagster_syncs.py:")
        assert "report it in the issue tracker" in line
        with project.instance() as instance:
            logged = [repr(entry) for entry in instance.all_logs(result.run_id)]
        assert any("in broken" in entry for entry in logged)
        assert not any("k3y-7hat-" in entry.replace('"k3y-7hat-must-not-show")', "") for entry in logged)
