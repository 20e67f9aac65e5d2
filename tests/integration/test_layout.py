"""The layout of a fresh warehouse of each API, and what one new entry in the catalogue brings along."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pytest

import pipelines.catalogue as catalogue_module
from pipelines.catalogue import Catalogue, catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Feed, Int64, Record, Text, Uuid, field
from pipelines.floriday.endpoints import Endpoint
from pipelines.orchestration.assets.feeds import feed_asset
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.schema.create import create_tables
from tests.integration.syncing import Syncing


def laid_out(path: Path, api: str) -> Warehouse:
    """A fresh warehouse of an API."""
    warehouse = Warehouse(path)
    with warehouse.writing() as connection, transaction(connection):
        create_tables(connection, [tables_of(source) for source in catalogue_of(api).sources])
    return warehouse


@pytest.mark.parametrize("api", ["suppliers", "customers"])
def test_the_layout_is_the_catalogues(tmp_path: Path, api: str) -> None:
    """DuckDB has exactly the tables of the catalogue, each with its columns, types and order."""
    expected = {
        table.qualified_name: [(column.name, column.type) for column in table.columns]
        for source in catalogue_of(api).sources
        for table in tables_of(source).walk()
    }

    with laid_out(tmp_path / "w.duckdb", api).reading() as connection:
        rows = connection.execute(
            "SELECT schema_name || '.' || table_name, list((column_name, data_type) ORDER BY column_index)"
            " FROM duckdb_columns() WHERE NOT internal AND schema_name NOT IN"
            " ('raw', 'versions', 'history', 'sync', 'reports') GROUP BY ALL"
        ).fetchall()

    assert dict(rows) == expected


@pytest.mark.parametrize("api", ["suppliers", "customers"])
def test_no_table_and_no_column_is_without_a_description(tmp_path: Path, api: str) -> None:
    """Of everything that users read: current rows, raw, history and sync."""
    with laid_out(tmp_path / "w.duckdb", api).reading() as connection:
        bare = connection.execute(
            "SELECT schema_name, table_name, column_name FROM duckdb_columns()"
            " WHERE NOT internal AND comment IS NULL AND schema_name != 'versions'"
            " UNION ALL SELECT schema_name, table_name, '' FROM duckdb_tables() WHERE NOT internal AND comment IS NULL"
            " UNION ALL SELECT schema_name, view_name, '' FROM duckdb_views() WHERE NOT internal AND comment IS NULL"
        ).fetchall()

    assert bare == []


class Thorn(Record):
    """A sharp part."""

    length: Int64 = field("how long it is, in micrometres")


class Hedge(Record):
    """What grows around a nursery: one row for each hedge."""

    hedge_id: Uuid = field("Floriday's identifier of the hedge")
    sequence_number: Int64 = field("number of this state in the feed")
    colour: Text | None = field("colour in autumn; NULL for evergreens")
    thorns: list[Thorn] = field("sharp parts of a hedge")


HEDGES = Feed("catalog", "hedges", Hedge, ("hedge_id",), Endpoint("/hedges"), scope="catalog:read")
"""No such feed exists."""


def test_rows_are_counted_of_feeds_that_come_later_too() -> None:
    """The counts are those of all feeds that were ever laid out, by account; a warehouse without them gets them."""
    connection = duckdb.connect()
    create_tables(connection, [tables_of(catalogue_of("suppliers").source("trade_items"))])
    connection.execute("DROP VIEW sync.row_counts")
    for _ in range(2):
        create_tables(connection, [tables_of(HEDGES)])
        for account in ("main", "main", "second"):
            connection.execute("INSERT INTO catalog.hedges (account, hedge_id) VALUES (?, uuid())", [account])
    connection.execute("INSERT INTO catalog.trade_items (account, trade_item_id) VALUES ('main', uuid())")

    assert connection.execute("FROM sync.row_counts ORDER BY ALL").fetchall() == [
        ("main", "catalog.hedges", 4),
        ("main", "catalog.trade_items", 1),
        ("second", "catalog.hedges", 2),
    ]


def test_a_new_feed_is_one_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Table, child, comments, history, route, sync and asset follow from it; the dictionary's own test has its page."""
    known = catalogue_of("suppliers")
    grown = Catalogue("suppliers", known.version, (HEDGES,))
    monkeypatch.setitem(catalogue_module.CATALOGUES, "suppliers", grown)
    record: dict[str, Any] = {
        "hedgeId": "0aa7e2a0-51a4-4b1a-9f0e-000000000001",
        "colour": "red",
        "thorns": [{"length": 700}, {"length": 900}],
    }
    with Sandbox(empty=True) as sandbox:
        sandbox.book("catalog.hedges").put(record)
        laid_out(tmp_path / "w.duckdb", "suppliers")
        syncing = Syncing(sandbox, tmp_path / "w.duckdb")

        outcome = syncing.sync_one("hedges")

        assert (outcome.new, outcome.rejected) == (1, 0)
        assert sandbox.calls.to("/hedges/sync/0")
        assert syncing.rows("SELECT colour FROM catalog.hedges") == [("red",)]
        assert syncing.rows("SELECT position, length FROM catalog.hedge_thorns") == [(0, 700), (1, 900)]
        assert syncing.rows("SELECT count(*) FROM history.hedge_thorns_as_of(now())") == [(2,)]
        comment = "SELECT comment FROM duckdb_columns() WHERE schema_name = 'catalog' AND column_name = 'length'"
        assert syncing.rows(comment) == [("How long it is, in micrometres",)]
    asset = feed_asset(HEDGES, dt.date(2026, 3, 2), ())
    assert asset.key.path == ["catalog", "hedges"]
    assert "columns of hedge_thorns" in asset.metadata_by_key[asset.key]
