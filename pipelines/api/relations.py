"""DuckDB relations of a warehouse whose file is open."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

import duckdb
import pandas as pd

from pipelines.api.frames import frame_of_table
from pipelines.api.selects import Moment, table_query
from pipelines.reports import find_report
from pipelines.reports.execution import Arguments, checked_arguments, query_of
from pipelines.reports.parameters import given_parameters
from pipelines.warehouse.read.hints.before_first_sync import before_first_sync


class Relations:
    """The tables and reports of an open file as DuckDB relations, which are computed when their rows are used.

    ``connection`` is the DuckDB connection, for everything else that DuckDB can do.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def table(self, name: str, *, as_of: Moment | None = None) -> duckdb.DuckDBPyRelation:
        """The rows of a table, now or at a time in the past; arguments are those of :meth:`Warehouse.table`."""
        sql, params = table_query(self, name, as_of)
        if notice := before_first_sync(self.rows, sql, params):
            warnings.warn(notice, UserWarning, stacklevel=2)
        return self.sql(sql, params)

    def report(
        self, name: str, *, account: str | None = None, **parameters: date | int | str | UUID | None
    ) -> duckdb.DuckDBPyRelation:
        """The rows of a report; arguments are those of :meth:`Warehouse.report`."""
        chosen = find_report(name)
        arguments = Arguments(given_parameters(parameters), account)
        return self.sql(*query_of(chosen, checked_arguments(self, chosen, arguments)))

    def sql(self, sql: str, params: Mapping[str, object] | None = None) -> duckdb.DuckDBPyRelation:
        """The relation of one statement, whose parameters are written as ``$name``."""
        return self.connection.sql(sql, params=dict(params or {})) if params else self.connection.sql(sql)

    def frame(self, relation: duckdb.DuckDBPyRelation) -> pd.DataFrame:
        """All rows of a relation as a frame with Arrow types; its own ``df`` makes floats of decimals."""
        return frame_of_table(relation.to_arrow_table())

    def rows(self, sql: str, /) -> list[tuple[Any, ...]]:
        """All rows of a query, as Python values."""
        return self.connection.execute(sql).fetchall()
