"""What the database of a connection can store: a DuckDB file, or a DuckLake.

All SQL is the same for both, except for what this page lists.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb


@dataclass(frozen=True)
class Storage:
    """The abilities in which a file and a lake differ."""

    compresses_columns: bool  # whether a column can have a compression of its own
    describes_views: bool  # whether columns of views and macros can have comments
    has_defaults: bool  # whether parameters of stored macros can have defaults


FILE = Storage(compresses_columns=True, describes_views=True, has_defaults=True)
LAKE = Storage(compresses_columns=False, describes_views=False, has_defaults=False)


def storage_of(connection: duckdb.DuckDBPyConnection) -> Storage:
    """The abilities of the current database of a connection."""
    sql = "SELECT type FROM duckdb_databases() WHERE database_name = current_database()"
    ((kind,),) = connection.execute(sql).fetchall()
    return LAKE if kind == "ducklake" else FILE
