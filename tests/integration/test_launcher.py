"""The run launcher reports to run monitoring whether a run's process is alive."""

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
from dagster._core.events import EngineEventData  # the event with a run's process id; it has no public name

from pipelines.orchestration import processes
from pipelines.orchestration.instance import launcher
from pipelines.orchestration.instance.launcher import CheckedRunLauncher, is_alive
from pipelines.orchestration.instance.opening import open_instance

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""Dagster uses deprecated features of its own and of pydantic."""

SLEEPING = (sys.executable, "-c", "print(flush=True); import time; time.sleep(600)")
PROC_FOLDERS = [pytest.param("/proc", id="in /proc"), pytest.param("/nowhere", id="by ps")]
"""The two ways to find a process; Linux has both."""


@contextmanager
def process(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process that prints a line when it is ready, and end it."""
    with subprocess.Popen(command or SLEEPING, stdout=subprocess.PIPE) as started:
        try:
            assert started.stdout is not None
            started.stdout.readline()  # before that, it may not show its command yet
            yield started
        finally:
            started.kill()


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """The instance of a project without a `dagster.yaml`."""
    with open_instance(tmp_path, tmp_path / "dagster") as instance:
        yield instance


@pytest.fixture
def run(instance: dg.DagsterInstance) -> dg.DagsterRun:
    """A run that has started and reported nothing."""
    return instance.add_run(dg.DagsterRun("sync", status=dg.DagsterRunStatus.STARTED))


@pytest.fixture(params=PROC_FOLDERS)
def process_lookup(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Find processes in one way, then in the other."""
    monkeypatch.setattr(processes, "PROC", Path(request.param))


def health(instance: dg.DagsterInstance, run: dg.DagsterRun) -> tuple[str, str | None]:
    """Return the health of a run and its message, as the instance's launcher reports them."""
    assert isinstance(instance.run_launcher, CheckedRunLauncher)
    result = instance.run_launcher.check_run_worker_health(run)
    return result.status.value, result.msg


class TestHealth:
    """The health of a run."""

    def test_the_launcher_supports_health_checks(self, instance: dg.DagsterInstance) -> None:
        """The instance's launcher supports health checks."""
        assert instance.run_launcher.supports_check_run_worker_health

    def test_a_run_is_as_alive_as_its_process(self, instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
        """A run is running while the process that it reported exists, and is not found after it was killed."""
        with process() as worker:
            instance.report_engine_event("Started", run, EngineEventData.in_process(worker.pid))
            before = health(instance, run)
            worker.kill()
            worker.wait()

        assert before == ("RUNNING", None)
        assert health(instance, run) == ("NOT_FOUND", f"its process {worker.pid} is gone")

    def test_a_run_without_a_reported_process_counts_as_alive(
        self, instance: dg.DagsterInstance, run: dg.DagsterRun
    ) -> None:
        """A run that reported no process counts as alive, also after other events of the engine."""
        instance.report_engine_event("Something happened", run)

        assert health(instance, run) == ("RUNNING", None)


@pytest.mark.usefixtures("process_lookup")
class TestProcess:
    """A process counts as the reported one only if it is a live Python process that started before the report."""

    def test_a_process_that_started_before(self) -> None:
        """A Python process that started before it was reported is alive."""
        with process() as started:
            assert is_alive(started.pid, time.time())

    def test_a_zombie(self) -> None:
        """A process that has ended but was not reaped, and so still has its id, is not alive."""
        with process(sys.executable, "-c", "") as started:
            deadline = time.monotonic() + 30
            while is_alive(started.pid, time.time()):
                assert time.monotonic() < deadline
            os.kill(started.pid, 0)

    def test_a_reused_process_id(self) -> None:
        """A process that started after the report is a different one."""
        with process() as started:
            assert not is_alive(started.pid, time.time() - 60)

    def test_another_program(self) -> None:
        """A process that is not Python is not a run."""
        with process("sh", "-c", "echo; exec sleep 600") as started:
            assert not is_alive(started.pid, time.time())

    def test_a_changed_clock_ends_no_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """If this process seems to have started later than it did, start times are ignored."""
        monkeypatch.setattr(launcher, "LOADED_AT", 0.0)
        with process() as started:
            assert is_alive(started.pid, time.time() - 60)
