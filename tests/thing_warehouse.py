"""A warehouse with the tables of the test feed ``things``, and short functions that store and read records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Feed, Source
from pipelines.normalize import Batch, normalize
from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.load.cursors import FeedPart, Position, Window
from pipelines.warehouse.load.upsert import Stored, store
from pipelines.warehouse.schema.create import create_tables
from tests.every_kind import THING_ID, THINGS, thing
from tests.warehouses import Saved, filled, settings_at, warehouse_at

STARTED = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
A, B, C = (THING_ID, *(f"{THING_ID[:-1]}{letter}" for letter in "bc"))
"""Ids of three things, in ascending order."""


def word(text: str, number: int, identity: str = A) -> bytes:
    """Return a thing whose only content is a word."""
    return thing(f'"word":"{text}"', number, identity)


def window(
    part: FeedPart, batch: Batch, *, series: int = 1, begins: int = 0, ends: int = 0, run: str = "run"
) -> Window:
    """Return the row of ``sync.windows`` for a batch."""
    return Window(part, series, begins, ends, batch.served, len(batch.rejected), STARTED, run)


@dataclass(frozen=True)
class ThingWarehouse:
    """A warehouse with the tables of some feeds.

    Args:
        path: path of the DuckDB file, or the one that a lake stands for.
        feeds: feeds whose tables the warehouse has.
    """

    path: Path
    feeds: tuple[Feed, ...] = (THINGS,)

    @property
    def warehouse(self) -> Warehouse:
        """The warehouse at the path."""
        return warehouse_at(self.path)

    @property
    def settings(self) -> dict[str, str]:
        """The settings of the warehouse."""
        return settings_at(self.path)

    def create(self) -> ThingWarehouse:
        """Create it with all tables and no rows."""
        _blank(self.feeds).restore(self.path)
        return self

    def store(
        self,
        *raws: bytes,
        account: str = "main",
        series: int = 1,
        feed: Feed = THINGS,
        begins: int = 0,
        ends: int = 1,
        run: str = "run",
        moment: dt.datetime | None = None,
    ) -> Stored:
        """Store records in one transaction, with a connection of its own."""
        part = FeedPart(account, feed.name)
        with self.warehouse.writing() as connection:
            return commit(connection, raws, part, feed, series=series, begins=begins, ends=ends, run=run, moment=moment)

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self.warehouse.reading() as connection:
            return connection.execute(sql, list(parameters)).fetchall()

    def values(self, sql: str, *parameters: object) -> list[Any]:
        """Return the first column of a query."""
        return [row[0] for row in self.rows(sql, *parameters)]

    def change(self, sql: str, *parameters: object) -> None:
        """Execute a statement."""
        with self.warehouse.writing() as connection:
            connection.execute(sql, list(parameters))

    def contents(self, excluding: Iterable[str] = ()) -> dict[str, list[str]]:
        """Return the sorted rows of each table as text, by ``schema.table``."""
        with self.warehouse.reading() as connection:
            return contents(connection, excluding)


@cache
def _blank(feeds: tuple[Feed, ...]) -> Saved:
    """Return a warehouse with empty tables; cached, because creating it takes longer than most tests."""
    return filled(lambda connection: create_tables(connection, [tables_of(feed) for feed in feeds]))


def commit(
    connection: duckdb.DuckDBPyConnection,
    raws: Sequence[bytes],
    part: FeedPart,
    feed: Source,
    *,
    series: int = 1,
    begins: int = 0,
    ends: int = 1,
    run: str = "run",
    moment: dt.datetime | None = None,
) -> Stored:
    """Normalize and store records in one transaction, and mark the feed as current."""
    table = tables_of(feed)
    batch = normalize(table, raws)
    stored_window = window(part, batch, series=series, begins=begins, ends=ends, run=run)
    with transaction(connection):
        return store(connection, table, batch, stored_window, Position(series, ends), current=True, moment=moment)


def contents(connection: duckdb.DuckDBPyConnection, excluding: Iterable[str] = ()) -> dict[str, list[str]]:
    """Return the sorted rows of each table as text, by ``schema.table``."""
    names = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database() AND NOT temporary"
    ).fetchall()
    found = {}
    for schema, name in names:
        if f"{schema}.{name}" not in excluding:
            rows = connection.execute(f'SELECT * FROM "{schema}"."{name}"').fetchall()
            found[f"{schema}.{name}"] = sorted(map(repr, rows))
    return found
