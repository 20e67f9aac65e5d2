"""Two warehouses in one connection, to move the rows of an account from one to the other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.errors import SettingError, UsageError, WarehouseError
from pipelines.lake_address import LakeAddress
from pipelines.private_files import private_files
from pipelines.warehouse.arrow_results import arrow_result
from pipelines.warehouse.file.connection import transaction
from pipelines.warehouse.file.duckdb_errors import open_error_message
from pipelines.warehouse.lake.connection import attach, connection_for_lakes, ever_filled
from pipelines.warehouse.lake.errors import plain_error
from pipelines.warehouse.schema.introspection import Columns, existing_columns, tables_with_accounts
from pipelines.warehouse.schema.unfinished_moves import TABLE as MOVES
from pipelines.warehouse.sql import listed, literal, qualified

Place = Path | LakeAddress

_FROM, _TO = "moved_from", "moved_to"
_MARK = f"{_TO}.{qualified(*MOVES)}"
_ROWS_COMPARED = 10_000  # at once
_POLICY = ("personal_data", "erased")  # tables of ``sync``


class TwoPlaces:
    """A connection to the warehouse that has an account, and to the one that gets it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, source: Place, target: Place) -> None:
        self._connection = connection
        self._places = {_FROM: source, _TO: target}
        self.is_copied = False
        """Whether the target has rows of the account; :meth:`tables` finds out."""
        self.is_unfinished = False
        """Whether these are the copy of a move that did not end; it may have ended before it copied any."""

    def tables(self, account: str) -> Columns:
        """The tables in which a place has rows of the account, with their columns, which both have."""
        found = {alias: self._tables(alias) for alias in self._places}
        counts = {alias: self._counts(alias, tables, account) for alias, tables in found.items()}
        filled = {
            table: columns for table, columns in found[_FROM].items() if any(c.get(table) for c in counts.values())
        }
        for table, columns in filled.items():
            if {name for name, _ in columns} - {name for name, _ in found[_TO].get(table, [])}:
                raise WarehouseError(f"the target lacks columns of {'.'.join(table)}: sync it once; nothing was moved")
        self.is_copied = bool(sum(counts[_TO].values()))
        self.is_unfinished = self._is_marked(account)
        return filled

    def _is_marked(self, account: str) -> bool:
        """Whether a move from this source has not ended; a SettingError if it is one from another place."""
        sql = f"SELECT moved_from FROM {_MARK} WHERE account = ?"
        marks = [place for (place,) in self._connection.execute(sql, [account]).fetchall()]
        if others := [place for place in marks if place != str(self._places[_FROM])]:
            raise SettingError(
                f"the move of the account {account} from {others[0]} has not ended: run `floriday move {account}` with"
                " that --from first"
            )
        return bool(marks)

    def _tables(self, place: str) -> Columns:
        self._connection.execute(f"USE {place}")
        columns = existing_columns(self._connection)
        return {table: columns[table] for table in tables_with_accounts(self._connection) if table != MOVES}

    def _counts(self, place: str, tables: Columns, account: str) -> dict[tuple[str, str], int]:
        """The number of rows of the account in each table that may have any."""
        address = self._places[place]
        if isinstance(address, LakeAddress):
            filled = ever_filled(self._connection, address, place)
            tables = {table: columns for table, columns in tables.items() if table in filled}
        if not tables:
            return {}
        counts = " UNION ALL ".join(
            f"SELECT {number}, count(*) FROM {place}.{qualified(schema, name)} WHERE account = $account"
            for number, (schema, name) in enumerate(tables)
        )
        rows = dict(self._connection.execute(counts, {"account": account}).fetchall())
        return {table: rows[number] for number, table in enumerate(tables)}

    def mark(self, account: str) -> None:
        """Store that the target's rows of the account are a copy, in a transaction before the first of them.

        So a sync that would read the account there is refused, wherever the move ends.
        """
        self._connection.execute(f"USE {_TO}")
        with transaction(self._connection):
            self._connection.execute(
                f"INSERT INTO {_MARK} VALUES ($account, $place, $now)",
                {"account": account, "place": str(self._places[_FROM]), "now": dt.datetime.now(dt.UTC)},
            )

    def copy(self, tables: Columns, account: str) -> None:
        """Copy the rows of the account in their order, in one transaction.

        An unfinished copy is replaced: the account may have been synced at its old place since.
        """
        with transaction(self._connection):
            if self.is_copied:
                for schema, name in tables:
                    self._delete_rows(f"{_TO}.{qualified(schema, name)}", account)
            for (schema, name), columns in tables.items():
                names, table = listed(column for column, _ in columns), qualified(schema, name)
                self._connection.execute(
                    f"INSERT INTO {_TO}.{table} ({names})"
                    f" SELECT {names} FROM {_FROM}.{table} WHERE account = $account ORDER BY rowid",
                    {"account": account},
                )
            for name in _POLICY:
                table = qualified("sync", name)
                self._connection.execute(
                    f"INSERT INTO {_TO}.{table} SELECT * FROM {_FROM}.{table} EXCEPT SELECT * FROM {_TO}.{table}"
                )

    def has_same_rows(self, tables: Columns, account: str) -> bool:
        """Whether both places have the same rows of the account."""
        return self._differing(tables, account) is None

    def check_copy(self, tables: Columns, account: str) -> None:
        """Compare each row of the account, in order; a UsageError if one differs."""
        if (table := self._differing(tables, account)) is not None:
            raise UsageError(
                f"both places have rows of the account {account}, and those of {'.'.join(table)} differ: nothing was"
                f" deleted. To put the others aside, `floriday move {account} --from {_named(self._places[_TO])} --to"
                f" {account}-aside.duckdb`, and run this again"
            )

    def _differing(self, tables: Columns, account: str) -> tuple[str, str] | None:
        """The first table of which the places have different rows of the account."""
        for (schema, name), columns in tables.items():
            sql = (
                f"SELECT {listed(column for column, _ in columns)} FROM {{}}.{qualified(schema, name)}"
                " WHERE account = $account ORDER BY rowid"
            )
            if not self._are_same(sql, {"account": account}):
                return schema, name
        return None

    def _are_same(self, sql: str, params: Mapping[str, object]) -> bool:
        """Whether a query has the same rows in both places; its ``{}`` stands for the place."""
        with self._connection.cursor() as other:
            readers = [
                arrow_result(connection, sql.format(place), params).to_arrow_reader(_ROWS_COMPARED)
                for connection, place in ((self._connection, _FROM), (other, _TO))
            ]
            return all(_equal(one, copy) for one, copy in zip_longest(*readers))

    def delete(self, tables: Columns, account: str) -> int:
        """Delete the rows of the account in the source, in one transaction; returns their number."""
        self._connection.execute(f"USE {_FROM}")
        with transaction(self._connection):
            return sum(self._delete_rows(f"{_FROM}.{qualified(*table)}", account) for table in tables)

    def end(self, account: str) -> None:
        """Remove the mark: the copy is the account now."""
        self._connection.execute(f"USE {_TO}")
        with transaction(self._connection):
            self._delete_rows(_MARK, account)

    def _delete_rows(self, table: str, account: str) -> int:
        sql = f"DELETE FROM {table} WHERE account = $account"
        ((count,),) = self._connection.execute(sql, {"account": account}).fetchall()
        return int(count)


