"""A month of syncs against a server that forgets: what was visible at each of them, and what the warehouse tells of it.

The world trades on between the syncs, and the server stops serving what Floriday would serve no more. What a sync
stored is dated back to the world's moment, so that the history can be asked for any day of that month.
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
"""A month with a change of the clocks in it, before any real moment at which a test runs."""
SYNCS, APART = 20, dt.timedelta(hours=36)
REAL = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")

Key = tuple[str, ...]


@dataclass
class MonthResults:
    """What a month came to.

    Args:
        syncs: how many there were.
        days: days for which the history was asked.
        rows: rows of parents and children that were compared for these days.
        versions: versions that were visible at a sync.
        kept: records that the warehouse has.
        forgotten: records of these that the server serves no more.
    """

    syncs: int = 0
    days: int = 0
    rows: int = 0
    versions: int = 0
    kept: int = 0
    forgotten: int = 0


@dataclass
class _Seen:
    """What was visible of a feed at the syncs: by key each content, and by sync the bodies known so far."""

    contents: dict[Key, list[str]] = field(default_factory=dict)
    known: list[dict[Key, bytes]] = field(default_factory=list)


def sync_for_a_month(feeds: tuple[str, ...], scale: float) -> MonthResults:
    """Sync every day and a half for thirty days, and compare all that is known with what was seen.

    Args:
        feeds: which.
        scale: how much the world trades.

    Raises:
        AssertionError: the warehouse lacks something that was visible, or tells it otherwise.
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
    """What was stored just now was stored at the world's moment."""
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
    """Every version, every current row, and every day."""
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
    """Each day from the first sync to the last, with the last sync that was before its end."""
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
