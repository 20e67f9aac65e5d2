"""Results as Arrow, without a copy of all rows, whichever version of DuckDB is installed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

import duckdb

if TYPE_CHECKING:
    import pyarrow as pa

_RELATIONS_STREAM = int(duckdb.__version__.partition(".")[0]) >= 2
"""DuckDB 2 copies the rows of ``execute`` before Arrow receives them; DuckDB 1 those of a relation with parameters."""


class ArrowResult(Protocol):
    """The result of one statement; DuckDB 2 starts the statement with the first of the methods."""

    @property
    def description(self) -> Any:
        """Names and types of the columns, as defined by Python's DB-API."""

    def to_arrow_table(self) -> pa.Table:
        """All rows."""

    def to_arrow_reader(self, batch_size: int, /) -> pa.RecordBatchReader:
        """The rows in batches, computed while they are read."""


def arrow_result(
    connection: duckdb.DuckDBPyConnection, sql: str, params: Mapping[str, object] | None = None
) -> ArrowResult:
    """The result of one statement with named parameters."""
    if not _RELATIONS_STREAM:
        return cast("ArrowResult", connection.execute(sql, dict(params or {})))
    return cast("ArrowResult", connection.sql(sql, params=dict(params)) if params else connection.sql(sql))


def arrow_table(
    connection: duckdb.DuckDBPyConnection, sql: str, params: Mapping[str, object] | None = None
) -> pa.Table:
    """All rows of one statement."""
    return arrow_result(connection, sql, params).to_arrow_table()
