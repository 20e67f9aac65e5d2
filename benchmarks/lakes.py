"""The processor time of batches in a lake, as a ratio to a file, and how many batches several cells store at once.

    .venv-scale/bin/python benchmarks/lakes.py 'dbname=floriday host=localhost user=floriday' [--cells 4] [--rounds 8]

It needs the extra ``scale``, and a database of PostgreSQL in which it may create schemas; it drops them in the end. The
processor time is that of this process, without PostgreSQL's. Batches of file and lake alternate.
"""

from __future__ import annotations

import argparse
import datetime as dt
import multiprocessing
import os
import random
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from harness.arguments import parser
from harness.batches import sales_orders, storing

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.lake_address import LakeAddress, parse_lake
from pipelines.warehouse.file.connection import Warehouse, WriteSession, transaction
from pipelines.warehouse.lake.lock import postgres_session
from pipelines.warehouse.load.cursors import Position
from pipelines.warehouse.load.upsert import Effects
from pipelines.warehouse.opening import open_for_sync
from pipelines.warehouse.schema.create import create_tables

LOADED, BATCH = 20_000, 5_000
KNOWN = Effects(may_resolve=False, may_catch_up=False, windows=0)
"""What a sync knows about a feed without rejected records that was read to its end."""


@dataclass
class Batches:
    """Batches of sales orders for one warehouse."""

    warehouse: Warehouse
    cursor: int = 0
    seconds: list[float] = field(default_factory=list)  # processor time of each batch since `take` was called

    def put(self, keys: list[int], changed: int) -> None:
        """Store the records with these keys; another number of changes gives them another content."""
        began_at = dt.datetime.now(dt.UTC) if self.cursor else None
        expected = Position(cursor=self.cursor, committed_at=began_at) if self.warehouse.may_conflict else None
        effects = replace(KNOWN, expected=expected)
        work = storing(sales_orders(keys, self.cursor, changed), self.cursor, effects)
        began = time.process_time()
        WriteSession(self.warehouse).execute(work)
        self.seconds.append(time.process_time() - began)
        self.cursor += len(keys)

    def take(self) -> list[float]:
        """The seconds of the batches since the last call."""
        taken, self.seconds = self.seconds, []
        return taken


@contextmanager
def lake(catalogue: str, schema: str, folder: Path) -> Iterator[LakeAddress]:
    """A new lake, whose schema is dropped in the end."""
    address = parse_lake(f"ducklake:postgres:{catalogue}", str(folder / schema), schema, folder)
    try:
        yield address
    finally:
        with closing(postgres_session(address, "benchmark")) as session, session.cursor() as cursor:
            cursor.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')


@contextmanager
def batches_in(address: Path | LakeAddress) -> Iterator[Batches]:
    """The batches for a new warehouse with the tables of all feeds."""
    warehouse = open_for_sync(address)
    try:
        with warehouse.writing() as connection, transaction(connection):
            create_tables(connection, [tables_of(source) for source in catalogue_of("suppliers").sources])
        yield Batches(warehouse)
    finally:
        warehouse.close()


def compare(catalogue: str, folder: Path, rounds: int) -> None:
    """Print the ratios of a lake to a file."""
    with (
        lake(catalogue, "benchmark", folder) as address,
        batches_in(address) as in_lake,
        batches_in(folder / "file.duckdb") as in_file,
    ):
        both = (in_file, in_lake)
        for first in range(0, LOADED, BATCH):
            for each in both:
                each.put(list(range(first, first + BATCH)), changed=0)
        _print(f"load of {LOADED:,}", *(sum(each.take()) for each in both))
        for changes in (1000, 25):
            for number in range(rounds):
                keys = random.Random(number).sample(range(LOADED), changes)
                for each in both:
                    each.put(keys, changed=changes + number)
            _print(f"delta of {changes:,}", *(median(each.take()) for each in both))


def _print(what: str, file: float, lake: float) -> None:
    print(f"{what}: file {file:.2f}, lake {lake:.2f} seconds of processor time, ratio {lake / file:.2f}", flush=True)


def write_cell(catalogue: str, folder: Path, schema: str, rounds: int, start: multiprocessing.Barrier) -> None:  # type: ignore[valid-type]
    """Store rounds of 100 changes in a lake of its own, once all cells are ready."""
    with lake(catalogue, schema, folder) as address, batches_in(address) as cell:
        cell.put(list(range(1000)), changed=0)
        start.wait()  # type: ignore[attr-defined]
        for number in range(rounds):
            cell.put(random.Random(number).sample(range(1000), 100), changed=number + 1)
        start.wait()  # type: ignore[attr-defined]


def throughput(catalogue: str, folder: Path, cells: int, rounds: int) -> float:
    """Batches a second of several cells, each in a process of its own."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(cells + 1)
    processes = [
        context.Process(target=write_cell, args=(catalogue, folder, f"benchmark_{cells}_{number}", rounds, start))
        for number in range(cells)
    ]
    for process in processes:
        process.start()
    start.wait()
    began = time.perf_counter()
    start.wait()
    took = time.perf_counter() - began
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * cells, "a cell failed"
    return cells * rounds / took


def main() -> None:
    """Measure and print."""
    command_line: argparse.ArgumentParser = parser(__doc__, has_records=False)
    command_line.add_argument("catalogue", nargs="?", help="connection string of PostgreSQL")
    command_line.add_argument("--cells", type=int, default=4)
    command_line.add_argument("--rounds", type=int, default=8)
    options = command_line.parse_args()
    if options.catalogue is None:
        print("skipped: name a database of PostgreSQL, and use the Python of `make install-scale`")
        return
    with TemporaryDirectory() as folder:
        compare(options.catalogue, Path(folder), options.rounds)
        one = throughput(options.catalogue, Path(folder), 1, options.rounds)
        several = throughput(options.catalogue, Path(folder), options.cells, options.rounds)
    print(
        f"batches of 100 a second: one cell {one:.2f}, {options.cells} cells {several:.2f}, ratio {several / one:.2f}"
        f" ({os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f})"
    )


if __name__ == "__main__":
    main()
