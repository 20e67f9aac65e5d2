"""Report ``sync_health``: how current each feed of each account is."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalogue import catalogue_of
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import Warehouse
from tests.examples import cases
from tests.integration.report_warehouse import ORDERS, ReportWarehouse, Row, make_record
from tests.integration.reports.timed_reports import report_with_query_time
from tests.integration.syncing import Syncing
from tests.records import in_json, valid_records

REPORT = "sync_health"
GROUPS = "orders.contract_trade_item_groups"
MINUTE = dt.timedelta(minutes=1)


def expected_rows(
    warehouse: ReportWarehouse | Syncing, now: dt.datetime, counts: Mapping[tuple[str, str], int]
) -> list[Row]:
    """Compute the report's rows from the ``sync`` tables, in Python.

    Args:
        warehouse: warehouse that contains the tables.
        now: time at which the report was queried.
        counts: number of rows of the feed's table, by account and feed.
    """
    granted = {row[:2]: row[2] for row in warehouse.rows("SELECT account, feed, granted FROM sync.views")}
    parts, changed, rejected = defaultdict(list), defaultdict(list), defaultdict(list)
    for *feed, cursor, maximum, current, committed in warehouse.rows(
        "SELECT account, feed, cursor, maximum, current_at, committed_at FROM sync.cursors"
    ):
        parts[tuple(feed)].append((cursor, maximum, current, committed))
    for *feed, committed in warehouse.rows("SELECT account, feed, committed_at FROM sync.windows WHERE changed > 0"):
        changed[tuple(feed)].append(committed)
    for *feed, key in warehouse.rows("SELECT account, feed, key FROM sync.rejected_records WHERE resolved_at IS NULL"):
        rejected[tuple(feed)].append(key)
    return [
        (
            *(*feed, granted.get(feed), *state(parts[feed], now), max(changed[feed], default=None)),
            *(counts.get(feed, 0), len(rejected[feed])),
        )
        for feed in sorted({*granted, *parts})
    ]


def state(parts: list[tuple[Any, ...]], now: dt.datetime) -> tuple[Any, ...]:
    """Return cursor, distance, last sync, minutes since then, and last time current, over all sub-feeds of a feed."""
    distances = [max(0, maximum - cursor) for cursor, maximum, *_ in parts if maximum is not None]
    synced = max((time for *_, current, committed in parts for time in (current, committed) if time), default=None)
    return (
        max((cursor for cursor, *_ in parts), default=None),
        sum(distances) if distances else None,
        synced,
        synced and (now - synced) // MINUTE,
        max((current for *_, current, _ in parts if current), default=None),
    )


@cases("api", ["suppliers", "customers"], quick=1)
def test_after_syncs(tmp_path: Path, api: str) -> None:
    """After two syncs, rows are correct for full and empty feeds, a rejected record, and a missing scope."""
    scopes = [scope for scope in catalogue_of(api).scopes if not scope.startswith("sales-order")]
    feeds = ("organizations.organizations", "catalog.trade_items", ORDERS, "supply.weekly_base_supply", GROUPS)
    with Sandbox(
        api=api, accounts=("main", "second"), empty=True, scopes=("role:app", "organization:read", *scopes)
    ) as sandbox:
        syncing, counts = Syncing(sandbox, tmp_path / "w.duckdb", api=api, only=feeds), {}
        for name, account, count in (("organizations.organizations", "main", 7), ("catalog.trade_items", "second", 4)):
            for record in valid_records(catalogue_of(api).feed(name), seed=1, count=count):
                sandbox.book(name, account).put(in_json(record), number=record["sequenceNumber"])
            counts[account, name] = count
        sandbox.book("catalog.trade_items", "second").put(
            b'{"tradeItemId":"none","sequenceNumber":99999}', key=("x",), number=99999
        )
        counts["second", "organizations.organizations"] = 7
        syncing.sync()
        syncing.sync("trade_items")
        rows, now = report_of(syncing)

    names = sorted(source.name for source in syncing.catalogue.sources)
    assert [row[:2] for row in rows] == [(account, name) for account in ("main", "second") for name in names]
    assert {row[2] for row in rows if row[1] == ORDERS} == {False}
    assert [row[10] for row in rows if row[:2] == ("second", "catalog.trade_items")] == [1]
    assert rows == expected_rows(syncing, now, counts)


def report_of(syncing: Syncing) -> tuple[list[Row], dt.datetime]:
    """Return the report's rows and the time of the query."""
    rows = syncing.rows(f"SELECT now(), * FROM reports.{REPORT}")
    return [row[1:] for row in rows], rows[0][0]


