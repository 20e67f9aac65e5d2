"""``floriday sync --follow`` beside a trading sandbox: latency, idle cost, and signals at random moments."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import quantiles

import pytest

from pipelines.catalogue import catalogue_of
from pipelines.sandbox import Sandbox
from pipelines.sandbox.world.calendar import start_of_trade
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.sync_lock import lock_holder
from tests.command_line import command, without_coverage
from tests.end_to_end.maximum_log import MaximumLog
from tests.integration.syncing import Syncing
from tests.interruptions import FEEDS as FEW_FEEDS
from tests.interruptions import NOW, SCALE, is_ready
from tests.moments import real_now

MINUTES = float(os.environ.get("FOLLOW_MINUTES", "30"))
"""Minutes of trade that are measured."""
IDLE_SECONDS = 120
INTERVAL = 30.0
TOLERANCE = 3.0
"""Seconds in which a change must be stored after the interval."""
IDLE_SHARE, IDLE_MEGABYTES = 0.02, 250.0
FEEDS = [feed.name for feed in catalogue_of("suppliers").feeds if feed.endpoint.max_sequence]
WINDOWS = "SELECT feed, to_sequence_number, epoch(committed_at) FROM sync.windows ORDER BY committed_at"
MOST_SECONDS = 5.0
"""Seconds in which an interrupted process must end."""
SPREAD = 6.0
"""Seconds after the start of a process within which it is interrupted: its first sync, and some intervals."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Measurement:
    """The result of one run.

    Args:
        delays: seconds from each change of each feed to its commit, in ascending order.
        idle_share: processor time without changes, as a share of one core.
        megabytes: resident memory at the end of that time.
        code: exit code after SIGTERM.
        errors: what was written to standard error.
    """

    delays: list[float]
    idle_share: float
    megabytes: float
    code: int
    errors: str

    @property
    def percentiles(self) -> tuple[float, float]:
        """The delays within which half, and 99 %, of the changes were stored."""
        cuts = quantiles(self.delays, n=100)
        return cuts[49], cuts[98]


@contextmanager
def following(sandbox: Sandbox, folder: Path, *options: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """Start the resident sync; kill it if it still runs at the end of the block."""
    with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
        process = subprocess.Popen(
            command("sync", "--follow", *options),
            cwd=folder,
            env=without_coverage(**sandbox.environment(), FLORIDAY_WAREHOUSE=str(folder / "w.duckdb"), **variables),
            stdout=out,
            stderr=err,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def processor_seconds(process: int) -> float:
    """Return the processor time of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_megabytes(process: int) -> float:
    """Return the resident memory of a process."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
    assert found
    return int(found[1]) / 1024


def delays_of(warehouse: Path, log: MaximumLog, since: float, before: float) -> list[float]:
    """Return the seconds from each change between two times to its commit, in ascending order."""
    commits: dict[str, list[tuple[int, float]]] = defaultdict(list)
    with Warehouse(warehouse, lock_timeout=60).reading() as connection:
        for feed, number, at in connection.execute(WINDOWS).fetchall():
            commits[feed].append((number, at))
    return sorted(
        min(at for reached, at in commits[feed] if reached >= number) - moment
        for feed, history in log.moves.items()
        for moment, number in history
        if since < moment < before
    )


def wait_for_text(file: Path, text: str, seconds: float) -> None:
    """Wait until a file contains a text."""
    ends = time.monotonic() + seconds
    while text not in file.read_text():
        assert time.monotonic() < ends, file.read_text()
        time.sleep(0.1)


@pytest.fixture(scope="module")
def measurement(tmp_path_factory: pytest.TempPathFactory) -> Measurement:
    """The measured minutes after the first sync, then two minutes without trade."""
    folder = tmp_path_factory.mktemp("follow")
    with (
        Sandbox(now=start_of_trade(real_now())) as sandbox,
        MaximumLog(sandbox, FEEDS).recording(every=0.1) as log,
        following(sandbox, folder) as process,
    ):
        wait_for_text(folder / "out", "following them", 300)
        sandbox.keep_trading()
        began = time.time()
        time.sleep(60 * MINUTES)  # the duration of the test, without any action
        ended = time.time()
        sandbox.stop_trading()
        time.sleep(2 * INTERVAL + TOLERANCE)  # the last changes are stored
        before = processor_seconds(process.pid)
        time.sleep(IDLE_SECONDS)
        idle_share = (processor_seconds(process.pid) - before) / IDLE_SECONDS
        megabytes = resident_megabytes(process.pid)
        process.send_signal(signal.SIGTERM)
        code = process.wait(MOST_SECONDS)
        delays = delays_of(folder / "w.duckdb", log, began, ended)
    return Measurement(delays, idle_share, megabytes, code, (folder / "err").read_text())


@pytest.mark.soak
def test_a_change_is_stored_within_an_interval(measurement: Measurement) -> None:
    """99 % of the changes are in the warehouse within one interval and three seconds."""
    p50, p99 = measurement.percentiles
    _log.info(
        "%d changes: p50 %.1f s, p99 %.1f s, longest %.1f s", len(measurement.delays), p50, p99, measurement.delays[-1]
    )

    assert len(measurement.delays) > 20 * MINUTES
    assert p99 <= INTERVAL + TOLERANCE
    assert (measurement.code, measurement.errors) == (143, "floriday: stopped\n")


@pytest.mark.soak
def test_it_costs_little_without_changes(measurement: Measurement) -> None:
    """Without changes it needs less than 2 % of a core and 250 MB."""
    _log.info("idle: %.2f %% of a core, %.0f MB", 100 * measurement.idle_share, measurement.megabytes)

    assert measurement.idle_share < IDLE_SHARE
    assert measurement.megabytes < IDLE_MEGABYTES


@pytest.mark.parametrize("count", [pytest.param(3, marks=pytest.mark.slow), pytest.param(50, marks=pytest.mark.soak)])
def test_signals_at_random_moments(count: int, tmp_path: Path) -> None:
    """After SIGTERM at any moment it ends within five seconds with one line, and one more sync equals the server."""
    random, longest = Random(count), 0.0
    settings = {"FLORIDAY_FEEDS": ",".join(FEW_FEEDS), "FLORIDAY_PUBLISH_EVERY": "1s"}
    with Sandbox(seed=count, now=NOW, scale=SCALE) as sandbox:
        sandbox.set_switches(rate_limits=None)
        sandbox.keep_trading(every=0.5)
        for _ in range(count):
            with following(sandbox, tmp_path, "--every", "1s", **settings) as process:
                while not is_ready(process.pid):
                    time.sleep(0.01)
                time.sleep(random.uniform(0, SPREAD))
                began = time.monotonic()
                process.send_signal(signal.SIGTERM)
                code = process.wait(2 * MOST_SECONDS)
                longest = max(longest, time.monotonic() - began)
            assert (code, (tmp_path / "err").read_text()) == (143, "floriday: stopped\n")
            assert lock_holder(tmp_path / "w.duckdb") is None
        sandbox.stop_trading()
        syncing = Syncing(sandbox, tmp_path / "w.duckdb")
        syncing.sync(*FEW_FEEDS)
        syncing.assert_equal(*FEW_FEEDS)
        assert not (tmp_path / "w.duckdb.holder").exists()
    _log.info("%d signals: the longest end took %.2f s", count, longest)
    assert longest < MOST_SECONDS
