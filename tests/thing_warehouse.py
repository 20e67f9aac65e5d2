"""A real DuckDB file for the feed of things, and short words for what tests do with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
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

STARTED = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
A, B, C = (THING_ID, *(f"{THING_ID[:-1]}{letter}" for letter in "bc"))
"""Ids of things, in their order."""


def word(text: str, number: int, identity: str = A) -> bytes:
    """A thing whose only content is a word."""
    return thing(f'"word":"{text}"', number, identity)


def window(
    part: FeedPart, batch: Batch, *, series: int = 1, begins: int = 0, ends: int = 0, run: str = "run"
) -> Window:
    """What ``sync.windows`` is to say of a batch."""
    return Window(part, series, begins, ends, batch.served, len(batch.rejected), STARTED, run)


@dataclass(frozen=True)
class ThingWarehouse:
    """The file, laid out for some feeds.

    Args:
        path: of the file.
        feeds: whose tables it has.
    """

    path: Path
    feeds: tuple[Feed, ...] = (THINGS,)

    @property
    def warehouse(self) -> Warehouse:
        """What opens the file."""
        return Warehouse(self.path, lock_timeout=60.0)

    def create(self) -> ThingWarehouse:
        """Make the file, with all tables and no row."""
        self.path.write_bytes(_blank(self.feeds))
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
        """Commit a batch of records, the file opened for it alone."""
        part = FeedPart(account, feed.name)
        with self.warehouse.writing() as connection:
            return commit(connection, raws, part, feed, series=series, begins=begins, ends=ends, run=run, moment=moment)

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """What a query answers."""
        with self.warehouse.reading() as connection:
            return connection.execute(sql, list(values)).fetchall()

    def values(self, sql: str, *values: object) -> list[Any]:
        """The first column of what a query answers."""
        return [row[0] for row in self.rows(sql, *values)]

    def change(self, sql: str, *values: object) -> None:
        """Change something by hand."""
        with self.warehouse.writing() as connection:
            connection.execute(sql, list(values))

    def contents(self, excluding: Iterable[str] = ()) -> dict[str, list[str]]:
        """All rows of all tables but some, as text and in order, by ``schema.table``."""
        with self.warehouse.reading() as connection:
            return contents(connection, excluding)


@cache
def _blank(feeds: tuple[Feed, ...]) -> bytes:
    """The bytes of a file that is laid out; made once, for it takes longer than most tests."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "w.duckdb"
        with Warehouse(path).writing() as connection, transaction(connection):
            create_tables(connection, [tables_of(feed) for feed in feeds])
        return path.read_bytes()


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
    """Normalize and store a batch of records; the feed is current with it."""
    table = tables_of(feed)
    batch = normalize(table, raws)
    said = window(part, batch, series=series, begins=begins, ends=ends, run=run)
    with transaction(connection):
        return store(connection, table, batch, said, Position(series, ends), current=True, moment=moment)


def contents(connection: duckdb.DuckDBPyConnection, excluding: Iterable[str] = ()) -> dict[str, list[str]]:
    """All rows of all tables but some, as text and in order, by ``schema.table``."""
    names = connection.execute("SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT temporary").fetchall()
    found = {}
    for schema, name in names:
        if f"{schema}.{name}" not in excluding:
            rows = connection.execute(f'SELECT * FROM "{schema}"."{name}"').fetchall()
            found[f"{schema}.{name}"] = sorted(map(repr, rows))
    return found
