"""Export tables as Parquet files, all from one commit.

The types are those that every reader supports: identifiers are text, lists are JSON text, sums are decimals with 28
digits, and times are timestamps in UTC.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.errors import UsageError, WarehouseError
from pipelines.private_files import private_files
from pipelines.warehouse.file.atomic import flush_to_disk, replace_folder, staging_folder
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.duckdb_errors import first_line
from pipelines.warehouse.file.interruptible import run_interruptible
from pipelines.warehouse.file.publish import copy_warehouse
from pipelines.warehouse.file.session_settings import low_memory
from pipelines.warehouse.schema.introspection import tables_in, typed_tables
from pipelines.warehouse.schema.owner import require_owner
from pipelines.warehouse.sql import literal, qualified, quoted

CONTENTS = "export.json"  # the list of the exported files; it also identifies a folder as an earlier export
_PLAIN = ("VARCHAR", "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "DOUBLE", "FLOAT", "DATE")
_TIMES = ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE")
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
Listener = Callable[[int, int, str], None]
"""Is called with the number of a file from 1 on, the number of all files, and the name of its table."""

_DIGITS = 28  # the most digits of a decimal that readers on .NET support


@dataclass(frozen=True)
class Exported:
    """The content of an export."""

    as_of: dt.datetime | None  # time of the last commit of a sync in it; None if there was none
    rows: dict[str, int]  # number of rows of each file, by its path below the folder


def export(
    warehouse: Warehouse,
    folder: Path,
    reports: Iterable[str],
    *,
    history: bool,
    raw: bool = False,
    listener: Listener | None = None,
) -> Exported:
    """Write a folder ``<schema>/<table>.parquet``, which replaces that of an earlier export.

    The files are their owner's alone. They are made from a temporary copy of the warehouse, so that writers wait only
    while the file is copied. The copy needs as much disk space as the warehouse, and the raw log about as much as all
    the rest. The folder need not exist, and links to it are followed; the warehouse must have the reports. The listener
    is called before each file.

    Raises:
        UsageError: the folder is a file, or contains files that no export wrote.
        WarehouseError: the disk is full, or there is no warehouse; an older folder is unchanged.
        WarehouseBusyError: another export writes there, or other processes write to the warehouse without a pause.
    """
    folder = Path(os.path.realpath(folder))
    warehouse.require()
    _check(folder)
    try:
        with private_files():
            folder.parent.mkdir(parents=True, exist_ok=True)
            with staging_folder(folder) as aside:
                snapshot = Warehouse(aside / "snapshot.duckdb")
                copy_warehouse(warehouse, snapshot.path)
                with snapshot.reading() as connection:
                    require_owner(connection, snapshot.name)
                    for setting in low_memory(snapshot.path):
                        connection.execute(setting)
                    names = [*_stored(connection, history=history, raw=raw), *(("reports", name) for name in reports)]
                    exported = _write(connection, aside, folder, names, listener)
                snapshot.path.unlink()
                _finish(aside, exported)
                replace_folder(aside, folder)
    except OSError as error:
        raise _unchanged(folder, error.strerror or "no access") from None
    return exported


def _unchanged(folder: Path, why: str) -> WarehouseError:
    return WarehouseError(f"the export to {folder} failed: {why}. Nothing was changed there")


def _check(folder: Path) -> None:
    files = [path for path in (folder, *folder.parents) if path.exists() and not path.is_dir()]
    if files:
        raise UsageError(f"{files[0]} is a file: name a folder")
    if not folder.exists():
        return
    if folder.is_mount():
        raise UsageError(f"{folder} is the mount point of a disk, and cannot be replaced: name a folder within it")
    present = {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()}
    foreign = sorted(present - _written_before(folder))
    if foreign:
        raise UsageError(
            f"{folder} contains files that no export wrote, such as {foreign[0]}, and would be replaced: name a"
            " separate folder"
        )


def _written_before(folder: Path) -> set[str]:
    try:
        contents = json.loads((folder / CONTENTS).read_text(encoding="utf-8"))
        return {CONTENTS, *contents["rows"]}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _stored(connection: duckdb.DuckDBPyConnection, *, history: bool, raw: bool) -> list[tuple[str, str]]:
    """The schema and name of each table and history view to write."""
    typed = typed_tables(connection)
    past = [("history", name) for _, name in typed] if history else []
    return [*typed, *past, *tables_in(connection, "sync"), *(tables_in(connection, "raw") if raw else [])]


def _write(
    connection: duckdb.DuckDBPyConnection,
    aside: Path,
    folder: Path,
    names: Sequence[tuple[str, str]],
    listener: Listener | None,
) -> Exported:
    rows: dict[str, int] = {}
    ((as_of,),) = connection.execute("SELECT arg_max(committed_at, rowid) FROM sync.windows").fetchall()
    for number, (schema, name) in enumerate(names, 1):
        if listener is not None:
            listener(number, len(names), f"{schema}.{name}")
        file = f"{schema}/{name}.parquet"
        try:
            rows[file] = _copy(connection, qualified(schema, name), aside / file)
        except duckdb.Error as error:
            raise _unchanged(folder, f"{schema}.{name}: {first_line(error)}") from None
    return Exported(as_of, rows)


def _copy(connection: duckdb.DuckDBPyConnection, table: str, file: Path) -> int:
    file.parent.mkdir(exist_ok=True)
    described = connection.execute(f"DESCRIBE {table}").fetchall()
    columns = ", ".join(_column(name, kind) for name, kind, *_ in described)
    sql = f"COPY (SELECT {columns} FROM {table}) TO {literal(str(file))} (FORMAT parquet, COMPRESSION snappy)"
    counts: Sequence[tuple[int]] = run_interruptible(connection, lambda: connection.execute(sql).fetchall())
    return counts[0][0]


def _column(name: str, kind: str) -> str:
    """The column in a type that all readers support.

    Only sums have wider types. One that no reader could hold is NULL: a wrong number must not end the whole export.
    """
    column = quoted(name)
    decimal = _DECIMAL.fullmatch(kind)
    if kind in _PLAIN or kind in _TIMES or (decimal and int(decimal[1]) <= _DIGITS):
        return column
    if decimal:
        return f"TRY_CAST({column} AS DECIMAL({_DIGITS},{decimal[2]})) AS {column}"
    if kind == "HUGEINT":
        return f"TRY_CAST({column} AS BIGINT) AS {column}"
    text = f"to_json({column})" if kind.endswith("[]") or "(" in kind else column
    return f"CAST({text} AS VARCHAR) AS {column}"


def _finish(aside: Path, exported: Exported) -> None:
    """Write the list of contents, and flush all files to the disk."""
    contents = {"as_of": exported.as_of and exported.as_of.isoformat(), "rows": exported.rows}
    (aside / CONTENTS).write_text(json.dumps(contents, indent=1) + "\n", encoding="utf-8")
    for file in (CONTENTS, *exported.rows):
        flush_to_disk(aside / file)
