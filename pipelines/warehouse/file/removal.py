"""Remove a warehouse, and the temporary files that killed processes left beside one."""

from __future__ import annotations

from pathlib import Path

from pipelines.paths import default_published_path, real_path
from pipelines.private_files import remove_leftover
from pipelines.warehouse.file.sync_lock import hold_sync_lock


def remove_warehouse(warehouse: Path, holder: str) -> None:
    """Remove the DuckDB file, its write-ahead log and its published copy, where they exist; a link to it is kept.

    Raises:
        WarehouseBusyError: a sync of this warehouse is running.
        WarehouseError: the folder is not writable.
    """
    with hold_sync_lock(warehouse, holder):
        for path in (warehouse, default_published_path(real_path(warehouse))):
            remove_database_file(path)


def remove_leftovers(warehouse: Path) -> None:
    """Remove what killed processes left beside the warehouse: dry runs, incomplete files, and DuckDB's spill files.

    The caller gives the real path, holds the sync lock and has the file open for writing, so no process uses them.

    Raises:
        OSError: another user's file has one of the names, or a file cannot be removed.
    """
    name = warehouse.name
    rewritten = [f"{name}.{what}{log}" for what in ("compact", "redact") for log in ("", ".wal")]
    for leftover in (f".{name}.trial", f"{name}.tmp", *rewritten):
        remove_leftover(warehouse.with_name(leftover))


def remove_database_file(path: Path) -> None:
    """Remove a DuckDB file and its write-ahead log, where they exist; a link to the file is kept."""
    path = real_path(path)
    for file in (path, path.with_name(f"{path.name}.wal")):
        file.unlink(missing_ok=True)
