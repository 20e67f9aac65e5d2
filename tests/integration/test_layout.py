"""A new warehouse has the tables of its API's catalogue, and a new feed needs one entry in the catalogue."""

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
from pipelines.warehouse.privacy.policy import StoredPolicy, stored_policy
from pipelines.warehouse.schema.create import create_tables
from pipelines.warehouse.schema.migrate import is_up_to_date
from pipelines.warehouse.schema.owner import read_owner
from tests.examples import cases
from tests.integration.syncing import Syncing


def new_warehouse(path: Path, api: str) -> Warehouse:
    """A new warehouse of an API, with all tables."""
    warehouse = Warehouse(path)
    with warehouse.writing() as connection, transaction(connection):
        create_tables(connection, [tables_of(source) for source in catalogue_of(api).sources])
    return warehouse


@cases("api", ["suppliers", "customers"], quick=1)
def test_tables_follow_the_catalogue(tmp_path: Path, api: str) -> None:
    """Tables, columns, types and their order are exactly those of the catalogue."""
    expected = {
        table.qualified_name: [(column.name, column.type) for column in table.columns]
        for source in catalogue_of(api).sources
        for table in tables_of(source).walk()
    }

    with new_warehouse(tmp_path / "w.duckdb", api).reading() as connection:
        rows = connection.execute(
            "SELECT schema_name || '.' || table_name, list((column_name, data_type) ORDER BY column_index)"
            " FROM duckdb_columns() WHERE NOT internal AND schema_name NOT IN"
            " ('raw', 'versions', 'history', 'sync', 'reports') GROUP BY ALL"
        ).fetchall()

    assert dict(rows) == expected


@cases("api", ["suppliers", "customers"], quick=1)
def test_everything_has_a_description(tmp_path: Path, api: str) -> None:
    """Every table, view and column that users read has a description."""
    with new_warehouse(tmp_path / "w.duckdb", api).reading() as connection:
        undescribed = connection.execute(
            "SELECT schema_name, table_name, column_name FROM duckdb_columns()"
            " WHERE NOT internal AND comment IS NULL AND schema_name != 'versions'"
            " UNION ALL SELECT schema_name, table_name, '' FROM duckdb_tables() WHERE NOT internal AND comment IS NULL"
            " UNION ALL SELECT schema_name, view_name, '' FROM duckdb_views() WHERE NOT internal AND comment IS NULL"
        ).fetchall()

    assert undescribed == []


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
"""A feed that does not exist in Floriday."""


def test_rows_of_later_feeds_are_counted() -> None:
    """``sync.row_counts`` counts the rows of each feed and account, also of feeds that are added later."""
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
    """Table, child table, comments, history, route, sync and asset of a new feed follow from its entry."""
    known = catalogue_of("suppliers")
    extended = Catalogue("suppliers", known.version, (HEDGES,))
    monkeypatch.setitem(catalogue_module.CATALOGUES, "suppliers", (extended,))
    record: dict[str, Any] = {
        "hedgeId": "0aa7e2a0-51a4-4b1a-9f0e-000000000001",
        "colour": "red",
        "thorns": [{"length": 700}, {"length": 900}],
    }
    with Sandbox(empty=True) as sandbox:
        sandbox.book("catalog.hedges").put(record)
        new_warehouse(tmp_path / "w.duckdb", "suppliers")
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


def test_a_transaction_continues_after_questions_about_a_new_file(tmp_path: Path) -> None:
    """A new file needs no migration, and has no owner or policy; a transaction can ask that and commit."""
    warehouse = Warehouse(tmp_path / "w.duckdb")
    with warehouse.writing() as connection, transaction(connection):
        assert is_up_to_date(connection, "2026v1")
        assert read_owner(connection) is None
        assert stored_policy(connection) == StoredPolicy()
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")

    with warehouse.reading() as connection:
        assert connection.execute("FROM kept").fetchall() == [(1,)]
