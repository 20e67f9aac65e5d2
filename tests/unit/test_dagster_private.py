"""Dagster's private parts are as this project uses them; each failure shows what breaks and where to look.

The module that imports them is not imported here at first: without one of them it cannot be.
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
NO_STORAGE = "the storage in dagster.yaml cannot be opened"


class Name(NamedTuple):
    """A name of Dagster that is not public.

    Args:
        path: module and attribute, separated by a colon.
        parameters: the parameters, or fields, that are used.
        breaks: what no longer works without it.
        module: where it is used, relative to the folder `pipelines/orchestration`.
    """

    path: str
    parameters: tuple[str, ...]
    breaks: str
    module: str


NAMES = (
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
    Name(f"{EVENT_LOG}.path_for_shard", ("run_id",), "the files are not found", "instance/storage.py"),
    Name(f"{EVENT_LOG}.conn_string_for_shard", ("shard_name",), "the files are not found", "instance/storage.py"),
    Name("dagster._core.storage.runs:SqliteRunStorage", (), "pruning leaves all files alone", "dagster_private.py"),
    Name(STORAGE, ("base_dir", "inst_data"), NO_STORAGE, "instance/storage.py"),
    Name(f"{STORAGE}.from_local", ("base_dir", "inst_data"), NO_STORAGE, "instance/storage.py"),
    Name(f"{STORAGE}.from_config_value", ("inst_data", "config_value"), NO_STORAGE, "instance/storage.py"),
    Name(f"{TAGS}:BACKFILL_ID_TAG", (), "pruning deletes runs of open backfills", "maintenance/pruning.py"),
    Name(f"{TAGS}:SCHEDULE_NAME_TAG", (), "alerts repeat for automatic runs", "alerting/run_errors.py"),
    Name(f"{TAGS}:SENSOR_NAME_TAG", (), "alerts repeat for automatic runs", "alerting/run_errors.py"),
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
            ("event_log_storage", (), "pruning fails", "dagster_private.py"),
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
        "event_logs": {"id", "run_id", "asset_key", "dagster_event_type", "partition", "timestamp"},
        "asset_event_tags": {"id", "event_id"},
    },
}
"""The columns that the SQL of ``dagster_private`` names, by file and table."""


def hint(breaks: str, module: str) -> str:
    """What a failure adds: the version, the consequence and the place."""
    return f"in dagster {dg.__version__}: {breaks}. See pipelines/orchestration/{module}"


def found(path: str) -> object:
    """What a path leads to."""
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
def test_a_private_name_is_as_it_is_used(name: Name) -> None:
    """It exists, and takes the parameters that are used."""
    try:
        value = found(name.path)
    except (ImportError, AttributeError) as error:
        pytest.fail(f"{error}; {hint(name.breaks, name.module)}")

    parameters = set(inspect.signature(value).parameters) if name.parameters and callable(value) else set()
    missing = set(name.parameters) - parameters
    assert not missing, f"{name.path} has no {', '.join(sorted(missing))}; {hint(name.breaks, name.module)}"


def test_every_private_import_is_checked() -> None:
    """A name that ``dagster_private`` imports is in the list above."""
    imported = [
        (node.module or "", alias.name)
        for node in ast.walk(ast.parse(PRIVATE.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dagster")
        for alias in node.names
    ]
    beginnings = {(module, name): (f"{module}:{name}", f"{module}.{name}:") for module, name in imported}

    unchecked = [
        imported
        for imported, beginning in beginnings.items()
        if not any(name.path.startswith(beginning) for name in NAMES)
    ]
    assert unchecked == []


@pytest.mark.parametrize("file", COLUMNS)
def test_the_tables_have_the_columns_that_are_used(instance: dg.DagsterInstance, file: str) -> None:
    """Pruning reads and deletes rows of these tables."""
    files = importlib.import_module("pipelines.orchestration.dagster_private").SqliteFiles.of(instance)
    assert files is not None, hint("the storage is not recognized as SQLite, so pruning leaves its files", "")
    path: Path = getattr(files, file)
    assert path.is_file(), f"{path.name} does not exist {hint('pruning does not find it', 'dagster_private.py')}"

    with closing(sqlite3.connect(path)) as connection:
        for table, columns in COLUMNS[file].items():
            actual = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            missing = ", ".join(sorted(columns - actual))
            assert not missing, f"{table} has no {missing} {hint('pruning fails', 'dagster_private.py')}"


def test_the_event_log_has_the_attributes_that_are_used(instance: dg.DagsterInstance) -> None:
    """The class that keeps connections open uses the lock and the set of initialized databases of Dagster's own."""
    log = instance.event_log_storage

    for attribute in (
        "_db_lock",
        "_initialized_dbs",
        "get_latest_asset_partition_materialization_attempts_without_materializations",
    ):
        assert hasattr(log, attribute), f"no {attribute} {hint('the event log fails', 'instance/storage.py')}"


def test_a_planned_check_has_the_status_that_is_compared() -> None:
    """Pruning keeps the newest result of a check that is more than a plan."""
    status = found("dagster._core.storage.asset_check_execution_record:AssetCheckExecutionRecordStatus.PLANNED")

    assert getattr(status, "value", None) == "PLANNED", hint("pruning deletes check results", "dagster_private.py")


def test_a_run_has_the_execution_plan_that_is_compared() -> None:
    """Pruning keeps the snapshots of the execution plans that runs name in their JSON."""
    fields = inspect.signature(dg.DagsterRun).parameters

    assert "execution_plan_snapshot_id" in fields, hint("pruning deletes plans in use", "dagster_private.py")


def test_the_web_server_is_started_by_its_module() -> None:
    """`dagster dev` starts `python -m dagster_webserver`, in whose place the guarded one is put."""
    source = inspect.getsource(importlib.import_module("dagster._cli.dev"))

    command = '"-m", "dagster_webserver"'
    assert command in source, f"no {command} {hint('`floriday up` refuses to serve', 'serving/guarded_dev.py')}"
    assert "open_ipc_subprocess(" in source, hint("`floriday up` refuses to serve", "serving/guarded_dev.py")


def test_the_web_server_calls_uvicorn_where_it_is_replaced() -> None:
    """It calls ``uvicorn.run`` with its application, and with the host by its name."""
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
    assert call is not None, f"no call of uvicorn.run {hint(breaks, 'serving/guarded_webserver.py')}"
    assert len(call.args) == 1, f"uvicorn.run gets other arguments {hint(breaks, 'serving/guarded_webserver.py')}"
    assert "host" in {each.arg for each in call.keywords}, hint(breaks, "serving/guarded_webserver.py")
