"""The private names of Dagster exist as this project uses them; a failure shows what breaks and where.

The module that imports them is imported only within tests, because it cannot be imported if one of them is missing.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import reduce
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import pytest

PRIVATE = Path(__file__).parents[2] / "pipelines" / "orchestration" / "dagster_private.py"

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""Dagster uses what it and pydantic have deprecated."""

EVENT_LOG = "dagster._core.storage.event_log.sqlite.sqlite_event_log:SqliteEventLogStorage"
STORAGE = "dagster._core.storage.sqlite_storage:DagsterSqliteStorage"
TAGS = "dagster._core.storage.tags"

NO_HEALTH = "run monitoring gets no answer, so a run that a power cut ended stays started forever"
NO_CELL = "a run that a person starts in the UI may begin while another one writes to its cell"
NO_RUN_ID = "Celery's workers execute no runs"
NO_STORAGE = "the storage in dagster.yaml cannot be opened"


class Name(NamedTuple):
    """A name of Dagster that is not public.

    Args:
        path: module and attribute, separated by a colon.
        parameters: the parameters or fields that are used.
        breaks: what stops working without the name.
        module: where it is used, relative to `pipelines/orchestration`.
    """

    path: str
    parameters: tuple[str, ...]
    breaks: str
    module: str


NAMES = (
    Name(
        "dagster._core.definitions.asset_checks.asset_check_evaluation:AssetCheckEvaluationTargetMaterializationData",
        (),
        "results of checks look as if they were about an older materialization",
        "assets/check_events.py",
    ),
    Name(
        "dagster._core.definitions.assets.job.asset_job:IMPLICIT_ASSET_JOB_NAME",
        (),
        "alerts show the internal name of the job for assets that a person materialized",
        "alerting/run_errors.py",
    ),
    Name(
        "dagster._core.definitions.unresolved_asset_job_definition:UnresolvedAssetJobDefinition",
        (),
        "the jobs over assets have no type",
        "automation/jobs.py",
    ),
    Name(
        "dagster._core.launcher.base:CheckRunHealthResult",
        ("status", "msg"),
        NO_HEALTH,
        "instance/launcher.py",
    ),
    Name("dagster._core.launcher.base:WorkerStatus.RUNNING", (), NO_HEALTH, "instance/launcher.py"),
    Name("dagster._core.launcher.base:WorkerStatus.NOT_FOUND", (), NO_HEALTH, "instance/launcher.py"),
    Name(EVENT_LOG, ("base_dir", "inst_data"), "the event log cannot be opened", "instance/storage.py"),
    Name(f"{EVENT_LOG}._connect", ("shard",), "each event opens a connection of its own", "instance/storage.py"),
    Name(f"{EVENT_LOG}._initdb", ("engine",), "a new run's file gets no tables", "instance/storage.py"),
    Name(f"{EVENT_LOG}.has_table", ("table_name",), "each event searches for its tables", "instance/storage.py"),
    Name(
        f"{EVENT_LOG}._has_asset_key_col_on_connection",
        ("conn", "column_name"),
        "each event searches for a column",
        "instance/storage.py",
    ),
    Name(f"{EVENT_LOG}.path_for_shard", ("run_id",), "the files are not found", "instance/storage.py"),
    Name(f"{EVENT_LOG}.conn_string_for_shard", ("shard_name",), "the files are not found", "instance/storage.py"),
    Name("dagster._core.storage.runs:SqliteRunStorage", (), "pruning leaves all files alone", "dagster_private.py"),
    Name(STORAGE, ("base_dir", "inst_data"), NO_STORAGE, "instance/storage.py"),
    Name(f"{STORAGE}.from_local", ("base_dir", "inst_data"), NO_STORAGE, "instance/storage.py"),
    Name(f"{STORAGE}.from_config_value", ("inst_data", "config_value"), NO_STORAGE, "instance/storage.py"),
    Name(f"{TAGS}:BACKFILL_ID_TAG", (), "pruning deletes runs of open backfills", "maintenance/pruning.py"),
    Name(f"{TAGS}:ASSET_PARTITION_RANGE_START_TAG", (), NO_CELL, "cells.py"),
    Name(f"{TAGS}:PARTITION_NAME_TAG", (), NO_CELL, "cells.py"),
    Name(f"{TAGS}:SCHEDULE_NAME_TAG", (), "alerts repeat for automatic runs", "alerting/run_errors.py"),
    Name(f"{TAGS}:SENSOR_NAME_TAG", (), "alerts repeat for automatic runs", "alerting/run_errors.py"),
    Name("dagster._grpc.types:ExecuteRunArgs", ("run_id",), NO_RUN_ID, "../celery_app.py"),
    Name("dagster_shared.serdes:unpack_value", ("val", "as_type"), NO_RUN_ID, "../celery_app.py"),
    Name(
        "dagster_shared.error:SerializableErrorInfo",
        ("message", "cls_name", "cause"),
        "alerts and `floriday demo` do not show why a run failed",
        "alerting/run_errors.py",
    ),
    Name("dagster._cli:main", (), "`floriday up` cannot start Dagster", "serving/guarded_dev.py"),
    Name(
        "dagster._cli.dev:open_ipc_subprocess",
        ("parts",),
        "`floriday up` refuses to serve, because the web server is not guarded",
        "serving/guarded_dev.py",
    ),
    Name(
        "dagster._cli.utils:get_env_var_dict",
        ("base_dir",),
        "secrets in a `.env` file get into the environment of all of Dagster's processes",
        "serving/guarded_dev.py",
    ),
    Name("dagster_webserver.cli:main", (), "Dagster's web server cannot start", "serving/guarded_webserver.py"),
    *(
        Name(f"dagster:DagsterInstance.{method}", parameters, breaks, module)
        for method, parameters, breaks, module in (
            ("all_logs", ("run_id", "of_type"), "alerts and run monitoring see no events", "dagster_private.py"),
            ("get_backfill", ("backfill_id",), "pruning fails", "maintenance/pruning.py"),
            (
                "get_latest_storage_id_by_partition",
                ("asset_key", "event_type"),
                "pruning fails",
                "maintenance/pruning.py",
            ),
            ("get_run_ids", ("filters",), "pruning fails", "maintenance/history_files.py"),
            ("get_job_snapshot", ("snapshot_id",), "pruning fails", "maintenance/history_files.py"),
            ("compute_log_manager", (), "pruning fails", "maintenance/history_files.py"),
            ("storage_directory", (), "pruning does not find the logs", "dagster_private.py"),
            ("run_storage", (), "pruning fails", "dagster_private.py"),
            ("event_log_storage", (), "pruning fails, and so do small runs", "dagster_private.py"),
            ("get_materialized_partitions", ("asset_key",), "syncs fail to mark weeks", "assets/feeds.py"),
        )
    ),
)

