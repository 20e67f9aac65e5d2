"""The time to store 1,000 changed sales orders in tables of 0.1, 1 and 10 million rows.

    .venv/bin/python benchmarks/delta.py [--rows 100000 1000000 10000000] [--changes 1000] [--payload 1024]

The tables, their versions and the raw log are filled in SQL. The measured time is what a sync needs for a page that
is fetched and normalized: open the file, commit one transaction, close the file. The slowest round is printed too: in
it, a checkpoint merges small row groups.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from harness.arguments import parser
from harness.batches import TABLE, sales_orders, storing
from harness.rows import history, newest, raw_log

from pipelines.catalogue.tables import Table
from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.schema.create import create_tables

NUMBER = 10**9


def filled(warehouse: Warehouse, table: Table, rows: int, payload: int) -> None:
    """Fill a warehouse with this many sales orders."""
    with warehouse.writing() as connection:
        create_tables(connection, [table])
        connection.execute("SET memory_limit = '4GB'; RESET threads")
        for statement in (*history(table, rows), *newest(table), *raw_log(table, rows, payload)):
            connection.execute(statement)


def change(warehouse: Warehouse, records: Sequence[bytes], cursor: int) -> float:
    """Seconds that it takes to store changed records."""
    work = storing(records, cursor)
    began = time.perf_counter()
    with warehouse.writing() as connection, transaction(connection):
        stored = work(connection)
    took = time.perf_counter() - began
    assert stored.changed > 0.9 * len(records), stored  # a few records are equal in two rounds
    return took


def rounds(folder: Path, rows: int, changes: int, payload: int, count: int) -> list[float]:
    """Seconds of each round; each round changes other records."""
    warehouse = Warehouse(folder / f"{rows}.duckdb")
    filled(warehouse, TABLE, rows, payload)
    took = []
    for number in range(count):
        cursor = NUMBER + number * changes
        chosen = random.Random(number).sample(range(rows), changes)
        took.append(change(warehouse, sales_orders(chosen, cursor, number + 1), cursor))
    return took


def main() -> None:
    """Measure and print."""
    command_line = parser(__doc__, has_records=False)
    command_line.add_argument("--rows", type=int, nargs="*", default=[100_000, 1_000_000, 10_000_000])
    command_line.add_argument("--changes", type=int, default=1000)
    command_line.add_argument("--payload", type=int, default=1024, help="bytes of a payload in the raw log")
    command_line.add_argument("--rounds", type=int, default=5)
    options = command_line.parse_args()
    for rows in options.rows:
        with TemporaryDirectory() as folder:
            began = time.perf_counter()
            took = rounds(Path(folder), rows, options.changes, options.payload, options.rounds)
            size = (Path(folder) / f"{rows}.duckdb").stat().st_size / 1e6
            print(
                f"{options.changes:,} changes into {rows:>10,} rows: {median(took):.2f} s, at most {max(took):.2f} s"
                f"  (file {size:,.0f} MB, filled in {time.perf_counter() - began:.0f} s,"
                f" load average {os.getloadavg()[0]:.1f})",
                flush=True,
            )


if __name__ == "__main__":
    main()
