"""Syncs that are killed: processes that end by SIGKILL at random moments, and what the warehouse holds after each.

One sync after the other meets the warehouse as the last one left it, dead in the middle, while records change on the
server. Each tells what was committed as soon as it knows; none of that may be missing afterwards.
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
from pipelines.warehouse.file.sync_lock import hold_sync_lock
from pipelines.warehouse.read import integrity
from tests.another_process import FORKED
from tests.fault_schedules import Records
from tests.integration.syncing import Syncing, catalogue_with, with_pages_of
from tests.moments import NOW

FEEDS = ("orders.sales_orders", "supply.batches", "fulfillment.inbound_fulfillment_orders")
RECORDS = 40
PAGE = 2
"""Ten pages are a batch, so that each feed is stored in several transactions."""
CALLS = 80
"""About as many as a first sync makes."""
PATIENCE = 120.0
A_WAREHOUSE = 10
"""Kills that one warehouse must stand before it is compared with the server."""


@dataclass
class KillResults:
    """What a number of kills came to.

    Args:
        kills: how many processes were killed at work.
        survived: how many came to their end before that.
        in_a_transaction: how many left a write-ahead log behind.
        acknowledged: commits that were told before the end.
        lost: commits of these that were missing afterwards.
        ahead: numbers up to a committed cursor of which the record was missing.
        doubled: keys that stood twice.
        orphans: children without their parent.
        unlike: records whose rows were not those of their newest version.
    """

    kills: int = 0
    survived: int = 0
    in_a_transaction: int = 0
    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    ahead: list[str] = field(default_factory=list)
    doubled: int = 0
    orphans: int = 0
    unlike: int = 0

    @property
    def harm(self) -> int:
        """How many things were not as they must be."""
        return len(self.lost) + len(self.ahead) + self.doubled + self.orphans + self.unlike


def kill_syncs(kills: int, seed: int) -> KillResults:
    """Kill syncs at random moments of their work.

    Args:
        kills: how many.
        seed: the moments and the records follow from it; how far a process is at a moment does not.

    Raises:
        AssertionError: a warehouse did not end equal to the server.
    """
    killed = KillResults()
    random = Random(seed)
    while killed.kills < kills:
        with TemporaryDirectory() as folder, Sandbox(seed=seed, now=NOW, empty=True) as sandbox:
            _one_warehouse(sandbox, Path(folder), random, min(A_WAREHOUSE, kills - killed.kills), killed)
    return killed


def _one_warehouse(sandbox: Sandbox, folder: Path, random: Random, kills: int, killed: KillResults) -> None:
    sandbox.set_switches(rate_limits=None)
    records = Records(sandbox, "suppliers", (), random, hides=False)
    for feed in FEEDS:
        records.fill(feed, RECORDS)
    syncing = Syncing(sandbox, folder / "w.duckdb", only=FEEDS)
    ends = killed.kills + kills
    told = folder / "told"
    while killed.kills < ends:
        told = folder / f"told {killed.kills} {killed.survived}"
        if _killed(sandbox, syncing.path, told, random):
            killed.kills += 1
        else:
            killed.survived += 1
        killed.in_a_transaction += syncing.path.with_name("w.duckdb.wal").exists()
        _look(syncing, told, killed)
        for feed in FEEDS:
            for _ in range(random.randint(5, 40)):
                records.change(feed)
    outcomes = syncing.sync().values()
    left = [outcome for outcome in outcomes if outcome.error or not outcome.current]
    assert not left, f"the sync after {killed.kills} kills is not at its end: {left}"
    syncing.assert_equal(*FEEDS)
    _look(syncing, told, killed)


def _killed(sandbox: Sandbox, path: Path, told: Path, random: Random) -> bool:
    """Start a sync and kill it after some calls, then perhaps at its next commit; whether it was still at work."""
    before = len(sandbox.calls)
    calls, then = random.randint(0, random.choice((10, CALLS))), random.choice((0.0, random.uniform(0, 0.2)))
    log = path.with_name(f"{path.name}.wal")
    at_a_commit = random.random() < 0.5
    process = FORKED.Process(target=_sync, args=(sandbox.environment(), str(path), str(told)))
    process.start()
    while process.is_alive() and len(sandbox.calls) < before + calls:
        process.join(0.001)
    while at_a_commit and process.is_alive() and not log.exists():
        process.join(0.0005)
    process.join(then / 20 if at_a_commit else then)
    process.kill()
    process.join(PATIENCE)
    return _was_killed(process)


def _was_killed(process: BaseProcess) -> bool:
    if process.exitcode in (0, -9):
        return process.exitcode == -9
    raise AssertionError(f"a sync that was not killed ended with {process.exitcode}")


def _sync(environment: dict[str, str], path: str, told: str) -> None:
    """A sync in a process of its own that tells each cursor once it is committed."""
    settings = load_settings(
        {**environment, "FLORIDAY_WAREHOUSE": path, "FLORIDAY_FEEDS": ",".join(FEEDS)}, Path(path).parent
    )
    with Path(told).open("ab", buffering=0) as stream, open_clients(settings) as opened:
        connected = replace(opened, catalogue=catalogue_with("suppliers", FEEDS))

        def tell(outcome: FeedOutcome) -> None:
            stream.write(f"{outcome.feed} {outcome.cursor}\n".encode())

        with hold_sync_lock(settings.warehouse, "a sync that is to be killed"):
            pipeline = connected.prepare()
            for source in pipeline.sources:
                pipeline.sync(with_pages_of(source, PAGE), "main", run_id=told, listener=tell)
            pipeline.save_positions()


def _look(syncing: Syncing, told: Path, killed: KillResults) -> None:
    """Compare what the warehouse holds with what was told, and with the server up to each cursor."""
    acknowledged = dict(_acknowledged(told))
    with syncing.reading() as connection:
        cursors = dict(connection.execute("SELECT feed, cursor FROM sync.cursors").fetchall())
        for name in FEEDS:
            table = tables_of(syncing.catalogue.feed(name))
            numbers = connection.execute(f"SELECT sequence_number FROM {table.qualified_name}").fetchall()
            standing = {number for (number,) in numbers}
            cursor = cursors.get(name, 0)
            must = {entry.number for entry in syncing.sandbox.book(name).entries() if entry.number <= cursor}
            killed.ahead += [f"{name} {number}" for number in must - standing]
            if cursor < acknowledged.get(name, 0):
                killed.lost.append(f"{name} {acknowledged[name]}")
            killed.doubled += integrity.duplicate_keys(connection, table).count
            killed.orphans += integrity.orphans(connection, table).count
            killed.unlike += integrity.differs_from_raw(connection, table).count
    killed.acknowledged += len(set(_acknowledged(told)))


def _acknowledged(told: Path) -> Iterator[tuple[str, int]]:
    """Each feed and cursor that was told; the last line may be half written."""
    if not told.exists():
        return
    for line in told.read_text().split("\n")[:-1]:
        feed, cursor = line.split()
        yield feed, int(cursor)
