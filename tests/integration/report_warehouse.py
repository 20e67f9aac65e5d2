"""A warehouse with reports that keeps the records stored in it, and functions to compute reports from them in Python.

The test of a report computes its rows independently of the SQL: its ``expected_rows`` takes the records from a
:class:`ReportWarehouse` and returns the rows in the report's order. It shares nothing with the SQL but the report's
definition. Records are JSON as Floriday serves it; numbers with a fraction are ``Decimal``.
"""

from __future__ import annotations

import datetime as dt
import pickle
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import cache
from itertools import count, product
from pathlib import Path
from random import Random
from typing import Any, Self
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import duckdb
import pytest

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Feed
from pipelines.reports import all_reports
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.reused_connection import ReusingWarehouse
from pipelines.warehouse.load.cursors import FeedPart
from tests.expected_rows import newest, parsed
from tests.integration.syncing import empty_warehouse
from tests.records import in_json, valid_record
from tests.thing_warehouse import commit

Json = Mapping[str, Any]
"""A record, or an object within it."""

Row = tuple[Any, ...]
"""A row of a report; also used for the columns by which rows are grouped."""

Cursors = dict[tuple[str, str], int]
"""The highest sequence number that was read, by account and feed."""

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
SPACE = UUID("7d0ad9b0-6a36-4c5c-8d4b-5f3d3c2b1a00")

ORDERS = "orders.sales_orders"
DELIVERY = "delivery.latestDeliveryDateTime"
AMOUNT = "calculatedFields.orderAmount"

BOUNDARY_TIMES = (
    "2024-12-29T22:59:59Z",  # Sunday 23:59:59, still week 52 of 2024, and December
    "2024-12-29T23:00:00Z",  # Monday 0:00 in winter: week 1 of 2025
    "2024-12-31T22:59:59.999999Z",  # the last microsecond of 2024
    "2024-12-31T23:00:00Z",  # the first second of 2025
    "2025-03-30T00:59:59Z",  # the last second of winter time, Sunday of week 13
    "2025-03-30T21:59:59Z",  # Sunday 23:59:59 in summer time
    "2025-03-30T22:00:00Z",  # Monday of week 14
    "2025-03-31T22:00:00Z",  # the first second of April
    "2025-10-26T22:59:59Z",  # Sunday after the change to winter time, week 43
    "2025-10-26T23:00:00Z",  # Monday of week 44
    "2025-12-28T23:00:00Z",  # Monday of week 1 of 2026, still December of 2025
    "2026-12-31T12:00:00Z",  # week 53 of 2026
    "2027-01-03T22:59:59Z",  # Sunday, still week 53 of 2026, and January of 2027
    "2027-12-27T12:00:00Z",  # week 52 of 2027, a year without a week 53
    "2026-01-01T12:00:00",  # without an offset, which means UTC
)
"""Times at the boundaries of days, weeks, months and years in Amsterdam, and at its changes of summer time."""


@cache
def feeds_of_reports(api: str) -> tuple[str, ...]:
    """Return the names of the feeds whose tables or history a report reads."""
    tables = {table for report in all_reports() for table in report.tables}
    return tuple(feed.name for feed in catalogue_of(api).feeds if tables & _tables_of(feed))


def _tables_of(feed: Feed) -> set[str]:
    """Return the names of a feed's tables and of their history."""
    tables = list(tables_of(feed).walk())
    return {*(table.qualified_name for table in tables), *(f"history.{table.name}" for table in tables)}


