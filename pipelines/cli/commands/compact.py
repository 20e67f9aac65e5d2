"""``floriday compact``: release the disk space of deleted rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.cli.console import print_line

if TYPE_CHECKING:
    from pipelines.settings import LocalSettings


def compact() -> None:
    """Release the disk space of deleted rows; merge the small files of a lake.

    DuckDB reuses that space, so there is no need to compact regularly; but after many deletions, only this makes the
    file smaller. Everything is copied into a new file, compared, and put in the place of the old one. This needs the
    size of the warehouse again as free disk space, and about 20 seconds for each gigabyte. Meanwhile syncs wait;
    readers do not.

    Compact a lake daily: small changes that PostgreSQL holds are written to Parquet files, small files are merged, and
    files that were replaced more than an hour ago are removed.

    For example:

        floriday compact
    """
    from pipelines.cli.cells import in_each_cell
    from pipelines.settings import load_local_settings

    in_each_cell(load_local_settings(), _compact)


def _compact(settings: LocalSettings) -> None:
    from pipelines.cli.terminal.status_line import elapsed_time
    from pipelines.text_format import file_size
    from pipelines.warehouse.file.compaction import compact as compact_file
    from pipelines.warehouse.lake.connection import LakeWarehouse
    from pipelines.warehouse.lake.upkeep import upkeep
    from pipelines.warehouse.opening import hold_sync_lock, open_warehouse

    warehouse = open_warehouse(settings.warehouse)
    warehouse.require()
    with hold_sync_lock(warehouse.address, "floriday compact"), elapsed_time("compacting"):
        if isinstance(warehouse, LakeWarehouse):
            files = upkeep(warehouse)
            held = ", with the small changes that PostgreSQL held" if files.after > files.before else ""
            print_line(f"{warehouse.name}: {files.before} files before, {files.after} after{held}")
            return
        done = compact_file(warehouse)
    print_line(f"{warehouse.name}: {file_size(done.before)} before, {file_size(done.after)} after")
