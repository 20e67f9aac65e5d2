"""The copy for readers that stay connected, such as BI tools and notebooks: they keep no sync waiting."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb

from pipelines.errors import PipelineError, WarehouseError
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.copy import copy

_LAST_CHANGE = (
    "SELECT (SELECT (committed_at, feed, run_id) FROM sync.windows"
    " WHERE rowid = (SELECT max(rowid) FROM sync.windows)), (SELECT sum(records) FROM sync.windows),"
    " (SELECT max(first_seen) FROM sync.rejected_records), (SELECT max(resolved_at) FROM sync.rejected_records),"
    " (SELECT list(account ORDER BY account) FROM sync.accounts), (SELECT max(layout_version) FROM sync.settings)"
)
"""What a sync moves when it changed something, and leaves alone when it only noted that there is nothing new."""


def publish(warehouse: Warehouse, target: Path) -> None:
    """Renew the copy; whoever has the old one open goes on reading it.

    It needs no lock file: DuckDB's own lock keeps writers out while the file is read.

    Raises:
        PipelineError: the copy could not be renewed; the old one is as it was, and nothing is left beside it.
    """
    try:
        copy(warehouse, target)
    except PipelineError as error:
        raise WarehouseError(f"FLORIDAY_PUBLISHED: {error.message}") from None
    except OSError as error:
        raise WarehouseError(
            f"FLORIDAY_PUBLISHED: {target} cannot be renewed ({error.strerror}), and is as it was: make room or make it"
            " writable, or set another path, or off"
        ) from None


def due(warehouse: Warehouse, target: Path, every: timedelta) -> bool:
    """Whether the copy is missing, or older than ``every`` and without the last change of the warehouse.

    Raises:
        WarehouseBusyError: another process held the warehouse for longer than the patience.
        WarehouseError: there is no warehouse, or it cannot be used.
    """
    try:
        age = time.time() - target.stat().st_mtime
    except OSError:
        return True
    if 0 <= age < every.total_seconds():
        return False
    return _last_change(warehouse) != _published(target)


def _published(target: Path) -> tuple[Any, ...] | None:
    """The last change in the copy; None where that cannot be told."""
    try:
        return _last_change(Warehouse(target, patience=0.0))
    except (PipelineError, duckdb.Error):
        return None


def _last_change(warehouse: Warehouse) -> tuple[Any, ...]:
    with warehouse.reading() as connection:
        (change,) = connection.execute(_LAST_CHANGE).fetchall()
    return tuple(change)
