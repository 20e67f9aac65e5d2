"""Concurrent readers and a writer of one warehouse, each in its own process and as fast as possible.

Every transaction writes the same count into all things and branches. A reader that sees two counts, or a branch of
another transaction, has seen a torn state.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import duckdb

from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.publish import publish
from pipelines.warehouse.load.cursors import FeedPart
from pipelines.warehouse.read.query_session import single_query
from tests.another_process import FORKED
from tests.every_kind import THINGS, thing
from tests.thing_warehouse import ThingWarehouse, commit

THINGS_COUNT = 50
LOCK_TIMEOUT = 60.0
"""Seconds that a command waits for the file by default."""
COMMITS_PER_COPY = 5

STATE = (
    "SELECT (SELECT count(DISTINCT count) FROM things.things),"
    " (SELECT count(DISTINCT count) FROM things.thing_branches),"
    " (SELECT max(count) FROM things.things) = (SELECT max(count) FROM things.thing_branches),"
    " (SELECT max(count) FROM things.things) = (SELECT max(cursor) FROM sync.cursors),"
    " (SELECT count(*) FROM history.things WHERE is_current), (SELECT max(count) FROM things.things)"
)
"""Whether all rows belong to one transaction, and its number."""


@dataclass
class ReadResults:
    """Counts of the readers and the writer.

    Args:
        seconds: duration of the experiment.
        commits: number of committed transactions.
        copies: how often the published copy was renewed.
        longest_wait: longest duration of one transaction with its waits, in seconds.
        reads: number of reads by reader.
        seen: number of different states that readers saw.
        torn: states that mix several transactions.
        errors: errors of the readers and the writer.
    """

    seconds: float = 0.0
    commits: int = 0
    copies: int = 0
    longest_wait: float = 0.0
    reads: Counter[str] = field(default_factory=Counter)
    seen: int = 0
    torn: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def read_while_writing(seconds: float, commits: int) -> ReadResults:
    """Read in three processes while one writes, for at least this time and this number of transactions."""
    with TemporaryDirectory() as folder:
        things = ThingWarehouse(Path(folder) / "w.duckdb").create()
        copy = Path(folder) / "w.published.duckdb"
        _write(things, 1)
        publish(things.warehouse, copy)
        stop, results = FORKED.Event(), FORKED.Queue()
        readers = [
            FORKED.Process(target=_read, args=(kind, str(path), stop, results))
            for kind, path in (("copy", copy), ("query", things.path), ("report", things.path))
        ]
        for reader in readers:
            reader.start()
        read = _write_repeatedly(things, copy, seconds, commits)
        stop.set()
        _gather(results, len(readers), read)
        for reader in readers:
            reader.join(LOCK_TIMEOUT)
    return read


def _write_repeatedly(things: ThingWarehouse, copy: Path, seconds: float, commits: int) -> ReadResults:
    read = ReadResults()
    began = time.monotonic()
    while time.monotonic() - began < seconds or read.commits < commits:
        waited = time.monotonic()
        try:
            _write(things, read.commits + 2)
            read.commits += 1
            if read.commits % COMMITS_PER_COPY == 0:
                publish(things.warehouse, copy)
                read.copies += 1
        except Exception as error:  # noqa: BLE001 - any error is a result
            read.errors.append(f"writer: {error}")
            break
        read.longest_wait = max(read.longest_wait, time.monotonic() - waited)
    read.seconds = time.monotonic() - began
    return read


def _write(things: ThingWarehouse, number: int) -> None:
    """Write all things again with this number."""
    branches = f'"count":{number},"branches":[{{"count":{number}}},{{"count":{number}}}]'
    raws = [thing(branches, number, str(UUID(int=place + 1))) for place in range(THINGS_COUNT)]
    with Warehouse(things.path, LOCK_TIMEOUT).writing() as connection:
        commit(connection, raws, FeedPart("main", THINGS.name), THINGS, begins=number - 1, ends=number)


def _gather(results: Queue[tuple[str, int, set[int], list[str], list[str]]], readers: int, read: ReadResults) -> None:
    seen: set[int] = set()
    for _ in range(readers):
        kind, reads, states, torn, errors = results.get(timeout=2 * LOCK_TIMEOUT)
        read.reads[kind] += reads
        read.torn += torn
        read.errors += errors
        seen |= states
    read.seen = len(seen)


def _read(kind: str, path: str, stop: Event, results: Queue[tuple[str, int, set[int], list[str], list[str]]]) -> None:
    """Read repeatedly until the event is set."""
    reads, seen, torn, errors = 0, set(), [], []
    while not stop.is_set() or not reads:
        try:
            state = _state(kind, Path(path))
        except Exception as error:  # noqa: BLE001 - any error is a result
            errors.append(f"{kind}: {error}")
            break
        reads += 1
        seen.add(state[-1])
        if state[:5] != (1, 1, True, True, THINGS_COUNT):
            torn.append(f"{kind}: {state}")
    results.put((kind, reads, seen, torn, errors))


def _state(kind: str, path: Path) -> tuple[int, ...]:
    if kind == "copy":
        with duckdb.connect(str(path), read_only=True) as connection:
            return tuple(connection.execute(STATE).fetchall()[0])
    with single_query(path, STATE) as result:
        (batch,) = result.batches
        return tuple(batch.to_pylist()[0].values())
