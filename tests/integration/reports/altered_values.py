"""Warehouses of the sandbox's world in which columns have the least, largest and strangest values of their types."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import duckdb

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import Table, tables_of
from pipelines.warehouse.sql import current_rows, quoted, versions
from tests.integration.report_warehouse import ReportWarehouse, feeds_of_reports

Extremes = dict[str, tuple[str, ...]]
"""Values of columns as SQL, by the column's type."""

NUMBERS: Extremes = {
    "DECIMAL(18,6)": ("999999999999.999999", "-999999999999.999999", "0.000001", "0", "1", "NULL"),
    "INTEGER": ("2147483647", "-2147483648", "0", "1", "-1", "NULL"),
}
TIMES: Extremes = {
    "TIMESTAMP WITH TIME ZONE": (
        "TIMESTAMPTZ '0001-01-01 00:00:00Z'",
        "TIMESTAMPTZ '9999-12-31 23:59:59.999999Z'",
        "TIMESTAMPTZ '2026-11-23 12:00:00Z'",
        "NULL",
    ),
    "DATE": ("DATE '0001-01-01'", "DATE '9999-12-31'", "DATE '2026-11-23'", "NULL"),
}
OTHERS: Extremes = {
    "VARCHAR": ("''", "' '", "repeat('w', 300)", "'COMMITTED'", "'EUR'", "'\"<&'", "'7'", "NULL"),
    "BOOLEAN": ("true", "false", "NULL"),
    "UUID": ("'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'", "NULL"),
}
KINDS: tuple[Extremes, ...] = (NUMBERS, TIMES, NUMBERS | TIMES, NUMBERS | TIMES | OTHERS)
TECHNICAL = {"account", "sequence_number", "synced_at", "is_deleted"}


def altered(world: ReportWarehouse, path: Path, seed: int) -> Path:
    """Copy a warehouse to a path, with other values in random columns of all tables that reports read."""
    random = Random(f"values of columns {seed}")
    shutil.copy(world.path, path)
    extremes, share, values_in = random.choice(KINDS), random.choice((0.02, 0.2, 0.6)), random.choice((0, 0, 1, 3, 8))
    with duckdb.connect(str(path)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for table in _tables(world.api):
            for name in (current_rows(table), versions(table)):
                chosen = [
                    f"{quoted(column)} = {_other_value(column, extremes[kind], values_in, random)}"
                    for column, kind in _columns(connection, table, name)
                    if kind in extremes and random.random() < share
                ]
                if chosen:
                    connection.execute(f"UPDATE {name} SET {', '.join(chosen)}")
    return path


def _tables(api: str) -> Iterator[Table]:
    for feed in feeds_of_reports(api):
        yield from tables_of(catalogue_of(api).feed(feed)).walk()


def _columns(connection: duckdb.DuckDBPyConnection, table: Table, name: str) -> list[tuple[str, str]]:
    """Return name and type of the columns of a table that are neither its key nor technical."""
    kinds = dict(connection.execute(f"SELECT column_name, column_type FROM (DESCRIBE {name})").fetchall())
    return [(each.name, kinds[each.name]) for each in table.columns if each.name not in {*table.key, *TECHNICAL}]


def _other_value(column: str, values: Sequence[str], values_in: int, random: Random) -> str:
    """Return SQL of one value for all rows if ``values_in`` is 0, else of all values, in one of ``values_in`` rows."""
    if not values_in:
        return random.choice([value for value in values if value != "NULL"])
    cases = " ".join(f"WHEN {place} THEN {value}" for place, value in enumerate(values))
    return f"CASE hash(rowid, {random.randrange(10**6)}) % {len(values) * values_in} {cases} ELSE {quoted(column)} END"
