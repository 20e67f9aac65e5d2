"""Expected rows of valid records, computed in plain Python and independently of ``pipelines.normalize``.

Only the columns with their paths and kinds come from the catalogue; the conversions are written again here.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any
from uuid import UUID

import duckdb

from pipelines.catalogue.tables import Column, Path, Table, tables_of
from pipelines.catalogue.types import Kind, Source
from pipelines.warehouse.storage import NUL_SIGN, storage_of

Row = dict[str, Any]
"""A row by column name, with values as DuckDB returns them; without ``synced_at``."""

Served = bytes | Mapping[str, Any]
"""A record as received, or as Python values with numbers as ``int`` or ``Decimal``."""

SHOWN = 8
"""Maximum number of differences in a failure message."""


def parsed(record: Served) -> Mapping[str, Any]:
    """Return a record as Python values, with exact decimals."""
    if isinstance(record, Mapping):
        return record
    value: Mapping[str, Any] = json.loads(record, parse_float=Decimal)
    return value


def newest(feed: Source, records: Iterable[Served]) -> list[Mapping[str, Any]]:
    """Return the version with the highest sequence number of each record; of equal numbers the last one."""
    table = tables_of(feed)
    best: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for record in map(parsed, records):
        key = tuple(_value(table.by_name[name], record) for name in table.key[1:])
        if key not in best or _number(record) >= _number(best[key]):
            best[key] = record
    return list(best.values())


def _number(record: Mapping[str, Any]) -> int:
    """Return the sequence number; 0 for records of a snapshot, which have none."""
    return int(record.get("sequenceNumber", 0))


def expected_rows(feed: Source, account: str, records: Iterable[Served]) -> dict[str, list[Row]]:
    """Return the expected rows of each table of a feed, by the table's qualified name.

    Args:
        feed: feed that served the records.
        account: name of the account that read them.
        records: served records; of several versions only the newest counts.
    """
    feed_table = tables_of(feed)
    rows: dict[str, list[Row]] = {table.qualified_name: [] for table in feed_table.walk()}
    for record in newest(feed, records):
        parent = {"account": account, **_own(feed_table, record)}
        parent["is_deleted"] = is_deleted(record)
        rows[feed_table.qualified_name].append(parent)
        for child in feed_table.children:
            _collect(child, record, parent, rows)
    return rows


def is_deleted(record: Mapping[str, Any]) -> bool:
    """Return whether a record is marked as deleted in one of Floriday's ways."""
    status = record.get("status")
    flags = [record.get("isDeleted"), record.get("isDisabledForSync")]
    if isinstance(status, Mapping):
        flags.append(status.get("isDeleted"))
    return any(flag is True for flag in flags) or status == "DELETED"


def assert_holds(connection: duckdb.DuckDBPyConnection, feed: Source, account: str, records: Iterable[Served]) -> None:
    """Assert that all tables of a feed hold exactly the rows of these records for an account."""
    found = differences(connection, feed, account, records)
    assert not found, "\n".join(found[:SHOWN])


def differences(
    connection: duckdb.DuckDBPyConnection, feed: Source, account: str, records: Iterable[Served]
) -> list[str]:
    """Return each difference between the warehouse and the records as one line."""
    expected = expected_rows(feed, account, records)
    if not storage_of(connection).stores_nul:
        expected = {name: [_without_nul(row) for row in rows] for name, rows in expected.items()}
    found: list[str] = []
    for table in tables_of(feed).walk():
        found += _differences(table, expected[table.qualified_name], stored_rows(connection, table, account))
    return found


def _without_nul(row: Row) -> Row:
    return {name: _replaced(value) for name, value in row.items()}


def _replaced(value: object) -> object:
    if isinstance(value, list):
        return [_replaced(each) for each in value]
    return value.replace("\0", NUL_SIGN) if isinstance(value, str) else value


