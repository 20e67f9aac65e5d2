"""``floriday up`` beside a sandbox that trades, left alone for ten minutes: what changes is here within 90 seconds."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

import pytest

from pipelines.catalogue import catalogue_of
from pipelines.sandbox import Sandbox
from pipelines.sandbox.world.calendar import start_of_trade
from pipelines.warehouse.file.connection import Warehouse
from tests.end_to_end.dagster_dev import until
from tests.end_to_end.floriday_up import Up, blank, running
from tests.moments import real_now

pytestmark = pytest.mark.soak

MINUTES = 10
WITHIN = 90.0
"""Seconds from a change at Floriday to the commit that brings it."""

FAST = [feed.name for feed in catalogue_of("suppliers").feeds if feed.tier == "fast" and feed.endpoint.max_sequence]
WINDOWS = "SELECT feed, to_sequence_number, epoch(committed_at) FROM sync.windows ORDER BY committed_at"

_log = logging.getLogger(__name__)


@dataclass
class Journal:
    """When each feed of the sandbox got to which number.

    Args:
        sandbox: what is watched.
        moves: for each feed the moments, in seconds since 1970, and the numbers that it had got to by then.
    """

    sandbox: Sandbox
    moves: dict[str, list[tuple[float, int]]] = field(default_factory=lambda: defaultdict(list))

    @contextmanager
    def kept(self, every: float = 0.25) -> Iterator[Journal]:
        """Keep it, in the background."""
        over = threading.Event()
        keeper = threading.Thread(target=self._keep, args=(over, every), daemon=True)
        keeper.start()
        yield self
        over.set()
        keeper.join()

    def _keep(self, over: threading.Event, every: float) -> None:
        while not over.wait(every):
            for feed in FAST:
                number = self.sandbox.book(feed).maximum
                if not self.moves[feed] or self.moves[feed][-1][1] < number:
                    self.moves[feed].append((time.time(), number))


@dataclass(frozen=True)
class LeftAlone:
    """What came of it.

    Args:
        delays: for each fast feed the seconds from each of its changes to the commit that brought it.
        runs: how many runs there were meanwhile.
        statuses: how they ended.
        grown: bytes by which Dagster's folder grew meanwhile.
    """

    delays: dict[str, list[float]]
    runs: int
    statuses: set[str]
    grown: int

    def told(self) -> str:
        """The figures, in a line."""
        every = sorted(delay for each in self.delays.values() for delay in each)
        cuts = quantiles(every, n=100)
        low, middle, high = (f"{cuts[percent - 1]:.0f}" for percent in (50, 90, 99))
        return (
            f"{len(every)} changes of {len(self.delays)} feeds: 50 % within {low} s, 90 % within {middle} s,"
            f" 99 % within {high} s, the longest {every[-1]:.0f} s; {self.runs} runs, Dagster's files grew by"
            f" {self.grown / 1e6:.1f} MB, {self.grown / self.runs / 1e6:.2f} MB a run"
        )


@pytest.fixture(scope="module")
def left_alone(tmp_path_factory: pytest.TempPathFactory) -> LeftAlone:
    """Ten minutes after the first load, and what they brought."""
    folder = blank(tmp_path_factory.mktemp("up"))
    with Sandbox(now=start_of_trade(real_now())) as sandbox, Journal(sandbox).kept() as journal:
        sandbox.keep_trading()
        with running(folder, "--port", "0", **sandbox.environment()) as up:
            loaded_at = until(lambda: first_load(up), 600)
            before = size(folder)
            time.sleep(60 * MINUTES)  # to be left alone for so long is what is tested
            over = time.time()
            sandbox.stop_trading()
            until(lambda: not behind(folder, journal), WITHIN + 60)
            runs = [run for run in up.runs() if (run["startTime"] or over) > loaded_at]
            delays = delays_of(folder, journal, loaded_at, over)
            return LeftAlone(delays, len(runs), {run["status"] for run in runs}, size(folder) - before)


def first_load(up: Up) -> float | None:
    """When the run that the sensor started for what was never read was over."""
    return float(up.runs()[0]["endTime"]) if up.first_ended() else None


def windows(folder: Path) -> list[tuple[str, int, float]]:
    """Feed, number and moment of each commit."""
    with Warehouse(folder / "data" / "floriday.duckdb", lock_timeout=60).reading() as connection:
        return connection.execute(WINDOWS).fetchall()


def behind(folder: Path, journal: Journal) -> set[str]:
    """The feeds whose last change is not here yet."""
    reached = {feed: number for feed, number, _ in windows(folder)}
    return {feed for feed in FAST if reached.get(feed, 0) < journal.moves[feed][-1][1]}


def delays_of(folder: Path, journal: Journal, since: float, until: float) -> dict[str, list[float]]:
    """Seconds from each change between two moments to the commit that brought it."""
    commits: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for feed, number, at in windows(folder):
        commits[feed].append((number, at))
    return {
        feed: [min(at for reached, at in commits[feed] if reached >= number) - moment for moment, number in moves]
        for feed, every in journal.moves.items()
        if (moves := [(moment, number) for moment, number in every if since < moment < until])
    }


def size(folder: Path) -> int:
    """Bytes of Dagster's files."""
    return sum(path.stat().st_size for path in (folder / "data" / "dagster").rglob("*") if path.is_file())


def test_each_fast_feed_is_synced_soon(left_alone: LeftAlone) -> None:
    """Every change of every fast feed that traded is here within 90 seconds, without anybody's doing."""
    _log.info("%s", left_alone.told())

    late = {feed: max(delays) for feed, delays in left_alone.delays.items() if max(delays) > WITHIN}
    assert len(left_alone.delays) >= len(FAST) // 2
    assert late == {}, left_alone.told()


def test_runs_do_not_pile_up(left_alone: LeftAlone) -> None:
    """Each ended well, one after the other; what they leave in Dagster's files is small."""
    assert left_alone.statuses <= {"SUCCESS", "STARTED", "QUEUED"}
    assert left_alone.runs <= dt.timedelta(minutes=MINUTES + 3) / dt.timedelta(seconds=20)
    assert left_alone.grown / left_alone.runs < 1_000_000, left_alone.told()
