"""A second sync of a lake, and syncs while PostgreSQL or S3 does not answer, as the command line shows them."""

from __future__ import annotations

import datetime as dt
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.sandbox import Sandbox
from pipelines.warehouse.opening import lock_holder
from tests.buckets import BucketServer, bucket_server
from tests.command_line import process_environment
from tests.integration.syncing import Syncing
from tests.integration.syncing_to_buckets import SyncingToBucket
from tests.lake_commits import held_commit
from tests.lakes import lake_at, postgres, snapshot_of, stopped_postgres
from tests.records import in_json, valid_records

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
FEEDS = ("catalog.trade_items", "supply.batches")
LONGEST = 60.0
"""Seconds after which a condition that is waited for counts as missed."""
PROGRAM = """
import sys
from pipelines.cli.entry import main
from tests.integration.syncing import fewer_feeds
with fewer_feeds(*sys.argv.pop(1).split(",")):
    main()
"""
"""The command ``floriday`` with few feeds, because a lake with few tables is created and opened faster."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox without records and limits."""
    postgres()
    with Sandbox(now=NOW, empty=True) as sandbox:
        sandbox.set_switches(rate_limits=None)
        yield sandbox


@pytest.fixture(scope="module")
def server() -> Iterator[BucketServer]:
    """A server of S3."""
    postgres()
    with bucket_server() as server:
        yield server


@pytest.fixture
def syncing(sandbox: Sandbox, tmp_path: Path) -> Syncing:
    """A lake that was never synced, and new records for it."""
    syncing = Syncing(sandbox, tmp_path / "w.duckdb", only=FEEDS, kind="lake")
    add_records(syncing)
    return syncing


def add_records(syncing: Syncing, count: int = 30) -> None:
    """Add records to both feeds."""
    for feed in FEEDS:
        book = syncing.sandbox.book(feed)
        for record in valid_records(syncing.catalogue.feed(feed), seed=len(book) + 1, count=count):
            number = book.reserve()
            book.put(in_json({**record, "sequenceNumber": number}), number=number)


@contextmanager
def floriday(syncing: Syncing, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command in a process of its own, which is killed at the end of the block if it still runs."""
    variables = {**syncing.sandbox.environment(), **syncing.warehouse_settings, "FLORIDAY_PUBLISHED": "off"}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, ",".join(FEEDS), *arguments],
        cwd=syncing.path.parent,
        env=process_environment(**variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def is_running(process: subprocess.Popen[str]) -> bool:
    """Return whether a process runs, after a short pause."""
    try:
        process.wait(0.005)
    except subprocess.TimeoutExpired:
        return True
    return False


def finished(syncing: Syncing, *arguments: str) -> tuple[int, str, str]:
    """Run a command; returns its exit code, its output and its standard error."""
    with floriday(syncing, *arguments) as process:
        out, err = process.communicate(timeout=LONGEST)
        return process.returncode, out, err


def the_line(err: str) -> str:
    """Return the only line of a standard error, without its prefix."""
    assert err.startswith("floriday: ")
    assert err.count("\n") == 1, err
    return err.removeprefix("floriday: ").rstrip()


def test_a_second_sync_is_refused_and_the_lock_of_a_killed_one_is_free(syncing: Syncing) -> None:
    """The line names command, process and machine of the holder; a second after SIGKILL the lock is free."""
    lake = lake_at(syncing.path)
    syncing.warehouse.finish()
    with floriday(syncing, "sync") as first, held_commit(lake, "before", snapshot_of(lake) + 1) as held:
        assert held.wait(lambda: is_running(first))

        code, out, err = finished(syncing, "sync")

        assert (code, out) == (1, "")
        assert f": floriday sync, process {first.pid} on " in the_line(err)
        first.send_signal(signal.SIGKILL)
        killed_at = time.monotonic()
        while lock_holder(lake) is not None:
            assert time.monotonic() < killed_at + 1
    assert finished(syncing, "sync")[0] == 0
    syncing.assert_equal()


def test_the_next_sync_makes_up_for_a_database_that_stopped_during_one(syncing: Syncing) -> None:
    """PostgreSQL stops in the second commit of a sync, which ends with 1; the next one stores the rest."""
    lake = lake_at(syncing.path)
    syncing.warehouse.finish()
    with held_commit(lake, "before", snapshot_of(lake) + 2) as held, floriday(syncing, "sync") as process:
        assert held.wait(lambda: is_running(process))
        with stopped_postgres():
            _, err = process.communicate(timeout=LONGEST)

    assert process.returncode == 1
    feeds = [line.partition(" · ")[2].partition(":")[0] for line in err.splitlines()]
    assert sorted(feeds) == sorted(FEEDS)  # a line for each, as one lost its connection and the other found none
    assert err.count(": PostgreSQL does not answer for ducklake:postgres:") == len(FEEDS)
    syncing.assert_cursors_are_not_ahead()
    assert finished(syncing, "sync")[0] == 0
    syncing.assert_equal()


def test_the_next_sync_makes_up_for_a_bucket_that_stopped_during_one(
    sandbox: Sandbox, server: BucketServer, tmp_path: Path
) -> None:
    """S3 stops in the first commit of a sync, which ends with one line and 1; the next one stores the rest."""
    syncing = SyncingToBucket(sandbox, tmp_path / "w.duckdb", only=FEEDS, kind="lake")
    assert finished(syncing, "sync")[0] == 0
    add_records(syncing, 300)
    lake = lake_at(syncing.path)
    with floriday(syncing, "sync") as process, held_commit(lake, "before", snapshot_of(lake) + 1) as held:
        assert held.wait(lambda: is_running(process))
        with server.stopped():
            held.release()
            _, err = process.communicate(timeout=LONGEST)

    assert process.returncode == 1
    assert ": S3 does not answer for s3://flowers/" in the_line(err)
    syncing.assert_cursors_are_not_ahead()
    assert finished(syncing, "sync")[0] == 0
    syncing.assert_equal()


def test_following_goes_on_after_the_database_is_back(syncing: Syncing) -> None:
    """A resident sync prints one line while PostgreSQL is away, and later stores what was created meanwhile."""
    syncing.warehouse.finish()
    with floriday(syncing, "sync", "--follow", "--every", "1s") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "following them every 1 s" in next(iter(process.stdout.readline, ""))
        with stopped_postgres():
            add_records(syncing)
            assert "PostgreSQL does not answer for ducklake:postgres:" in process.stderr.readline()
        ends = time.monotonic() + LONGEST
        for feed in FEEDS:
            while syncing.rows(f"SELECT count(*) FROM {feed}") != [(len(syncing.sandbox.book(feed)),)]:
                assert time.monotonic() < ends, feed
        process.terminate()
        _, err = process.communicate(timeout=LONGEST)

    assert (process.returncode, err) == (143, "floriday: stopped\n")
    syncing.assert_equal()
