"""A warehouse with its reports, and everything that was served for it, to compare the two.

A report's test computes the rows anew, in plain Python, from the records as they were served: an oracle takes a
:class:`Reporting`, asks it for records, and returns the rows in their order. It shares nothing with the SQL but the
report's definition. Records are JSON as Floriday serves it, numbers with a fraction are ``Decimal``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import cache
from itertools import count, product
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import duckdb
import pytest

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Feed
from pipelines.reports import all_reports
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.load.cursors import FeedPart
from tests.expected_rows import newest, parsed
from tests.integration.syncing import empty_warehouse
from tests.records import in_json, valid_record
from tests.thing_warehouse import commit

Json = Mapping[str, Any]
"""A record, or an object within it."""

Row = tuple[Any, ...]
"""What a report gives, column by column."""

Marks = dict[tuple[str, str], int]
"""The highest number that was read, by account and feed."""

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
SPACE = UUID("7d0ad9b0-6a36-4c5c-8d4b-5f3d3c2b1a00")

ORDERS = "orders.sales_orders"
DELIVERY = "delivery.latestDeliveryDateTime"
AMOUNT = "calculatedFields.orderAmount"

EDGES = (
    "2024-12-29T22:59:59Z",  # Sunday 23:59:59, still week 52 of 2024, and December
    "2024-12-29T23:00:00Z",  # Monday 0:00 in winter: week 1 of 2025
    "2024-12-31T22:59:59.999999Z",  # the last moment of 2024
    "2024-12-31T23:00:00Z",  # the first one of 2025
    "2025-03-30T00:59:59Z",  # the last second of winter time, Sunday of week 13
    "2025-03-30T21:59:59Z",  # Sunday 23:59:59 in summer time
    "2025-03-30T22:00:00Z",  # Monday of week 14
    "2025-03-31T22:00:00Z",  # the first moment of April
    "2025-10-26T22:59:59Z",  # Sunday after the clock went back, week 43
    "2025-10-26T23:00:00Z",  # Monday of week 44
    "2025-12-28T23:00:00Z",  # Monday of week 1 of 2026, still December of 2025
    "2026-12-31T12:00:00Z",  # week 53 of 2026
    "2027-01-03T22:59:59Z",  # Sunday, still week 53 of 2026, and January of 2027
    "2027-12-27T12:00:00Z",  # week 52 of 2027, a year without a week 53
    "2026-01-01T12:00:00",  # without an offset, which means UTC
)
"""Moments on the edges of days, weeks, months and years in Amsterdam, and where its clock is changed."""


@cache
def read_by_reports(api: str) -> tuple[str, ...]:
    """The feeds whose tables, or the history of them, some report reads."""
    read = {table for each in all_reports() for table in each.tables}
    return tuple(feed.name for feed in catalogue_of(api).feeds if read & _tables_of(feed))


def _tables_of(feed: Feed) -> set[str]:
    """What a report calls the tables of a feed, and their history."""
    tables = list(tables_of(feed).walk())
    return {*(table.qualified_name for table in tables), *(f"history.{table.name}" for table in tables)}


@dataclass
class Reporting:
    """A warehouse with reports.

    Args:
        path: of the file, which need not exist.
        api: whose tables it has.
    """

    path: Path
    api: str = "suppliers"
    _seen: dict[str, list[tuple[str, Json]]] = field(default_factory=dict, repr=False)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1), repr=False)

    def __post_init__(self) -> None:
        self.path.write_bytes(empty_warehouse(self.api, read_by_reports(self.api)))

    def feed(self, name: str) -> Feed:
        """The feed called ``sales_orders`` or ``orders.sales_orders``."""
        return catalogue_of(self.api).feed(name)

    def store(self, name: str, records: Iterable[Json], account: str = "main") -> dt.datetime:
        """Have the warehouse take records as a sync would, through the real normalizer and in its transaction.

        Args:
            name: the feed.
            records: a later version of a record comes later; numbers are given to them here.
            account: whose key read them.

        Returns:
            When it was committed, which is ``synced_at`` of what is new.
        """
        numbered = [in_json({**record, "sequenceNumber": next(self._numbers)}) for record in records]
        with Warehouse(self.path).writing() as connection:
            return self._commit(connection, name, numbered, account)

    def store_sandbox(self, sandbox: Sandbox, names: Iterable[str], since: Marks | None = None) -> Marks:
        """Have the warehouse take what a sandbox serves, for all its accounts.

        Args:
            sandbox: need not be started.
            names: of feeds.
            since: what an earlier call returned, to take only what changed after it.

        Returns:
            How far each book was read, by account and feed.
        """
        marks = dict(since or {})
        with Warehouse(self.path).writing() as connection:
            for account, name in product(sandbox.api_keys, names):
                entries = sandbox.book(name, account).entries()
                fresh = [one.body for one in entries if one.number > marks.get((account, name), 0)]
                marks[account, name] = max((one.number for one in entries), default=0)
                if fresh:
                    self._commit(connection, name, fresh, account)
        return marks

    def _commit(
        self, connection: duckdb.DuckDBPyConnection, name: str, raws: Sequence[bytes], account: str
    ) -> dt.datetime:
        feed = self.feed(name)
        stored = commit(connection, raws, FeedPart(account, feed.name), feed)
        assert stored.rejected == 0
        self._seen.setdefault(feed.name, []).extend((account, parsed(raw)) for raw in raws)
        return stored.committed_at

    def served(self, name: str) -> list[tuple[str, Json]]:
        """Each record's newest version with its account, in no particular order."""
        feed, seen = self.feed(name), self.versions(name)
        return [
            (account, record)
            for account in dict.fromkeys(account for account, _ in seen)
            for record in newest(feed, [one for whose, one in seen if whose == account])
        ]

    def versions(self, name: str) -> list[tuple[str, Json]]:
        """All versions of all records with their account, in the order in which they came."""
        return list(self._seen.get(self.feed(name).name, []))

    def committed(self) -> list[tuple[str, Json]]:
        """The sales orders that count as revenue."""
        orders = self.served(ORDERS)
        return [(whose, one) for whose, one in orders if one["status"] == "COMMITTED" and not one.get("isDeleted")]

    def names(self, name: str, id: str, path: str) -> dict[tuple[str, UUID | None], str | None]:
        """What a feed's records are called, by account and identifier.

        Args:
            name: of the feed.
            id: where the identifier stands.
            path: where the name stands.
        """
        return {(account, uuid(record, id)): text(record, path) for account, record in self.served(name)}

    def organizations(self) -> dict[tuple[str, UUID | None], str | None]:
        """The names of all organizations."""
        return self.names("organizations.organizations", "organizationId", "name")

    def items(self) -> dict[tuple[str, UUID | None], str | None]:
        """The names of all trade items."""
        path = "tradeItemName.nl" if self.api == "suppliers" else "name"
        return self.names("catalog.trade_items", "tradeItemId", path)

    def report(self, name: str, **parameters: object) -> list[Row]:
        """All rows of a report, in its order."""
        given = ", ".join(f"{parameter} := ${parameter}" for parameter in parameters)
        return self.rows(f"FROM reports.{name}({given})", parameters)

    def rows(self, sql: str, values: Mapping[str, object] | None = None) -> list[Row]:
        """What a query finds in the warehouse."""
        with Warehouse(self.path).reading() as connection:
            return connection.execute(sql, dict(values or {})).fetchall()


