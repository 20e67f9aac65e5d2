"""Sync for a month against a server that removes old records, and compare the warehouse with what each sync saw.

Between the syncs the sandbox trades, and removes records after Floriday's retention. The stored rows get the simulated
time, so that the history of each day of the month can be queried.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import Table, tables_of
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.schema.history_views import VALIDITY
from pipelines.warehouse.sql import listed, record_key
from tests.expected_rows import Row, expected_rows
from tests.fault_schedules import content
from tests.integration.syncing import Syncing

BEGAN = dt.datetime(2024, 3, 1, 9, tzinfo=dt.UTC)
"""In a month with a change of daylight saving time, before any real time at which a test runs."""
SYNCS, APART = 20, dt.timedelta(hours=36)
REAL = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")

Key = tuple[str, ...]


@dataclass
class MonthResults:
    """Counts of one experiment.

    Args:
        syncs: number of syncs in the month.
        days: number of days whose history was compared.
        rows: number of rows of parents and children compared for these days.
        versions: number of versions that were visible at a sync.
        kept: number of records in the warehouse.
        forgotten: how many of these records the server no longer serves.
    """

    syncs: int = 0
    days: int = 0
    rows: int = 0
    versions: int = 0
    kept: int = 0
    forgotten: int = 0


@dataclass
class _Seen:
    """What the syncs of a feed saw: the contents of each key, and for each sync the newest bodies so far."""

    contents: dict[Key, list[str]] = field(default_factory=dict)
    known: list[dict[Key, bytes]] = field(default_factory=list)


def sync_for_a_month(feeds: tuple[str, ...], scale: float) -> MonthResults:
    """Sync every 36 hours for thirty days, and compare the warehouse with what each sync saw.

    Args:
        feeds: names of the feeds to sync.
        scale: volume of the simulated trade.

    Raises:
        AssertionError: a version or row is missing in the warehouse or differs.
    """
    seen = {feed: _Seen() for feed in feeds}
    moments: list[dt.datetime] = []
    with TemporaryDirectory() as folder, Sandbox(now=BEGAN, scale=scale) as sandbox:
        sandbox.set_switches(rate_limits=None)
        syncing = Syncing(sandbox, Path(folder) / "w.duckdb", only=feeds)
        for _ in range(SYNCS):
            outcomes = syncing.sync()
            assert all(outcome.current for outcome in outcomes.values())
            _date_back(syncing, feeds, sandbox.now)
            moments.append(sandbox.now)
            for feed in feeds:
                _see(sandbox, feed, seen[feed])
            sandbox.advance(APART)
            sandbox.expire()
        month = MonthResults(syncs=SYNCS)
        for feed in feeds:
            _compare(syncing, feed, seen[feed], moments, month)
    return month


def _date_back(syncing: Syncing, feeds: tuple[str, ...], moment: dt.datetime) -> None:
    """Set the time of the rows that were just stored to the simulated time."""
    with Warehouse(syncing.path).writing() as connection:
        for feed in feeds:
            table = tables_of(catalogue_of("suppliers").feed(feed))
            for name in (table.qualified_name, f"raw.{table.name}", f"versions.{table.name}"):
                connection.execute(f"UPDATE {name} SET synced_at = ? WHERE synced_at > ?", [moment, REAL])


def _see(sandbox: Sandbox, feed: str, seen: _Seen) -> None:
    known = dict(seen.known[-1]) if seen.known else {}
    for entry in sandbox.book(feed).entries():
        states = seen.contents.setdefault(entry.key, [])
        now = content(entry.body)
        if not states or states[-1] != now:
            states.append(now)
            known[entry.key] = entry.body
    seen.known.append(known)


def _compare(syncing: Syncing, feed: str, seen: _Seen, moments: list[dt.datetime], month: MonthResults) -> None:
    """Compare every version, every current row, and the history of every day."""
    source = catalogue_of("suppliers").feed(feed)
    table = tables_of(source)
    key = ", ".join(f"CAST({name} AS VARCHAR)" for name in record_key(table))
    logged = syncing.rows(f"SELECT [{key}], list(payload ORDER BY synced_at, rowid) FROM raw.{table.name} GROUP BY 1")
    versions = {tuple(identity): [content(payload) for payload in payloads] for identity, payloads in logged}
    assert versions == {tuple(map(str.lower, each)): states for each, states in seen.contents.items()}
    served = {entry.key for entry in syncing.sandbox.book(feed).entries()}
    month.versions += sum(map(len, versions.values()))
    month.kept += len(versions)
    month.forgotten += len(seen.contents.keys() - served)
    made: dict[bytes, dict[str, list[Row]]] = {}
    with syncing.reading() as connection:
        for day, sync in _days(moments):
            expected = _rows_of(source, seen.known[sync].values(), made)
            for part in table.walk():
                stored = _as_of(connection, part, day)
                wanted = _sorted(part, expected[part.qualified_name])
                assert stored == wanted, f"{part.qualified_name} as of {day} is not what was visible then"
                month.rows += len(wanted)
    month.days = len(list(_days(moments)))
    newest = _rows_of(source, seen.known[-1].values(), made)
    for part in table.walk():
        now = syncing.rows(f"SELECT count(*) FROM {part.qualified_name}")
        assert now == [(len(newest[part.qualified_name]),)], f"{part.qualified_name} lost or kept what it should not"


def _days(moments: list[dt.datetime]) -> Iterator[tuple[dt.date, int]]:
    """Yield each day from the first sync to the last, with the index of the last sync before its end."""
    day = moments[0].astimezone(AMSTERDAM).date()
    while day <= moments[-1].astimezone(AMSTERDAM).date():
        before = [place for place, moment in enumerate(moments) if moment.astimezone(AMSTERDAM).date() <= day]
        yield day, before[-1]
        day += dt.timedelta(days=1)


def _rows_of(source: Any, bodies: Any, made: dict[bytes, dict[str, list[Row]]]) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {part.qualified_name: [] for part in tables_of(source).walk()}
    for body in bodies:
        if body not in made:
            made[body] = expected_rows(source, "main", [body])
        for name, some in made[body].items():
            rows[name] += some
    return rows


def _as_of(connection: duckdb.DuckDBPyConnection, part: Table, day: dt.date) -> list[tuple[Any, ...]]:
    names = [column.name for column in part.columns if column.name != "synced_at"]
    assert not {column.name for column in VALIDITY} & set(names)
    rows = connection.execute(f"SELECT {listed(names)} FROM history.{part.name}_as_of(DATE '{day}')").fetchall()
    return _sorted(part, [dict(zip(names, row, strict=True)) for row in rows])


def _sorted(part: Table, rows: list[Row]) -> list[tuple[Any, ...]]:
    names = [column.name for column in part.columns if column.name != "synced_at"]
    in_order = sorted(rows, key=lambda row: [str(row[name]) for name in part.key])
    return [tuple(row[name] for name in names) for row in in_order]
