"""The steps that rebuild a feed's typed tables from its raw log; all of them within one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from pipelines.catalogue.tables import Table
from pipelines.normalize import Batch, frame_of
from pipelines.warehouse.arrow_results import arrow_table
from pipelines.warehouse.sql import current_rows, from_row, listed, raw, record_key, versions
from pipelines.warehouse.storage import register

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

VERSIONS_A_SLICE = 10_000


@dataclass(frozen=True)
class Slice:
    """Some versions of an account's records, in the order in which they were stored."""

    account: str  # name of the account that read them
    payloads: list[bytes]  # as received
    first: int  # place of the first version in the raw log; `last` is the place of the last one
    last: int


def clear(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Empty the typed tables of a feed, children and versions too."""
    for each in table.walk():
        connection.execute(f"DELETE FROM {current_rows(each)}")
        connection.execute(f"DELETE FROM {versions(each)}")


def number(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Fill the temporary table ``numbered``: for each place in the raw log, which version of its record it holds."""
    order = f"PARTITION BY account, {listed(record_key(table))} ORDER BY series, coalesce(sequence_number, 0), rowid"
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE numbered AS"
        " SELECT rowid AS place, account, CAST(row_number() OVER earlier AS INTEGER) AS version,"
        f" lead(rowid) OVER earlier IS NULL AS is_newest FROM {raw(table)} WINDOW earlier AS ({order})"
    )


def records(connection: duckdb.DuckDBPyConnection) -> int:
    """The number of records in ``numbered``."""
    ((count,),) = connection.execute("SELECT count(*) FILTER (is_newest) FROM numbered").fetchall()
    return int(count)


def slices(connection: duckdb.DuckDBPyConnection, table: Table) -> Iterator[Slice]:
    """The raw log in slices, account by account; ``numbered`` must be filled."""
    bounds = connection.execute(
        "SELECT account, min(place), max(place) FROM (SELECT account, place,"
        " (row_number() OVER (PARTITION BY account ORDER BY place) - 1) // $size AS slice FROM numbered)"
        " GROUP BY account, slice ORDER BY account, min(place)",
        {"size": VERSIONS_A_SLICE},
    ).fetchall()
    for account, first, last in bounds:
        found = arrow_table(
            connection,
            f"SELECT payload FROM {raw(table)} WHERE rowid BETWEEN $first AND $last AND account = $account"
            " ORDER BY rowid",
            {"account": account, "first": first, "last": last},
        )
        yield Slice(account, found["payload"].cast("large_binary").to_pylist(), first, last)


def put(connection: duckdb.DuckDBPyConnection, table: Table, log_slice: Slice, batch: Batch) -> None:
    """Store the typed versions of a slice, and the newest ones of their records as current rows; none is rejected."""
    logged = _logged(connection, table, log_slice)
    for each in table.walk():
        register(connection, typed=_with_log(batch.frames[each.qualified_name], logged))
        row = from_row(each, "b", "b.log_synced_at")
        extra = "b.log_series, b.log_version" if each is table else "b.log_version"
        params = {"account": log_slice.account}
        connection.execute(f"INSERT INTO {versions(each)} SELECT {row}, {extra} FROM typed b", params)
        connection.execute(f"INSERT INTO {current_rows(each)} SELECT {row} FROM typed b WHERE b.log_is_newest", params)
        connection.unregister("typed")


def _logged(connection: duckdb.DuckDBPyConnection, table: Table, log_slice: Slice) -> pa.Table:
    """What the log holds of each version of a slice, in its order; no column has the name of a record's own column."""
    return arrow_table(
        connection,
        "SELECT n.version AS log_version, n.is_newest AS log_is_newest, r.series AS log_series,"
        f" r.synced_at AS log_synced_at FROM {raw(table)} r JOIN numbered n ON n.place = r.rowid"
        " WHERE r.rowid BETWEEN $first AND $last AND n.place BETWEEN $first AND $last"
        " AND r.account = $account ORDER BY r.rowid",
        {"account": log_slice.account, "first": log_slice.first, "last": log_slice.last},
    )


def _with_log(frame: pd.DataFrame, logged: pa.Table) -> pd.DataFrame:
    """Rows beside what the log holds of their records; a join of DuckDB's would copy all of them once more."""
    of_each = frame_of(logged.take(frame["record"].to_numpy()))
    return frame.assign(**{name: of_each[name].array for name in logged.column_names})