@dataclass
class ReportWarehouse:
    """A warehouse file with the tables and reports of one API, and all records stored in it.

    It stays open between reads and writes, because opening the file takes longer than most of them.

    Args:
        _path: path at which the file is created.
        api: API that defines the tables: ``suppliers`` or ``customers``.
    """

    _path: Path
    api: str = "suppliers"
    _stored: dict[str, list[tuple[str, Json]]] = field(default_factory=dict, repr=False)
    _newest: dict[str, tuple[int, list[tuple[str, Json]]]] = field(default_factory=dict, repr=False)
    _sequence_numbers: Iterator[int] = field(default_factory=lambda: count(1), repr=False)

    def __post_init__(self) -> None:
        self._path.write_bytes(empty_warehouse(self.api, feeds_of_reports(self.api)))
        self._warehouse = ReusingWarehouse(self._path)

    def saved(self) -> bytes:
        """Return the file and the records, for :meth:`restored`."""
        return pickle.dumps((self.path.read_bytes(), self.api, self._stored, next(self._sequence_numbers)))

    @classmethod
    def restored(cls, path: Path, saved: bytes) -> Self:
        """Return a warehouse like the one that was saved, at another path."""
        content, api, stored, number = pickle.loads(saved)  # noqa: S301 - made by this test run
        warehouse = cls(path, api, _stored=stored, _sequence_numbers=count(number))
        path.write_bytes(content)
        return warehouse

    @property
    def path(self) -> Path:
        """The path of the file, which is closed, so that others can open it."""
        self._warehouse.close()
        return self._path

    def feed(self, name: str) -> Feed:
        """Return the feed with a name like ``sales_orders`` or ``orders.sales_orders``."""
        return catalogue_of(self.api).feed(name)

    def store(self, name: str, records: Iterable[Json], account: str = "main") -> dt.datetime:
        """Store records as a sync does, with the real normalizer and in one transaction.

        Args:
            name: name of the records' feed.
            records: records in the order of their versions; this method assigns their sequence numbers.
            account: name of the account that the records belong to.

        Returns:
            The time of the commit, which is ``synced_at`` of the new versions.
        """
        numbered = [in_json({**record, "sequenceNumber": next(self._sequence_numbers)}) for record in records]
        with self._warehouse.writing() as connection:
            return self._commit(connection, name, numbered, account)

    def mark_read(self, account: str = "main") -> None:
        """Note that an account's feeds without records were read to their ends too, as a sync does."""
        names = [source.name for source in catalogue_of(self.api).sources]
        with self._warehouse.writing() as connection:
            connection.execute(
                "INSERT INTO sync.cursors SELECT $account, f.feed, NULL, 1, 0, 0, now(), now()"
                " FROM (SELECT unnest($names) AS feed) f"
                " WHERE NOT EXISTS (FROM sync.cursors c WHERE c.account = $account AND c.feed = f.feed)",
                {"account": account, "names": names},
            )

    def store_sandbox(self, sandbox: Sandbox, names: Iterable[str], since: Cursors | None = None) -> Cursors:
        """Store the records that a sandbox serves to all its accounts.

        Args:
            sandbox: sandbox that holds the records; it need not run.
            names: names of the feeds to store.
            since: result of an earlier call, to store only later changes; ``None`` stores everything.

        Returns:
            The highest sequence number by account and feed.
        """
        cursors = dict(since or {})
        with self._warehouse.writing() as connection:
            for account, name in product(sandbox.api_keys, names):
                entries = sandbox.book(name, account).entries()
                new = [entry.body for entry in entries if entry.number > cursors.get((account, name), 0)]
                cursors[account, name] = max((entry.number for entry in entries), default=0)
                if new:
                    self._commit(connection, name, new, account)
        return cursors

    def _commit(
        self, connection: duckdb.DuckDBPyConnection, name: str, raws: Sequence[bytes], account: str
    ) -> dt.datetime:
        feed = self.feed(name)
        stored = commit(connection, raws, FeedPart(account, feed.name), feed)
        assert stored.rejected == 0
        self._stored.setdefault(feed.name, []).extend((account, parsed(raw)) for raw in raws)
        return stored.committed_at

    def newest_records(self, name: str) -> list[tuple[str, Json]]:
        """Return the newest version of each record, with its account; computed once for the versions of a feed."""
        feed, versions = self.feed(name), self.all_versions(name)
        count, found = self._newest.get(feed.name, (-1, []))
        if count != len(versions):
            found = [
                (account, record)
                for account in dict.fromkeys(account for account, _ in versions)
                for record in newest(feed, [version for owner, version in versions if owner == account])
            ]
            self._newest[feed.name] = (len(versions), found)
        return list(found)

    def all_versions(self, name: str) -> list[tuple[str, Json]]:
        """Return all versions of all records with their accounts, in the order in which they were stored."""
        return list(self._stored.get(self.feed(name).name, []))

    def committed_orders(self) -> list[tuple[str, Json]]:
        """Return the sales orders that count as revenue, with their accounts."""
        return [
            (account, order)
            for account, order in self.newest_records(ORDERS)
            if order["status"] == "COMMITTED" and not order.get("isDeleted")
        ]

    def names_by_id(self, name: str, id: str, path: str) -> dict[tuple[str, UUID | None], str | None]:
        """Return the names of a feed's records, by account and identifier.

        Args:
            name: name of the feed.
            id: path of the identifier within a record.
            path: path of the name within a record.
        """
        return {(account, uuid(record, id)): text(record, path) for account, record in self.newest_records(name)}

    def organization_names(self) -> dict[tuple[str, UUID | None], str | None]:
        """Return the names of all organizations, by account and identifier."""
        return self.names_by_id("organizations.organizations", "organizationId", "name")

    def trade_item_names(self) -> dict[tuple[str, UUID | None], str | None]:
        """Return the names of all trade items, by account and identifier."""
        path = "tradeItemName.nl" if self.api == "suppliers" else "name"
        return self.names_by_id("catalog.trade_items", "tradeItemId", path)

    def report(self, name: str, **parameters: object) -> list[Row]:
        """Return all rows of a report, in its order."""
        arguments = ", ".join(f"{parameter} := ${parameter}" for parameter in parameters)
        return self.rows(f"FROM reports.{name}({arguments})", parameters)

    def rows(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[Row]:
        """Return the result of a query."""
        with self._warehouse.reading() as connection:
            return connection.execute(sql, dict(parameters or {})).fetchall()


def make_record(api: str, name: str, seed: int, /, **fields: Any) -> dict[str, Any]:
    """Return a record that the catalogue allows, with random values except for some fields.

    Args:
        api: API of the feed: ``suppliers`` or ``customers``.
        name: name of the feed.
        seed: seed of the random values; each seed gives another key.
        fields: values by JSON name; a nested object replaces only the members that it contains.
    """
    random = Random(f"{name} {seed}")
    return merged(valid_record(catalogue_of(api).source(name), random, 0, identity=seed), fields)


def merged(record: Json | None, fields: Json) -> dict[str, Any]:
    """Return a copy of a record with some fields replaced, also within nested objects."""
    changed = dict(record or {})
    for name, value in fields.items():
        existing = changed.get(name)
        nested = isinstance(value, Mapping) and (existing is None or isinstance(existing, Mapping))
        changed[name] = merged(existing, value) if nested else value
    return changed


def id_of(name: str) -> str:
    """Return the identifier that is always derived from this name."""
    return str(uuid5(SPACE, name))


def value_at(record: Json | None, path: str) -> Any:
    """Return the value at a path like ``delivery.latestDeliveryDateTime``; None if any step is missing or null."""
    value: Any = record
    for step in path.split("."):
        value = None if value is None else value.get(step)
    return value


def text(record: Json | None, path: str) -> str | None:
    """Return a text; None if it is blank."""
    value = value_at(record, path)
    return value if value and value.strip() else None


def uuid(record: Json | None, path: str) -> UUID | None:
    """Return an identifier; None if it is blank or nil."""
    value = UUID(text(record, path) or str(UUID(int=0)))
    return value if value.int else None


def timestamp(record: Json | None, path: str) -> dt.datetime | None:
    """Return a time in UTC; a time without an offset is read as UTC."""
    value = text(record, path)
    if value is None:
        return None
    time = dt.datetime.fromisoformat(value.upper())
    return time.replace(tzinfo=dt.UTC) if time.tzinfo is None else time.astimezone(dt.UTC)


def day(record: Json | None, path: str) -> dt.date | None:
    """Return the day of a time in Amsterdam."""
    time = timestamp(record, path)
    return time.astimezone(AMSTERDAM).date() if time else None


def number(record: Json | None, path: str) -> Decimal | None:
    """Return a number, rounded half up to the six decimals that the warehouse stores."""
    value = value_at(record, path)
    if value is None:
        return None
    with localcontext(prec=80):
        return Decimal(value).quantize(Decimal("1e-6"), ROUND_HALF_UP)


def total(values: Iterable[Decimal | int | None]) -> Any:
    """Return the sum of the values that are not None; None if there are none, as SQL's ``sum`` does."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def quotient(dividend: Decimal | int | None, divisor: Decimal | int | None) -> Any:
    """Divide two numbers, for comparison with a rounded ratio; None if either is missing or the divisor is 0."""
    return None if dividend is None or not divisor else approx(Decimal(dividend) / divisor)


def week_of(date: dt.date | None) -> tuple[int | None, int | None]:
    """Return the ISO year and ISO week of a day."""
    return (None, None) if date is None else date.isocalendar()[:2]


def month_of(date: dt.date | None) -> dt.date | None:
    """Return the first day of a day's month, by which reports identify months."""
    return date and date.replace(day=1)


def approx(value: Decimal, unit: str = "1e-6") -> Any:
    """Return a value that equals a number computed as a double and rounded: one unit of the last digit may differ."""
    return pytest.approx(value, rel=Decimal("1e-12"), abs=Decimal(unit))


def is_within(date: dt.date | None, first: dt.date | None, last: dt.date | None) -> bool:
    """Return whether a day is from ``first`` to ``last``, both optional; an unknown day needs neither limit."""
    if date is None:
        return first is None and last is None
    return (first is None or date >= first) and (last is None or date <= last)


def nulls_last(value: Any) -> tuple[bool, Any]:
    """Return a sort key that puts None after all other values."""
    return (value is None, 0 if value is None else value)


def descending(value: Any) -> tuple[bool, Any]:
    """Return a sort key for descending numbers or days that puts None after all other values."""
    if isinstance(value, dt.date):
        value = value.toordinal()
    return (value is None, 0 if value is None else -value)
