"""Two cells on two workers of Celery, by themselves: sensors start the runs, and a killed worker costs one run."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import create_engine, text

from pipelines.orchestration.cells import CELL
from pipelines.orchestration.dagster_private import postgres_url
from pipelines.sandbox import Fault, Kind, Sandbox
from pipelines.warehouse.opening import open_warehouse
from tests.integration.dagster_project import fill
from tests.lakes import lake_at
from tests.workers import DEPLOY, Deployment, deployment, require_programs, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
"""Dagster uses deprecated features of its own and of pydantic."""

FEED = "orders.sales_orders"
CELLS = {"north": ("roos",), "south": ("tulp",)}
SLOW = Fault(kind=Kind.SLOW, where="/sales-orders/sync/*", account="roos", seconds=20.0, times=None)
"""Keeps a run of the cell ``north`` busy until its worker is killed."""
LONGEST = 240.0  # seconds for a first load by sensors, on a busy machine
LONGEST_DEAD = 90.0
Status = dg.DagsterRunStatus


@dataclass
class Cells:
    """The deployment, the sandbox, and the instance of Dagster."""

    deployed: Deployment
    sandbox: Sandbox
    instance: dg.DagsterInstance
    root: Path

    def change(self, account: str) -> int:
        """Serve a changed order of an account; return its number."""
        book = self.sandbox.book(FEED, account)
        return book.put(book.entries()[0].document | {"numberOfPieces": book.maximum})

    def cursor(self, cell: str) -> int:
        """Return the last number that is stored in the lake of a cell; -1 before the first sync."""
        lake = open_warehouse(lake_at(self.root / "cells.duckdb").cell(cell))
        if not self.runs(cell, Status.SUCCESS):
            return -1
        with lake.reading() as connection:
            rows = connection.execute("SELECT max(cursor) FROM sync.cursors WHERE feed = $feed", {"feed": FEED})
            [(cursor,)] = rows.fetchall()
            return int(cursor)

    def runs(self, cell: str, *statuses: Status) -> list[dg.DagsterRun]:
        """The runs of a cell with one of these states, newest first."""
        return list(self.instance.get_runs(dg.RunsFilter(statuses=list(statuses), tags={CELL: cell})))

    def worker_of(self, run: dg.DagsterRun) -> str | None:
        """The worker that executes a run."""
        task = run.tags.get("dagster-celery/task_id", "none")
        return next((name for name in self.deployed.processes if task in self.deployed.log(name)), None)


@pytest.fixture
def cells(tmp_path: Path) -> Iterator[Cells]:
    """Two empty lakes, the daemon and two workers."""
    require_programs()
    lake, home = lake_at(tmp_path / "cells.duckdb"), tmp_path / "home"
    home.mkdir()
    with Sandbox(empty=True, accounts=("roos", "tulp")) as sandbox:
        fill(sandbox, FEED)
        variables = {
            **sandbox.environment(),
            "FLORIDAY_HOME": str(home),
            "FLORIDAY_WAREHOUSE": lake.attach_string,
            "FLORIDAY_LAKE_DATA": lake.data,
            "FLORIDAY_LAKE_SCHEMA": lake.schema,
            "FLORIDAY_CELLS": json.dumps(CELLS),
            "FLORIDAY_FEEDS": FEED,
            "FLORIDAY_AUTOMATION": "on",
            "PYTHONPATH": os.pathsep.join((str(DEPLOY.parents[1]), os.environ.get("PYTHONPATH", ""))),
        }
        with deployment(home, DEPLOY / "workspace.yaml", variables) as deployed, deployed.instance() as instance:
            for name in ("one", "two"):
                deployed.start_worker(name)
            deployed.start_daemon()
            yield Cells(deployed, sandbox, instance, tmp_path)


def assert_no_secret_is_stored(cells: Cells) -> None:
    """No log, and no row of Dagster's storage, contains an API key or the application's secret."""
    secrets = [cells.sandbox.client_secret, *cells.sandbox.api_keys.values()]
    texts = [cells.deployed.log(name.stem) for name in cells.deployed.home.glob("*.log")]
    with create_engine(postgres_url(cells.instance)).connect() as connection:
        for table in ("runs", "run_tags", "event_logs", "job_ticks", "jobs", "kvs"):
            texts += [str(row) for row in connection.execute(text(f"SELECT * FROM {table}"))]

    assert len(texts) > 50
    assert [secret for secret in secrets if any(secret in each for each in texts)] == []


def test_cells_are_synced_and_survive_a_killed_worker(cells: Cells) -> None:
    """Sensors load both cells; ``kill -9`` ends one run alone, in time, and the next run catches up."""
    first = {account: cells.sandbox.book(FEED, account).maximum for account in ("roos", "tulp")}
    wait_for(lambda: cells.cursor("north") == first["roos"], "the first load of one cell", LONGEST)
    wait_for(lambda: cells.cursor("south") == first["tulp"], "the first load of the other cell", LONGEST)
    wait_for(lambda: not cells.runs("north", Status.STARTED), "its run ends", LONGEST)

    cells.sandbox.faults.add(SLOW)
    cells.change("roos")
    wait_for(lambda: any(map(cells.worker_of, cells.runs("north", Status.STARTED))), "a run reads the change", LONGEST)
    [dead] = cells.runs("north", Status.STARTED)
    killed_at = time.monotonic()
    cells.deployed.kill(cells.worker_of(dead) or "")
    other = cells.change("tulp")
    wait_for(lambda: cells.runs("north", Status.FAILURE), "the dead run is noticed", LONGEST_DEAD)
    assert time.monotonic() - killed_at < LONGEST_DEAD
    wait_for(lambda: cells.cursor("south") == other, "the other cell goes on", LONGEST)

    cells.sandbox.faults.clear()
    newest = cells.change("roos")
    wait_for(lambda: cells.cursor("north") == newest, "the next run reads both changes", LONGEST)
    assert [run.run_id for cell in CELLS for run in cells.runs(cell, Status.FAILURE)] == [dead.run_id]
    assert_no_secret_is_stored(cells)
