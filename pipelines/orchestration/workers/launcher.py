"""Dagster's launcher of runs as tasks of Celery, with a health check that notices a killed worker.

The launcher of ``dagster-celery`` reads the state of the task, which stays "started" if its worker is killed: the run,
and the next one of its cell, would wait forever.
"""

from __future__ import annotations

import time
from typing import Any

import dagster as dg
from dagster_celery.launcher import CeleryRunLauncher

from pipelines.orchestration.dagster_private import CheckRunHealthResult, WorkerStatus, postgres_url
from pipelines.orchestration.workers.run_session import is_open

GRACE = 30.0  # seconds without a session after which a run counts as dead: PostgreSQL may have been restarted


class CheckedCeleryRunLauncher(CeleryRunLauncher):  # type: ignore[misc]  # types are checked without Celery
    """Launches each run as one task of Celery, and checks by its session in PostgreSQL whether it is still alive."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._missing_since: dict[str, float] = {}  # by the id of a run, in seconds of the monotonic clock

    @property
    def supports_resume_run(self) -> bool:
        """A dead run is failed instead of resumed: the next run reads on from the cursors."""
        return False

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the process that executes a run is alive."""
        if is_open(postgres_url(self._instance), run.run_id):
            self._missing_since.pop(run.run_id, None)
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        now = time.monotonic()
        missing_for = now - self._missing_since.setdefault(run.run_id, now)
        if missing_for < GRACE:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        del self._missing_since[run.run_id]
        message = f"its session in PostgreSQL has been missing for {missing_for:.0f} s: its worker was killed"
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, message)
