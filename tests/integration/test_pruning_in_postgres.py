"""Pruning a history in PostgreSQL deletes old runs and what they leave, and changes nothing that Dagster shows."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import create_engine, text

from pipelines.orchestration.maintenance.history_tables import HistoryTables
from pipelines.orchestration.maintenance.pruning import prune
from tests.integration.dagster_history import displayed_state, make_history, run_ids
from tests.workers import new_database

NO_AGE = timedelta(0)
"""With this age every finished run is old."""

TABLES = ("runs", "event_logs", "asset_check_executions", "snapshots")


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance with a history of two dozen runs in PostgreSQL."""
    if importlib.util.find_spec("dagster_postgres") is None:
        pytest.skip("dagster_postgres is not installed")
    settings = {"storage": {"postgres": {"postgres_url": new_database("pruned")}}, "telemetry": {"enabled": False}}
    with dg.DagsterInstance.local_temp(str(tmp_path), settings) as instance:
        make_history(instance)
        yield instance


def counts(tables: HistoryTables) -> dict[str, int]:
    """Return the number of rows of each table."""
    with create_engine(tables.url).connect() as connection:
        return {name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in TABLES}


def test_nothing_shown_changes(instance: dg.DagsterInstance) -> None:
    """The grid, the newest events and the checks stay; the rows of deleted runs disappear from all tables."""
    tables = HistoryTables.of(instance)
    assert tables is not None
    shown, runs, rows = displayed_state(instance), run_ids(instance), counts(tables)

    pruned = prune(instance, NO_AGE, newest=1)

    left = counts(tables)
    assert displayed_state(instance) == shown
    assert len(run_ids(instance)) == len(runs) - pruned.deleted
    assert pruned.deleted > 5
    assert [name for name in ("runs", "event_logs", "asset_check_executions") if left[name] >= rows[name]] == []
    assert left["snapshots"] <= rows["snapshots"]
    assert prune(instance, NO_AGE, newest=1).deleted == 0
