"""A warehouse that is a lake: one connection is kept, because to attach a lake takes half a second.

Readers never wait, and no reader keeps a writer out. Writers hold the lock of :mod:`pipelines.warehouse.lake.lock`.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import duckdb

from pipelines.errors import WarehouseError
from pipelines.lake_address import LakeAddress
from pipelines.private_files import private_files, remove_leftover
from pipelines.warehouse.file.connection import Warehouse, WriteSession
from pipelines.warehouse.file.interruptible import close, connect
from pipelines.warehouse.file.session_settings import BASIC, confined_to
from pipelines.warehouse.lake.errors import is_missing, plain_error
from pipelines.warehouse.lake.extensions import load_extensions
from pipelines.warehouse.lake.file_copy import write_file
from pipelines.warehouse.lake.folder import check_folder, make_folder
from pipelines.warehouse.lake.lock import has_catalogue
from pipelines.warehouse.lake.object_store import FORGOTTEN, create_secret
from pipelines.warehouse.lake.report_macros import attach_reports
from pipelines.warehouse.schema.owner import read_owner
from pipelines.warehouse.sql import literal, quoted
from pipelines.warehouse.storage import FilledTables

ALIAS = "lake"
"""The name of the lake within a connection."""
INLINED_ROWS = 200
"""Rows up to which an insert is stored in PostgreSQL: with 10, small rounds make hundreds of files; above 1,000 rows an
inlined insert takes longer than a file (docs/scale.md)."""
MOST_RETRIES = 100
"""How often DuckLake tries to commit again behind other commits of the same lake, which do not conflict."""


class LakeWarehouse(Warehouse):
    """A lake, which need not exist. Only one thread of this process uses it at a time."""

    def __init__(
        self,
        address: LakeAddress,
        *,
        lock_timeout: float = 60.0,
        sleep: Callable[[float], None] = time.sleep,
        will_write: bool = False,
    ) -> None:
        super().__init__(address.beside, lock_timeout, sleep)
        object.__setattr__(self, "lake", address)
        object.__setattr__(self, "will_write", will_write)
        object.__setattr__(self, "_kept", {})

    lake: LakeAddress
    will_write: (
        bool  # whether one connection is to read and write, as a sync does; a second one costs a third of a second
    )
    _kept: dict[bool, duckdb.DuckDBPyConnection]  # by whether it may write

    @property
    def name(self) -> str:
        """The lake in messages, without a password."""
        return str(self.lake)

    @property
    def address(self) -> LakeAddress:
        """As in the base class."""
        return self.lake

    def exists(self) -> bool:
        """Whether the catalogue exists in PostgreSQL."""
        with self._in_use:
            if self._kept:
                return True
            if self.will_write:
                return has_catalogue(self.lake)
            try:
                self._kept[False] = self._attached(read_only=True)
            except duckdb.Error as error:
                if is_missing(error):
                    return False
                raise plain_error(self.lake, error) from None
            return True

    def require(self) -> None:
        """Raise a WarehouseError if the lake does not exist."""
        if not self.exists():
            raise WarehouseError(f"there is no lake at {self.name} yet: run `floriday sync` first")

    @contextmanager
    def writing(self, session: WriteSession | None = None) -> Iterator[duckdb.DuckDBPyConnection]:  # noqa: ARG002 - the connection is always kept
        """As in the base class; the connection stays open."""
        with self._in_use, self._closed_after_errors():
            if True not in self._kept:
                self._kept[True] = self._attached(read_only=False)
            yield self._kept[True]

    @contextmanager
    def reading(self, *, locked: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:  # noqa: ARG002 - see query_process
        """As in the base class; within a transaction, so that all statements read the same snapshot."""
        with self._in_use, self._closed_after_errors():
            self.require()
            connection = self._opened()
            connection.execute("BEGIN TRANSACTION READ ONLY")
            yield connection
            # The block may have expected an error, which ends the transaction too.
            with suppress(duckdb.Error):
                connection.execute("COMMIT")

    def filled_tables(self, connection: duckdb.DuckDBPyConnection) -> FilledTables:
        """As in the base class."""
        return FilledTables(frozenset(ever_filled(connection, self.lake, ALIAS)))

    may_conflict = True
    opens_files = True

    @property
    def confinement(self) -> tuple[str, ...]:
        """As in the base class; the Parquet files stay readable."""
        return confined_to(self.lake.data)

    @contextmanager
    def reading_for_users(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """As in the base class; reports take parameters, as in a file."""
        with self._in_use, self._closed_after_errors():
            self.require()
            attach_reports(self._opened())
            with self.reading() as connection:
                yield connection

    def recover(self) -> None:
        """Nothing: PostgreSQL recovers by itself."""

    @contextmanager
    def committed_bytes(self) -> Iterator[BinaryIO]:
        """The bytes of a DuckDB file with the content of one snapshot of the lake."""
        with private_files(), TemporaryDirectory(prefix="floriday-lake-") as folder:
            path = Path(folder) / "lake.duckdb"
            with self.copying() as connection:
                write_file(connection, self.name, path)
            with path.open("rb") as stream:
                yield stream

    @contextmanager
    def copying(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection outside of a transaction, to copy rows from the lake into another database."""
        with self._in_use, self._closed_after_errors():
            self.require()
            yield self._opened()

    @contextmanager
    def as_file(self) -> Iterator[Warehouse]:
        """As in the base class: a temporary copy, which does not exist if nothing was synced yet.

        What a killed process left in its place is removed.
        """
        folder = self.path.with_name(f".{self.path.name}.file")
        remove_leftover(folder)
        try:
            with private_files(), self._in_use:
                folder.mkdir(parents=True)
                file = Warehouse(folder / "lake.duckdb", self.lock_timeout)
                if self.exists() and self._has_owner():
                    with self._closed_after_errors():
                        write_file(self._opened(), self.name, file.path)
            yield file
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _has_owner(self) -> bool:
        with self.reading() as connection:
            return read_owner(connection) is not None

    def finish(self) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection, if there is one."""
        with self._in_use:
            for connection in self._kept.values():
                close(connection)
            self._kept.clear()

    @contextmanager
    def _closed_after_errors(self) -> Iterator[None]:
        """Close the connection after any error, because a transaction may be open, and raise it in plain words."""
        try:
            yield
        except BaseException as error:
            self.close()
            if isinstance(error, duckdb.Error):
                raise plain_error(self.lake, error) from None
            raise

    def _opened(self) -> duckdb.DuckDBPyConnection:
        """The kept connection that may write, else one that only reads if no other is expected."""
        if not self._kept:
            self._kept[self.will_write] = self._attached(read_only=not self.will_write)
        return self._kept.get(True) or self._kept[False]

    def _attached(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        connection = connection_for_lakes(with_s3=self.lake.is_remote)
        try:
            attach(connection, self.lake, ALIAS, read_only=read_only)
            connection.execute(f"USE {ALIAS}")
        except BaseException:
            close(connection)
            raise
        return connection


def connection_for_lakes(*, with_s3: bool) -> duckdb.DuckDBPyConnection:
    """A connection to a database in memory that can attach lakes, with the keys of S3 if they need them."""
    connection = connect(":memory:", config={"autoinstall_known_extensions": "false"})
    try:
        load_extensions(connection, with_s3=with_s3)
        if with_s3:
            for statement in (*FORGOTTEN, create_secret(os.environ)):
                connection.execute(statement)
        for setting in (*BASIC, f"SET ducklake_max_retry_count = {MOST_RETRIES}"):
            connection.execute(setting)
    except BaseException:
        close(connection)
        raise
    return connection


def attach(connection: duckdb.DuckDBPyConnection, lake: LakeAddress, alias: str, *, read_only: bool) -> None:
    """Attach a lake under a name; a new one is created unless it is only read.

    Raises:
        WarehouseError: a new one would be where files are already, or where none can be written; or the folder of one
            that is to be written is missing or has none of its files, as if its disk were not mounted.
    """
    if not read_only:
        if has_catalogue(lake):
            check_folder(lake)
        else:
            _require_empty_place(connection, lake)
            make_folder(lake)
    options = {
        "DATA_PATH": literal(lake.data),
        "METADATA_SCHEMA": literal(lake.schema),
        "DATA_INLINING_ROW_LIMIT": str(INLINED_ROWS),
    }
    if read_only:
        options |= {"READ_ONLY": "true", "CREATE_IF_NOT_EXISTS": "false"}
    listed = ", ".join(f"{name} {value}" for name, value in options.items())
    connection.execute(f"ATTACH {literal(lake.attach_string)} AS {alias} ({listed})")


def ever_filled(connection: duckdb.DuckDBPyConnection, lake: LakeAddress, alias: str) -> set[tuple[str, str]]:
    """Schema and name of the tables of an attached lake into which a row was ever inserted.

    To open a table of a lake takes 20 ms or more, so that it is worth while to leave out empty ones.
    """
    catalogue = f"__ducklake_metadata_{alias}.{quoted(lake.schema)}"
    return set(
        connection.execute(
            f"SELECT s.schema_name, t.table_name FROM {catalogue}.ducklake_table t"
            f" JOIN {catalogue}.ducklake_schema s USING (schema_id)"
            f" JOIN {catalogue}.ducklake_table_stats r USING (table_id)"
            " WHERE t.end_snapshot IS NULL AND s.end_snapshot IS NULL AND r.next_row_id > 0"
        ).fetchall()
    )


def _require_empty_place(connection: duckdb.DuckDBPyConnection, lake: LakeAddress) -> None:
    """Refuse a place with files, because `floriday redact` removes files that the catalogue does not know."""
    if connection.execute("FROM glob(?) LIMIT 1", [f"{lake.data}**"]).fetchall():
        raise WarehouseError(
            f"FLORIDAY_LAKE_DATA is {lake.data}, where files are already, and {lake} would be a new lake: name an empty"
            " folder or prefix, one for each lake"
        )