COLUMNS = {
    "runs": {
        "runs": {"run_id", "snapshot_id", "run_body"},
        "snapshots": {"id", "snapshot_id"},
    },
    "index": {
        "event_logs": {"id", "run_id", "asset_key", "dagster_event_type", "partition", "timestamp"},
        "asset_event_tags": {"id", "event_id"},
        "alembic_version": {"version_num"},
        "asset_check_executions": {
            "id",
            "run_id",
            "asset_key",
            "check_name",
            "partition",
            "execution_status",
            "evaluation_event_timestamp",
        },
    },
    "runless": {
        "alembic_version": {"version_num"},
        "event_logs": {"id", "run_id", "asset_key", "dagster_event_type", "partition", "timestamp"},
        "asset_event_tags": {"id", "event_id"},
    },
}
"""The columns and tables that the SQL of ``dagster_private`` names, by file."""


def explanation(breaks: str, module: str) -> str:
    """Return what a failure message adds: the version, the consequence and the place."""
    return f"in dagster {dg.__version__}: {breaks}. See pipelines/orchestration/{module}"


def private_value(path: str) -> object:
    """Return the object at a path."""
    module, _, attributes = path.partition(":")
    return reduce(getattr, attributes.split("."), importlib.import_module(module))


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """A new instance with an event that belongs to no run."""
    opening = importlib.import_module("pipelines.orchestration.instance.opening")
    with opening.open_instance(tmp_path, tmp_path / "dagster") as opened:
        opened.report_runless_asset_event(dg.AssetMaterialization("tulips"))
        yield opened


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name.path)
def test_a_private_name_has_the_used_parameters(name: Name) -> None:
    """Each private name exists and accepts the parameters that are used."""
    try:
        value = private_value(name.path)
    except (ImportError, AttributeError) as error:
        pytest.fail(f"{error}; {explanation(name.breaks, name.module)}")

    parameters = set(inspect.signature(value).parameters) if name.parameters and callable(value) else set()
    missing = set(name.parameters) - parameters
    assert not missing, f"{name.path} has no {', '.join(sorted(missing))}; {explanation(name.breaks, name.module)}"


