"""Removing a warehouse that is made up anew each time: of the demo, of the sandbox."""

from __future__ import annotations

from pathlib import Path

from pipelines.paths import real_path
from pipelines.private_files import remove_leftover
from pipelines.warehouse.file.publish import default_published_path
from pipelines.warehouse.file.sync_lock import hold_sync_lock


def remove_warehouse(warehouse: Path, holder: str) -> None:
    """Remove the DuckDB file, its write-ahead log and its copy for readers, where they are.

    Args:
        warehouse: path of the DuckDB file; a link to it stays.
        holder: who removes it, in words, for the message to others.

    Raises:
        WarehouseBusyError: a sync is under way there.
        WarehouseError: the folder does not take files.
    """
    with hold_sync_lock(warehouse, holder):
        for path in (warehouse, default_published_path(warehouse)):
            remove_database_file(path)


def remove_leftovers(warehouse: Path) -> None:
    """Remove what killed processes left beside the warehouse: trials, half-made files, and what DuckDB spilled.

    The caller holds the lock of :func:`~pipelines.warehouse.file.sync_lock.hold_sync_lock` and has the file open
    for writing, so nobody uses them.

    Args:
        warehouse: real path of the DuckDB file.

    Raises:
        OSError: something of another user has one of the names, or cannot be removed.
    """
    name = warehouse.name
    rewritten = [f"{name}.{what}{log}" for what in ("compact", "redact") for log in ("", ".wal")]
    for left in (f".{name}.trial", f"{name}.tmp", *rewritten):
        remove_leftover(warehouse.with_name(left))


def remove_database_file(path: Path) -> None:
    """Remove a DuckDB file and its write-ahead log, where they are; a link to it stays."""
    path = real_path(path)
    for left in (path, path.with_name(f"{path.name}.wal")):
        left.unlink(missing_ok=True)