def stored_rows(connection: duckdb.DuckDBPyConnection, table: Table, account: str) -> list[Row]:
    """Return the rows of an account in a table without ``synced_at``, which must not be NULL."""
    sql = f'SELECT * FROM "{table.schema}"."{table.name}" WHERE account = ?'
    result = connection.execute(sql, [account])
    names = [column[0] for column in result.description or ()]
    assert names == [column.name for column in table.columns], f"{table.qualified_name} has the columns {names}"
    rows = [dict(zip(names, values, strict=True)) for values in result.fetchall()]
    for row in rows:
        assert row.pop("synced_at", "missing") is not None, f"{table.qualified_name}: synced_at is NULL"
    return rows


def _differences(table: Table, expected: list[Row], stored: list[Row]) -> Iterator[str]:
    name = table.qualified_name
    wanted, found = _by_key(table, expected), _by_key(table, stored)
    if len(found) < len(stored):
        yield f"{name}: {len(stored)} rows with {len(found)} keys"
    yield from (f"{name}: {key} is missing" for key in wanted.keys() - found.keys())
    yield from (f"{name}: {key} is unexpected" for key in found.keys() - wanted.keys())
    for key in wanted.keys() & found.keys():
        for column, value in wanted[key].items():
            if not _equal(value, found[key][column]):
                yield f"{name}: {key} has {column} = {found[key][column]!r} instead of {value!r}"


def _equal(expected: object, stored: object) -> bool:
    """Compare the types too: True does not equal 1."""
    return type(expected) is type(stored) and expected == stored


def _by_key(table: Table, rows: list[Row]) -> dict[tuple[Any, ...], Row]:
    return {tuple(row[name] for name in table.key): row for row in rows}


def _own(table: Table, record: Mapping[str, Any] | None) -> Row:
    return {column.name: _value(column, record) for column in table.columns if column.path}


def _collect(child: Table, record: Mapping[str, Any] | None, above: Row, rows: dict[str, list[Row]]) -> None:
    """Add a row for each element of the array, with the keys of all levels above it."""
    for position, member in enumerate(_reach(record, child.array) or ()):
        row: Row = {}
        for column in child.columns:
            if column.name == "position" and column.path is None:
                row["position"] = position
            elif column.path is None:
                row[column.name] = above.get(column.name, above.get("position"))
            else:
                row[column.name] = _value(column, member)
        rows[child.qualified_name].append(row)
        for grandchild in child.children:
            _collect(grandchild, member, row, rows)


def _reach(record: Any, path: Path) -> Any:
    for step in path:
        record = None if record is None else record.get(step)
    return record


def _value(column: Column, record: Mapping[str, Any] | None) -> Any:
    given = _reach(record, column.path or ())
    if column.repeated:
        return None if given is None else [_scalar(column.kind, item) for item in given]
    return _scalar(column.kind, given)


def _scalar(kind: Kind, given: Any) -> Any:
    if given is None or (isinstance(given, str) and not given.strip()):
        return None
    return _CONVERSIONS[kind](given)


def _uuid(given: str) -> UUID | None:
    value = UUID(given)
    return value if value.int else None


def _moment(given: str) -> dt.datetime:
    value = dt.datetime.fromisoformat(given.upper())
    return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


def _money(given: Any) -> Decimal:
    with localcontext(prec=80):
        return Decimal(str(given)).quantize(Decimal("1e-6"), ROUND_HALF_UP)


def _words(given: Any) -> str:
    return given if isinstance(given, str) else json.dumps(given, default=str).strip('"')


_CONVERSIONS: dict[Kind, Callable[[Any], Any]] = {
    Kind.UUID: _uuid,
    Kind.TEXT: _words,
    Kind.DATE: lambda given: dt.date.fromisoformat(given[:10]),
    Kind.DATE_TIME: _moment,
    Kind.INT32: lambda given: int(Decimal(given)),
    Kind.INT64: lambda given: int(Decimal(given)),
    Kind.DECIMAL: _money,
    Kind.BOOLEAN: bool,
}
