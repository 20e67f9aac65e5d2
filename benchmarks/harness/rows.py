"""Generate millions of rows of a feed in SQL: versions, current rows and the raw log, with child tables.

The rows have the order in which syncs store them: version by version, and without order within a version. Values are
made up and repeat, so that files are smaller than with real values.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator

from pipelines.catalogue.tables import Column, Table
from pipelines.catalogue.types import Kind
from pipelines.warehouse.sql import current_rows, listed, raw, record_key, versions

BATCH = 100_000
BEGINS = "TIMESTAMPTZ '2026-03-01 08:00:00Z'"
"""The time of the first version of the first record; each later version is a day later."""


def key_of(table: Table, record: int) -> str:
    """The key of the feed's record with this number, counted from 0."""
    return str(uuid.UUID(hashlib.md5(f"{table.name}{record}".encode(), usedforsecurity=False).hexdigest()))


def history(table: Table, records: int, count: int = 1) -> Iterator[str]:
    """Statements that fill the version tables of a feed: ``count`` versions of each record, one row for each table."""
    for version in range(1, count + 1):
        for rows in _batches(records):
            for part in table.walk():
                extra = f", 1, {version}" if part is table else f", {version}"
                values = ", ".join(_value(table, column, version) for column in part.columns)
                yield f"INSERT INTO {versions(part)} SELECT {values}{extra} FROM {rows} ORDER BY hash(record)"


def newest(table: Table) -> Iterator[str]:
    """Statements that copy the first versions into the current rows."""
    for part in table.walk():
        columns = listed(column.name for column in part.columns)
        yield f"INSERT INTO {current_rows(part)} SELECT {columns} FROM {versions(part)} WHERE row_version = 1"


def raw_log(table: Table, records: int, size: int) -> Iterator[str]:
    """Statements that fill the raw log with the first versions, with payloads of about ``size`` bytes."""
    (key,) = record_key(table)
    own = _value(table, table.by_name[key], 1)
    number = _value(table, table.by_name["sequence_number"], 1)
    for rows in _batches(records):
        yield (
            f"INSERT INTO {raw(table)} SELECT 'main', {own}, 1, {number},"
            f" '{{\"key\":\"' || repeat(md5('payload' || record), {size // 32}) || '\"}}',"
            f" CAST(md5('hash' || record) AS BLOB), {BEGINS}, 'benchmark' FROM {rows} ORDER BY hash(record)"
        )


def _batches(records: int) -> Iterator[str]:
    for first in range(0, records, BATCH):
        yield f"range({first}, {min(first + BATCH, records)}) r(record)"


def _value(feed: Table, column: Column, version: int) -> str:
    """SQL of a column for one version of the feed's records."""
    filled = {
        "account": "'main'",
        feed.key[1]: f"CAST(md5('{feed.name}' || record) AS UUID)",
        "synced_at": f"{BEGINS} + INTERVAL {version - 1} DAY + to_seconds(record // 1000)",
        "sequence_number": f"1000 + 3 * record + {version - 1}",
    }
    if column.name.endswith("position"):
        return "0"
    if column.repeated:
        return "NULL"
    return filled.get(column.name) or _BY_KIND[column.kind].format(name=column.name, version=version)


_BY_KIND = {
    Kind.UUID: "CAST(md5('{name}' || record % 5000) AS UUID)",
    Kind.TEXT: "'{name} ' || record % 50",
    Kind.DATE: "DATE '2026-03-01' + CAST(record % 30 AS INTEGER)",
    Kind.DATE_TIME: "TIMESTAMPTZ '2026-03-01 08:00:00Z' + to_minutes(record % 40000)",
    Kind.INT32: "record % 1000 + {version}",
    Kind.INT64: "record * 10 + {version}",
    Kind.DECIMAL: "(record % 300 + {version}) / 100",
    Kind.BOOLEAN: "record % 7 = 0",
}
