"""A sync that is killed loses nothing: the next one goes on where it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from pipelines.catalogue.tables import tables_of
from pipelines.sandbox import Sandbox
from tests.integration.syncing import SUPPLIERS, Syncing

KILLS = 10
FEEDS = (
    "catalog.trade_items",
    "supply.supply_lines",
    "supply.batches",
    "supply.batch_mutations",
    "orders.sales_orders",
    "fulfillment.delivery_orders",
    "fulfillment.fulfillment_orders",
    "organizations.organizations",
)
"""Feeds of every shape."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox whose world does not move."""
    with Sandbox(scale=0.2) as started:
        yield started


def start_sync(sandbox: Sandbox, path: Path) -> subprocess.Popen[bytes]:
    """The command line's sync, as a process of its own."""
    environment = {**os.environ, **sandbox.environment(), "FLORIDAY_WAREHOUSE": str(path)}
    environment["FLORIDAY_FEEDS"] = ",".join(FEEDS)
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", "sync"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill_after(process: subprocess.Popen[bytes], sandbox: Sandbox, calls: int, then: float) -> bool:
    """Kill the process ``then`` seconds after it made that many calls; whether it was still at work."""
    while len(sandbox.calls) < calls:
        try:
            process.wait(0.002)
        except subprocess.TimeoutExpired:
            continue
        return False
    try:
        process.wait(then)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    return False


@pytest.mark.parametrize("attempt", range(KILLS))
def test_the_next_sync_ends_equal_to_the_server(sandbox: Sandbox, tmp_path: Path, attempt: int) -> None:
    """Killed in the middle of a first load: no row is lost or doubled, and no cursor is ahead of its data."""
    random = Random(attempt)
    sandbox.calls.clear()
    syncing = Syncing(sandbox, tmp_path / "w.duckdb")
    syncing.path.unlink()
    process = start_sync(sandbox, syncing.path)

    killed = kill_after(process, sandbox, calls=random.randint(3, 18), then=random.uniform(0, 0.15))

    assert killed
    if syncing.path.exists():
        assert_cursors_are_not_ahead(syncing)
    outcomes = syncing.sync(*FEEDS)
    assert all(outcome.current and not outcome.error for outcome in outcomes.values())
    syncing.assert_equal(*FEEDS)
    for name in FEEDS:
        assert syncing.versions(name) == len(sandbox.book(name).entries())


def assert_cursors_are_not_ahead(syncing: Syncing) -> None:
    """Up to each committed cursor, everything that the server holds stands in the table."""
    for account, name, cursor in read_cursors(syncing):
        feed = SUPPLIERS.feed(name)
        served = [entry for entry in syncing.sandbox.book(name, account).entries() if entry.number <= cursor]
        ((stored,),) = syncing.rows(f"SELECT count(*) FROM {tables_of(feed).qualified_name}")
        assert stored == len(served)


def read_cursors(syncing: Syncing) -> list[tuple[str, str, int]]:
    """Account, feed and cursor of whatever was committed; nothing where not even the layout was."""
    laid_out = syncing.rows("SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'sync'")
    if laid_out == [(0,)]:
        return []
    return [
        (account, feed, cursor)
        for account, feed, cursor in syncing.rows("SELECT account, feed, cursor FROM sync.cursors")
    ]