def made(api: str, name: str, seed: int, /, **fields: Any) -> dict[str, Any]:
    """A record as the catalogue allows it, everything random, but for some fields.

    Args:
        api: of the feed.
        name: the feed.
        seed: another one is another record, with another key.
        fields: by their JSON names; what is given for a nested object replaces only those members of it.
    """
    random = Random(f"{name} {seed}")
    return merged(valid_record(catalogue_of(api).source(name), random, 0, identity=seed), fields)


def merged(record: Json | None, fields: Json) -> dict[str, Any]:
    """A record with some fields replaced, within nested objects too."""
    changed = dict(record or {})
    for name, value in fields.items():
        standing = changed.get(name)
        nested = isinstance(value, Mapping) and (standing is None or isinstance(standing, Mapping))
        changed[name] = merged(standing, value) if nested else value
    return changed


def id_of(name: str) -> str:
    """An identifier for a name, always the same."""
    return str(uuid5(SPACE, name))


def at(record: Json | None, path: str) -> Any:
    """What a record tells at ``delivery.latestDeliveryDateTime``; None where a part of the way is missing or null."""
    value: Any = record
    for step in path.split("."):
        value = None if value is None else value.get(step)
    return value


def text(record: Json | None, path: str) -> str | None:
    """A text; None where it is blank."""
    value = at(record, path)
    return value if value and value.strip() else None


