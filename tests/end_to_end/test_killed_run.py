"""A run of Dagster that is killed: it is known as failed soon, the warehouse is whole, and the next run goes on."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.sandbox import Fault, Kind, Sandbox
from tests.end_to_end.control_room import process_of
from tests.end_to_end.dagster_dev import DagsterDev, dagster_dev, kill_all, project_folder, until
from tests.integration.syncing import Syncing
from tests.moments import NOW

FEEDS = ("catalog.trade_items", "supply.batches", "orders.sales_orders", "organizations.organizations")
SLOW = Fault(kind=Kind.SLOW, seconds=0.3, times=None)
"""Every answer, so that the run is met in the middle of its work."""
CALLS = 8
"""After so many calls something is committed and more is to come."""
TWO_MINUTES = 120.0


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox whose world does not move."""
    with Sandbox(now=NOW, scale=0.2) as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path, sandbox: Sandbox) -> Path:
    """A project's folder whose settings point at the sandbox, which answers at its leisure."""
    settings = {**sandbox.environment(), "FLORIDAY_FEEDS": ",".join(FEEDS)}
    project_folder(tmp_path)
    (tmp_path / ".env").write_text("".join(f"{name}={text}\n" for name, text in settings.items()))
    sandbox.calls.clear()
    sandbox.faults.clear()
    sandbox.faults.add(SLOW)
    return tmp_path


def in_the_middle(dagster: DagsterDev, sandbox: Sandbox) -> tuple[str, int]:
    """Launch a run and wait until it is at work; returns its id and that of its process."""
    run_id = dagster.launch()
    until(lambda: len(sandbox.calls) >= CALLS)
    process = process_of(dagster, run_id)
    assert dagster.status(run_id) == "STARTED"
    return run_id, process


def assert_whole(sandbox: Sandbox, folder: Path) -> None:
    """The warehouse opens, and holds no part of a batch."""
    syncing = Syncing(sandbox, folder / "data" / "floriday.duckdb")
    assert syncing.rows("SELECT count(*) > 0 FROM sync.cursors") == [(True,)]
    syncing.assert_cursors_are_not_ahead()


def assert_equal(sandbox: Sandbox, folder: Path) -> None:
    """The warehouse holds what the sandbox serves, each version once."""
    syncing = Syncing(sandbox, folder / "data" / "floriday.duckdb")
    syncing.assert_equal(*FEEDS)
    for name in FEEDS:
        assert syncing.versions(name) == len(sandbox.book(name).entries())


@pytest.mark.slow
def test_a_run_whose_process_is_killed(sandbox: Sandbox, folder: Path) -> None:
    """The run is failed at once, no batch is half there, and the next run ends with all that is served."""
    with dagster_dev(folder) as dagster:
        run_id, pid = in_the_middle(dagster, sandbox)

        os.kill(pid, signal.SIGKILL)

        assert dagster.until_ended(run_id) == "FAILURE"
        assert_whole(sandbox, folder)
        sandbox.faults.clear()
        assert dagster.status(dagster.run()) == "SUCCESS"
    assert_equal(sandbox, folder)


@pytest.mark.slow
def test_a_run_that_a_power_cut_ended(sandbox: Sandbox, folder: Path) -> None:
    """After a new start the run is failed within two minutes, and the one that waited for it does its work."""
    with dagster_dev(folder) as dagster:
        run_id, _ = in_the_middle(dagster, sandbox)
        kill_all(dagster.process)
    assert_whole(sandbox, folder)
    sandbox.faults.clear()
    cut_at = time.monotonic()

    with dagster_dev(folder) as dagster:
        waiting = dagster.launch()

        assert dagster.until_ended(run_id, TWO_MINUTES) == "FAILURE"
        assert time.monotonic() - cut_at < TWO_MINUTES
        assert dagster.until_ended(waiting) == "SUCCESS"
    assert_equal(sandbox, folder)
