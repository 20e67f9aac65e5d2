"""How long questions to the history take: a million supply lines with five versions each, made in SQL.

    .venv/bin/python benchmarks/history.py [SUPPLY LINES]

The versions lie in the file as syncs leave them: one day's after the other's, and within a day in no order. Of each
question the slower of two times is told, asked in a connection of its own, with the memory and threads that DuckDB
takes by itself and with those of a small machine.
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
class Question:
    """What is asked.

    Args:
        what: in words.
        sql: with ``$id`` for the line that is meant.
        allowed: seconds that it may take, where that was promised.
    """

    what: str
    sql: str
    allowed: float | None = None


DAY = "DATE '2026-03-03'"
QUESTIONS = (
    Question(
        "the prices of one line over time",
        "SELECT version, valid_from, valid_to, price_per_piece_value FROM history.supply_lines"
        " WHERE supply_line_id = $id ORDER BY version",
        0.5,
    ),
    Question(
        "its volume prices over time",
        "SELECT * FROM history.supply_line_volume_prices WHERE supply_line_id = $id ORDER BY ALL",
    ),
    Question(
        "one line as of a day",
        f"SELECT * FROM history.supply_lines_as_of({DAY}) WHERE supply_line_id = $id",
    ),
    Question(
        "all lines as of a day",
        "SELECT count(*), sum(number_of_pieces), sum(price_per_piece_value), max(status)"
        f" FROM history.supply_lines_as_of({DAY})",
        5.0,
    ),
    Question(
        "all columns of all lines as of a day, into a table",
        f"CREATE OR REPLACE TEMP TABLE there AS FROM history.supply_lines_as_of({DAY})",
        5.0,
    ),
    Question(
        "all volume prices as of a day",
        f"SELECT count(*) FROM history.supply_line_volume_prices_as_of({DAY})",
    ),
)


def main() -> None:
    """Fill a warehouse and time the questions."""
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
        print(f"{lines:,} supply lines, {VERSIONS} versions each: {size:,.0f} MB, made in {seconds:.0f} s")
        for settings in ("", "SET memory_limit = '1GB'; SET threads = 2;"):
            print(settings or "DuckDB's own settings")
            for question in QUESTIONS:
                seconds = max(_timed(warehouse, settings, question.sql, lines) for _ in range(2))
                print(f"  {seconds:7.3f} s  {question.what}{_verdict(seconds, question.allowed)}")


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
