"""Count, search and replace the personal values in the tables of a warehouse.

When and why that happens does not belong here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
from duckdb.func import FunctionNullHandling

from pipelines.catalogue.tables import Column, Table
from pipelines.catalogue.types import Kind
from pipelines.normalize import normalize
from pipelines.normalize.content import content_hash
from pipelines.normalize.protection import Protection, Value, Withheld, personal_names
from pipelines.normalize.rejected import without_value
from pipelines.warehouse.file.compaction import table_names
from pipelines.warehouse.sql import current_rows, quoted, raw, versions
from pipelines.warehouse.storage import NUL_SIGN, storage_of

REJECTED = '"sync"."rejected_records"'


@dataclass(frozen=True)
class ChangeCounts:
    """How many values, versions and records of a table change."""

    table: str  # ``schema.table``
    values: int  # number of values in current rows
    versions: int  # number of values in the history
    payloads: int = 0  # number of versions in the raw log; only for a feed or snapshot
    rejected: int = 0  # number of rejected records; only for a feed or snapshot


def find_texts(connection: duckdb.DuckDBPyConnection, feeds: Sequence[Table], text: str) -> set[str]:
    """All stored personal texts that contain a text, in capitals or not."""
    found: set[str] = set()
    stored = set(_stored(connection))
    for feed in feeds:
        for table, columns in personal_columns(feed):
            for column in columns if table in stored else ():
                if column.kind is Kind.TEXT:
                    name = quoted(column.name)
                    sql = f"SELECT DISTINCT {name} FROM {table} WHERE contains(lower({name}), lower(?))"
                    found.update(value for (value,) in connection.execute(sql, [text]).fetchall())
        found.update(_texts_of_rejected(connection, feed, text) if REJECTED in stored else ())
    return found


def _texts_of_rejected(connection: duckdb.DuckDBPyConnection, feed: Table, text: str) -> set[str]:
    found: set[str] = set()

    def collect(value: str) -> str:
        if text.lower() in value.lower():
            found.add(value)
        return value

    protection = Protection(feed, collect, keeps_numbers=True)
    sql = f"SELECT payload FROM {REJECTED} WHERE feed = ?"
    for (payload,) in connection.execute(sql, [feed.qualified_name]).fetchall():
        protection.record(payload.encode())
    return found


def _stored(connection: duckdb.DuckDBPyConnection) -> list[str]:
    ((own,),) = connection.execute("SELECT current_database()").fetchall()
    return table_names(connection, own)


class PersonalValues:
    """The personal values of a warehouse, and their new values.

    SQL functions are registered on the connection. ``value`` is the function from a stored text to its new value, None
    if all values are removed; ``keeps_numbers`` keeps personal values that are no text.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, feeds: Sequence[Table], value: Value | None, *, keeps_numbers: bool
    ) -> None:
        self._connection = connection
        self._value = value if value is None or storage_of(connection).stores_nul else _in_lake(value)
        self._keeps_numbers = keeps_numbers
        self._feeds = {feed.qualified_name: feed for feed in feeds}
        self._protections = {
            feed.qualified_name: Protection(feed, value, keeps_numbers=keeps_numbers)
            for feed in feeds
            if personal_names(feed)
        }
        if self._value is not None:
            self._register("redacted", self._value)
        self._register("rehashed", lambda payload: content_hash(payload.encode()), "BLOB")
        for name, protection in self._protections.items():
            self._register(f"redacted {name}", _on_text(protection))

    def _register(self, name: str, function: Callable[[str], Any], kind: str = "VARCHAR") -> None:
        self._connection.create_function(
            name,
            lambda text: None if text is None else function(text),
            ["VARCHAR"],
            kind,
            null_handling=FunctionNullHandling.SPECIAL,
        )

    def counted(self) -> Iterator[ChangeCounts]:
        """How much changes in each table that may contain personal values."""
        stored = set(_stored(self._connection))
        rejected = Counter(feed for _, feed, *_ in self._changed_rejections()) if REJECTED in stored else Counter()
        for name in self._protections:
            feed = self._feeds[name]
            payloads = self._count(raw(feed), [f"{_function(name)}(payload) <> payload"]) if raw(feed) in stored else 0
            for table in feed.walk():
                own = (payloads, rejected[name]) if table is feed else ()
                if (columns := _personal(table)) and current_rows(table) in stored:
                    changes = [f"{self._new_value(c)} IS DISTINCT FROM {quoted(c.name)}" for c in columns]
                    values, older = (self._count(place, changes) for place in (current_rows(table), versions(table)))
                    yield ChangeCounts(table.qualified_name, values, older, *own)
                elif own:
                    yield ChangeCounts(name, 0, 0, *own)

    def _count(self, table: str, changes: Iterable[str]) -> int:
        counts = " + ".join(f"count(*) FILTER ({each})" for each in changes)
        return int(self._connection.execute(f"SELECT {counts} FROM {table}").fetchall()[0][0])

    def write(self, old: str, new: str) -> None:
        """Copy the old database into the new one, with the new values."""
        self._connection.execute(f"COPY FROM DATABASE {quoted(old)} TO {quoted(new)} (SCHEMA)")
        queries = self._queries()
        for table in table_names(self._connection, old):
            rows = queries.get(table, "SELECT * FROM {table}").format(table=f"{quoted(old)}.{table}")
            self._connection.execute(f"INSERT INTO {quoted(new)}.{table} {rows}")
        changed = self._changed_rejections()
        self._connection.execute(f"USE {quoted(new)}")
        self._update_rejections(changed)
        self._connection.execute(f"USE {quoted(old)}")

    def update(self) -> None:
        """Replace the values in the current database; within a transaction."""
        stored = set(_stored(self._connection))
        for name in self._protections:
            feed = self._feeds[name]
            for table, columns in personal_columns(feed):
                if table in stored:
                    new = {quoted(column.name): self._new_value(column) for column in columns}
                    listed = ", ".join(f"{column} = {value}" for column, value in new.items())
                    differs = " OR ".join(f"{value} IS DISTINCT FROM {column}" for column, value in new.items())
                    self._connection.execute(f"UPDATE {table} SET {listed} WHERE {differs}")
            if raw(feed) in stored:
                self._connection.execute(
                    f"UPDATE {raw(feed)} t SET payload = n.changed, content_hash = rehashed(n.changed) FROM (SELECT"
                    f" rowid AS place, {_function(name)}(payload) AS changed FROM {raw(feed)}) n"
                    " WHERE t.rowid = n.place AND n.changed <> t.payload"
                )
        self._update_rejections(self._changed_rejections() if REJECTED in stored else [])

    def _update_rejections(self, changed: Sequence[tuple[int, str, str, str]]) -> None:
        for rowid, _, payload, reason in changed:
            sql = f"UPDATE {REJECTED} SET payload = ?, reason = ? WHERE rowid = ?"
            self._connection.execute(sql, [payload, reason, rowid])

    def _queries(self) -> dict[str, str]:
        queries = {}
        for name in self._protections:
            feed = self._feeds[name]
            for table, columns in personal_columns(feed):
                changed = ", ".join(f"{self._new_value(column)} AS {quoted(column.name)}" for column in columns)
                queries[table] = f"SELECT * REPLACE ({changed}) FROM {{table}}"
            queries[raw(feed)] = (
                "SELECT * EXCLUDE (changed) REPLACE (changed AS payload, CASE WHEN changed = payload THEN content_hash"
                " ELSE rehashed(changed) END AS content_hash)"
                f" FROM (SELECT *, {_function(name)}(payload) AS changed FROM {{table}})"
            )
        return queries

    def _new_value(self, column: Column) -> str:
        if column.kind is not Kind.TEXT:
            return quoted(column.name) if self._keeps_numbers else f"CAST(NULL AS {column.type})"
        return f"redacted({quoted(column.name)})" if self._value is not None else "CAST(NULL AS VARCHAR)"

    def _changed_rejections(self) -> list[tuple[int, str, str, str]]:
        """The rejected records that change: ``rowid``, feed, payload and reason."""
        rows = self._connection.execute(f"SELECT rowid, feed, payload, reason FROM {REJECTED}").fetchall()
        changed = []
        for rowid, feed, payload, reason in rows:
            protection = self._protections.get(feed)
            if protection is None or not payload:
                continue
            after = protection.record(payload.encode())
            if after != payload.encode():
                changed.append((rowid, feed, after.decode(), _reason(self._feeds[feed], after, reason)))
        return changed