def uuid(record: Json | None, path: str) -> UUID | None:
    """An identifier; None where it is blank or nil."""
    value = UUID(text(record, path) or str(UUID(int=0)))
    return value if value.int else None


def moment(record: Json | None, path: str) -> dt.datetime | None:
    """A moment, in UTC; without an offset it means UTC."""
    value = text(record, path)
    if value is None:
        return None
    read = dt.datetime.fromisoformat(value.upper())
    return read.replace(tzinfo=dt.UTC) if read.tzinfo is None else read.astimezone(dt.UTC)


def day(record: Json | None, path: str) -> dt.date | None:
    """The day in Amsterdam that a moment belongs to."""
    read = moment(record, path)
    return read.astimezone(AMSTERDAM).date() if read else None


def number(record: Json | None, path: str) -> Decimal | None:
    """A number, rounded half up to the six decimals that the warehouse keeps."""
    value = at(record, path)
    if value is None:
        return None
    with localcontext(prec=80):
        return Decimal(value).quantize(Decimal("1e-6"), ROUND_HALF_UP)


def total(values: Iterable[Decimal | int | None]) -> Any:
    """The sum of what is told; None where nothing is."""
    told = [value for value in values if value is not None]
    return sum(told) if told else None


def quotient(dividend: Decimal | int | None, divisor: Decimal | int | None) -> Any:
    """One number divided by another, as a report rounds it; None where either is missing or the divisor is 0."""
    return None if dividend is None or not divisor else about(Decimal(dividend) / divisor)


def week_of(date: dt.date | None) -> tuple[int | None, int | None]:
    """ISO year and ISO week of a day."""
    return (None, None) if date is None else date.isocalendar()[:2]


def month_of(date: dt.date | None) -> dt.date | None:
    """The first day of a day's month, which is how reports name months."""
    return date and date.replace(day=1)


def about(value: Decimal, unit: str = "1e-6") -> Any:
    """What equals a number that a report computes as a double and rounds, a unit in its last place up or down."""
    return pytest.approx(value, rel=Decimal("1e-12"), abs=Decimal(unit))


def within(date: dt.date | None, first: dt.date | None, last: dt.date | None) -> bool:
    """Whether a day is from ``first`` to ``last``, where they are given; no day is within none."""
    if date is None:
        return first is None and last is None
    return (first is None or date >= first) and (last is None or date <= last)


def last_if_none(value: Any) -> tuple[bool, Any]:
    """For sorting: NULL after everything else."""
    return (value is None, 0 if value is None else value)


def falling(value: Any) -> tuple[bool, Any]:
    """For sorting numbers and days from the highest to the lowest, NULL after everything else."""
    if isinstance(value, dt.date):
        value = value.toordinal()
    return (value is None, 0 if value is None else -value)
