"""How well the warehouse keeps up."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.types import Feed
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import Warehouse
from tests.integration.reporting import ORDERS, Reporting, Row, made
from tests.integration.reports.at_the_moment import report_at_the_moment
from tests.integration.syncing import Syncing
from tests.records import in_json, valid_records

REPORT = "sync_health"
GROUPS = "orders.contract_trade_item_groups"
MINUTE = dt.timedelta(minutes=1)


def sync_health(told: Reporting | Syncing, now: dt.datetime, counts: Mapping[tuple[str, str], int]) -> list[Row]:
    """The rows of the report, from what the ledger of the syncs says.

    Args:
        told: the warehouse.
        now: when the report was asked.
        counts: the rows of each account and feed.
    """
    granted = {row[:2]: row[2] for row in told.rows("SELECT account, feed, granted FROM sync.views")}
    parts, changed, rejected = defaultdict(list), defaultdict(list), defaultdict(list)
    for *feed, cursor, maximum, current, committed in told.rows(
        "SELECT account, feed, cursor, maximum, current_at, committed_at FROM sync.cursors"
    ):
        parts[tuple(feed)].append((cursor, maximum, current, committed))
    for *feed, committed in told.rows("SELECT account, feed, committed_at FROM sync.windows WHERE changed > 0"):
        changed[tuple(feed)].append(committed)
    for *feed, key in told.rows("SELECT account, feed, key FROM sync.rejected_records WHERE resolved_at IS NULL"):
        rejected[tuple(feed)].append(key)
    return [
        (
            *(*feed, granted.get(feed), *standing(parts[feed], now), max(changed[feed], default=None)),
            *(counts.get(feed, 0), len(rejected[feed])),
        )
        for feed in sorted({*granted, *parts})
    ]


def standing(parts: list[tuple[Any, ...]], now: dt.datetime) -> tuple[Any, ...]:
    """Cursor, distance, when last synced, minutes since then, when last current: of all parts of a feed together."""
    distances = [max(0, maximum - cursor) for cursor, maximum, *_ in parts if maximum is not None]
    synced = max(
        (moment for *_, current, committed in parts for moment in (current, committed) if moment), default=None
    )
    return (
        max((cursor for cursor, *_ in parts), default=None),
        sum(distances) if distances else None,
        synced,
        synced and (now - synced) // MINUTE,
        max((current for *_, current, _ in parts if current), default=None),
    )


@pytest.mark.parametrize("api", ["suppliers", "customers"])
def test_after_syncs(tmp_path: Path, api: str) -> None:
    """Every row after two syncs of two accounts: full and empty feeds, a rejected record, a scope that is missing."""
    scopes = [scope for scope in catalogue_of(api).scopes if not scope.startswith("sales-order")]
    only = ("organizations.organizations", "catalog.trade_items", ORDERS, "supply.weekly_base_supply", GROUPS)
    with Sandbox(
        api=api, accounts=("main", "second"), empty=True, scopes=("role:app", "organization:read", *scopes)
    ) as sandbox:
        syncing, counts = Syncing(sandbox, tmp_path / "w.duckdb", api=api, only=only), {}
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
        rows, now = health(syncing)

    feeds = {source.name: isinstance(source, Feed) for source in syncing.catalogue.sources}
    assert [row[:2] for row in rows] == [(account, feed) for account in ("main", "second") for feed in sorted(feeds)]
    assert {row[2] for row in rows if row[1] == ORDERS} == {False}
    assert [row[10] for row in rows if row[:2] == ("second", "catalog.trade_items")] == [1]
    assert rows == sync_health(syncing, now, counts)


def health(syncing: Syncing) -> tuple[list[Row], dt.datetime]:
    """The report, and when it was asked."""
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
"""Current; on its way; without a maximum; with one that is cached; in parts; of another account."""

WINDOWS = """
    ('main', 'supply.batches', NULL, 1, 0, 90, 9, 9, 0, now(), now() - INTERVAL 9 HOUR, 'run'),
    ('main', 'supply.batches', NULL, 1, 90, 100, 1, 0, 0, now(), now() - INTERVAL 3 HOUR, 'run')
"""
"""One in which something was new, and one in which nothing was."""

REJECTED = """
    ('main', 'supply.batches', 'a', '{}', 'no time', 4, now(), now(), NULL),
    ('main', 'supply.batches', NULL, '{}', 'no key', 5, now(), now(), NULL),
    ('main', 'supply.batches', 'c', '{}', 'no time', 6, now(), now(), now())
"""
"""Two that are open, one that has healed."""

VIEWS = """
    ('main', 'supply.batches', '', true, now()),
    ('main', 'supply.sales_strategies', '', false, now()),
    ('other', 'supply.sales_strategies', '', true, now())
"""
"""A feed that is synced, one whose scope is missing, and one that failed from the first."""


@pytest.fixture
def ledger(grower: Reporting) -> Reporting:
    """A ledger that was written by hand, and rows of two feeds."""
    grower.store(ORDERS, [made("suppliers", ORDERS, number) for number in (1, 2, 3)], "other")
    with Warehouse(grower.path).writing() as connection:
        for table, rows in {
            "cursors": CURSORS,
            "windows": WINDOWS,
            "rejected_records": REJECTED,
            "views": VIEWS,
        }.items():
            connection.execute(f"INSERT INTO sync.{table} VALUES {rows}")
    return grower


def test_the_ledger_tells(ledger: Reporting) -> None:
    """Every row of a ledger in which feeds stand in all ways."""
    rows, now = report_at_the_moment(ledger, REPORT)

    assert rows == sync_health(ledger, now, {("other", ORDERS): 3})


def test_behind_is_the_distance_to_the_last_maximum(ledger: Reporting) -> None:
    """It is not below 0, it is added up over the parts of a feed, and is not known where Floriday tells no maximum."""
    rows = ledger.report(REPORT)

    assert {row[1]: (row[3], row[4]) for row in rows if row[0] == "main"} == {
        "supply.batches": (100, 0),
        "supply.supply_lines": (100, 240),
        "supply.price_groups": (100, None),
        "supply.bundled_offers": (100, 0),
        GROUPS: (70, 35),
        "supply.sales_strategies": (None, None),
    }


def test_the_last_sync_need_not_have_found_anything(ledger: Reporting) -> None:
    """A feed that was found to be current was synced then, whole minutes ago, though it changed hours before."""
    rows = ledger.report(REPORT)

    assert {row[1]: row[6] for row in rows if row[0] == "main"} == {
        "supply.batches": pytest.approx(30, abs=5),
        "supply.supply_lines": pytest.approx(90, abs=5),
        "supply.price_groups": pytest.approx(1440, abs=5),
        "supply.bundled_offers": pytest.approx(10, abs=5),
        GROUPS: pytest.approx(120, abs=5),
        "supply.sales_strategies": None,
    }


def test_a_fresh_warehouse(grower: Reporting) -> None:
    """Before anything was synced the report is there and empty."""
    assert grower.report(REPORT) == []