def _reason(feed: Table, record: bytes, before: str) -> str:
    """Why a record is rejected, without the received value."""
    rejected = normalize(feed, [record]).rejected
    return rejected[0].reason if rejected else without_value(before)


def _on_text(protection: Protection) -> Callable[[str], str]:
    def changed(payload: str) -> str:
        record = protection.record(payload.encode())
        if isinstance(record, Withheld):
            raise ValueError("the raw log holds a payload that is no JSON")  # noqa: TRY004 - its type says just that
        return record.decode()

    return changed


def _function(feed: str) -> str:
    return quoted(f"redacted {feed}")


def _in_lake(value: Value) -> Value:
    """The function for texts of a lake: it gets the received text, in which NUL was replaced."""

    def of_stored(text: str) -> str | None:
        new = value(text.replace(NUL_SIGN, "\0"))
        return new and new.replace("\0", NUL_SIGN)

    return of_stored


def _personal(table: Table) -> list[Column]:
    return [column for column in table.own_columns if column.personal]


def personal_columns(feed: Table) -> Iterator[tuple[str, list[Column]]]:
    """The tables of a feed with personal columns, both current rows and versions, and those columns."""
    for table in feed.walk():
        if columns := _personal(table):
            yield current_rows(table), columns
            yield versions(table), columns
