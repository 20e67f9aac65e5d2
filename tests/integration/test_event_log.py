"""Dagster's event log with connections that stay open: the same log, for fewer openings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

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
    """An instance as the project's."""
    with open_instance(tmp_path, tmp_path / "dagster") as opened:
        yield opened


def log_of(instance: dg.DagsterInstance) -> KeepingEventLog:
    """The instance's event log."""
    log = instance.event_log_storage
    assert isinstance(log, KeepingEventLog)
    return log


def test_another_process_reads_what_was_written(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """A second instance with Dagster's own storage on the same files sees runs and events, and the first sees its."""
    run = dg.materialize([tulips], instance=instance)
    theirs = {**instance_settings(tmp_path / "dagster"), "storage": {"sqlite": {"base_dir": str(tmp_path / "dagster")}}}

    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster"), overrides=theirs) as other:
        seen = other.all_logs(run.run_id)
        again = dg.materialize([tulips], instance=other)

    assert seen == instance.all_logs(run.run_id)
    assert {event.event_type for event in run.all_events} <= {entry.dagster_event_type for entry in seen}
    latest = instance.get_latest_materialization_event(dg.AssetKey("tulips"))
    assert latest is not None
    assert latest.run_id == again.run_id


def test_only_the_last_used_runs_stay_open(instance: dg.DagsterInstance) -> None:
    """However many runs are looked at, and all of them can still be read."""
    runs = [dg.materialize([tulips], instance=instance).run_id for _ in range(KEPT + 2)]

    assert all(instance.all_logs(run_id) for run_id in runs)
    assert log_of(instance).open_databases == KEPT


def test_a_run_whose_file_is_gone_has_no_events(instance: dg.DagsterInstance) -> None:
    """A log that was removed from outside is begun anew, as Dagster's own storage does."""
    run_id = dg.materialize([tulips], instance=instance).run_id
    Path(log_of(instance).path_for_shard(run_id)).unlink()

    assert instance.all_logs(run_id) == []


def test_it_closes_what_it_opened(instance: dg.DagsterInstance) -> None:
    """After disposing nothing is open."""
    dg.materialize([tulips], instance=instance)

    log_of(instance).dispose()

    assert log_of(instance).open_databases == 0
