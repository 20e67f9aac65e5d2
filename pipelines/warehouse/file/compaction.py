"""Return the space of deleted rows: write a new file, compare it with the old one, and put it in the old one's place.

DuckDB reuses the space of deleted rows, but its file never becomes smaller.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipelines.errors import WarehouseBusyError, WarehouseError
from pipelines.private_files import remove_leftover
from pipelines.warehouse.file.atomic import replace_file
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.duckdb_errors import first_line
from pipelines.warehouse.file.interruptible import run_interruptible
from pipelines.warehouse.file.session_settings import BLOCK_SIZE, STORAGE_VERSION, low_memory
from pipelines.warehouse.sql import listed, literal, qualified, quoted

# The kinds of catalog entries that DuckDB lists, each by its function ``duckdb_<kind>()``.
_ENTRY_KINDS = ("schemas", "tables", "columns", "indexes", "views", "functions", "sequences", "types")
# Pattern of the columns of such a list that differ between two files, or describe a state.
_PER_FILE = "database_name|(.*_)?oid|data_type_id|estimated_size|is_bound|start_value|last_value"


@dataclass(frozen=True)
class CompactionResult:
    """Size of the file in bytes, before and after."""

    before: int
    after: int


Rows = list[tuple[Any, ...]]
Fill = Callable[[duckdb.DuckDBPyConnection, str, str], None]
"""Writes the content of one attached database into another one, which is empty. Arguments: connection, both names."""

FindDifferences = Callable[[duckdb.DuckDBPyConnection, str, str], list[str]]
"""Returns what differs from the expectation in the second of two attached databases, which was made from the first."""


def compact(warehouse: Warehouse) -> CompactionResult:
    """Replace the warehouse by a smaller file with the same content: see :func:`rewrite_file`."""
    return rewrite_file(warehouse, "compact", _copy, differences)


def rewrite_file(warehouse: Warehouse, verb: str, fill: Fill, find_differences: FindDifferences) -> CompactionResult:
    """Write the warehouse into a new file that replaces it, with the same owner and permissions.

    The caller holds the sync lock. Other processes may read meanwhile. It needs the disk space of the new file, about
    20 s a gigabyte, and no more memory for a larger file. The verb, ``compact`` or ``redact``, is for messages and for
    the temporary name of the new file. The differences are found after that was read again from the disk.

    Raises:
        WarehouseBusyError: another process had the file open for longer than the lock timeout.
        WarehouseError: there is no warehouse, it is damaged, or the new file cannot be written or differs. The
            warehouse is unchanged then, and nothing is left beside it.
    """
    path = warehouse.path
    part = path.with_name(f"{path.name}.{verb}")
    try:
        with _removed_around(part):
            warehouse.recover()
            # This connection keeps writers out until the new file has replaced the old one.
            with warehouse.reading() as connection:
                if warehouse.log.exists():
                    raise WarehouseBusyError(f"{path} was just written to by another process: try again")
                before = path.stat()
                problem = _fill(connection, part, fill, find_differences)
                if problem:
                    raise _unchanged(path, verb, problem)
                os.chown(part, before.st_uid, before.st_gid)
                part.chmod(stat.S_IMODE(before.st_mode))
                after = part.stat()
                replace_file(part, path)
    except OSError as error:
        raise _unchanged(path, verb, error.strerror or "no access") from None
    return CompactionResult(before.st_size, after.st_size)


@contextmanager
def _removed_around(part: Path) -> Iterator[None]:
    """Remove an incomplete file of a killed process before the block, and of a failure after it."""
    _remove(part)
    try:
        yield
    finally:
        _remove(part)


def _remove(part: Path) -> None:
    remove_leftover(part)
    remove_leftover(Warehouse(part).log)


def _copy(connection: duckdb.DuckDBPyConnection, old: str, new: str) -> None:
    connection.execute(f"COPY FROM DATABASE {quoted(old)} TO {quoted(new)}")


def _fill(connection: duckdb.DuckDBPyConnection, part: Path, fill: Fill, differ: FindDifferences) -> str | None:
    """Write the new file, read it again from the disk, and compare it; returns what is wrong, or None."""
    sql = "SELECT database_name, path FROM duckdb_databases() WHERE NOT internal"
    ((old, path),) = connection.execute(sql).fetchall()
    new = f"{old}_rewritten"
    try:
        for setting in low_memory(Path(path)):
            connection.execute(setting)
        options = f"READ_WRITE, STORAGE_VERSION '{STORAGE_VERSION}', BLOCK_SIZE {BLOCK_SIZE}"
        connection.execute(f"ATTACH {literal(str(part))} AS {quoted(new)} ({options})")
        run_interruptible(connection, lambda: fill(connection, old, new))
        _fetch(connection, f"CHECKPOINT {quoted(new)}")
        connection.execute(f"DETACH {quoted(new)}")
        # From here on, only the file counts.
        Warehouse(part).log.unlink(missing_ok=True)
        connection.execute(f"ATTACH {literal(str(part))} AS {quoted(new)} (READ_ONLY)")
        differing = differ(connection, old, new)
        connection.execute(f"DETACH {quoted(new)}")
    except duckdb.Error as error:
        return first_line(error)
    return f"the new file differs in {', '.join(differing)}" if differing else None


def differences(connection: duckdb.DuckDBPyConnection, old: str, new: str) -> list[str]:
    """How two attached databases differ: kinds of entries, or else tables whose rows or their order differ."""
    names = table_names(connection, old)
    return differing_entry_kinds(connection, old, new) or [
        name for name in names if checksum(connection, old, name) != checksum(connection, new, name)
    ]


def differing_entry_kinds(connection: duckdb.DuckDBPyConnection, old: str, new: str) -> list[str]:
    """The kinds of catalog entries, such as tables and columns, in which two attached databases differ."""
    return [kind for kind in _ENTRY_KINDS if _entries(connection, kind, old) != _entries(connection, kind, new)]


def _entries(connection: duckdb.DuckDBPyConnection, kind: str, database: str) -> Rows:
    own = "" if kind in ("indexes", "sequences") else "AND NOT internal"
    columns = f"SELECT COLUMNS(lambda name: NOT regexp_full_match(name, '{_PER_FILE}')) FROM duckdb_{kind}()"
    entries = f"{columns} WHERE database_name = {literal(database)} {own}"
    return connection.execute(f"SELECT CAST(entry AS VARCHAR) FROM ({entries}) entry ORDER BY 1").fetchall()


def table_names(connection: duckdb.DuckDBPyConnection, database: str) -> list[str]:
    """The tables of an attached database, as quoted ``schema.table``."""
    sql = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ? ORDER BY ALL"
    return [qualified(schema, table) for schema, table in connection.execute(sql, [database]).fetchall()]


def checksum(connection: duckdb.DuckDBPyConnection, database: str, table: str, but: Iterable[str] = ()) -> Rows:
    """A checksum of all rows with their positions, because the order of versions in the raw log matters.

    The table's name is that of :func:`table_names`; columns in ``but`` are left out.
    """
    left_out = listed(but)
    columns = f"* EXCLUDE ({left_out})" if left_out else "*"
    compared = f"(SELECT {columns} FROM {quoted(database)}.{table})"
    rows = f'SELECT "whole row", row_number() OVER () AS place FROM {compared} "whole row"'
    return _fetch(connection, f'SELECT count(*), sum(hash("whole row", place)) FROM ({rows})')


def _fetch(connection: duckdb.DuckDBPyConnection, sql: str) -> Rows:
    return run_interruptible(connection, lambda: connection.execute(sql).fetchall())


def _unchanged(path: Path, verb: str, reason: str) -> WarehouseError:
    return WarehouseError(f"{path} was not {verb}ed, and is unchanged: {reason}")
