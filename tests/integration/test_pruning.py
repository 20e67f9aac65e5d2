"""Pruning deletes old runs and changes nothing that Dagster shows of the data."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

# The parts of a backfill and of a queued run; Dagster has no public names for these.
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from pipelines.orchestration.assets.check_events import REPEATS
from pipelines.orchestration.instance.opening import instance_settings, open_instance
from pipelines.orchestration.maintenance import history_files, pruning
from pipelines.orchestration.maintenance.history_files import HistoryFiles
from pipelines.orchestration.maintenance.pruning import Pruned, prune
from tests.integration.dagster_history import (
    CHECKED,
    KEYS,
    TULIPS,
    WEEKS,
    displayed_state,
    make_history,
    query_rows,
    run,
    run_ids,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""Dagster uses deprecated features of its own and of pydantic."""

A_DAY = timedelta(days=1)
NO_AGE = timedelta(0)
"""With this age every finished run is old."""

FINISHED = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}

CONSOLIDATED = {
    "run_storage": ("runs", "SqliteRunStorage"),
    "event_log_storage": ("event_log", "ConsolidatedSqliteEventLogStorage"),
    "schedule_storage": ("schedules", "SqliteScheduleStorage"),
}
"""Storages that, like PostgreSQL's, keep all events in one database."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history of two dozen runs, which tests copy."""
    folder = tmp_path_factory.mktemp("history")
    with open_instance(folder, folder / "dagster") as instance:
        make_history(instance)
    return folder / "dagster"


