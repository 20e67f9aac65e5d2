"""The time of each step of a first load: wall time, and processor time of its thread.

    .venv/bin/python benchmarks/load_steps.py [--records 100000]

Steps of different threads overlap, so the sum of the wall times is more than the total. A step with much more wall
time than processor time waits for other threads, for the interpreter, or for the disk. DuckDB works in the calling
thread.
"""

from __future__ import annotations

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
from harness.arguments import parser
from harness.processes import run_server
from harness.records import feed_of, write_records

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
    (batches, "normalize", "normalize a part of a batch"),
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
    """The seconds of each step."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = defaultdict(float)
        self.cpu: dict[str, float] = defaultdict(float)
        self._lock = Lock()

    def timed(self, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with its time added to the step."""

        def call(*arguments: Any, **named: Any) -> Any:
            wall, cpu = time.perf_counter(), time.thread_time()
            try:
                return function(*arguments, **named)
            finally:
                with self._lock:
                    self.wall[step] += time.perf_counter() - wall
                    self.cpu[step] += time.thread_time() - cpu

        return call


@contextmanager
def clocked() -> Iterator[Clocks]:
    """Within the block, the steps are timed."""
    clocks = Clocks()
    originals = [(owner, name, getattr(owner, name)) for owner, name, _ in STEPS]
    for owner, name, step in STEPS:
        setattr(owner, name, clocks.timed(step, getattr(owner, name)))
    try:
        yield clocks
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)


def main() -> None:
    """Run a first load and print the steps."""
    command_line = parser(__doc__)
    command_line.add_argument("--records", type=int, default=100_000)
    options = command_line.parse_args()
    with TemporaryDirectory() as folder:
        file = write_records(options.cache or Path(folder), feed_of(), options.records)
        with run_server(file.path) as server:
            settings = {
                **server.environment,
                "FLORIDAY_WAREHOUSE": f"{folder}/w.duckdb",
                "FLORIDAY_FEEDS": "sales_orders",
            }
            with open_clients(load_settings({**os.environ, **settings}, Path(folder))) as connected:
                session = connected.prepare()
                wall, cpu = time.perf_counter(), time.process_time()
                with clocked() as clocks:
                    (outcome,) = session.sync_all(session.sources, run_id="benchmark")
                wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert outcome.new == options.records, outcome
    print(f"{options.records:,} records: {wall:.1f} s, {cpu:.1f} s of processor time, ", end="")
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB", end="")
    print(f", load average {os.getloadavg()[0]:.1f}\n{'':<44}   wall  processor")
    for _, _, step in STEPS:
        print(f"{step:<44} {clocks.wall[step]:6.2f}     {clocks.cpu[step]:6.2f}")


if __name__ == "__main__":
    main()
