"""The event log that keeps its connections open has the same content as Dagster's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from pipelines.orchestration.dagster_private import SqliteEventLogStorage
from pipelines.orchestration.instance.opening import instance_settings, open_instance
from pipelines.orchestration.instance.storage import KEPT, KeepingEventLog

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""Dagster uses deprecated features of its own and of pydantic."""


@dg.asset
def tulips() -> dg.MaterializeResult[None]:
    """An asset."""
    return dg.MaterializeResult(metadata={"stems": 3})


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance like the project's."""
    with open_instance(tmp_path, tmp_path / "dagster") as instance:
        yield instance


def log_of(instance: dg.DagsterInstance) -> KeepingEventLog:
    """Return the instance's event log."""
    log = instance.event_log_storage
    assert isinstance(log, KeepingEventLog)
    return log


def test_dagsters_own_storage_reads_and_writes_the_same_files(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """A second instance with Dagster's own storage reads the same runs and events, and writes its own."""
    run = dg.materialize([tulips], instance=instance)
    storage = {"sqlite": {"base_dir": str(tmp_path / "dagster")}}
    settings = {**instance_settings(tmp_path / "dagster"), "storage": storage}

    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster"), overrides=settings) as other:
        events = other.all_logs(run.run_id)
        again = dg.materialize([tulips], instance=other)

    assert events == instance.all_logs(run.run_id)
    assert {event.event_type for event in run.all_events} <= {entry.dagster_event_type for entry in events}
    latest = instance.get_latest_materialization_event(dg.AssetKey("tulips"))
    assert latest is not None
    assert latest.run_id == again.run_id


def test_only_the_last_used_runs_stay_open(instance: dg.DagsterInstance) -> None:
    """A limited number of databases is open, and every run can still be read."""
    runs = [dg.materialize([tulips], instance=instance).run_id for _ in range(KEPT + 2)]

    assert all(instance.all_logs(run_id) for run_id in runs)
    assert log_of(instance).open_databases == KEPT


def test_known_databases_are_opened_without_a_search(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process reads and writes them without comparing versions, and looks for the table of checks once."""
    result = dg.AssetCheckEvaluation(dg.AssetKey("tulips"), "counted", passed=True)
    instance.report_runless_asset_event(result)
    run_id = dg.materialize([tulips], instance=instance).run_id
    searched: list[str] = []
    monkeypatch.setattr(KeepingEventLog, "_initdb", lambda *_: pytest.fail("versions were compared"))
    search = SqliteEventLogStorage.has_table

    def counted(log: SqliteEventLogStorage, name: str) -> bool:
        searched.append(name)
        return search(log, name)

    monkeypatch.setattr(SqliteEventLogStorage, "has_table", counted)

    with open_instance(tmp_path, tmp_path / "dagster") as other:
        assert other.all_logs(run_id) == instance.all_logs(run_id)
        for _ in range(2):
            other.report_runless_asset_event(result)

    assert len(searched) == len(set(searched)) == 1


def test_a_run_without_its_file_has_no_events(instance: dg.DagsterInstance) -> None:
    """If a run's file is deleted, its log starts empty, as in Dagster's own storage."""
    run_id = dg.materialize([tulips], instance=instance).run_id
    Path(log_of(instance).path_for_shard(run_id)).unlink()

    assert instance.all_logs(run_id) == []


def test_disposing_closes_all_databases(instance: dg.DagsterInstance) -> None:
    """After disposing no database is open."""
    dg.materialize([tulips], instance=instance)

    log_of(instance).dispose()

    assert log_of(instance).open_databases == 0