@pytest.fixture
def instance(template: Path, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance with a copy of the history."""
    shutil.copytree(template, tmp_path / "dagster")
    with open_instance(tmp_path, tmp_path / "dagster") as instance:
        yield instance


@pytest.fixture
def files(instance: dg.DagsterInstance) -> HistoryFiles:
    """The files of the history."""
    files = HistoryFiles.of(instance)
    assert files is not None
    return files


@pytest.fixture(scope="module")
def empty_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history without any event, which tests copy."""
    folder = tmp_path_factory.mktemp("empty")
    with open_instance(folder, folder / "dagster"):
        return folder / "dagster"


@pytest.fixture
def empty(empty_template: Path, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance without any run."""
    shutil.copytree(empty_template, tmp_path / "empty")
    with open_instance(tmp_path, tmp_path / "empty") as instance:
        yield instance


def add_run(
    instance: dg.DagsterInstance,
    status: dg.DagsterRunStatus = dg.DagsterRunStatus.SUCCESS,
    *,
    job: str = "sync",
    tags: Mapping[str, str] | None = None,
    parent: str | None = None,
) -> str:
    """Add a run without events; return its id."""
    location = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("here"), "__repository__")
    run_without_events = dg.DagsterRun(
        job,
        status=status,
        tags=tags or {},
        parent_run_id=parent,
        root_run_id=parent,
        remote_job_origin=RemoteJobOrigin(location, job),
    )
    return instance.add_run(run_without_events).run_id


@pytest.mark.slow
class TestDisplay:
    """What Dagster shows on the pages of assets and checks."""

    @pytest.mark.slow
    def test_pruning_does_not_change_it(self, instance: dg.DagsterInstance) -> None:
        """Weeks, newest events, failures and checks stay, also after Dagster has rebuilt its cache."""
        before = displayed_state(instance)

        pruned = prune(instance, NO_AGE, newest=2)

        assert pruned.deleted == len(2 * [0, 1, 2]) + 2 + 1 + 1  # weeks, counts, a repeated failure and a repeated skip
        assert displayed_state(instance) == before
        instance.wipe_asset_cached_status(KEYS)
        assert displayed_state(instance) == before

    def test_runs_of_shown_events_stay(self, instance: dg.DagsterInstance) -> None:
        """Each event and each check result that is shown still belongs to a run with its events."""
        prune(instance, NO_AGE, newest=1)

        display = displayed_state(instance)
        runs = {
            event.run_id for name in ("tulips", "roses") for event in display[f"events of the weeks of {name}"].values()
        }
        runs |= {record.run_id for records in display["checks"].values() for record in records}
        assert runs <= set(run_ids(instance))
        assert all(instance.all_logs(run_id) for run_id in run_ids(instance))

    def test_later_events_are_shown(self, instance: dg.DagsterInstance) -> None:
        """Weeks that are materialized after pruning appear in the grid, which needs ids that only rise."""
        highest = instance.event_log_storage.get_maximum_record_id() or 0
        displayed_state(instance)

        prune(instance, NO_AGE, newest=1)
        run(instance, "sync", 6)

        weeks = WEEKS.get_partition_keys()
        new = instance.get_latest_storage_id_by_partition(TULIPS, dg.DagsterEventType.ASSET_MATERIALIZATION)[weeks[6]]
        assert new > highest
        assert weeks[6] in displayed_state(instance)["grid of tulips"]["materialized"]

    def test_the_run_of_the_last_event_stays(self, empty: dg.DagsterInstance) -> None:
        """A run that ended after newer runs keeps its events, so that ids of events still rise."""
        first, last = [add_run(empty, dg.DagsterRunStatus.STARTED) for _ in range(2)]
        for run_id in (last, first):
            started = empty.get_run_by_id(run_id)
            assert started is not None
            empty.report_run_canceled(started)
        highest = empty.event_log_storage.get_maximum_record_id()

        prune(empty, NO_AGE, newest=1)

        assert empty.event_log_storage.get_maximum_record_id() == highest


class TestRuns:
    """The runs that stay."""

    def test_runs_younger_than_the_age_stay(self, instance: dg.DagsterInstance) -> None:
        """Runs that ended within the given age stay."""
        before = run_ids(instance)

        assert prune(instance, timedelta(hours=1), newest=1) == Pruned(0, 0, 0)
        assert run_ids(instance) == before

    def test_unfinished_runs_stay(self, empty: dg.DagsterInstance) -> None:
        """Unfinished runs stay whatever their age, and finished ones are deleted."""
        statuses = set(dg.DagsterRunStatus) - FINISHED
        unfinished = [add_run(empty, status) for status in statuses for _ in range(2)]
        finished = [add_run(empty) for _ in range(3)]

        assert prune(empty, NO_AGE, newest=1) == Pruned(2, 1, 0)
        assert run_ids(empty) == [*unfinished, finished[-1]]

    def test_the_newest_runs_stay(self, empty: dg.DagsterInstance) -> None:
        """The given number of newest runs stay, whatever their status."""
        runs = [add_run(empty, status) for status in FINISHED for _ in range(2)]

        prune(empty, NO_AGE, newest=3)

        assert run_ids(empty) == runs[-3:]

    def test_the_newest_runs_of_each_job_stay(self, empty: dg.DagsterInstance) -> None:
        """A job that runs seldom keeps its last run."""
        seldom = [add_run(empty, job="seldom") for _ in range(2)]
        often = [add_run(empty) for _ in range(3)]

        prune(empty, NO_AGE, newest=1)

        assert run_ids(empty) == [seldom[-1], often[-1]]

    def test_the_parent_of_a_kept_run_stays(self, empty: dg.DagsterInstance) -> None:
        """A run stays if a kept run repeats it, because one page shows both."""
        first = add_run(empty)
        between = [add_run(empty) for _ in range(2)]
        again = add_run(empty, parent=first)

        assert prune(empty, NO_AGE, newest=1).deleted == len(between)
        assert run_ids(empty) == [first, again]

    @pytest.mark.parametrize(("status", "stays"), [("REQUESTED", True), ("COMPLETED_SUCCESS", False)])
    def test_runs_of_an_open_backfill_stay(self, empty: dg.DagsterInstance, status: str, *, stays: bool) -> None:
        """The runs of a backfill stay until it is completed."""
        empty.add_backfill(
            PartitionBackfill("spring", BulkActionStatus(status), from_failure=False, tags={}, backfill_timestamp=0.0)
        )
        run_id = add_run(empty, tags={"dagster/backfill": "spring"})
        add_run(empty)

        prune(empty, NO_AGE, newest=1)

        assert (run_id in run_ids(empty)) is stays

    def test_small_runs_are_deleted_earlier(self, empty: dg.DagsterInstance) -> None:
        """Runs of the sensor of changed feeds have an age of their own."""
        runs = [add_run(empty, tags={REPEATS: "true"} if number % 2 else {}) for number in range(6)]

        assert prune(empty, A_DAY, NO_AGE, newest=1).deleted == len(runs[1:-1:2])
        assert run_ids(empty) == [*runs[::2], runs[-1]]

    def test_runs_are_read_page_by_page(self, empty: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
        """With more runs than one page, every run is considered."""
        for module in (pruning, history_files):
            monkeypatch.setattr(module, "PAGE", 3)
        runs = [add_run(empty) for _ in range(10)]

        assert prune(empty, NO_AGE, newest=2).deleted == len(runs) - 2
        assert run_ids(empty) == runs[-2:]

    def test_the_oldest_runs_are_deleted_first(
        self, empty: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A prune deletes a limited number of runs, and the next prune continues."""
        monkeypatch.setattr(pruning, "AT_ONCE", 2)
        runs = [add_run(empty) for _ in range(6)]

        left = []
        for _ in range(3):
            prune(empty, NO_AGE, newest=1)
            left.append(run_ids(empty))

        assert left == [runs[2:], runs[4:], runs[5:]]


class TestFiles:
    """The files of the history."""

    def test_files_of_deleted_runs_are_deleted(self, instance: dg.DagsterInstance, files: HistoryFiles) -> None:
        """Events and logs of deleted runs are deleted; those of kept runs stay the same byte for byte."""
        before, size = run_ids(instance), files.size()
        events = {run_id: (files.events / f"{run_id}.db").read_bytes() for run_id in before}

        pruned = prune(instance, NO_AGE, newest=2)

        left = set(run_ids(instance))
        names = {path.name.split(".")[0] for path in files.events.iterdir()} - {"", "index"}
        logs = {path.name for path in files.logs.iterdir()}
        assert names == left
        assert logs == left & {run_id for run_id in before if (files.logs / run_id).exists()}
        assert {run_id: (files.events / f"{run_id}.db").read_bytes() for run_id in left} == {
            run_id: events[run_id] for run_id in left
        }
        assert pruned == Pruned(len(before) - len(left), len(left), size - files.size())
        assert pruned.freed_bytes > size / 3

    def test_the_index_becomes_smaller(self, instance: dg.DagsterInstance, files: HistoryFiles) -> None:
        """The index has no row of a deleted run, and its space is freed."""
        before = files.index.stat().st_size

        prune(instance, NO_AGE, newest=2)

        left = {*run_ids(instance), ""}
        for table in ("event_logs", "asset_check_executions"):
            assert {run_id for (run_id,) in query_rows(files.index, f"SELECT run_id FROM {table}")} <= left
        assert files.index.stat().st_size < before

    def test_a_second_prune_changes_nothing(self, instance: dg.DagsterInstance) -> None:
        """A second prune deletes nothing and does not change what is shown."""
        first = prune(instance, NO_AGE, newest=2)
        before, left = displayed_state(instance), run_ids(instance)

        second = prune(instance, NO_AGE, newest=2)

        assert (second.deleted, second.kept) == (0, first.kept)
        assert (displayed_state(instance), run_ids(instance)) == (before, left)

    def test_leftover_files_are_deleted(self, instance: dg.DagsterInstance, files: HistoryFiles) -> None:
        """Files that remain of a run that a person deleted, or of an interrupted prune, are deleted."""
        deleted = run_ids(instance)[0]
        instance.delete_run(deleted)
        assert (files.events / f"{deleted}.db").exists()

        prune(instance, timedelta(days=1), newest=100)

        assert not list(files.events.glob(f"{deleted}*"))
        assert not (files.logs / deleted).exists()

    def test_old_logs_of_ticks_are_deleted(self, instance: dg.DagsterInstance, files: HistoryFiles) -> None:
        """A sensor's logs that are a month old are deleted with their ticks; newer logs and other files stay."""
        folder = files.logs / "__repository__" / "sensor"
        folder.mkdir(parents=True)
        old, young, other = folder / "17.err", folder / "18.err", folder / "notes.err"
        for path in (old, young, other):
            path.touch()
        for path in (old, other):
            a_month_ago = path.stat().st_mtime - timedelta(days=31).total_seconds()
            os.utime(path, (a_month_ago, a_month_ago))

        prune(instance, NO_AGE, newest=1)

        assert sorted(folder.iterdir()) == [young, other]

    def test_unused_snapshots_are_deleted(self, instance: dg.DagsterInstance, files: HistoryFiles) -> None:
        """Snapshots of jobs and plans stay only if a remaining run uses them, directly or as a parent."""
        run(instance, "sync", 0, only=TULIPS)
        run(instance, "sync", 0)
        run(instance, "sync", 0)

        prune(instance, NO_AGE, newest=1)

        used: set[str] = set()
        for remaining in instance.get_runs():
            assert remaining.job_snapshot_id is not None
            assert remaining.execution_plan_snapshot_id is not None
            assert instance.get_execution_plan_snapshot(remaining.execution_plan_snapshot_id).steps
            used |= {remaining.job_snapshot_id, remaining.execution_plan_snapshot_id}
            if lineage := instance.get_job_snapshot(remaining.job_snapshot_id).lineage_snapshot:
                used.add(lineage.parent_snapshot_id)
        assert {snapshot for (snapshot,) in query_rows(files.runs, "SELECT snapshot_id FROM snapshots")} == used

    def test_others_may_read_and_write_during_a_prune(
        self, instance: dg.DagsterInstance, files: HistoryFiles, tmp_path: Path
    ) -> None:
        """An open read transaction does not stop a prune and still sees its data; its space is freed later."""
        before = displayed_state(instance)
        with (
            closing(sqlite3.connect(files.index)) as reader,
            open_instance(tmp_path, tmp_path / "dagster") as other,
        ):
            count = "SELECT count(*) FROM event_logs"
            reader.execute("BEGIN")
            before_prune = reader.execute(count).fetchall()

            prune(instance, NO_AGE, newest=2)

            assert reader.execute(count).fetchall() == before_prune
            assert displayed_state(other) == before
            run(other, "count")
        assert prune(instance, NO_AGE, newest=1).deleted == 1


class TestEventsWithoutARun:
    """Events without a run, which the command line's syncs report."""

    def report(self, instance: dg.DagsterInstance, times: int) -> None:
        """Report two weeks and a check, the given number of times."""
        for _ in range(times):
            for week in WEEKS.get_partition_keys()[:2]:
                instance.report_runless_asset_event(
                    dg.AssetMaterialization(TULIPS, partition=week, tags={"dagster/data_version": "1"})
                )
            instance.report_runless_asset_event(
                dg.AssetCheckEvaluation(asset_key=CHECKED.asset_key, check_name=CHECKED.name, passed=True)
            )

    def test_the_newest_events_stay(self, instance: dg.DagsterInstance, files: HistoryFiles) -> None:
        """The newest event of each week and check stays in every database, and what is shown stays the same."""
        self.report(instance, times=5)
        before = displayed_state(instance)

        prune(instance, NO_AGE, newest=2)

        assert displayed_state(instance) == before
        instance.wipe_asset_cached_status(KEYS)
        assert displayed_state(instance) == before
        kinds = "SELECT dagster_event_type, count(*) FROM event_logs WHERE run_id = '' GROUP BY ALL ORDER BY 1"
        for database in (files.index, files.runless):
            assert query_rows(database, kinds.replace("GROUP BY ALL", "GROUP BY 1")) == [
                ("ASSET_CHECK_EVALUATION", 1),
                ("ASSET_MATERIALIZATION", 2),
            ]
        assert query_rows(files.index, "SELECT count(*) FROM asset_check_executions WHERE run_id = ''") == [(1,)]
        orphaned_tags = "SELECT count(*) FROM asset_event_tags WHERE event_id NOT IN (SELECT id FROM event_logs)"
        assert query_rows(files.index, orphaned_tags) == [(0,)]

    def test_events_younger_than_the_age_stay(self, instance: dg.DagsterInstance, files: HistoryFiles) -> None:
        """Events that were reported within the given age stay."""
        self.report(instance, times=2)
        count = "SELECT count(*) FROM event_logs WHERE run_id = ''"
        before = query_rows(files.index, count), query_rows(files.runless, count)

        prune(instance, timedelta(hours=1), newest=1)

        assert (query_rows(files.index, count), query_rows(files.runless, count)) == before == ([(6,)], [(6,)])


@pytest.mark.slow
class TestOtherStorage:
    """Storages other than the project's."""

    @pytest.fixture
    def consolidated(self, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
        """An instance with another event log."""
        base = {"base_dir": str(tmp_path / "other")}
        settings: dict[str, Any] = {**instance_settings(tmp_path / "other")}
        del settings["storage"]
        for name, (module, storage) in CONSOLIDATED.items():
            settings[name] = {"module": f"dagster._core.storage.{module}", "class": storage, "config": base}
        (tmp_path / "other").mkdir()
        with dg.DagsterInstance.local_temp(str(tmp_path / "other"), overrides=settings) as instance:
            yield instance

    def test_runs_are_deleted_and_files_stay(self, consolidated: dg.DagsterInstance, tmp_path: Path) -> None:
        """Runs are deleted, what is shown stays the same, and no file is deleted."""
        for week in (0, 1, 0, 1):
            run(consolidated, "sync", week)
        before, first = displayed_state(consolidated), run_ids(consolidated)[:2]
        paths = {path for path in tmp_path.rglob("*") if not path.name.endswith(("-wal", "-shm"))}

        assert prune(consolidated, NO_AGE, newest=1) == Pruned(2, 2, 0)

        assert set(first).isdisjoint(run_ids(consolidated))
        assert displayed_state(consolidated) == before
        assert paths <= set(tmp_path.rglob("*"))