CURSORS = """
    ('main', 'supply.batches', NULL, 1, 100, 100, now() - INTERVAL 30 MINUTE, now() - INTERVAL 3 HOUR),
    ('main', 'supply.supply_lines', NULL, 1, 100, 340, NULL, now() - INTERVAL 90 MINUTE),
    ('main', 'supply.price_groups', NULL, 1, 100, NULL, now() - INTERVAL 2 DAY, now() - INTERVAL 1 DAY),
    ('main', 'supply.bundled_offers', NULL, 2, 100, 60, now() - INTERVAL 10 MINUTE, NULL),
    ('main', 'orders.contract_trade_item_groups', 'one', 1, 5, 20, now() - INTERVAL 5 HOUR, now() - INTERVAL 4 HOUR),
    ('main', 'orders.contract_trade_item_groups', 'two', 1, 70, 90, now() - INTERVAL 2 HOUR, now() - INTERVAL 3 HOUR),
    ('other', 'supply.batches', NULL, 1, 7, 7, now(), now())
"""
"""Feeds that are current, behind, without a maximum, with an outdated maximum, with sub-feeds, of another account."""

WINDOWS = """
    ('main', 'supply.batches', NULL, 1, 0, 90, 9, 9, 0, now(), now() - INTERVAL 9 HOUR, 'run'),
    ('main', 'supply.batches', NULL, 1, 90, 100, 1, 0, 0, now(), now() - INTERVAL 3 HOUR, 'run')
"""
"""A window with new versions, and one without."""

REJECTED = """
    ('main', 'supply.batches', 'a', '{}', 'no time', 4, now(), now(), NULL),
    ('main', 'supply.batches', NULL, '{}', 'no key', 5, now(), now(), NULL),
    ('main', 'supply.batches', 'c', '{}', 'no time', 6, now(), now(), now())
"""
"""Two open rejected records, and a resolved one."""

VIEWS = """
    ('main', 'supply.batches', '', true, now()),
    ('main', 'supply.sales_strategies', '', false, now()),
    ('other', 'supply.sales_strategies', '', true, now())
"""
"""A synced feed, one whose scope is missing, and one that was never read."""


@pytest.fixture
def sync_tables(warehouse: ReportWarehouse) -> ReportWarehouse:
    """A warehouse with handmade rows in the ``sync`` tables, and three sales orders."""
    warehouse.store(ORDERS, [make_record("suppliers", ORDERS, number) for number in (1, 2, 3)], "other")
    with Warehouse(warehouse.path).writing() as connection:
        for table, rows in {
            "cursors": CURSORS,
            "windows": WINDOWS,
            "rejected_records": REJECTED,
            "views": VIEWS,
        }.items():
            connection.execute(f"INSERT INTO sync.{table} VALUES {rows}")
    return warehouse


def test_handmade_sync_tables(sync_tables: ReportWarehouse) -> None:
    """The report has exactly the expected rows for feeds in all states."""
    rows, now = report_with_query_time(sync_tables, REPORT)

    assert rows == expected_rows(sync_tables, now, {("other", ORDERS): 3})


def test_distance_to_the_maximum(sync_tables: ReportWarehouse) -> None:
    """The distance is at least 0, is summed over sub-feeds, and is unknown without a maximum."""
    rows = sync_tables.report(REPORT)

    assert {row[1]: (row[3], row[4]) for row in rows if row[0] == "main"} == {
        "supply.batches": (100, 0),
        "supply.supply_lines": (100, 240),
        "supply.price_groups": (100, None),
        "supply.bundled_offers": (100, 0),
        GROUPS: (70, 35),
        "supply.sales_strategies": (None, None),
    }


def test_last_sync_without_changes(sync_tables: ReportWarehouse) -> None:
    """A sync that finds a feed current counts as its last sync, even if it stores nothing."""
    rows = sync_tables.report(REPORT)

    assert {row[1]: row[6] for row in rows if row[0] == "main"} == {
        "supply.batches": pytest.approx(30, abs=5),
        "supply.supply_lines": pytest.approx(90, abs=5),
        "supply.price_groups": pytest.approx(1440, abs=5),
        "supply.bundled_offers": pytest.approx(10, abs=5),
        GROUPS: pytest.approx(120, abs=5),
        "supply.sales_strategies": None,
    }


def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Before the first sync, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []
