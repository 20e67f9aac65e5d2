"""``floriday compact``: the space of deleted rows, given back."""

from __future__ import annotations

from pipelines.cli.console import print_line


def compact() -> None:
    """Give the space of deleted rows back to the disk.

    DuckDB fills that space again, so the file need not be compacted to stay as it is; after many deletions it gets
    smaller only by this. Everything is written into a new file, compared, and put in the old one's place. It takes
    as much room again meanwhile, and about 20 seconds for each gigabyte, in which syncs wait and readers do not.

    For example:

        floriday compact
    """
    from pipelines.settings import load_local_settings
    from pipelines.text_format import file_size
    from pipelines.warehouse.file.compaction import compact as compacted
    from pipelines.warehouse.file.connection import Warehouse
    from pipelines.warehouse.file.sync_lock import hold_sync_lock

    warehouse = Warehouse(load_local_settings().warehouse)
    warehouse.require()
    with hold_sync_lock(warehouse.path, "floriday compact"):
        done = compacted(warehouse)
    print_line(f"{warehouse.path}: {file_size(done.before)} before, {file_size(done.after)} after")