def _named(place: Place) -> str:
    """What `floriday move` calls a place."""
    return place.place if isinstance(place, LakeAddress) else str(place)


def _equal(one: pa.RecordBatch | None, copy: pa.RecordBatch | None) -> bool:
    """Whether two batches have the same rows; lakes and files name the items of lists differently."""
    return one is not None and copy is not None and bool(one == copy.cast(one.schema))


@contextmanager
def two_places(source: Place, target: Place) -> Iterator[TwoPlaces]:
    """Open both warehouses, which exist, in one connection.

    Raises:
        UsageError: both are files.
        WarehouseError: one cannot be opened or written.
    """
    lakes = [place for place in (source, target) if isinstance(place, LakeAddress)]
    if not lakes:
        raise UsageError("a file and a file: one of the two places must be a lake")
    with private_files():
        connection = connection_for_lakes(with_s3=any(lake.is_remote for lake in lakes))
        try:
            _attach(connection, source, _FROM)
            _attach(connection, target, _TO)
            yield TwoPlaces(connection, source, target)
        except duckdb.Error as error:
            raise plain_error(lakes[0], error) from None
        finally:
            connection.close()


def _attach(connection: duckdb.DuckDBPyConnection, place: Place, alias: str) -> None:
    if isinstance(place, LakeAddress):
        attach(connection, place, alias, read_only=False)
        return
    try:
        connection.execute(f"ATTACH {literal(str(place))} AS {alias}")
    except duckdb.Error as error:
        raise WarehouseError(open_error_message(place, error)) from None
