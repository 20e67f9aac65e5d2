"""Old runs are forgotten, and nothing that Dagster shows of the data changes."""

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

# What a backfill and a run that waits are made of; Dagster has no public names for these.
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from pipelines.orchestration.instance.opening import instance_settings, open_instance
from pipelines.orchestration.maintenance import history_files, pruning
from pipelines.orchestration.maintenance.history_files import HistoryFiles
from pipelines.orchestration.maintenance.pruning import Pruned, prune
from tests.integration.flower_history import (
    CHECKED,
    KEYS,
    TULIPS,
    WEEKS,
    make_history,
    rows,
    run,
    run_ids,
    shown,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""Dagster uses deprecated features of its own and of pydantic."""

NOW = timedelta(0)
"""Everything is old."""

FINISHED = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}

CONSOLIDATED = {
    "run_storage": ("runs", "SqliteRunStorage"),
    "event_log_storage": ("event_log", "ConsolidatedSqliteEventLogStorage"),
    "schedule_storage": ("schedules", "SqliteScheduleStorage"),
}
"""Dagster's other storages, as PostgreSQL would be one: all events in one database."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history of two dozen runs; tests work on copies of it."""
    folder = tmp_path_factory.mktemp("history")
    with open_instance(folder, folder / "dagster") as instance:
        make_history(instance)
    return folder / "dagster"


@pytest.fixture
def instance(template: Path, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """The history once more."""
    shutil.copytree(template, tmp_path / "dagster")
    with open_instance(tmp_path, tmp_path / "dagster") as opened:
        yield opened


@pytest.fixture
def files(instance: dg.DagsterInstance) -> HistoryFiles:
    """The files behind it."""
    found = HistoryFiles.of(instance)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history in which nothing has happened yet."""
    folder = tmp_path_factory.mktemp("blank")
    with open_instance(folder, folder / "dagster"):
        return folder / "dagster"


@pytest.fixture
def empty(blank: Path, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance without any run."""
    shutil.copytree(blank, tmp_path / "empty")
    with open_instance(tmp_path, tmp_path / "empty") as opened:
        yield opened


def add(
    instance: dg.DagsterInstance,
    status: dg.DagsterRunStatus = dg.DagsterRunStatus.SUCCESS,
    *,
    job: str = "sync",
    tags: Mapping[str, str] | None = None,
    repeats: str | None = None,
) -> str:
    """Add a run that nothing shows; returns its id."""
    location = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("here"), "__repository__")
    bare = dg.DagsterRun(
        job,
        status=status,
        tags=tags or {},
        parent_run_id=repeats,
        root_run_id=repeats,
        remote_job_origin=RemoteJobOrigin(location, job),
    )
    return instance.add_run(bare).run_id


class TestWhatIsShown:
    """The grid, the assets' pages and the checks."""

    def test_it_is_the_same_before_and_after(self, instance: dg.DagsterInstance) -> None:
        """Weeks, newest events and their runs, failures and checks stay, also when Dagster makes up its cache anew."""
        before = shown(instance)

        pruned = prune(instance, NOW, newest=2)

        assert pruned.deleted == len(2 * [0, 1, 2]) + 2 + 1 + 1  # weeks, counts, a failure and a skip that came again
        assert shown(instance) == before
        instance.wipe_asset_cached_status(KEYS)
        assert shown(instance) == before

    def test_the_runs_behind_it_stay(self, instance: dg.DagsterInstance) -> None:
        """Each event and each check result that is shown still leads to a run with its events."""
        prune(instance, NOW, newest=1)

        told = shown(instance)
        runs = {
            event.run_id for name in ("tulips", "roses") for event in told[f"events of the weeks of {name}"].values()
        }
        runs |= {record.run_id for records in told["checks"].values() for record in records}
        assert runs <= set(run_ids(instance))
        assert all(instance.all_logs(run_id) for run_id in run_ids(instance))

    def test_what_comes_after_is_shown_too(self, instance: dg.DagsterInstance) -> None:
        """New weeks appear in the grid, which counts on ids that only rise, however few of the newest runs stay."""
        highest = instance.event_log_storage.get_maximum_record_id() or 0
        shown(instance)

        prune(instance, NOW, newest=1)
        run(instance, "sync", 6)

        weeks = WEEKS.get_partition_keys()
        new = instance.get_latest_storage_id_by_partition(TULIPS, dg.DagsterEventType.ASSET_MATERIALIZATION)[weeks[6]]
        assert new > highest
        assert weeks[6] in shown(instance)["grid of tulips"]["materialized"]

    def test_ids_rise_also_where_the_last_event_is_that_of_an_older_run(self, empty: dg.DagsterInstance) -> None:
        """A run that began before others and ended after them keeps its events."""
        first, last = [add(empty, dg.DagsterRunStatus.STARTED) for _ in range(2)]
        for run_id in (last, first):
            ended = empty.get_run_by_id(run_id)
            assert ended is not None
            empty.report_run_canceled(ended)
        highest = empty.event_log_storage.get_maximum_record_id()

        prune(empty, NOW, newest=1)

        assert empty.event_log_storage.get_maximum_record_id() == highest


class TestRuns:
    """Which runs stay."""

    def test_young_ones(self, instance: dg.DagsterInstance) -> None:
        """What ended within the time that is asked for is not old."""
        before = run_ids(instance)

        assert prune(instance, timedelta(hours=1), newest=1) == Pruned(0, 0, 0)
        assert run_ids(instance) == before

    def test_those_that_have_not_finished(self, empty: dg.DagsterInstance) -> None:
        """They are not touched, whatever their age; the finished ones beside them go."""
        statuses = set(dg.DagsterRunStatus) - FINISHED
        unfinished = [add(empty, status) for status in statuses for _ in range(2)]
        done = [add(empty) for _ in range(3)]

        assert prune(empty, NOW, newest=1) == Pruned(2, 1, 0)
        assert run_ids(empty) == [*unfinished, done[-1]]

    def test_the_newest(self, empty: dg.DagsterInstance) -> None:
        """So many as are asked for stay, whatever they came to."""
        done = [add(empty, status) for status in FINISHED for _ in range(2)]

        prune(empty, NOW, newest=3)

        assert run_ids(empty) == done[-3:]

    def test_the_newest_of_each_job(self, empty: dg.DagsterInstance) -> None:
        """A job that runs seldom still has a last run."""
        seldom = [add(empty, job="seldom") for _ in range(2)]
        often = [add(empty) for _ in range(3)]

        prune(empty, NOW, newest=1)

        assert run_ids(empty) == [seldom[-1], often[-1]]

    def test_what_a_kept_run_repeats(self, empty: dg.DagsterInstance) -> None:
        """A run and the repetition of it, whose page shows both, stay together."""
        first = add(empty)
        between = [add(empty) for _ in range(2)]
        again = add(empty, repeats=first)

        assert prune(empty, NOW, newest=1).deleted == len(between)
        assert run_ids(empty) == [first, again]

    @pytest.mark.parametrize(("status", "stays"), [("REQUESTED", True), ("COMPLETED_SUCCESS", False)])
    def test_those_of_an_open_backfill(self, empty: dg.DagsterInstance, status: str, *, stays: bool) -> None:
        """A backfill finds its runs until it is done."""
        empty.add_backfill(
            PartitionBackfill("spring", BulkActionStatus(status), from_failure=False, tags={}, backfill_timestamp=0.0)
        )
        filling = add(empty, tags={"dagster/backfill": "spring"})
        add(empty)

        prune(empty, NOW, newest=1)

        assert (filling in run_ids(empty)) is stays

    def test_page_by_page(self, empty: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
        """However many runs there are, only some are read at a time, and none is overlooked."""
        for module in (pruning, history_files):
            monkeypatch.setattr(module, "PAGE", 3)
        done = [add(empty) for _ in range(10)]

        assert prune(empty, NOW, newest=2).deleted == len(done) - 2
        assert run_ids(empty) == done[-2:]

    def test_the_oldest_first(self, empty: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
        """A prune deletes so many at most; the next one goes on."""
        monkeypatch.setattr(pruning, "AT_ONCE", 2)
        done = [add(empty) for _ in range(6)]

        left = []
        for _ in range(3):
            prune(empty, NOW, newest=1)
            left.append(run_ids(empty))

        assert left == [done[2:], done[4:], done[5:]]


class TestFiles:
    """What becomes of the files."""

    def test_those_of_deleted_runs_go_and_the_others_stay(
        self, instance: dg.DagsterInstance, files: HistoryFiles
    ) -> None:
        """Events and logs of deleted runs are gone; those of kept ones are the same, byte for byte."""
        before, size = run_ids(instance), files.size()
        events = {run_id: (files.events / f"{run_id}.db").read_bytes() for run_id in before}

        pruned = prune(instance, NOW, newest=2)

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
        """It has no row of a deleted run any more, and its space is given back."""
        before = files.index.stat().st_size

        prune(instance, NOW, newest=2)

        left = {*run_ids(instance), ""}
        for table in ("event_logs", "asset_check_executions"):
            assert {run_id for (run_id,) in rows(files.index, f"SELECT run_id FROM {table}")} <= left
        assert files.index.stat().st_size < before

    def test_once_more_changes_nothing(self, instance: dg.DagsterInstance) -> None:
        """A second prune finds nothing to delete, and leaves what is shown alone."""
        first = prune(instance, NOW, newest=2)
        before, left = shown(instance), run_ids(instance)

        again = prune(instance, NOW, newest=2)

        assert (again.deleted, again.kept) == (0, first.kept)
        assert (shown(instance), run_ids(instance)) == (before, left)

    def test_what_others_left_behind_goes_too(self, instance: dg.DagsterInstance, files: HistoryFiles) -> None:
        """The emptied file and the logs of a run that a person deleted, or a prune that was stopped."""
        deleted = run_ids(instance)[0]
        instance.delete_run(deleted)
        assert (files.events / f"{deleted}.db").exists()

        prune(instance, timedelta(days=1), newest=100)

        assert not list(files.events.glob(f"{deleted}*"))
        assert not (files.logs / deleted).exists()

    def test_logs_of_ticks_go_when_they_are_old(self, instance: dg.DagsterInstance, files: HistoryFiles) -> None:
        """What a sensor logged a month ago goes with its tick; what it logged since stays, and so do other files."""
        folder = files.logs / "__repository__" / "sensor"
        folder.mkdir(parents=True)
        old, young, other = folder / "17.err", folder / "18.err", folder / "notes.err"
        for path in (old, young, other):
            path.touch()
        for path in (old, other):
            a_month_ago = path.stat().st_mtime - timedelta(days=31).total_seconds()
            os.utime(path, (a_month_ago, a_month_ago))

        prune(instance, NOW, newest=1)

        assert sorted(folder.iterdir()) == [young, other]

    def test_snapshots_that_no_run_needs_go(self, instance: dg.DagsterInstance, files: HistoryFiles) -> None:
        """Each run that is left still knows what was executed, also of how large a job it was a part."""
        run(instance, "sync", 0, only=TULIPS)
        run(instance, "sync", 0)
        run(instance, "sync", 0)

        prune(instance, NOW, newest=1)

        used: set[str] = set()
        for each in instance.get_runs():
            assert each.job_snapshot_id is not None
            assert each.execution_plan_snapshot_id is not None
            assert instance.get_execution_plan_snapshot(each.execution_plan_snapshot_id).steps
            used |= {each.job_snapshot_id, each.execution_plan_snapshot_id}
            if lineage := instance.get_job_snapshot(each.job_snapshot_id).lineage_snapshot:
                used.add(lineage.parent_snapshot_id)
        assert {snapshot for (snapshot,) in rows(files.runs, "SELECT snapshot_id FROM snapshots")} == used

    def test_others_may_read_and_write_meanwhile(
        self, instance: dg.DagsterInstance, files: HistoryFiles, tmp_path: Path
    ) -> None:
        """A reader in the middle of its work neither stops a prune nor is disturbed by it; what it holds back waits."""
        before = shown(instance)
        with (
            closing(sqlite3.connect(files.index)) as reader,
            open_instance(tmp_path, tmp_path / "dagster") as other,
        ):
            count = "SELECT count(*) FROM event_logs"
            reader.execute("BEGIN")
            seen = reader.execute(count).fetchall()

            prune(instance, NOW, newest=2)

            assert reader.execute(count).fetchall() == seen
            assert shown(other) == before
            run(other, "count")
        assert prune(instance, NOW, newest=1).deleted == 1


class TestEventsWithoutARun:
    """What the command line's syncs leave."""

    def report(self, instance: dg.DagsterInstance, times: int) -> None:
        """Report two weeks and a check, again and again."""
        for _ in range(times):
            for week in WEEKS.get_partition_keys()[:2]:
                instance.report_runless_asset_event(
                    dg.AssetMaterialization(TULIPS, partition=week, tags={"dagster/data_version": "1"})
                )
            instance.report_runless_asset_event(
                dg.AssetCheckEvaluation(asset_key=CHECKED.asset_key, check_name=CHECKED.name, passed=True)
            )

    def test_the_newest_stay(self, instance: dg.DagsterInstance, files: HistoryFiles) -> None:
        """Of each week and check one is left, everywhere; what is shown stays the same."""
        self.report(instance, times=5)
        before = shown(instance)

        prune(instance, NOW, newest=2)

        assert shown(instance) == before
        instance.wipe_asset_cached_status(KEYS)
        assert shown(instance) == before
        kinds = "SELECT dagster_event_type, count(*) FROM event_logs WHERE run_id = '' GROUP BY ALL ORDER BY 1"
        for database in (files.index, files.runless):
            assert rows(database, kinds.replace("GROUP BY ALL", "GROUP BY 1")) == [
                ("ASSET_CHECK_EVALUATION", 1),
                ("ASSET_MATERIALIZATION", 2),
            ]
        assert rows(files.index, "SELECT count(*) FROM asset_check_executions WHERE run_id = ''") == [(1,)]
        lost = "SELECT count(*) FROM asset_event_tags WHERE event_id NOT IN (SELECT id FROM event_logs)"
        assert rows(files.index, lost) == [(0,)]

    def test_young_ones_stay(self, instance: dg.DagsterInstance, files: HistoryFiles) -> None:
        """What was reported within the time that is asked for is all there."""
        self.report(instance, times=2)
        count = "SELECT count(*) FROM event_logs WHERE run_id = ''"
        before = rows(files.index, count), rows(files.runless, count)

        prune(instance, timedelta(hours=1), newest=1)

        assert (rows(files.index, count), rows(files.runless, count)) == before == ([(6,)], [(6,)])


class TestOtherStorage:
    """Where Dagster keeps its history elsewhere."""

    @pytest.fixture
    def elsewhere(self, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
        """An instance with another event log."""
        base = {"base_dir": str(tmp_path / "elsewhere")}
        settings: dict[str, Any] = {**instance_settings(tmp_path / "elsewhere")}
        del settings["storage"]
        for name, (module, storage) in CONSOLIDATED.items():
            settings[name] = {"module": f"dagster._core.storage.{module}", "class": storage, "config": base}
        (tmp_path / "elsewhere").mkdir()
        with dg.DagsterInstance.local_temp(str(tmp_path / "elsewhere"), overrides=settings) as opened:
            yield opened

    def test_runs_are_deleted_and_files_left_alone(self, elsewhere: dg.DagsterInstance, tmp_path: Path) -> None:
        """What is shown of weeks, events and checks stays the same there too; no file goes."""
        for week in (0, 1, 0, 1):
            run(elsewhere, "sync", week)
        before, first = shown(elsewhere), run_ids(elsewhere)[:2]
        paths = {path for path in tmp_path.rglob("*") if not path.name.endswith(("-wal", "-shm"))}

        assert prune(elsewhere, NOW, newest=1) == Pruned(2, 2, 0)

        assert set(first).isdisjoint(run_ids(elsewhere))
        assert shown(elsewhere) == before
        assert paths <= set(tmp_path.rglob("*"))
