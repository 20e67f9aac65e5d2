"""The Python API: a warehouse as pandas frames and DuckDB relations, for notebooks and scripts.

``floriday_warehouse`` has the same names, for projects that have a package ``pipelines`` of their own. Everything else
in this package is internal and may change.
"""

from __future__ import annotations

from pipelines.api.relations import Relations
from pipelines.api.warehouse import Warehouse, open_warehouse
from pipelines.errors import PipelineError, QueryMemoryError, QueryTimeoutError, UsageError
from pipelines.reports.report import Report
from pipelines.warehouse.read.freshness import Freshness
from pipelines.warehouse.read.query_session import Limits
from pipelines.warehouse.read.tables import ColumnSummary, TableDescription, TableSummary

__all__ = [
    "ColumnSummary",
    "Freshness",
    "Limits",
    "PipelineError",
    "QueryMemoryError",
    "QueryTimeoutError",
    "Relations",
    "Report",
    "TableDescription",
    "TableSummary",
    "UsageError",
    "Warehouse",
    "open_warehouse",
]
