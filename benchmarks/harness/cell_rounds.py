"""Rounds of `floriday sync --follow` in the warehouse of a cell, and what each of them took."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness.postgres_load import Load, postgres_load
from harness.sandbox_process import SandboxProcess
from pipelines.catalogue.tables import tables_of
from pipelines.floriday.http.retry import Clock
from pipelines.lake_address import LakeAddress
from pipelines.settings import Settings
from pipelines.sync.follow.backoff import Backoff
from pipelines.sync.follow.poller import open_poller
from pipelines.sync.follow.rounds import RETRY, Rounds
from pipelines.sync.session import open_clients


@dataclass(frozen=True)
class Sample:
    """What one round took.

    Args:
        cpu: processor seconds of this process.
        postgres: what PostgreSQL did meanwhile.
        wall: seconds from its beginning to its end.
        calls: calls to Floriday, by their kind.
        moved: feeds that were synced.
        records: records that were new or changed.
    """

    cpu: float
    postgres: Load
    wall: float
    calls: Mapping[str, int]
    moved: int
    records: int


@dataclass
class CellRounds:
    """The rounds of one process, which keeps its connections.

    Args:
        settings: the settings of one cell, or of a file.
        rounds: what does one round at a time.
        sandbox: Floriday, which counts the calls.
    """

    settings: Settings
    rounds: Rounds
    sandbox: SandboxProcess
    samples: dict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))

    @property
    def accounts(self) -> list[str]:
        """The names of the accounts."""
        return [*self.settings.accounts]

    def do(self, kind: str, *, whole: bool = False) -> Sample:
        """One round, of all feeds or of those that moved; it is kept among those of its kind."""
        self.sandbox.calls()
        load, wall, cpu = self._load(), time.perf_counter(), time.process_time()
        done = self.rounds.whole(lambda: None) if whole else self.rounds.moved()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        assert not done.failures, done.failures
        sample = Sample(
            cpu,
            self._load() - load,
            wall,
            self.sandbox.calls(),
            len(done.outcomes),
            sum(each.new + each.changed for each in done.outcomes),
        )
        self.samples[kind].append(sample)
        return sample

    def rows(self) -> int:
        """Rows of all tables of the feeds and of their raw logs."""
        tables = [tables_of(source) for source in self.rounds.connected.sources]
        names = [each.qualified_name for table in tables for each in table.walk()]
        names += [f"raw.{table.name}" for table in tables]
        with self.rounds.connected.warehouse.reading() as connection:
            counts = [connection.execute(f"SELECT count(*) FROM {name}").fetchone() for name in names]
        self.rounds.connected.warehouse.finish()
        return sum(int(count[0]) for count in counts if count)

    def files(self) -> int:
        """Parquet files of a lake; 0 for a file."""
        address = self.settings.warehouse
        return len([*Path(address.data).rglob("*.parquet")]) if isinstance(address, LakeAddress) else 0

    def _load(self) -> Load:
        address = self.settings.warehouse
        return postgres_load(address) if isinstance(address, LakeAddress) else Load(0.0, 0)


@contextmanager
def cell_rounds(settings: Settings, sandbox: SandboxProcess, every: float) -> Iterator[CellRounds]:
    """The rounds of a cell, or of a file, whose process begins one every so many seconds."""
    with open_clients(settings, retry=RETRY) as connected, open_poller() as poller:
        yield CellRounds(settings, Rounds(connected, poller, Backoff(every, every), Clock()), sandbox)


def mean(samples: Sequence[Sample]) -> Sample:
    """The mean of several rounds."""
    count, calls = len(samples), Counter[str]()
    for sample in samples:
        calls.update(sample.calls)
    return Sample(
        sum(each.cpu for each in samples) / count,
        Load(
            sum(each.postgres.cpu for each in samples) / count,
            sum(each.postgres.transactions for each in samples) // count,
        ),
        sum(each.wall for each in samples) / count,
        {kind: round(number / count) for kind, number in calls.items()},
        round(sum(each.moved for each in samples) / count),
        round(sum(each.records for each in samples) / count),
    )


@dataclass(frozen=True)
class Cost:
    """Processor seconds of rounds, PostgreSQL's included; a round takes at least so long.

    Args:
        account: of the calls that show whether feeds of an account changed.
        round: of a round in which something changed, whatever the number of accounts.
        feed: of each changed feed of an account.
        feeds: the number of feeds of each account.
    """

    account: float
    round: float
    feed: float
    feeds: int

    def seconds(self, accounts: int, share: float) -> float:
        """A round in which a share of the feeds changed."""
        return self.round + accounts * (self.account + share * self.feeds * self.feed)

    def held(self, cadence: float, share: float) -> float:
        """The number of accounts whose round takes as long as the seconds from one to the next."""
        return max(0.0, cadence - self.round) / (self.account + share * self.feeds * self.feed)


def cost_of(places: Sequence[CellRounds], feeds: int) -> Cost:
    """The cost of rounds, from those without changes, with few, and with changes of all feeds."""
    idle, few, every = (
        mean([sample for place in places for sample in place.samples[kind]]) for kind in ("idle", "few", "all")
    )
    seconds = [each.cpu + each.postgres.cpu for each in (idle, few, every)]
    feed = (seconds[2] - seconds[1]) / (every.moved - few.moved)
    return Cost(seconds[0] / len(places[0].accounts), seconds[1] - seconds[0] - few.moved * feed, feed, feeds)
