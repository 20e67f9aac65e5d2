"""Whether a run is still alive, as run monitoring is told."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import EngineEventData  # what a run's process tells of itself; it has no public name

from pipelines.orchestration import processes
from pipelines.orchestration.instance import launcher
from pipelines.orchestration.instance.launcher import CheckedRunLauncher, is_alive
from pipelines.orchestration.instance.opening import open_instance

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""Dagster uses deprecated features of its own and of pydantic."""

SLEEPING = (sys.executable, "-c", "print(flush=True); import time; time.sleep(600)")
LOOKS = [pytest.param("/proc", id="in /proc"), pytest.param("/nowhere", id="by ps")]
"""The two ways to look a process up; both are there on Linux."""


@contextmanager
def process(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that says a line once it is there; it is ended, if it has not ended, and waited for."""
    with subprocess.Popen(command or SLEEPING, stdout=subprocess.PIPE) as started:
        try:
            assert started.stdout is not None
            started.stdout.readline()  # before that it may not yet show what it executes
            yield started
        finally:
            started.kill()


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance as a project without a `dagster.yaml` has it."""
    with open_instance(tmp_path, tmp_path / "dagster") as opened:
        yield opened


@pytest.fixture
def run(instance: dg.DagsterInstance) -> dg.DagsterRun:
    """A run of which nothing is known but that it began."""
    return instance.add_run(dg.DagsterRun("sync", status=dg.DagsterRunStatus.STARTED))


@pytest.fixture(params=LOOKS)
def look(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look processes up in one way, then in the other."""
    monkeypatch.setattr(processes, "PROC", Path(request.param))


def health(instance: dg.DagsterInstance, run: dg.DagsterRun) -> tuple[str, str | None]:
    """What the instance's launcher says of a run."""
    assert isinstance(instance.run_launcher, CheckedRunLauncher)
    result = instance.run_launcher.check_run_worker_health(run)
    return result.status.value, result.msg


class TestHealth:
    """What run monitoring is told of a run."""

    def test_monitoring_may_ask(self, instance: dg.DagsterInstance) -> None:
        """The instance's launcher is the one that can tell."""
        assert instance.run_launcher.supports_check_run_worker_health

    def test_a_run_is_as_alive_as_its_process(self, instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
        """It runs while the process that it named is there, and not any more once that was killed."""
        with process() as worker:
            instance.report_engine_event("Started", run, EngineEventData.in_process(worker.pid))
            before = health(instance, run)
            worker.kill()
            worker.wait()

        assert before == ("RUNNING", None)
        assert health(instance, run) == ("NOT_FOUND", f"its process {worker.pid} is gone")

    def test_a_run_that_named_no_process_counts_as_alive(
        self, instance: dg.DagsterInstance, run: dg.DagsterRun
    ) -> None:
        """Other events of the engine don't change that."""
        instance.report_engine_event("Something happened", run)

        assert health(instance, run) == ("RUNNING", None)


@pytest.mark.usefixtures("look")
class TestProcess:
    """Which process counts as the one that was seen."""

    def test_one_that_is_there(self) -> None:
        """A Python process that began before it was seen."""
        with process() as started:
            assert is_alive(started.pid, time.time())

    def test_one_that_has_ended_and_was_not_waited_for(self) -> None:
        """What is left of it, a zombie that still has its id, does not count."""
        with process(sys.executable, "-c", "") as started:
            ends = time.monotonic() + 30
            while is_alive(started.pid, time.time()):
                assert time.monotonic() < ends
            os.kill(started.pid, 0)

    def test_another_that_was_given_its_id(self) -> None:
        """A process that began after the moment at which it should have been seen is another one."""
        with process() as started:
            assert not is_alive(started.pid, time.time() - 60)

    def test_one_of_another_program(self) -> None:
        """A process that is not Python's is no run."""
        with process("sh", "-c", "echo; exec sleep 600") as started:
            assert not is_alive(started.pid, time.time())

    def test_a_clock_that_was_set_ends_no_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """When even this process seems to have begun after it was at work, beginnings say nothing."""
        monkeypatch.setattr(launcher, "LOADED_AT", 0.0)
        with process() as started:
            assert is_alive(started.pid, time.time() - 60)
