"""The time of each report in a warehouse of a million sales orders.

    .venv/bin/python benchmarks/reports.py [ORDERS]

Only the times of the reports are meaningful, not their results: the rows are made up.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from harness.filled_warehouse import filled_warehouse

ORDERS = 1_000_000
THREADS = 2


def measure(api: str, orders: int, folder: Path) -> Mapping[str, tuple[int, float]]:
    """Rows and seconds of each report; the faster of two runs."""
    warehouse, names = filled_warehouse(api, orders, folder)
    with warehouse.reading() as connection:
        connection.execute(f"SET threads = {THREADS}")
        return {name: min(_timed(connection, name) for _ in range(2)) for name in names}


def _timed(connection: duckdb.DuckDBPyConnection, name: str) -> tuple[int, float]:
    began = time.perf_counter()
    connection.execute(f"CREATE OR REPLACE TEMP TABLE result AS FROM reports.{name}")
    took = time.perf_counter() - began
    return connection.execute("SELECT count(*) FROM result").fetchall()[0][0], took


def main() -> None:
    """Measure both APIs and print the times."""
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else ORDERS
    for api in ("suppliers", "customers"):
        with TemporaryDirectory() as folder:
            times = measure(api, orders, Path(folder))
        print(f"{api}: {orders:,} sales orders, {THREADS} threads, seconds")
        for name, (rows, seconds) in sorted(times.items(), key=lambda item: -item[1][1]):
            print(f"  {name:<26} {seconds:6.2f} {rows:>9,} rows")
        print(f"  {'all':<26} {sum(seconds for _, seconds in times.values()):6.2f}")


if __name__ == "__main__":
    main()
