"""The Python API of floriday-warehouse under a name that collides with no other package.

It has the names of :mod:`pipelines.api`, which ``docs/python.md`` explains.
"""

from __future__ import annotations

from pipelines.api import (
    ColumnSummary,
    Freshness,
    Limits,
    PipelineError,
    QueryMemoryError,
    QueryTimeoutError,
    Relations,
    Report,
    TableDescription,
    TableSummary,
    UsageError,
    Warehouse,
    open_warehouse,
)

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
