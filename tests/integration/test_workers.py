"""Celery's workers execute the runs: one of each cell at a time, on all workers, and a killed worker's run ends."""

from __future__ import annotations

import importlib
import itertools
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

# How Dagster reads its settings; the functions have no public names.
from dagster._config import process_config, resolve_to_config_type
from dagster._core.instance.config import dagster_instance_config

from tests import held_runs
from tests.workers import DEPLOY, Deployment, deployment, require_programs, wait_for

WORKERS = ("one", "two")
ADDRESSES = {
    "DAGSTER_POSTGRES_URL": "postgresql+psycopg2://dagster@localhost/dagster",
    "DAGSTER_CELERY_BROKER_URL": "redis://localhost/0",
}
LONGEST_DEAD = 90.0  # seconds within which the run of a dead worker has to end


@dataclass
class Cells:
    """A deployment with two workers, and the instance that it uses."""

    deployed: Deployment
    instance: dg.DagsterInstance

    def request(self, *cells: str) -> None:
        """Start a run of each of these cells, which waits until the cell is released."""
        for cell in cells:
            (self.deployed.home / f"go_{cell}").unlink(missing_ok=True)
        with (self.deployed.home / "requests").open("a", encoding="utf-8") as file:
            file.writelines(f"{cell}\n" for cell in cells)

    def release(self, cell: str) -> None:
        """Let the runs of a cell end."""
        (self.deployed.home / f"go_{cell}").touch()

    def runs(self, *statuses: dg.DagsterRunStatus) -> dict[str, dg.DagsterRun]:
        """The newest run of each cell that has one of these states."""
        runs = reversed(self.instance.get_runs(dg.RunsFilter(statuses=list(statuses))))
        return {run.tags["floriday/cell"]: run for run in runs}

    def unfinished(self) -> list[dg.DagsterRun]:
        """The runs that have not ended."""
        return [run for run in self.instance.get_runs() if not run.is_finished]

    def worker_of(self, run: dg.DagsterRun) -> str:
        """The worker that executes a run."""
        task = run.tags["dagster-celery/task_id"]
        return next(name for name in self.deployed.processes if task in self.deployed.log(name))


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cells]:
    """A running daemon and two workers."""
    home = tmp_path_factory.mktemp("workers")
    workspace = home / "workspace.yaml"
    workspace.write_text(f"load_from: [python_file: {held_runs.__file__}]", "utf-8")
    with deployment(home, workspace, {"HELD_RUNS": str(home)}) as deployed, deployed.instance() as instance:
        deployed.start_daemon()
        for name in WORKERS:
            deployed.start_worker(name)
        yield Cells(deployed, instance)


def test_runs_of_cells_are_spread_over_the_workers(cells: Cells) -> None:
    """Of two cells, each worker executes a run at the same time; runs of one cell follow each other."""
    cells.request("a", "b", "a", "b")
    wait_for(lambda: len(cells.runs(dg.DagsterRunStatus.STARTED)) == 2, "a run of each cell begins")
    started = cells.runs(dg.DagsterRunStatus.STARTED)

    assert {cells.worker_of(run) for run in started.values()} == {*WORKERS}
    wait_for(lambda: len(cells.unfinished()) == 4, "the other runs are requested")
    cells.release("a")
    cells.release("b")
    wait_for(lambda: not cells.unfinished(), "all runs end")
    records = sorted(cells.instance.get_run_records(), key=lambda record: record.start_time or 0)
    assert {record.dagster_run.status for record in records} == {dg.DagsterRunStatus.SUCCESS}
    for cell in "ab":
        own = [record for record in records if record.dagster_run.tags["floriday/cell"] == cell]
        assert len(own) == 2
        assert all((first.end_time or 0) <= (then.start_time or 0) for first, then in itertools.pairwise(own))


def test_the_run_of_a_killed_worker_ends_and_the_next_one_works(cells: Cells) -> None:
    """``kill -9`` of a worker ends its run alone, as failed; the next run of its cell is executed by another worker."""
    cells.request("a", "b")
    wait_for(lambda: len(cells.runs(dg.DagsterRunStatus.STARTED)) == 2, "a run of each cell begins")
    started = cells.runs(dg.DagsterRunStatus.STARTED)
    killed_at = time.monotonic()
    cells.deployed.kill(cells.worker_of(started["a"]))
    cells.deployed.start_worker("three")

    wait_for(lambda: cells.runs(dg.DagsterRunStatus.FAILURE), "the dead run is noticed", LONGEST_DEAD)
    assert time.monotonic() - killed_at < LONGEST_DEAD
    assert list(cells.runs(dg.DagsterRunStatus.FAILURE)) == ["a"]
    cells.request("a")
    cells.release("a")
    wait_for(lambda: cells.runs(dg.DagsterRunStatus.STARTED).keys() == {"b"}, "the other cell's run goes on")
    cells.release("b")
    wait_for(lambda: not cells.unfinished(), "all runs end")
    failed = cells.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
    assert [run.run_id for run in failed] == [started["a"].run_id]
    assert cells.runs(dg.DagsterRunStatus.SUCCESS)["b"].run_id == started["b"].run_id
    assert cells.runs(dg.DagsterRunStatus.SUCCESS)["a"].run_id != started["a"].run_id


@pytest.mark.slow
def test_a_stopped_worker_interrupts_its_run(cells: Cells) -> None:
    """SIGQUIT ends a worker, after its run has had time to end; the run is interrupted, and not left as started."""
    cells.deployed.start_worker("last")
    cells.request("c")
    wait_for(lambda: "c" in cells.runs(dg.DagsterRunStatus.STARTED), "a run begins")
    run = cells.runs(dg.DagsterRunStatus.STARTED)["c"]
    worker = cells.deployed.processes[cells.worker_of(run)]
    worker.send_signal(signal.SIGQUIT)

    wait_for(lambda: worker.poll() is not None, "the worker ends", LONGEST_DEAD)
    ended = cells.instance.get_run_by_id(run.run_id)
    assert ended is not None
    assert ended.status == dg.DagsterRunStatus.FAILURE
    events = cells.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    assert "Interrupted" in str([event.get_dagster_event().step_failure_data.error for event in events])


@pytest.mark.parametrize("launcher", ["celery", "kubernetes"])
def test_dagster_accepts_its_settings(launcher: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dagster knows every field of both files, those of the launchers included."""
    require_programs()
    for name, value in {**ADDRESSES, "DAGSTER_RUN_IMAGE": "floriday-warehouse-scale:0.1.0"}.items():
        monkeypatch.setenv(name, value)
    shutil.copy(DEPLOY.parent / launcher / "dagster.yaml", tmp_path)

    content, _ = dagster_instance_config(str(tmp_path))
    settings = content["run_launcher"]
    kind = getattr(importlib.import_module(settings["module"]), settings["class"])
    accepted = process_config(resolve_to_config_type(kind.config_type()), settings["config"])

    assert accepted.success, accepted.errors
    assert content["concurrency"]["runs"]["max_concurrent_runs"] >= 8
