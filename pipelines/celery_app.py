"""The application of Celery's workers: `celery --app pipelines.celery_app worker`.

A worker executes each run in a process of its own, which it forks with the code location loaded. The run holds its
session in PostgreSQL until it ends; without one it does not begin.
"""

from __future__ import annotations

import os
from typing import Any

import dagster as dg
from celery import Task
from dagster_celery.make_app import make_app
from dagster_celery.tasks import create_execute_job_task

import pipelines.definitions  # noqa: F401 - loaded once for all runs
from pipelines.orchestration.dagster_private import postgres_url, run_id_of_task
from pipelines.orchestration.workers.run_session import RunSession

BROKER = "DAGSTER_CELERY_BROKER_URL"  # the variable with the broker's address; its password is part of it

app = make_app({"broker": os.environ.get(BROKER), "backend": None, "task_default_queue": "dagster"})
app.conf.update(
    task_ignore_result=True,  # Dagster's storage has the result
    worker_disable_prefetch=True,  # else a run could wait behind another one while the next worker is idle
    worker_prefetch_multiplier=1,
    worker_max_tasks_per_child=1,  # a run's memory goes back to the system
    worker_proc_alive_timeout=60.0,
    worker_soft_shutdown_timeout=30.0,  # SIGQUIT: runs have this many seconds to end before they are interrupted
    broker_connection_retry_on_startup=True,
)


class RunTask(Task):  # type: ignore[misc]  # types are checked without Celery
    """A task that executes one run, within its session."""

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Execute the run that the argument ``execute_job_args_packed`` describes."""
        with dg.DagsterInstance.get() as instance:
            url = postgres_url(instance)
        with RunSession(url, run_id_of_task(named["execute_job_args_packed"])):
            return super().__call__(*arguments, **named)


execute_job = create_execute_job_task(app, base=RunTask)
