"""Dagster's run launcher with a health check: run monitoring can find runs whose process has ended.

Dagster's own launcher notices the end of a process that it started itself. After a power cut nothing notices: the run
stays "started", and the next one waits for it forever. So run monitoring looks for the process that the run reported.
"""

from __future__ import annotations

import os
import time

import dagster as dg

from pipelines.orchestration.dagster_private import CheckRunHealthResult, WorkerStatus, run_events
from pipelines.orchestration.processes import find_process

TOLERANCE = 2.0  # seconds by which two measurements of a process's start may differ
LOADED_AT = time.time()


class CheckedRunLauncher(dg.DefaultRunLauncher):
    """Launches runs as Dagster does, and checks by its process whether a run is still alive."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Run monitoring may call the health check."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the process that executes a run is alive.

        A run that reported no process counts as alive: to fail a run that goes on would be worse than to wait.
        """
        worker = _worker_of(self._instance, run.run_id)
        if worker is None or is_alive(*worker):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"its process {worker[0]} is gone")


def _worker_of(instance: dg.DagsterInstance, run_id: str) -> tuple[int, float] | None:
    """The id of the process that executes a run, and the time at which the run reported it."""
    for entry in run_events(instance, run_id, dg.DagsterEventType.ENGINE_EVENT):
        pid = entry.get_dagster_event().engine_event_data.metadata.get("pid")
        if pid is not None:
            return int(str(pid.value)), entry.timestamp
    return None


def is_alive(pid: int, seen_at: float) -> bool:
    """Whether the Python process that had this id at ``seen_at``, in seconds since 1970, is still alive.

    Process ids are reused, within seconds in a restarted container: a process that began after ``seen_at`` is another
    one. Start times are ignored after the machine's clock was set, which moves the start of every process.
    """
    process, own = find_process(pid), find_process(os.getpid())
    if process is None or "python" not in process.command.lower():
        return False
    clock_was_set = own is None or own.began_at > LOADED_AT + TOLERANCE
    return clock_was_set or process.began_at <= seen_at + TOLERANCE
