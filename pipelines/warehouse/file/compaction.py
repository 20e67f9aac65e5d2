"""Giving back the space of deleted rows: a new file is filled, compared, and takes the old one's place.

DuckDB fills the space of deleted rows again, but its file does not get smaller.
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
from pipelines.warehouse.file.connection import STORAGE_VERSION, Warehouse, run_interruptible
from pipelines.warehouse.file.session_settings import low_memory
from pipelines.warehouse.sql import listed, literal, qualified, quoted

_KINDS = ("schemas", "tables", "columns", "indexes", "views", "functions", "sequences", "types")
"""What DuckDB lists of a database."""

_OF_THE_FILE = "database_name|(.*_)?oid|data_type_id|estimated_size|is_bound|start_value|last_value"
"""What DuckDB says of an entry that is another one in another file, or tells its state."""


@dataclass(frozen=True)
class CompactionResult:
    """What a compaction came to: the file's bytes before and after it."""

    before: int
    after: int


Fill = Callable[[duckdb.DuckDBPyConnection, str, str], None]
"""Writes what is in one attached database into another one, which is empty; both are told by their names."""

Differences = Callable[[duckdb.DuckDBPyConnection, str, str], list[str]]
"""Tells where the second of two attached databases is not as it should be, made from the first one."""


def compact(warehouse: Warehouse) -> CompactionResult:
    """Write the warehouse into a new file and put that in its place: see :func:`rewrite`."""
    return rewrite_file(warehouse, "compact", _copy, differences)


def rewrite_file(warehouse: Warehouse, what: str, fill: Fill, differing: Differences) -> CompactionResult:
    """Write the warehouse into a new file and put that in its place, with the same owner and permissions.

    To be called under the one-sync lock. Other processes may read meanwhile. It takes as much room again as the new
    file has, about 20 s for each gigabyte, and no more memory for a larger file.

    Args:
        warehouse: the file.
        what: is done, in a word; the new file is called after it as long as it stands beside the old one.
        fill: writes the new file.
        differing: looks at what was written, read again from the disk.

    Raises:
        WarehouseBusyError: another process held the file for longer than the lock timeout.
        WarehouseError: there is no warehouse, it is damaged, or the new file cannot be written or differs. The
            warehouse is as it was then, and nothing is left beside it.
    """
    path = warehouse.path
    part = path.with_name(f"{path.name}.{what}")
    try:
        with _nothing_left(part):
            warehouse.recover()
            # This connection keeps writers out until the new file stands in the old one's place.
            with warehouse.reading() as connection:
                if warehouse.log.exists():
                    raise WarehouseBusyError(f"{path} was just written to by another process: try again")
                before = path.stat()
                wrong = _fill(connection, part, fill, differing)
                if wrong:
                    raise _unchanged(path, what, wrong)
                os.chown(part, before.st_uid, before.st_gid)
                part.chmod(stat.S_IMODE(before.st_mode))
                after = part.stat()
                replace_file(part, path)
    except OSError as error:
        raise _unchanged(path, what, error.strerror or "no access") from None
    return CompactionResult(before.st_size, after.st_size)


@contextmanager
def _nothing_left(part: Path) -> Iterator[None]:
    """Neither what a killed compaction left nor what this one leaves when it fails."""
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


def _fill(connection: duckdb.DuckDBPyConnection, part: Path, fill: Fill, differing: Differences) -> str | None:
    """Everything into a new file, read again from the disk and compared; what went wrong, if anything did."""
    ((old, path),) = connection.execute(
        "SELECT database_name, path FROM duckdb_databases() WHERE NOT internal"
    ).fetchall()
    new = f"{old}_rewritten"
    try:
        for setting in low_memory(Path(path)):
            connection.execute(setting)
        connection.execute(
            f"ATTACH {literal(str(part))} AS {quoted(new)} (READ_WRITE, STORAGE_VERSION '{STORAGE_VERSION}')"
        )
        run_interruptible(connection, lambda: fill(connection, old, new))
        _fetch(connection, f"CHECKPOINT {quoted(new)}")
        connection.execute(f"DETACH {quoted(new)}")
        # From here on the file alone counts.
        Warehouse(part).log.unlink(missing_ok=True)
        connection.execute(f"ATTACH {literal(str(part))} AS {quoted(new)} (READ_ONLY)")
        wrong = differing(connection, old, new)
        connection.execute(f"DETACH {quoted(new)}")
    except duckdb.Error as error:
        return str(error).splitlines()[0]
    return f"the new file differs in {', '.join(wrong)}" if wrong else None


def differences(connection: duckdb.DuckDBPyConnection, old: str, new: str) -> list[str]:
    """What two attached databases do not have in common: kinds of entries, else tables with other rows or order."""
    return differing_entry_kinds(connection, old, new) or [
        name
        for name in table_names(connection, old)
        if checksum(connection, old, name) != checksum(connection, new, name)
    ]


def differing_entry_kinds(connection: duckdb.DuckDBPyConnection, old: str, new: str) -> list[str]:
    """The kinds of entries, such as tables and columns, that two attached databases do not have in common."""
    return [kind for kind in _KINDS if _listed(connection, kind, old) != _listed(connection, kind, new)]


def _listed(connection: duckdb.DuckDBPyConnection, kind: str, database: str) -> list[tuple[Any, ...]]:
    own = "" if kind in ("indexes", "sequences") else "AND NOT internal"
    told = f"SELECT COLUMNS(said -> NOT regexp_full_match(said, '{_OF_THE_FILE}')) FROM duckdb_{kind}()"
    entries = f"{told} WHERE database_name = {literal(database)} {own}"
    return connection.execute(f"SELECT CAST(entry AS VARCHAR) FROM ({entries}) entry ORDER BY 1").fetchall()


def table_names(connection: duckdb.DuckDBPyConnection, database: str) -> list[str]:
    """The tables of an attached database, quoted, schemas in front."""
    sql = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ? ORDER BY ALL"
    return [qualified(schema, table) for schema, table in connection.execute(sql, [database]).fetchall()]


def checksum(
    connection: duckdb.DuckDBPyConnection, database: str, table: str, but: Iterable[str] = ()
) -> list[tuple[Any, ...]]:
    """A sum over all rows and their places: the order of a record's versions in the raw log matters.

    Args:
        connection: with the database attached.
        database: its name.
        table: as :func:`tables` tells it.
        but: columns that do not count.
    """
    left_out = listed(but)
    compared = (
        f"(SELECT * EXCLUDE ({left_out}) FROM {quoted(database)}.{table})"
        if left_out
        else f"{quoted(database)}.{table}"
    )
    rows = f'SELECT "whole row", row_number() OVER () AS place FROM {compared} "whole row"'
    return _fetch(connection, f'SELECT count(*), sum(hash("whole row", place)) FROM ({rows})')


def _fetch(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return run_interruptible(connection, lambda: connection.execute(sql).fetchall())


def _unchanged(path: Path, what: str, why: str) -> WarehouseError:
    return WarehouseError(f"{path} was not {what}ed, and is as it was: {why}")
