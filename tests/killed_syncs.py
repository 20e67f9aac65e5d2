"""Kill syncs by SIGKILL at random moments, and check what the warehouse holds after each.

Each sync continues from what the killed one left, while records change on the server. A sync writes each committed
cursor to a log; none of these commits may be missing afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from pipelines.catalogue.tables import tables_of
from pipelines.sandbox import Sandbox
from pipelines.settings import load_settings
from pipelines.sync.outcome import FeedOutcome
from pipelines.sync.session import open_clients
from pipelines.warehouse.opening import hold_sync_lock
from pipelines.warehouse.read import integrity
from tests.another_process import FORKED
from tests.fault_schedules import Records
from tests.integration.syncing import Syncing, catalogue_with, with_pages_of
from tests.moments import NOW

FEEDS = ("orders.sales_orders", "supply.batches", "fulfillment.inbound_fulfillment_orders")
RECORDS = 40
PAGE = 2
"""Transactions have ten pages, so each feed is stored in several of them."""
CALLS = 80
"""About as many calls as a first sync makes."""
TIMEOUT = 120.0
KILLS_PER_WAREHOUSE = 10
"""Number of kills after which a warehouse is compared with the server."""


@dataclass
class KillResults:
    """Counts of one experiment.

    Args:
        kills: number of syncs that were killed while they ran.
        survived: number of syncs that ended before they were killed.
        in_a_transaction: how many left a write-missing log behind.
        acknowledged: number of commits that a sync logged.
        lost: logged commits that were missing afterwards.
        missing: sequence numbers up to a committed cursor without their record.
        duplicates: number of duplicate keys.
        orphans: number of children without their parent.
        differing: number of records whose rows differ from their newest version.
    """

    kills: int = 0
    survived: int = 0
    in_a_transaction: int = 0
    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    duplicates: int = 0
    orphans: int = 0
    differing: int = 0

    @property
    def harm(self) -> int:
        """Number of defects that were found."""
        return len(self.lost) + len(self.missing) + self.duplicates + self.orphans + self.differing


def kill_syncs(kills: int, seed: int) -> KillResults:
    """Kill syncs at random moments.

    Args:
        kills: number of syncs to kill.
        seed: seed of the moments and the records; how far a process has come at a moment still varies.

    Raises:
        AssertionError: a warehouse did not become equal to the server.
    """
    killed = KillResults()
    random = Random(seed)
    while killed.kills < kills:
        with TemporaryDirectory() as folder, Sandbox(seed=seed, now=NOW, empty=True) as sandbox:
            _kill_in_one_warehouse(
                sandbox, Path(folder), random, min(KILLS_PER_WAREHOUSE, kills - killed.kills), killed
            )
    return killed


def _kill_in_one_warehouse(sandbox: Sandbox, folder: Path, random: Random, kills: int, killed: KillResults) -> None:
    sandbox.set_switches(rate_limits=None)
    records = Records(sandbox, "suppliers", (), random, hides=False)
    for feed in FEEDS:
        records.fill(feed, RECORDS)
    syncing = Syncing(sandbox, folder / "w.duckdb", only=FEEDS)
    ends = killed.kills + kills
    commit_log = folder / "commits"
    while killed.kills < ends:
        commit_log = folder / f"commits {killed.kills} {killed.survived}"
        if _kill_one(sandbox, syncing.path, commit_log, random):
            killed.kills += 1
        else:
            killed.survived += 1
        killed.in_a_transaction += syncing.path.with_name("w.duckdb.wal").exists()
        inspect(syncing, commit_log, killed)
        for feed in FEEDS:
            for _ in range(random.randint(5, 40)):
                records.change(feed)
    outcomes = syncing.sync().values()
    left = [outcome for outcome in outcomes if outcome.error or not outcome.current]
    assert not left, f"the sync after {killed.kills} kills is not at its end: {left}"
    syncing.assert_equal(*FEEDS)
    inspect(syncing, commit_log, killed)


def _kill_one(sandbox: Sandbox, path: Path, commit_log: Path, random: Random) -> bool:
    """Start a sync and kill it after some calls, perhaps at its next commit; return whether it was still running."""
    before = len(sandbox.calls)
    calls, then = random.randint(0, random.choice((10, CALLS))), random.choice((0.0, random.uniform(0, 0.2)))
    log = path.with_name(f"{path.name}.wal")
    at_a_commit = random.random() < 0.5
    environment = {**sandbox.environment(), "FLORIDAY_WAREHOUSE": str(path)}
    process = FORKED.Process(target=sync_and_log_commits, args=(environment, str(path.parent), str(commit_log)))
    process.start()
    while process.is_alive() and len(sandbox.calls) < before + calls:
        process.join(0.001)
    while at_a_commit and process.is_alive() and not log.exists():
        process.join(0.0005)
    process.join(then / 20 if at_a_commit else then)
    process.kill()
    process.join(TIMEOUT)
    return was_killed(process)


def was_killed(process: BaseProcess) -> bool:
    """Return whether an ended sync was killed, and did not reach its end."""
    if process.exitcode in (0, -9):
        return process.exitcode == -9
    raise AssertionError(f"a sync that was not killed ended with {process.exitcode}")


def sync_and_log_commits(environment: dict[str, str], folder: str, commit_log: str) -> list[FeedOutcome]:
    """Sync in a process of its own, and log each committed cursor."""
    settings = load_settings({**environment, "FLORIDAY_FEEDS": ",".join(FEEDS)}, Path(folder))
    with Path(commit_log).open("ab", buffering=0) as stream, open_clients(settings) as opened:
        connected = replace(opened, catalogue=catalogue_with("suppliers", FEEDS))

        def log_commit(outcome: FeedOutcome) -> None:
            stream.write(f"{outcome.feed} {outcome.cursor}\n".encode())

        with hold_sync_lock(settings.warehouse, "a sync that is to be killed"):
            pipeline = connected.prepare()
            outcomes = [
                pipeline.sync(with_pages_of(source, PAGE), "main", run_id=commit_log, listener=log_commit)
                for source in pipeline.sources
            ]
            pipeline.save_positions()
    return outcomes


def inspect(syncing: Syncing, commit_log: Path, killed: KillResults) -> None:
    """Compare the warehouse with the logged commits, and with the server up to each cursor."""
    acknowledged = dict(_acknowledged(commit_log))
    with syncing.reading() as connection:
        cursors = dict(connection.execute("SELECT feed, cursor FROM sync.cursors").fetchall())
        for name in FEEDS:
            table = tables_of(syncing.catalogue.feed(name))
            numbers = connection.execute(f"SELECT sequence_number FROM {table.qualified_name}").fetchall()
            stored = {number for (number,) in numbers}
            cursor = cursors.get(name, 0)
            expected = {entry.number for entry in syncing.sandbox.book(name).entries() if entry.number <= cursor}
            killed.missing += [f"{name} {number}" for number in expected - stored]
            if cursor < acknowledged.get(name, 0):
                killed.lost.append(f"{name} {acknowledged[name]}")
            killed.duplicates += integrity.duplicate_keys(connection, table).count
            killed.orphans += integrity.orphans(connection, table).count
            killed.differing += integrity.differs_from_raw(connection, table).count
    killed.acknowledged += len(set(_acknowledged(commit_log)))


def _acknowledged(commit_log: Path) -> Iterator[tuple[str, int]]:
    """Yield each logged feed and cursor; the last line may be incomplete."""
    if not commit_log.exists():
        return
    for line in commit_log.read_text().split("\n")[:-1]:
        feed, cursor = line.split()
        yield feed, int(cursor)
