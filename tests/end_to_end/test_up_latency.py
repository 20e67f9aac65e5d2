"""``floriday up`` beside a trading sandbox stores each change within 90 seconds, for ten minutes."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

import pytest

from pipelines.catalogue import catalogue_of
from pipelines.sandbox import Sandbox
from pipelines.sandbox.world.calendar import start_of_trade
from pipelines.warehouse.file.connection import Warehouse
from tests.end_to_end.dagster_dev import wait_for
from tests.end_to_end.floriday_up import Up, blank_folder, running
from tests.end_to_end.maximum_log import MaximumLog
from tests.moments import real_now

pytestmark = pytest.mark.soak

MINUTES = 10
MAX_DELAY = 90.0
"""Most seconds from a change at Floriday to its commit."""

FAST = [feed.name for feed in catalogue_of("suppliers").feeds if feed.tier == "fast" and feed.endpoint.max_sequence]
WINDOWS = "SELECT feed, to_sequence_number, epoch(committed_at) FROM sync.windows ORDER BY committed_at"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Measurement:
    """The result of the ten minutes.

    Args:
        delays: for each fast feed, seconds from each of its changes to the commit.
        runs: number of runs in the time.
        statuses: statuses of these runs.
        grown: bytes by which Dagster's folder grew in the time.
    """

    delays: dict[str, list[float]]
    runs: int
    statuses: set[str]
    grown: int

    def summary(self) -> str:
        """Return the figures in one line."""
        delays = sorted(delay for each in self.delays.values() for delay in each)
        cuts = quantiles(delays, n=100)
        p50, p90, p99 = (f"{cuts[percent - 1]:.0f}" for percent in (50, 90, 99))
        return (
            f"{len(delays)} changes of {len(self.delays)} feeds: 50 % within {p50} s, 90 % within {p90} s,"
            f" 99 % within {p99} s, the longest {delays[-1]:.0f} s; {self.runs} runs, Dagster's files grew by"
            f" {self.grown / 1e6:.1f} MB, {self.grown / self.runs / 1e6:.2f} MB a run"
        )


@pytest.fixture(scope="module")
def measurement(tmp_path_factory: pytest.TempPathFactory) -> Measurement:
    """The ten minutes after the first load."""
    folder = blank_folder(tmp_path_factory.mktemp("up"))
    with Sandbox(now=start_of_trade(real_now())) as sandbox, MaximumLog(sandbox, FAST).recording() as log:
        sandbox.keep_trading()
        with running(folder, "--port", "0", **sandbox.environment()) as up:
            loaded_at = wait_for(lambda: first_load_ended_at(up), 600)
            size_before = size(folder)
            time.sleep(60 * MINUTES)  # the duration of the test, without any action
            ended_at = time.time()
            sandbox.stop_trading()
            wait_for(lambda: not feeds_behind(folder, log), MAX_DELAY + 60)
            runs = [run for run in up.runs() if (run["startTime"] or ended_at) > loaded_at]
            delays = delays_of(folder, log, loaded_at, ended_at)
            return Measurement(delays, len(runs), {run["status"] for run in runs}, size(folder) - size_before)


def first_load_ended_at(up: Up) -> float | None:
    """Return when the first run ended, which the sensor of changed feeds starts; None before that."""
    return float(up.runs()[0]["endTime"]) if up.first_ended() else None


def windows(folder: Path) -> list[tuple[str, int, float]]:
    """Return feed, sequence number and time of each commit."""
    with Warehouse(folder / "data" / "floriday.duckdb", lock_timeout=60).reading() as connection:
        return connection.execute(WINDOWS).fetchall()


def feeds_behind(folder: Path, log: MaximumLog) -> set[str]:
    """Return the feeds whose last change is not committed yet."""
    committed = {feed: number for feed, number, _ in windows(folder)}
    return {feed for feed in FAST if committed.get(feed, 0) < log.moves[feed][-1][1]}


def delays_of(folder: Path, log: MaximumLog, since: float, before: float) -> dict[str, list[float]]:
    """Return the seconds from each change between two times to its commit."""
    commits: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for feed, number, at in windows(folder):
        commits[feed].append((number, at))
    return {
        feed: [min(at for reached, at in commits[feed] if reached >= number) - moment for moment, number in moves]
        for feed, history in log.moves.items()
        if (moves := [(moment, number) for moment, number in history if since < moment < before])
    }


def size(folder: Path) -> int:
    """Return the size of Dagster's files in bytes."""
    return sum(path.stat().st_size for path in (folder / "data" / "dagster").rglob("*") if path.is_file())


def test_each_change_is_stored_within_90_seconds(measurement: Measurement) -> None:
    """Every change of every fast feed is committed within 90 seconds."""
    _log.info("%s", measurement.summary())

    late = {feed: max(delays) for feed, delays in measurement.delays.items() if max(delays) > MAX_DELAY}
    assert len(measurement.delays) >= len(FAST) // 2
    assert late == {}, measurement.summary()


def test_runs_do_not_pile_up(measurement: Measurement) -> None:
    """Runs succeed one after the other, and each adds little to Dagster's files."""
    assert measurement.statuses <= {"SUCCESS", "STARTED", "QUEUED"}
    assert measurement.runs <= dt.timedelta(minutes=MINUTES + 3) / dt.timedelta(seconds=20)
    assert measurement.grown / measurement.runs < 1_000_000, measurement.summary()
