"""Every part of Dagster that this project uses and that has no public name, each with its reason.

No other module imports from ``dagster._…``, ``dagster_shared`` or ``dagster_webserver``, or contains SQL for Dagster's
tables. A new version of Dagster may change any of these; ``tests/unit/test_dagster_private.py`` then shows what breaks.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import dagster as dg

# The materialization that the result of a check refers to. Dagster finds it only for results that a step yields.
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as CheckedMaterialization,
)

# The name of the job that Dagster runs when a person materializes assets in the UI.
from dagster._core.definitions.assets.job.asset_job import IMPLICIT_ASSET_JOB_NAME

# The type that `dagster.define_asset_job` returns.
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition as AssetJob

# The answer of a run launcher to run monitoring. `dagster.DefaultRunLauncher` is public, the answer is not.
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus

# Dagster's default storage. A subclass keeps connections open; `isinstance` finds out whether the files are SQLite's.
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage

# The tags by which Dagster marks runs of a backfill, a schedule and a sensor, and those of a run's partitions.
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_START_TAG,
    BACKFILL_ID_TAG,
    PARTITION_NAME_TAG,
    SCHEDULE_NAME_TAG,
    SENSOR_NAME_TAG,
)

# What the task of Celery receives that executes a run.
from dagster._grpc.types import ExecuteRunArgs

# The type of the errors in Dagster's events.
from dagster_shared.error import SerializableErrorInfo
from dagster_shared.serdes import unpack_value

__all__ = [
    "ASSET_PARTITION_RANGE_START_TAG",
    "BACKFILL_ID_TAG",
    "IMPLICIT_ASSET_JOB_NAME",
    "PARTITION_NAME_TAG",
    "SCHEDULE_NAME_TAG",
    "SENSOR_NAME_TAG",
    "AssetJob",
    "CheckRunHealthResult",
    "CheckedMaterialization",
    "DagsterSqliteStorage",
    "SerializableErrorInfo",
    "SqliteEventLogStorage",
    "SqliteFiles",
    "WorkerStatus",
]

WEBSERVER_MODULE = "dagster_webserver"  # `dagster dev` starts it as its web server: `python -m dagster_webserver`
StartProcess = Callable[..., Any]  # starts a process; the first argument is the command as a list of words
ReadDotenv = Callable[[str], dict[str, str]]  # returns the variables in the `.env` file of a folder


def run_dagster_dev(
    arguments: Sequence[str],
    start_process: Callable[[StartProcess], StartProcess],
    read_dotenv: Callable[[ReadDotenv], ReadDotenv],
) -> None:
    """Run the command `dagster dev` with these options in this process, with two of its functions replaced.

    `dagster dev` has no option for another web server, nor for a `.env` file that its child processes do not inherit.
    """
    from dagster._cli import dev, main, utils  # noqa: PLC0415 - the rest of this module is used without the command line

    dev.open_ipc_subprocess = start_process(dev.open_ipc_subprocess)  # type: ignore[attr-defined]
    utils.get_env_var_dict = read_dotenv(utils.get_env_var_dict)  # type: ignore[assignment, attr-defined]
    sys.argv[1:] = ["dev", *arguments]
    main()  # type: ignore[no-untyped-call]


def run_webserver(arguments: Sequence[str]) -> None:
    """Run the command `dagster-webserver` in this process. It passes its application to ``uvicorn.run``."""
    from dagster_webserver.cli import main  # noqa: PLC0415 - the import takes seconds

    sys.argv[1:] = arguments
    main()  # type: ignore[no-untyped-call]


def run_events(instance: dg.DagsterInstance, run_id: str, kind: dg.DagsterEventType) -> Iterator[dg.EventLogEntry]:
    """The events of one kind in a run, oldest first. The public methods find only assets and status changes."""
    yield from instance.all_logs(run_id, of_type=kind)


def run_error(event: dg.DagsterEvent) -> SerializableErrorInfo | None:
    """The exception in the event of a failed run; None where the event has only a message."""
    return getattr(event.event_specific_data, "error", None)


def root_cause(error: SerializableErrorInfo | None) -> SerializableErrorInfo | None:
    """The exception at the end of the chain of causes: Dagster wraps the exceptions of a step in its own."""
    while error is not None and error.cause is not None:
        error = error.cause
    return error


def was_interrupted(error: SerializableErrorInfo | None) -> bool:
    """Whether Ctrl-C or SIGTERM ended a step: Dagster handles both signals itself, and reports them as a failure."""
    return error is not None and error.cls_name == dg.DagsterExecutionInterruptedError.__name__


def partitions_without_success(instance: dg.DagsterInstance, key: dg.AssetKey) -> Mapping[str, tuple[str, int]]:
    """For each partition whose newest run did not materialize it, the id of that run and the event's storage id."""
    storage = instance.event_log_storage
    return storage.get_latest_asset_partition_materialization_attempts_without_materializations(key)


def last_evaluations(
    instance: dg.DagsterInstance, keys: Sequence[dg.AssetCheckKey]
) -> Iterator[tuple[dg.AssetCheckEvaluation, float]]:
    """The last result of each check that has one, and its time in seconds since 1970."""
    for summary in instance.event_log_storage.get_asset_check_summary_records(keys).values():
        record = summary.last_completed_check_execution_record
        if record is not None and (evaluation := record.evaluation) is not None:
            yield evaluation, record.create_timestamp


def is_in_postgres(instance: dg.DagsterInstance) -> bool:
    """Whether an instance stores its runs and events in PostgreSQL."""
    return hasattr(instance.run_storage, "postgres_url")


