"""What the database of a connection can store: a DuckDB file, or a DuckLake.

All SQL is the same for both, except for what this page lists.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

NUL_SIGN = "\N{SYMBOL FOR NULL}"
"""Replaces the character NUL in the texts of a lake: PostgreSQL refuses it, and holds the smallest text of a column."""


@dataclass(frozen=True)
class Storage:
    """The abilities in which a file and a lake differ."""

    compresses_columns: bool  # whether a column can have a compression of its own
    describes_views: bool  # whether columns of views and macros can have comments
    has_defaults: bool  # whether parameters of stored macros can have defaults
    stores_nul: bool  # whether texts can contain the character NUL
    locks_out_writers: bool  # whether no other process can write at the same time


FILE = Storage(
    compresses_columns=True, describes_views=True, has_defaults=True, stores_nul=True, locks_out_writers=True
)
LAKE = Storage(
    compresses_columns=False, describes_views=False, has_defaults=False, stores_nul=False, locks_out_writers=False
)


@dataclass(frozen=True)
class FilledTables:
    """The tables that may have rows.

    To read a table of a lake without any row ever, DuckLake asks PostgreSQL for its statistics again and again, 12 to
    34 times; to learn which tables those are takes fewer statements.

    Args:
        names: their schemas and names; None where any table may have rows.
    """

    names: frozenset[tuple[str, str]] | None = None

    def __contains__(self, table: tuple[str, str]) -> bool:
        return self.names is None or table in self.names

    def __or__(self, tables: Iterable[tuple[str, str]]) -> FilledTables:
        """The same with tables that get their first rows."""
        return self if self.names is None else FilledTables(self.names | {*tables})


ALL_TABLES = FilledTables()


def storage_of(connection: duckdb.DuckDBPyConnection) -> Storage:
    """The abilities of the current database of a connection."""
    sql = "SELECT type FROM duckdb_databases() WHERE database_name = current_database()"
    ((kind,),) = connection.execute(sql).fetchall()
    return LAKE if kind == "ducklake" else FILE


def conflict_with_inserts(connection: duckdb.DuckDBPyConnection) -> None:
    """Let this transaction fail if another one that calls this is committed before it; nothing happens in a file.

    DuckLake finds a conflict where two transactions delete rows of a table, but lets both insert the same new rows. So
    a writer that lost the sync lock without knowing would store a first load twice.
    """
    if not storage_of(connection).locks_out_writers:
        connection.execute("UPDATE sync.settings SET layout_version = layout_version")


def register(connection: duckdb.DuckDBPyConnection, **frames: pd.DataFrame | pa.Table) -> None:
    """Make frames views of a connection under their names, with texts that its current database can store."""
    stores_nul = storage_of(connection).stores_nul
    for name, frame in frames.items():
        connection.register(name, frame if stores_nul else _without_nul(frame))


def _without_nul(frame: pd.DataFrame | pa.Table) -> pd.DataFrame | pa.Table:
    import pyarrow as pa  # noqa: PLC0415 - only a writer needs it

    table = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame, preserve_index=False)
    for place, column in enumerate(table.columns):
        chunks = [_replaced(chunk) for chunk in column.chunks]
        if any(new is not old for new, old in zip(chunks, column.chunks, strict=True)):
            table = table.set_column(place, table.field(place), pa.chunked_array(chunks, column.type))
    return table


def _replaced(values: pa.Array) -> pa.Array:
    """Values without NUL in texts and lists of texts; the same object if there is none."""
    import pyarrow as pa  # noqa: PLC0415 - only a writer needs it
    import pyarrow.compute as pc  # noqa: PLC0415 - only a writer needs it

    is_list = pa.types.is_list(values.type)
    texts = values.flatten() if is_list else values
    is_text = pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type)
    if not is_text or not pc.any(pc.match_substring(texts, "\0")).as_py():
        return values
    if not is_list:
        return pc.replace_substring(values, "\0", NUL_SIGN)
    lists = [each and [text and text.replace("\0", NUL_SIGN) for text in each] for each in values.to_pylist()]
    return pa.array(lists, values.type)
