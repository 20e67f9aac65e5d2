"""The lakes of several cells, read as one warehouse: each table is the union of the cells' tables.

The union is a database in memory with a view for each table. The first cell describes the tables, and has those of
which each cell has the same rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, NoReturn

import duckdb

from pipelines.errors import UsageError, WarehouseError
from pipelines.lake_address import LakeCells
from pipelines.private_files import private_files
from pipelines.warehouse.file.connection import WriteSession
from pipelines.warehouse.file.interruptible import close
from pipelines.warehouse.lake.cell_accounts import LeftOut, accounts_to_leave_out, check_not_doubled
from pipelines.warehouse.lake.connection import LakeWarehouse, attach, connection_for_lakes
from pipelines.warehouse.lake.errors import is_missing
from pipelines.warehouse.lake.file_copy import SAME_IN_EACH_CELL, add_rows, write_file
from pipelines.warehouse.lake.report_macros import LOCAL, create_history, create_reports
from pipelines.warehouse.schema.introspection import NAMES_OF_TABLES
from pipelines.warehouse.schema.lookup_tables import SCHEMA as LOOKUP
from pipelines.warehouse.schema.rename_account import accounts as stored_accounts
from pipelines.warehouse.schema.unfinished_moves import unfinished_moves
from pipelines.warehouse.sql import literal, qualified, quoted

_PREFIX = "cell_"  # of the names of the lakes within a connection
_IN_ORDER = ("sync", "windows")
"""The table that is read in the order in which its rows were stored: its view has a ``rowid``."""
_NAMES = f"""
    SELECT *, true AS has_rowid FROM ({NAMES_OF_TABLES})
    UNION ALL SELECT database_name, schema_name, view_name, false FROM duckdb_views() WHERE NOT internal
"""


class CellsWarehouse(LakeWarehouse):
    """The lakes of several cells, to read them together. Only one thread of this process uses it at a time."""

    def __init__(self, cells: LakeCells) -> None:
        super().__init__(cells.whole)
        object.__setattr__(self, "cells", cells)

    cells: LakeCells

    @property
    def name(self) -> str:
        """The lakes in messages, without a password."""
        return str(self.cells)

    @property
    def address(self) -> LakeCells:  # type: ignore[override]
        """As in the base class."""
        return self.cells

    def writing(self, session: WriteSession | None = None) -> NoReturn:  # noqa: ARG002 - as in the base class
        """Raise a UsageError: a writer writes to one cell."""
        raise UsageError(f"several cells cannot be written together: choose one of {', '.join(self.cells.names)}")

    @contextmanager
    def reading_for_users(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """As in the base class."""
        with self.reading() as connection:
            yield connection

    @contextmanager
    def committed_bytes(self) -> Iterator[BinaryIO]:
        """The bytes of a DuckDB file with the rows of one snapshot of each cell.

        Raises:
            WarehouseError: an account is being moved, or two cells have it, so that it could be in it twice.
        """
        with private_files(), TemporaryDirectory(prefix="floriday-cells-") as folder:
            path, lakes = Path(folder) / "cells.duckdb", self._existing()
            before = [_settled_accounts(lake) for lake in lakes]
            check_not_doubled((lake.lake.place, accounts) for lake, accounts in zip(lakes, before, strict=True))
            for number, lake in enumerate(lakes):
                with lake.copying() as connection:
                    (add_rows if number else write_file)(connection, lake.name, path)
            if before != [_settled_accounts(lake) for lake in lakes]:
                raise WarehouseError("an account was moved to another cell meanwhile: try again")
            with path.open("rb") as stream:
                yield stream

    def _existing(self) -> list[LakeWarehouse]:
        self.require()
        lakes = (LakeWarehouse(self.cells.cell(name)) for name in self.cells.names)
        return [lake for lake in lakes if lake.exists()]

    def _attached(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:  # noqa: ARG002 - nothing is ever written
        connection = connection_for_lakes(with_s3=self.lake.is_remote)
        try:
            attached = self._attach_cells(connection)
            unite(connection, [*attached.values()], accounts_to_leave_out(connection, self.cells, attached))
        except BaseException:
            close(connection)
            raise
        return connection

    def _attach_cells(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
        """Attach the lakes that exist, and return their names within the connection by cell."""
        attached: dict[str, str] = {}
        missing = None
        for name in self.cells.names:
            try:
                attach(connection, self.cells.cell(name), f"{_PREFIX}{name}", read_only=True)
                attached[name] = f"{_PREFIX}{name}"
            except duckdb.Error as error:
                if not is_missing(error):
                    raise
                missing = error
        if not attached and missing:
            raise missing
        return attached


def _settled_accounts(lake: LakeWarehouse) -> list[str]:
    """The accounts of a cell, to which none is being moved."""
    with lake.reading() as connection:
        for account, place in unfinished_moves(connection).items():
            raise WarehouseError(
                f"the move of the account {account} from {place} to {lake.name} has not ended: try again after it, or"
                " run it again if it was interrupted"
            )
        return stored_accounts(connection)


def unite(connection: duckdb.DuckDBPyConnection, databases: list[str], left_out: LeftOut) -> None:
    """Create a database in memory with a view for each table of the databases, and make it the current one.

    The rows of some accounts are left out, because another database has them too.
    """
    of_accounts = _with_account(connection) if left_out else set()
    found: dict[tuple[str, str, bool], list[str]] = {}
    for database, schema, name, has_rowid in connection.execute(f"{_NAMES} ORDER BY ALL").fetchall():
        if database in databases and schema != "reports":
            found.setdefault((schema, name, has_rowid and (schema, name) == _IN_ORDER), []).append(database)
    connection.execute(f"ATTACH ':memory:' AS {LOCAL}; USE {LOCAL}")
    for schema in sorted({schema for schema, *_ in found} | {"reports"}):
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}")
    for (schema, name, has_rowid), places in found.items():
        table, is_same = qualified(schema, name), schema == LOOKUP or (schema, name) in SAME_IN_EACH_CELL
        columns = "*, rowid" if has_rowid else "*"
        conditions = {each: _without(left_out.get(each), (each, schema, name) in of_accounts) for each in places}
        parts = [
            f"SELECT {columns} FROM {place}.{table}{conditions[place]}" for place in sorted(places, key=databases.index)
        ]
        connection.execute(f"CREATE VIEW {table} AS {' UNION ALL BY NAME '.join(parts[:1] if is_same else parts)}")
    connection.execute(f"SET VARIABLE described_by = {literal(databases[0])}")
    create_reports(connection, databases[0])
    create_history(connection, databases[0])


def _with_account(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str, str]]:
    """Database, schema and name of the tables and views with a column ``account``."""
    sql = "SELECT database_name, schema_name, table_name FROM duckdb_columns() WHERE column_name = 'account'"
    return set(connection.execute(sql).fetchall())


def _without(accounts: Collection[str] | None, has_account: bool) -> str:  # noqa: FBT001 - of the table
    """The condition that leaves out some accounts."""
    if not accounts or not has_account:
        return ""
    return f" WHERE account NOT IN ({', '.join(map(literal, sorted(accounts)))})"