def postgres_url(instance: dg.DagsterInstance) -> str:
    """The address of the database in which an instance stores its runs, as SQLAlchemy reads it; a secret.

    Raises:
        DagsterInvariantViolationError: the storage is not PostgreSQL.
    """
    url = getattr(instance.run_storage, "postgres_url", None)
    if not isinstance(url, str):
        raise dg.DagsterInvariantViolationError("runs on several machines need Dagster's storage in PostgreSQL")
    return url


def run_id_of_task(packed: Any) -> str:
    """The id of the run that a task of Celery executes; ``packed`` is the argument of the task."""
    return unpack_value(packed, as_type=ExecuteRunArgs).run_id


@dataclass(frozen=True)
class SqliteFiles:
    """The SQLite files of an instance. Dagster has no interface for their size, nor for what deleted runs leave."""

    instance: dg.DagsterInstance
    runs: Path  # database of the runs, and of the snapshots of the jobs that they executed
    events: Path  # the folder in which `<run id>.db` contains the events of one run
    index: Path  # database of the events that the pages of assets and checks show
    runless: Path  # database of the events that belong to no run
    logs: Path  # folder of the output of runs, sensors and schedules

    @classmethod
    def of(cls, instance: dg.DagsterInstance) -> Self | None:
        """The files, or None if the instance has another storage."""
        storage = instance.event_log_storage
        if not isinstance(instance.run_storage, SqliteRunStorage) or not isinstance(storage, SqliteEventLogStorage):
            return None
        index, runless = Path(storage.path_for_shard("index")), Path(storage.path_for_shard(""))
        runs = index.parent.parent / "runs.db"
        logs = Path(instance.storage_directory())
        return cls(instance, runs, index.parent, index, runless, logs) if runs.is_file() else None


# SQL for Dagster's tables. `:before` is a time in UTC, `:page` the number of rows that one statement deletes.

SHOWN_CHECKS = """
SELECT max(id) AS id FROM asset_check_executions GROUP BY asset_key, check_name, partition
UNION
SELECT max(id) FROM asset_check_executions WHERE execution_status <> 'PLANNED' GROUP BY asset_key, check_name, partition
"""
"""Ids of the newest result of each check and partition, and of the newest that was evaluated. In `index.db`."""

SHOWN_EVENTS = "SELECT max(id) AS id FROM event_logs GROUP BY asset_key, dagster_event_type, partition"
"""Ids of the newest event of each kind for each asset and partition; the highest id of all is among them."""

RUNS_SHOWN = f"""
SELECT DISTINCT run_id FROM asset_check_executions WHERE id IN ({SHOWN_CHECKS})
UNION
SELECT run_id FROM event_logs WHERE id = (SELECT max(id) FROM event_logs)
"""  # noqa: S608 - constants of this module
"""Ids of the runs that checks show, and of the run whose event has the highest id. In `index.db`."""

DELETE_OLD_CHECKS = """
DELETE FROM asset_check_executions WHERE id IN (
  SELECT id FROM asset_check_executions
  WHERE id NOT IN (SELECT id FROM shown) AND CASE coalesce(run_id, '')
    WHEN '' THEN evaluation_event_timestamp < :before
    ELSE run_id NOT IN (SELECT run_id FROM history.runs) END
  LIMIT :page)
"""
"""In `index.db`, with `runs.db` attached as `history`, and SHOWN_CHECKS in the temporary table `shown`."""

DELETE_OLD_EVENTS = """
DELETE FROM event_logs WHERE id IN (
  SELECT id FROM event_logs
  WHERE run_id = '' AND timestamp < :before AND id NOT IN (SELECT id FROM shown)
  LIMIT :page)
"""
"""In `index.db` and `.db`, with SHOWN_EVENTS in the temporary table `shown`."""

DELETE_TAGS_WITHOUT_EVENT = """
DELETE FROM asset_event_tags WHERE id IN (
  SELECT id FROM asset_event_tags WHERE event_id NOT IN (SELECT id FROM event_logs) LIMIT :page)
"""

HAS_TABLES = "SELECT count(*) > 0 FROM alembic_version"
"""Whether a database is complete: Dagster stores the version of its tables last. In each file of events."""

USED_SNAPSHOTS = "SELECT snapshot_id FROM runs INTERSECT SELECT snapshot_id FROM snapshots"
"""Ids of the job snapshots that runs refer to. In `runs.db`."""

DELETE_UNUSED_SNAPSHOTS = """
DELETE FROM snapshots WHERE id IN (
  SELECT id FROM snapshots WHERE snapshot_id NOT IN (
    SELECT id FROM parents
    UNION
    SELECT snapshot_id FROM runs WHERE snapshot_id IS NOT NULL
    UNION
    SELECT json_extract(run_body, '$.execution_plan_snapshot_id') FROM runs
    WHERE json_extract(run_body, '$.execution_plan_snapshot_id') IS NOT NULL)
  LIMIT :page)
"""
"""In `runs.db`, with the snapshots of whole jobs, of which runs executed a part, in the temporary table `parents`."""


class PostgresStatements(NamedTuple):
    """The statements above that differ in PostgreSQL, where all tables are in one database."""

    delete_old_checks: str
    delete_unused_snapshots: str


IN_POSTGRES = PostgresStatements(
    DELETE_OLD_CHECKS.replace("history.runs", "runs"),
    DELETE_UNUSED_SNAPSHOTS.replace(
        "json_extract(run_body, '$.execution_plan_snapshot_id')",
        "(CAST(run_body AS jsonb) ->> 'execution_plan_snapshot_id')",
    ),
)
