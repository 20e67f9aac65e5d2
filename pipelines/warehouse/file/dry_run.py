"""A temporary copy of the warehouse for a dry run, and what the dry run changed in it.

What is executed on the copy, and how the result is shown, does not belong here.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from pipelines.catalogue.tables import SYNCED_AT, Column, Table
from pipelines.catalogue.types import Kind
from pipelines.errors import WarehouseError
from pipelines.private_files import remove_leftover
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.interruptible import run_interruptible
from pipelines.warehouse.sql import literal, qualified, quoted
from pipelines.warehouse.storage import NUL_SIGN


@contextmanager
def private_copy(warehouse: Warehouse) -> Iterator[Warehouse]:
    """A copy in a folder of its own beside the warehouse, until the block ends; without a warehouse, the path is free.

    The caller holds the sync lock. What a killed process left there is removed.

    Raises:
        WarehouseBusyError: another process does not stop writing.
        WarehouseError: the warehouse cannot be read, or the disk is too full for the copy.
    """
    folder = warehouse.path.with_name(f".{warehouse.path.name}.trial")
    remove_leftover(folder)
    try:
        folder.mkdir(mode=0o700)
        if warehouse.exists():
            _copy(warehouse, folder)
        yield replace(warehouse, path=folder / warehouse.path.name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy(warehouse: Warehouse, folder: Path) -> None:
    """Copy the file, and the log that a killed writer left, while no process can write.

    ``publish.copy_warehouse`` would apply the log first, but a dry run does not change the warehouse. Another process
    copies, because a process that closes a file which it also has open as a database loses its lock.
    """
    with warehouse.reading():
        files = [str(path) for path in (warehouse.path, warehouse.log) if path.exists()]
        ended = subprocess.run(  # noqa: S603 - our own files
            ["cp", "--", *files, str(folder)],  # noqa: S607 - found by PATH
            check=False,
            stderr=subprocess.PIPE,
            text=True,
            umask=0o077,
        )
    if ended.returncode:
        reason = " ".join(ended.stderr.split()) or f"cp ended with {ended.returncode}"
        raise WarehouseError(f"{warehouse.path} cannot be copied into its own folder: {reason}; nothing was changed")


@dataclass(frozen=True)
class Difference:
    """What a dry run changed in one table of one account."""

    account: str  # name of the account in the settings
    table: str  # ``schema.table``
    new: int = 0  # number of rows with a new key
    changed: int = 0  # number of rows that differ in more than their number or ``synced_at``
    deleted: int = 0  # of a feed or snapshot, records newly marked as deleted; of a child table, rows that were removed
    rejected: int = 0  # of a feed or snapshot, number of records that could not be stored


def differences(
    before: Warehouse, after: Warehouse, tables: Iterable[Table], *, is_of_lake: bool = False
) -> list[Difference]:
    """What differs in the given tables and their child tables; the file ``before`` need not exist.

    ``is_of_lake`` is whether ``before`` is a copy of a lake, which could not store the character NUL.

    Raises:
        PipelineError: one of the files cannot be read.
    """
    with (before if before.exists() else after).reading() as connection:
        connection.execute(f"SET temp_directory = {literal(str(after.path.with_suffix('.tmp')))}")
        if before.exists():
            connection.execute(f"ATTACH {literal(str(after.path))} AS {_AFTER} (READ_ONLY)")
        comparison = _Comparison(connection, has_before=before.exists(), is_of_lake=is_of_lake)
        return [difference for table in tables for difference in comparison.of_feed(table)]


_AFTER = quoted("after the dry run")
_SYNC_COLUMNS = ("sequence_number", SYNCED_AT.name)
"""Columns that may differ when an unchanged record is received again."""


class _Comparison:
    """The two files, attached to one connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, *, has_before: bool, is_of_lake: bool) -> None:
        self._connection = connection
        self._value = _in_lake if is_of_lake else _as_stored
        ((own,),) = connection.execute("SELECT current_database()").fetchall()
        self._before, self._after = quoted(own), _AFTER if has_before else quoted(own)
        sql = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ?"
        self._known = set(connection.execute(sql, [own]).fetchall()) if has_before else set()

    def of_feed(self, feed: Table) -> Iterator[Difference]:
        """The differences in a feed's table and its child tables, for each account of which anything was stored."""
        before, after = self._both("sync", "cursors")
        stored = _except(after, before, "account, part, committed_at", "feed = $feed")
        sql = f"SELECT DISTINCT account FROM {stored} ORDER BY account"
        for (account,) in self._fetch(sql, feed=feed.qualified_name):
            for table in feed.walk():
                counts = self._row_counts(table, account)
                rejected = self._rejected(feed, account) if table is feed else 0
                if any((*counts, rejected)):
                    yield Difference(account, table.qualified_name, *counts, rejected)

    def _row_counts(self, table: Table, account: str) -> tuple[int, int, int]:
        before, after = self._both(table.schema, table.name)
        columns = ", ".join(self._value(column) for column in table.columns if column.name not in _SYNC_COLUMNS)
        added, removed = (_except(*pair, columns, "account = $account") for pair in ((after, before), (before, after)))
        same = " AND ".join(f"a.{quoted(name)} = r.{quoted(name)}" for name in table.key)
        is_deleted = "a.is_deleted AND NOT r.is_deleted" if SYNCED_AT.name in table.by_name else "a.account IS NULL"
        sql = (
            "SELECT count(*) FILTER (r.account IS NULL),"
            f" count(*) FILTER (r.account IS NOT NULL AND NOT ({is_deleted})), count(*) FILTER ({is_deleted})"
            f" FROM {added} a FULL JOIN {removed} r ON {same}"
        )
        ((new, changed, deleted),) = self._fetch(sql, account=account)
        return new, changed, deleted

    def _rejected(self, feed: Table, account: str) -> int:
        before, after = self._both("sync", "rejected_records")
        where = "account = $account AND feed = $feed AND resolved_at IS NULL"
        seen = _except(after, before, "key, sequence_number, payload, last_seen", where)
        ((count,),) = self._fetch(f"SELECT count(*) FROM {seen}", account=account, feed=feed.qualified_name)
        return int(count)

    def _fetch(self, sql: str, **params: str) -> list[tuple[Any, ...]]:
        return run_interruptible(self._connection, lambda: self._connection.execute(sql, params).fetchall())

    def _both(self, schema: str, name: str) -> tuple[str, str]:
        """The same table before and after; an empty one where it did not exist before."""
        table = qualified(schema, name)
        after = f"{self._after}.{table}"
        return f"{self._before}.{table}" if (schema, name) in self._known else f"(FROM {after} LIMIT 0)", after


def _as_stored(column: Column) -> str:
    return quoted(column.name)


def _in_lake(column: Column) -> str:
    """A column as a lake would store it."""
    name, replaced = quoted(column.name), f"replace({{}}, chr(0), {literal(NUL_SIGN)})"
    if column.kind is not Kind.TEXT:
        return name
    value = (
        f"list_transform({name}, lambda each: {replaced.format('each')})" if column.repeated else replaced.format(name)
    )
    return f"{value} AS {name}"


def _except(these: str, those: str, columns: str, where: str) -> str:
    return f"(SELECT {columns} FROM {these} WHERE {where} EXCEPT SELECT {columns} FROM {those} WHERE {where})"
