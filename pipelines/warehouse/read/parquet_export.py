"""Tables as Parquet files, all of one commit, for tools that read nothing else.

The types are those that every reader knows: identifiers are text, lists are JSON text, sums are decimals of 28 digits.
Moments stay moments, in UTC.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.errors import UsageError, WarehouseError
from pipelines.private_files import private_files
from pipelines.warehouse.file.atomic import flush_to_disk, replace_folder, staging_folder
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.interruptible import run_interruptible
from pipelines.warehouse.file.publish import copy_warehouse
from pipelines.warehouse.file.session_settings import low_memory
from pipelines.warehouse.schema.introspection import log_tables, sync_tables, typed_tables
from pipelines.warehouse.schema.owner import require_owner
from pipelines.warehouse.sql import literal, qualified, quoted

CONTENTS = "export.json"
"""Lists what an export wrote, and tells it from a folder with something else in it."""

_PLAIN = ("VARCHAR", "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "DOUBLE", "FLOAT", "DATE")
_MOMENTS = ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE")
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
_DIGITS = 28
"""What readers on .NET take of a decimal."""


@dataclass(frozen=True)
class Exported:
    """What an export wrote.

    Args:
        as_of: the last commit of a sync that it holds; None where there was none.
        rows: of each file, by its path below the folder.
    """

    as_of: dt.datetime | None
    rows: dict[str, int]


def export(warehouse: Warehouse, folder: Path, reports: Iterable[str], *, history: bool, raw: bool = False) -> Exported:
    """Write a folder ``<schema>/<table>.parquet`` and put it in place of the one that an earlier export wrote.

    It is made from a copy of the warehouse, which takes as much room again for that time: writers wait only while the
    file is copied. Files are their owner's alone.

    Args:
        warehouse: whose tables.
        folder: where a link may point to; it need not be there.
        reports: names of the reports that are wanted, those that the warehouse has.
        history: whether to write the versions as well.
        raw: whether to write what was received as well, which takes about as much room as all the rest.

    Raises:
        UsageError: the folder is a file, or holds something that no export wrote.
        WarehouseError: there is no room, or no warehouse; what stood there is as it was, and nothing is left beside it.
        WarehouseBusyError: another export writes there, or others write to the warehouse without a pause.
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
                exported = _write(snapshot, aside, folder, reports, history=history, raw=raw)
                snapshot.path.unlink()
                _finish(aside, exported)
                replace_folder(aside, folder)
    except OSError as error:
        raise _unchanged(folder, error.strerror or "no access") from None
    return exported


def _unchanged(folder: Path, why: str) -> WarehouseError:
    return WarehouseError(f"nothing was exported, and {folder} is as it was: {why}")


def _check(folder: Path) -> None:
    """Refuse to replace what no export wrote."""
    files = [path for path in (folder, *folder.parents) if path.exists() and not path.is_dir()]
    if files:
        raise UsageError(f"{files[0]} is a file: name a folder")
    if not folder.exists():
        return
    if folder.is_mount():
        raise UsageError(f"{folder} is where a disk is mounted, and cannot be replaced: name a folder within it")
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()}
    foreign = sorted(there - _written_before(folder))
    if foreign:
        raise UsageError(
            f"{folder} holds what no export wrote, such as {foreign[0]}, and would be replaced as a whole: name a"
            " folder of its own"
        )


def _written_before(folder: Path) -> set[str]:
    try:
        told = json.loads((folder / CONTENTS).read_text(encoding="utf-8"))
        return {CONTENTS, *told["rows"]}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _write(
    snapshot: Warehouse, aside: Path, folder: Path, reports: Iterable[str], *, history: bool, raw: bool
) -> Exported:
    rows: dict[str, int] = {}
    with snapshot.reading() as connection:
        require_owner(connection, snapshot.path)
        for setting in low_memory(snapshot.path):
            connection.execute(setting)
        ((as_of,),) = connection.execute("SELECT arg_max(committed_at, rowid) FROM sync.windows").fetchall()
        typed = typed_tables(connection)
        past = [("history", name) for _, name in typed] if history else []
        received = log_tables(connection) if raw else []
        shown = [("reports", name) for name in reports]
        for schema, name in (*typed, *past, *sync_tables(connection), *received, *shown):
            file = f"{schema}/{name}.parquet"
            try:
                rows[file] = _copy(connection, qualified(schema, name), aside / file)
            except duckdb.Error as error:
                raise _unchanged(folder, f"{schema}.{name}: {str(error).splitlines()[0]}") from None
    return Exported(as_of, rows)


def _copy(connection: duckdb.DuckDBPyConnection, table: str, file: Path) -> int:
    file.parent.mkdir(exist_ok=True)
    described = connection.execute(f"DESCRIBE {table}").fetchall()
    columns = ", ".join(_column(name, kind) for name, kind, *_ in described)
    sql = f"COPY (SELECT {columns} FROM {table}) TO {literal(str(file))} (FORMAT parquet, COMPRESSION snappy)"
    counts: Sequence[tuple[int]] = run_interruptible(connection, lambda: connection.execute(sql).fetchall())
    return counts[0][0]


def _column(name: str, kind: str) -> str:
    """A column as every reader of Parquet takes it."""
    column = quoted(name)
    decimal = _DECIMAL.fullmatch(kind)
    if kind in _PLAIN or kind in _MOMENTS or (decimal and int(decimal[1]) <= _DIGITS):
        return column
    if decimal:
        return f"CAST({column} AS DECIMAL({_DIGITS},{decimal[2]})) AS {column}"
    if kind == "HUGEINT":
        return f"CAST({column} AS BIGINT) AS {column}"
    text = f"to_json({column})" if kind.endswith("[]") or "(" in kind else column
    return f"CAST({text} AS VARCHAR) AS {column}"


def _finish(aside: Path, exported: Exported) -> None:
    """Write the list of contents, and everything to the disk; nobody else could look into the folder so far."""
    told = {"as_of": exported.as_of and exported.as_of.isoformat(), "rows": exported.rows}
    (aside / CONTENTS).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    for file in (CONTENTS, *exported.rows):
        flush_to_disk(aside / file)
