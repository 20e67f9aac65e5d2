"""Batches of sales orders, as a sync stores them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import duckdb

from harness.records import Shapes, feed_of
from harness.rows import key_of
from pipelines.catalogue.tables import tables_of
from pipelines.normalize import normalize
from pipelines.warehouse.load.cursors import FeedPart, Position, Window
from pipelines.warehouse.load.upsert import Effects, Stored, store

FEED = "orders.sales_orders"
TABLE = tables_of(feed_of(FEED))


def sales_orders(keys: Sequence[int], cursor: int, changed: int) -> list[bytes]:
    """Sales orders with these keys, numbered from the cursor on; another number of changes gives another content."""
    shapes = Shapes(feed_of(FEED))
    return [
        shapes.record(key, key_of(TABLE, key), cursor + place + 1, changed=changed) for place, key in enumerate(keys)
    ]


def storing(
    records: Sequence[bytes],
    cursor: int,
    effects: Effects = Effects(),  # noqa: B008 - frozen
) -> Callable[[duckdb.DuckDBPyConnection], Stored]:
    """Normalize records, and return what stores them within a transaction."""
    batch, now, reached = normalize(TABLE, records), datetime.now(UTC), cursor + len(records)
    window = Window(FeedPart("main", FEED), 1, cursor, reached, len(records), 0, now, "benchmark")
    to = Position(1, reached, reached)
    return lambda connection: store(connection, TABLE, batch, window, to, current=True, effects=effects)