def test_every_private_import_is_checked() -> None:
    """Every name that ``dagster_private`` imports is in the list above."""
    imported = [
        (node.module or "", alias.name)
        for node in ast.walk(ast.parse(PRIVATE.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dagster")
        for alias in node.names
    ]
    prefixes = {(module, name): (f"{module}:{name}", f"{module}.{name}:") for module, name in imported}

    unchecked = [
        imported
        for imported, prefixes_of_name in prefixes.items()
        if not any(name.path.startswith(prefixes_of_name) for name in NAMES)
    ]
    assert unchecked == []


@pytest.mark.parametrize("file", COLUMNS)
def test_tables_have_the_used_columns(instance: dg.DagsterInstance, file: str) -> None:
    """Dagster's tables have the columns that pruning reads."""
    files = importlib.import_module("pipelines.orchestration.dagster_private").SqliteFiles.of(instance)
    assert files is not None, explanation("the storage is not recognized as SQLite, so pruning leaves its files", "")
    path: Path = getattr(files, file)
    assert path.is_file(), f"{path.name} does not exist {explanation('pruning does not find it', 'dagster_private.py')}"

    with closing(sqlite3.connect(path)) as connection:
        for table, columns in COLUMNS[file].items():
            actual = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            missing = ", ".join(sorted(columns - actual))
            assert not missing, f"{table} has no {missing} {explanation('pruning fails', 'dagster_private.py')}"


def test_the_event_log_has_the_used_attributes(instance: dg.DagsterInstance) -> None:
    """Dagster's event log has the lock and the set of initialized databases that our subclass uses."""
    log = instance.event_log_storage

    for attribute in (
        "_db_lock",
        "_initialized_dbs",
        "get_latest_asset_partition_materialization_attempts_without_materializations",
    ):
        assert hasattr(log, attribute), f"no {attribute} {explanation('the event log fails', 'instance/storage.py')}"


def test_a_planned_check_has_the_expected_status() -> None:
    """A planned check has the status by which pruning distinguishes it from a result."""
    status = private_value("dagster._core.storage.asset_check_execution_record:AssetCheckExecutionRecordStatus.PLANNED")

    assert getattr(status, "value", None) == "PLANNED", explanation(
        "pruning deletes check results", "dagster_private.py"
    )


def test_a_run_names_its_execution_plan() -> None:
    """A run has the field by which pruning finds the execution plans in use."""
    fields = inspect.signature(dg.DagsterRun).parameters

    assert "execution_plan_snapshot_id" in fields, explanation("pruning deletes plans in use", "dagster_private.py")


def test_the_web_server_is_started_by_its_module() -> None:
    """`dagster dev` starts the web server with the command that is replaced by the guarded one."""
    source = inspect.getsource(importlib.import_module("dagster._cli.dev"))

    command = '"-m", "dagster_webserver"'
    assert command in source, f"no {command} {explanation('`floriday up` refuses to serve', 'serving/guarded_dev.py')}"
    assert "open_ipc_subprocess(" in source, explanation("`floriday up` refuses to serve", "serving/guarded_dev.py")


def test_the_web_server_calls_uvicorn_as_expected() -> None:
    """Dagster's web server calls ``uvicorn.run`` with its application and a host."""
    source = inspect.getsource(importlib.import_module("dagster_webserver.cli"))
    call = next(
        (
            node
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "uvicorn.run"
        ),
        None,
    )

    breaks = "`floriday up` refuses to serve, because the web server is not guarded"
    assert call is not None, f"no call of uvicorn.run {explanation(breaks, 'serving/guarded_webserver.py')}"
    assert len(call.args) == 1, (
        f"uvicorn.run gets other arguments {explanation(breaks, 'serving/guarded_webserver.py')}"
    )
    assert "host" in {each.arg for each in call.keywords}, explanation(breaks, "serving/guarded_webserver.py")
