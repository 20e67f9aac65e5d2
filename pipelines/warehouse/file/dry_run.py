"""A private copy of the warehouse to try something on, and what that changed in it.

What is tried, and how it is told, does not belong here.
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

from pipelines.catalogue.tables import SYNCED_AT, Table
from pipelines.errors import WarehouseError
from pipelines.private_files import remove_leftover
from pipelines.warehouse.file.connection import Warehouse, run_interruptible
from pipelines.warehouse.sql import listed, literal, qualified, quoted


@contextmanager
def private_copy(warehouse: Warehouse) -> Iterator[Warehouse]:
    """A copy in a folder of its own beside the warehouse, for the duration of a block; empty where there is none yet.

    The caller holds the lock of :func:`~pipelines.warehouse.file.sync_lock.hold_sync_lock`. What a killed
    process left there is removed.

    Raises:
        WarehouseBusyError: another process goes on writing.
        WarehouseError: the warehouse cannot be read, or there is no room for the copy.
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
    """Copy the file, and the log that a killed writer left, while nobody can write.

    Not by ``copying.copy``: that folds the log in first, and a trial leaves the warehouse as it is. Another process
    does it, since one that closes a file which it also has open as a database loses its lock.
    """
    with warehouse.reading():
        files = [str(path) for path in (warehouse.path, warehouse.log) if path.exists()]
        ended = subprocess.run(  # noqa: S603 - our own files
            ["cp", "--", *files, str(folder)],  # noqa: S607 - where it stands is the system's business
            check=False,
            stderr=subprocess.PIPE,
            text=True,
            umask=0o077,
        )
    if ended.returncode:
        said = " ".join(ended.stderr.split()) or f"cp ended with {ended.returncode}"
        raise WarehouseError(f"{warehouse.path} cannot be copied into its own folder: {said}; nothing was changed")


@dataclass(frozen=True)
class Difference:
    """What a trial changed in one table of one account.

    Args:
        account: whose rows.
        table: ``schema.table``.
        new: rows with a key that was not there.
        changed: rows of which more than their number or ``synced_at`` is another.
        deleted: of a feed or snapshot, known records that are marked as deleted now; of a child table, rows that went.
        rejected: of a feed or snapshot, records that could not be stored.
    """

    account: str
    table: str
    new: int = 0
    changed: int = 0
    deleted: int = 0
    rejected: int = 0


def differences(before: Warehouse, after: Warehouse, tables: Iterable[Table]) -> list[Difference]:
    """What differs in the tables of feeds and snapshots, and in those below them, where anything does.

    Args:
        before: the warehouse; it need not be there.
        after: its copy, on which something was tried.
        tables: of the feeds and snapshots.

    Raises:
        PipelineError: one of them cannot be read.
    """
    with (before if before.exists() else after).reading() as connection:
        connection.execute(f"SET temp_directory = {literal(str(after.path.with_suffix('.tmp')))}")
        if before.exists():
            connection.execute(f"ATTACH {literal(str(after.path))} AS {_AFTER} (READ_ONLY)")
        compared = _Compared(connection, was_there=before.exists())
        return [found for table in tables for found in compared.below(table)]


_AFTER = quoted("after the trial")
_OF_THE_SYNC = ("sequence_number", SYNCED_AT.name)
"""What a record that is served again may change without having changed."""


class _Compared:
    """The two files, side by side."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, *, was_there: bool) -> None:
        self._connection = connection
        ((own,),) = connection.execute("SELECT current_database()").fetchall()
        self._before, self._after = quoted(own), _AFTER if was_there else quoted(own)
        sql = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ?"
        self._known = set(connection.execute(sql, [own]).fetchall()) if was_there else set()

    def below(self, feed: Table) -> Iterator[Difference]:
        """The differences in a feed's table and those below it, for each account of which anything was stored."""
        before, after = self._both("sync", "cursors")
        stored = _rest(after, before, "account, part, committed_at", "feed = $feed")
        sql = f"SELECT DISTINCT account FROM {stored} ORDER BY account"
        for (account,) in self._ask(sql, feed=feed.qualified_name):
            for table in feed.walk():
                counts = self._rows(table, account)
                rejected = self._rejected(feed, account) if table is feed else 0
                if any((*counts, rejected)):
                    yield Difference(account, table.qualified_name, *counts, rejected)

    def _rows(self, table: Table, account: str) -> tuple[int, int, int]:
        """How many rows are new, changed and deleted."""
        before, after = self._both(table.schema, table.name)
        columns = listed(column.name for column in table.columns if column.name not in _OF_THE_SYNC)
        came, went = (_rest(*two, columns, "account = $account") for two in ((after, before), (before, after)))
        same = " AND ".join(f"c.{quoted(name)} = w.{quoted(name)}" for name in table.key)
        deleted = "c.is_deleted AND NOT w.is_deleted" if SYNCED_AT.name in table.by_name else "c.account IS NULL"
        sql = (
            "SELECT count(*) FILTER (w.account IS NULL),"
            f" count(*) FILTER (w.account IS NOT NULL AND NOT ({deleted})), count(*) FILTER ({deleted})"
            f" FROM {came} c FULL JOIN {went} w ON {same}"
        )
        ((new, changed, gone),) = self._ask(sql, account=account)
        return new, changed, gone

    def _rejected(self, feed: Table, account: str) -> int:
        """How many open rejected records were seen."""
        before, after = self._both("sync", "rejected_records")
        where = "account = $account AND feed = $feed AND resolved_at IS NULL"
        seen = _rest(after, before, "key, sequence_number, payload, last_seen", where)
        ((count,),) = self._ask(f"SELECT count(*) FROM {seen}", account=account, feed=feed.qualified_name)
        return int(count)

    def _ask(self, sql: str, **given: str) -> list[tuple[Any, ...]]:
        return run_interruptible(self._connection, lambda: self._connection.execute(sql, given).fetchall())

    def _both(self, schema: str, name: str) -> tuple[str, str]:
        """The same table before and after; what was not there before stands for an empty one."""
        table = qualified(schema, name)
        after = f"{self._after}.{table}"
        return f"{self._before}.{table}" if (schema, name) in self._known else f"(FROM {after} LIMIT 0)", after


def _rest(these: str, those: str, columns: str, where: str) -> str:
    """The rows of one table that are not in the other."""
    return f"(SELECT {columns} FROM {these} WHERE {where} EXCEPT SELECT {columns} FROM {those} WHERE {where})"
