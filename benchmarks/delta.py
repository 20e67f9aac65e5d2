"""What a change costs in the warehouse: 1,000 sales orders stored into tables of 0.1, 1 and 10 million.

    .venv/bin/python benchmarks/delta.py [--rows 100000 1000000 10000000] [--changes 1000] [--payload 1024]

The tables, their versions and the raw log are made in SQL. What is timed is what a sync does with a page that is
fetched and normalized: open the file, commit one transaction, close the file. The slowest of the rounds is told too,
for it is the one in which a checkpoint puts small groups of rows together.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from ground.records import Shapes, feed_of
from ground.rows import history, key_of, newest, raw_log

from pipelines.catalogue.tables import Table, tables_of
from pipelines.normalize import normalize
from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.load.cursors import FeedPart, Position, Window
from pipelines.warehouse.load.upsert import store
from pipelines.warehouse.schema.create import create_tables

FEED = "orders.sales_orders"
NUMBER = 10**9


def filled(warehouse: Warehouse, table: Table, rows: int, payload: int) -> None:
    """Make a warehouse with so many sales orders."""
    with warehouse.writing() as connection:
        create_tables(connection, [table])
        connection.execute("SET memory_limit = '4GB'; RESET threads")
        for statement in (*history(table, rows), *newest(table), *raw_log(table, rows, payload)):
            connection.execute(statement)


def change(warehouse: Warehouse, table: Table, records: Sequence[bytes], cursor: int) -> float:
    """Seconds that the warehouse takes for changed records."""
    batch, now = normalize(table, records), datetime.now(UTC)
    part, reached = FeedPart("main", FEED), cursor + len(records)
    window = Window(part, 1, cursor, reached, len(records), 0, now, "benchmark")
    began = time.perf_counter()
    with warehouse.writing() as connection, transaction(connection):
        stored = store(connection, table, batch, window, Position(1, reached, reached), current=True)
    took = time.perf_counter() - began
    assert stored.changed > 0.9 * len(records), stored  # a few come out alike in two rounds
    return took


def rounds(folder: Path, rows: int, changes: int, payload: int, count: int) -> list[float]:
    """Seconds of each round, each with other records."""
    table, shapes = tables_of(feed_of(FEED)), Shapes(feed_of(FEED))
    warehouse = Warehouse(folder / f"{rows}.duckdb")
    filled(warehouse, table, rows, payload)
    took = []
    for turn in range(count):
        cursor = NUMBER + turn * changes
        chosen = random.Random(turn).sample(range(rows), changes)
        records = [
            shapes.record(one, key_of(table, one), cursor + place + 1, changed=turn + 1)
            for place, one in enumerate(chosen)
        ]
        took.append(change(warehouse, table, records, cursor))
    return took


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", type=int, nargs="*", default=[100_000, 1_000_000, 10_000_000])
    asked.add_argument("--changes", type=int, default=1000)
    asked.add_argument("--payload", type=int, default=1024, help="bytes of a record in the raw log")
    asked.add_argument("--rounds", type=int, default=5)
    given = asked.parse_args()
    for rows in given.rows:
        with TemporaryDirectory() as folder:
            began = time.perf_counter()
            took = rounds(Path(folder), rows, given.changes, given.payload, given.rounds)
            size = (Path(folder) / f"{rows}.duckdb").stat().st_size / 1e6
            print(
                f"{given.changes:,} changes into {rows:>10,} rows: {median(took):.2f} s, at most {max(took):.2f} s"
                f"  (file {size:,.0f} MB, made in {time.perf_counter() - began:.0f} s,"
                f" load average {os.getloadavg()[0]:.1f})",
                flush=True,
            )


if __name__ == "__main__":
    main()
