"""The time of queries on the history of a million supply lines with five versions each.

    .venv/bin/python benchmarks/history.py [SUPPLY LINES]

The tables are filled in SQL. The versions have the order in which syncs store them: day by day, and without order
within a day. Each query runs twice, in new connections, and the slower time is printed: first with DuckDB's default
memory and threads, then with those of a small machine.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.rows import history, key_of

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.schema.create import create_tables

LINES = 1_000_000
VERSIONS = 5
TABLE = tables_of(catalogue_of("suppliers").feed("supply.supply_lines"))


@dataclass(frozen=True)
class Query:
    """A query on the history.

    Args:
        title: what the query returns, in words.
        sql: the statement; ``$id`` is the id of a supply line.
        allowed: documented limit in seconds; ``None`` where there is none.
    """

    title: str
    sql: str
    allowed: float | None = None


DAY = "DATE '2026-03-03'"
QUERIES = (
    Query(
        "the prices of one line over time",
        "SELECT version, valid_from, valid_to, price_per_piece_value FROM history.supply_lines"
        " WHERE supply_line_id = $id ORDER BY version",
        0.5,
    ),
    Query(
        "its volume prices over time",
        "SELECT * FROM history.supply_line_volume_prices WHERE supply_line_id = $id ORDER BY ALL",
    ),
    Query(
        "one line as of a day",
        f"SELECT * FROM history.supply_lines_as_of({DAY}) WHERE supply_line_id = $id",
    ),
    Query(
        "all lines as of a day",
        "SELECT count(*), sum(number_of_pieces), sum(price_per_piece_value), max(status)"
        f" FROM history.supply_lines_as_of({DAY})",
        5.0,
    ),
    Query(
        "all columns of all lines as of a day, into a table",
        f"CREATE OR REPLACE TEMP TABLE result AS FROM history.supply_lines_as_of({DAY})",
        5.0,
    ),
    Query(
        "all volume prices as of a day",
        f"SELECT count(*) FROM history.supply_line_volume_prices_as_of({DAY})",
    ),
)


def main() -> None:
    """Fill a warehouse and time the queries."""
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else LINES
    with TemporaryDirectory() as folder:
        warehouse = Warehouse(Path(folder) / "w.duckdb")
        began = time.monotonic()
        with warehouse.writing() as connection:
            create_tables(connection, [TABLE])
            connection.execute("RESET memory_limit; RESET threads")
            for statement in history(TABLE, lines, VERSIONS):
                connection.execute(statement)
        size, seconds = warehouse.path.stat().st_size / 1e6, time.monotonic() - began
        print(f"{lines:,} supply lines, {VERSIONS} versions each: {size:,.0f} MB, filled in {seconds:.0f} s")
        for settings in ("", "SET memory_limit = '1GB'; SET threads = 2;"):
            print(settings or "DuckDB's default settings")
            for query in QUERIES:
                seconds = max(_timed(warehouse, settings, query.sql, lines) for _ in range(2))
                print(f"  {seconds:7.3f} s  {query.title}{_verdict(seconds, query.allowed)}")


def _verdict(seconds: float, allowed: float | None) -> str:
    if allowed is None:
        return ""
    return f"  (allowed: {allowed} s{'' if seconds <= allowed else ', TOO SLOW'})"


def _timed(warehouse: Warehouse, settings: str, sql: str, lines: int) -> float:
    with warehouse.reading() as connection:
        connection.execute(settings)
        values = {"id": key_of(TABLE, lines // 2)} if "$id" in sql else {}
        began = time.monotonic()
        connection.execute(sql, values).fetchall()
        return time.monotonic() - began


if __name__ == "__main__":
    main()
