"""A killed Dagster run is soon marked as failed, leaves a sound warehouse, and the next run completes the sync."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pipelines.sandbox import Fault, Kind, Sandbox
from tests.end_to_end.control_room import process_of
from tests.end_to_end.dagster_dev import DagsterDev, dagster_dev, kill_all, project_folder, wait_for
from tests.integration.syncing import Syncing
from tests.moments import NOW

FEEDS = ("catalog.trade_items", "supply.batches", "orders.sales_orders", "organizations.organizations")
SLOW = Fault(kind=Kind.SLOW, seconds=1.0, times=None)
"""Slows every answer down, so that the run is killed while it syncs."""
TWO_MINUTES = 120.0


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox whose data does not change."""
    with Sandbox(now=NOW, scale=0.2) as sandbox:
        yield sandbox


@pytest.fixture
def folder(tmp_path: Path, sandbox: Sandbox) -> Path:
    """A project's folder whose settings point at the sandbox, which answers slowly."""
    settings = {**sandbox.environment(), "FLORIDAY_FEEDS": ",".join(FEEDS)}
    project_folder(tmp_path)
    (tmp_path / ".env").write_text("".join(f"{name}={text}\n" for name, text in settings.items()))
    sandbox.calls.clear()
    sandbox.faults.clear()
    sandbox.faults.add(SLOW)
    return tmp_path


def has_committed(path: Path) -> bool:
    """Return whether a sync has committed pages; False while another process has the file open."""
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            return bool(connection.execute("SELECT 1 FROM sync.windows LIMIT 1").fetchall())
    except duckdb.Error:
        return False


def launch_and_wait_for_a_commit(dagster: DagsterDev, folder: Path) -> tuple[str, int]:
    """Launch a run and wait until it has committed some pages; return its id and its process id."""
    run_id = dagster.launch()
    wait_for(lambda: has_committed(folder / "data" / "floriday.duckdb"))
    process = process_of(dagster, run_id)
    assert dagster.status(run_id) == "STARTED"
    return run_id, process


def assert_consistent(sandbox: Sandbox, folder: Path) -> None:
    """Assert that the warehouse opens and contains complete transactions only."""
    syncing = Syncing(sandbox, folder / "data" / "floriday.duckdb")
    assert syncing.rows("SELECT count(*) > 0 FROM sync.cursors") == [(True,)]
    syncing.assert_cursors_are_not_ahead()


def assert_equal(sandbox: Sandbox, folder: Path) -> None:
    """Assert that the warehouse equals the sandbox's data, with each version once."""
    syncing = Syncing(sandbox, folder / "data" / "floriday.duckdb")
    syncing.assert_equal(*FEEDS)
    for name in FEEDS:
        assert syncing.versions(name) == len(sandbox.book(name).entries())


@pytest.mark.slow
def test_a_killed_run_fails_and_the_next_run_completes(sandbox: Sandbox, folder: Path) -> None:
    """A run whose process is killed fails at once and leaves complete transactions, and the next run syncs the rest."""
    with dagster_dev(folder) as dagster:
        run_id, pid = launch_and_wait_for_a_commit(dagster, folder)

        os.kill(pid, signal.SIGKILL)

        assert dagster.wait_until_ended(run_id) == "FAILURE"
        assert_consistent(sandbox, folder)
        sandbox.faults.clear()
        assert dagster.status(dagster.run()) == "SUCCESS"
    assert_equal(sandbox, folder)


@pytest.mark.slow
def test_a_run_ended_by_a_power_failure(sandbox: Sandbox, folder: Path) -> None:
    """After a restart the interrupted run fails within two minutes, and the queued run syncs everything."""
    with dagster_dev(folder) as dagster:
        run_id, _ = launch_and_wait_for_a_commit(dagster, folder)
        kill_all(dagster.process)
    assert_consistent(sandbox, folder)
    sandbox.faults.clear()
    killed_at = time.monotonic()

    with dagster_dev(folder) as dagster:
        queued = dagster.launch()

        assert dagster.wait_until_ended(run_id, TWO_MINUTES) == "FAILURE"
        assert time.monotonic() - killed_at < TWO_MINUTES
        assert dagster.wait_until_ended(queued) == "SUCCESS"
    assert_equal(sandbox, folder)
