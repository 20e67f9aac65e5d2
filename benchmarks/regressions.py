"""Fail if something became slower: small pieces of work beside a fixed one, compared with stored ratios.

    make bench-check
    .venv/bin/python benchmarks/regressions.py [--rounds 5] [--update]

Each piece of work is measured in processor seconds between two runs of the fixed work, in turns. The median of its
ratios must not exceed the stored one, in `baseline.json`, by more than a quarter. ``--update`` stores this run's.
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import duckdb
from harness.arguments import parser
from harness.batches import TABLE, sales_orders, storing

from pipelines.normalize import normalize
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.schema.create import create_tables

BASELINE = Path(__file__).with_name("baseline.json")
ALLOWED = 1.25
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

Work = Callable[[], float]  # a piece of work, which returns its processor seconds


def fixed_work() -> float:
    """Processor seconds of JSON in Python and of an aggregation in DuckDB, which do not depend on this project."""
    began = time.process_time()
    record = {f"field{number}": [number, str(number), {"nested": number / 7}] for number in range(200)}
    for _ in range(300):
        json.loads(json.dumps(record))
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SELECT i % 1000 AS part, sum(hash(i)) FROM range(2000000) r(i) GROUP BY ALL").fetchall()
    return time.process_time() - began


def normalizing() -> Work:
    """Read, type and flatten 2,000 sales orders."""
    raws = sales_orders(range(2000), 0, 0)

    def work() -> float:
        began = time.process_time()
        normalize(TABLE, raws)
        return time.process_time() - began

    return work


class Stores:
    """Stores batches of sales orders in a file."""

    def __init__(self, path: Path) -> None:
        self.warehouse, self.cursor = Warehouse(path), 0
        with self.warehouse.writing() as connection, transaction(connection):
            create_tables(connection, [TABLE])
        self.put(list(range(20_000)), 0)

    def put(self, keys: list[int], changed: int) -> float:
        """Processor seconds of one transaction, the opening and closing of the file included."""
        work = storing(sales_orders(keys, self.cursor, changed), self.cursor)
        self.cursor += len(keys)
        began = time.process_time()
        with self.warehouse.writing() as connection, transaction(connection):
            work(connection)
        return time.process_time() - began

    def new(self) -> float:
        """Store 2,000 new records."""
        return self.put(list(range(10**6 + self.cursor, 10**6 + self.cursor + 2000)), 0)

    def changed(self) -> float:
        """Store 1,000 changed records."""
        return self.put(random.Random(self.cursor).sample(range(20_000), 1000), self.cursor)


def process(*arguments: str, **environment: str) -> float:
    """Processor seconds of a Python process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, *arguments]
    subprocess.run(command, env={**os.environ, **environment}, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@contextmanager
def works(folder: Path) -> Iterator[Mapping[str, Work]]:
    """The pieces of work by name."""
    with ExitStack() as open_ones:
        sandbox = open_ones.enter_context(Sandbox(now=NOW, scale=0.02))
        sandbox.set_switches(rate_limits=None)
        settings = {**sandbox.environment(), "FLORIDAY_WAREHOUSE": str(folder / "synced.duckdb")}
        for _ in range(2):
            process("-m", "pipelines.cli", "sync", **settings)
        stores = Stores(folder / "stored.duckdb")
        yield {
            "start of the command line": lambda: process("-m", "pipelines.cli", "--version"),
            "sync of 41 feeds without changes": lambda: process("-m", "pipelines.cli", "sync", **settings),
            "normalizing 2,000 sales orders": normalizing(),
            "storing 2,000 new sales orders": stores.new,
            "storing 1,000 changed sales orders": stores.changed,
        }


def ratios(rounds: int) -> dict[str, float]:
    """The median ratio of each piece of work to the fixed one."""
    with TemporaryDirectory() as folder, works(Path(folder)) as pieces:
        found: dict[str, list[float]] = {name: [] for name in pieces}
        for _ in range(rounds):
            before = fixed_work()
            for name, work in pieces.items():
                took, after = work(), fixed_work()
                found[name].append(2 * took / (before + after))
                before = after
    return {name: round(median(each), 3) for name, each in found.items()}


def slower(baseline: Mapping[str, float], found: Mapping[str, float]) -> list[str]:
    """What became slower than allowed, or has no stored ratio."""
    return [name for name, ratio in found.items() if ratio > baseline.get(name, 0.0) * ALLOWED]


def main() -> int:
    """Measure, print, and compare; returns the exit code."""
    command_line = parser(__doc__, has_records=False)
    command_line.add_argument("--rounds", type=int, default=5)
    command_line.add_argument("--update", action="store_true", help="store the ratios of this run")
    options = command_line.parse_args()
    found = ratios(options.rounds)
    if options.update:
        BASELINE.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    baseline = json.loads(BASELINE.read_text(encoding="utf-8"))
    for name, ratio in found.items():
        stored = baseline.get(name)
        print(f"{name:<36} {ratio:6.3f} times the fixed work, stored {stored}, DuckDB {duckdb.__version__}")
    too_slow = slower(baseline, found)
    for name in too_slow:
        print(f"slower by more than a quarter, or new: {name}", file=sys.stderr)
    return bool(too_slow)


if __name__ == "__main__":
    raise SystemExit(main())
