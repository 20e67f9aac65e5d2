"""Rows of a feed made in SQL, by the million: versions, current rows and the raw log, children too.

They lie in the file as syncs leave them: one version's after the other's, and within a version in no order. Values are
made up and repeat, so that a file is smaller than with real ones.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator

from pipelines.catalogue.tables import Column, Table
from pipelines.catalogue.types import Kind
from pipelines.warehouse.sql import current, listed, raw, record_key, versions

BATCH = 100_000
BEGINS = "TIMESTAMPTZ '2026-03-01 08:00:00Z'"
"""When the first version of the first record was stored; each later version a day later."""


def key_of(table: Table, record: int) -> str:
    """The key of a feed's record, counted from 0."""
    return str(uuid.UUID(hashlib.md5(f"{table.name}{record}".encode(), usedforsecurity=False).hexdigest()))


def history(table: Table, records: int, count: int = 1) -> Iterator[str]:
    """Statements that fill the versions of a feed's tables, so many of each record, one row a record in each table."""
    for version in range(1, count + 1):
        for rows in _batches(records):
            for part in table.walk():
                extra = f", 1, {version}" if part is table else f", {version}"
                values = ", ".join(_value(table, column, version) for column in part.columns)
                yield f"INSERT INTO {versions(part)} SELECT {values}{extra} FROM {rows} ORDER BY hash(record)"


def newest(table: Table) -> Iterator[str]:
    """Statements that fill the current rows from the first versions."""
    for part in table.walk():
        columns = listed(column.name for column in part.columns)
        yield f"INSERT INTO {current(part)} SELECT {columns} FROM {versions(part)} WHERE row_version = 1"


def raw_log(table: Table, records: int, size: int) -> Iterator[str]:
    """Statements that fill the raw log with the first versions, each of about so many bytes."""
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
    """What stands in a column of the row of a version of the feed's record."""
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
    return filled.get(column.name) or _OF_KIND[column.kind].format(name=column.name, version=version)


_OF_KIND = {
    Kind.UUID: "CAST(md5('{name}' || record % 5000) AS UUID)",
    Kind.TEXT: "'{name} ' || record % 50",
    Kind.DATE: "DATE '2026-03-01' + CAST(record % 30 AS INTEGER)",
    Kind.DATE_TIME: "TIMESTAMPTZ '2026-03-01 08:00:00Z' + to_minutes(record % 40000)",
    Kind.INT32: "record % 1000 + {version}",
    Kind.INT64: "record * 10 + {version}",
    Kind.DECIMAL: "(record % 300 + {version}) / 100",
    Kind.BOOLEAN: "record % 7 = 0",
}
