"""The keys of records that were just served, as a table to compare with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from pipelines.catalogue.tables import Table
from pipelines.warehouse.sql import from_frame, quoted, record_key

if TYPE_CHECKING:
    import pandas as pd


@contextmanager
def served_keys(connection: duckdb.DuckDBPyConnection, table: Table, frame: pd.DataFrame) -> Iterator[None]:
    """Within the block the temporary table ``served`` has a frame's keys, and its ``record``.

    A frame cannot be asked for UUIDs itself: DuckDB may push such a condition into the reading of the frame, and then
    refuses the query.

    Args:
        connection: open for reading or writing.
        table: the feed's.
        frame: normalized records.
    """
    key = ", ".join(f"{from_frame(table.by_name[name], 'f')} AS {quoted(name)}" for name in record_key(table))
    connection.register("served_frame", frame)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE served AS SELECT f.record, {key} FROM served_frame f")
    connection.unregister("served_frame")
    try:
        yield
    finally:
        connection.execute("DROP TABLE IF EXISTS temp.served")
