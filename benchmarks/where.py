"""Where the time of a first load goes: seconds of each step, of the clock and of its thread's processor.

    .venv/bin/python benchmarks/where.py [--records 100000]

Steps of different threads overlap: what the clock says adds up to more than the whole. A step whose clock runs far
ahead of its processor waits: for the other threads, for the interpreter, or for the disk. DuckDB works in the thread
that asks it.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

import pyarrow.json
from ground.processes import served
from ground.records import feed_of, write_books

from pipelines.floriday import client
from pipelines.floriday.http import transport
from pipelines.normalize import fast_path
from pipelines.settings import load_settings
from pipelines.sync import batches, feed_writer
from pipelines.sync.session import open_clients
from pipelines.warehouse.file import connection
from pipelines.warehouse.load import upsert

STEPS: tuple[tuple[object, str, str], ...] = (
    (transport.BoundedAdapter, "send", "fetch a page"),
    (client, "read_page", "split it into records"),
    (batches, "typed", "normalize a chunk of a batch"),
    (pyarrow.json, "read_json", "  of which: Arrow's reader"),
    (fast_path, "flatten", "  of which: typing and flattening"),
    (fast_path, "_originals", "  of which: hash and payloads"),
    (feed_writer.FeedWriter, "commit", "store a batch"),
    (connection.Warehouse, "_open", "  of which: open the file"),
    (upsert, "detect_changes", "  of which: what is new"),
    (upsert, "_append_versions", "  of which: raw log and versions"),
    (upsert, "_write_rows", "  of which: current rows"),
)


class Clocks:
    """The seconds of every step."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = defaultdict(float)
        self.cpu: dict[str, float] = defaultdict(float)
        self._lock = Lock()

    def timed(self, what: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """The work, its seconds counted."""

        def do(*given: Any, **named: Any) -> Any:
            wall, cpu = time.perf_counter(), time.thread_time()
            try:
                return work(*given, **named)
            finally:
                with self._lock:
                    self.wall[what] += time.perf_counter() - wall
                    self.cpu[what] += time.thread_time() - cpu

        return do


@contextmanager
def clocked() -> Iterator[Clocks]:
    """Within the block the steps are timed."""
    clocks = Clocks()
    before = [(place, name, getattr(place, name)) for place, name, _ in STEPS]
    for place, name, what in STEPS:
        setattr(place, name, clocks.timed(what, getattr(place, name)))
    try:
        yield clocks
    finally:
        for place, name, work in before:
            setattr(place, name, work)


def main() -> None:
    """Load and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--records", type=int, default=100_000)
    asked.add_argument("--books", type=Path, help="a folder to keep the records in between runs")
    given = asked.parse_args()
    with TemporaryDirectory() as folder:
        books = write_books(given.books or Path(folder), feed_of(), given.records)
        with served(books.path) as server:
            said = {**server.environment, "FLORIDAY_WAREHOUSE": f"{folder}/w.duckdb", "FLORIDAY_FEEDS": "sales_orders"}
            with open_clients(load_settings({**os.environ, **said}, Path(folder))) as connected:
                session = connected.prepare()
                wall, cpu = time.perf_counter(), time.process_time()
                with clocked() as clocks:
                    (outcome,) = session.sync_all(session.sources, run_id="benchmark")
                wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert outcome.new == given.records, outcome
    print(f"{given.records:,} records: {wall:.1f} s, {cpu:.1f} s of processors, ", end="")
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB", end="")
    print(f", load average {os.getloadavg()[0]:.1f}\n{'':<44}  clock  processor")
    for _, _, what in STEPS:
        print(f"{what:<44} {clocks.wall[what]:6.2f}     {clocks.cpu[what]:6.2f}")


if __name__ == "__main__":
    main()
