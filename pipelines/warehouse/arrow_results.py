"""Results as Arrow, without a copy of all rows, whichever version of DuckDB is installed."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pyarrow as pa

_RELATIONS_STREAM = int(duckdb.__version__.partition(".")[0]) >= 2
"""DuckDB 2 copies the rows of ``execute`` before Arrow receives them; DuckDB 1 those of a relation with parameters."""


def arrow_result(
    connection: duckdb.DuckDBPyConnection, sql: str, params: Mapping[str, object] | None = None
) -> duckdb.DuckDBPyConnection | duckdb.DuckDBPyRelation:
    """The result of one statement, with the methods ``to_arrow_table`` and ``to_arrow_reader`` and a ``description``.

    DuckDB 2 starts the statement with the first of those methods.
    """
    if not _RELATIONS_STREAM:
        return connection.execute(sql, dict(params or {}))
    return connection.sql(sql, params=dict(params)) if params else connection.sql(sql)


def arrow_table(
    connection: duckdb.DuckDBPyConnection, sql: str, params: Mapping[str, object] | None = None
) -> pa.Table:
    """All rows of one statement."""
    return arrow_result(connection, sql, params).to_arrow_table()
