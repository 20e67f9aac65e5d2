"""A lake whose Parquet files are in a bucket of S3, and what happens while S3 or PostgreSQL does not answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.errors import WarehouseError
from pipelines.lake_address import LakeAddress
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.publish import copy_warehouse
from pipelines.warehouse.lake.connection import LakeWarehouse
from pipelines.warehouse.lake.replaced_values import remove_replaced_values
from pipelines.warehouse.lake.upkeep import upkeep
from pipelines.warehouse.read.query_session import single_query
from tests.buckets import BucketServer, bucket_server
from tests.integration.syncing import Syncing
from tests.integration.syncing_to_buckets import SyncingToBucket
from tests.lakes import lake_at, postgres, stopped_postgres
from tests.records import in_json, valid_records

ITEMS = "catalog.trade_items"
NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[BucketServer]:
    """A server of S3."""
    postgres()
    with bucket_server() as server:
        yield server


@pytest.fixture(scope="module")
def synced(server: BucketServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Syncing]:
    """A lake in a bucket after a first sync; each test leaves it equal to the sandbox."""
    assert server.port
    with Sandbox(now=NOW, scale=0.1) as sandbox:
        syncing = SyncingToBucket(sandbox, tmp_path_factory.mktemp("bucket") / "w.duckdb", only=(ITEMS,), kind="lake")
        assert all(outcome.current for outcome in syncing.sync().values())
        yield syncing


def change(syncing: Syncing, count: int = 300) -> None:
    """Change trade items, more than PostgreSQL holds before they become a file."""
    book = syncing.sandbox.book(ITEMS)
    for record in valid_records(syncing.catalogue.feed(ITEMS), seed=syncing.runs, count=count):
        number = book.reserve()
        book.put(in_json({**record, "sequenceNumber": number}), number=number)


def test_a_lake_in_a_bucket_holds_all_records(synced: Syncing, tmp_path: Path) -> None:
    """Loads, changes, queries, copies, upkeep and erasing work as with a folder."""
    change(synced)
    synced.sync()
    synced.assert_equal()

    lake = LakeWarehouse(synced.address) if isinstance(synced.address, LakeAddress) else None
    assert lake is not None
    upkeep(lake)
    remove_replaced_values(lake)
    synced.assert_equal()
    copy_warehouse(lake, tmp_path / "copy.duckdb")
    lake.close()
    counted = f"SELECT count(*) FROM {ITEMS}"
    with single_query(synced.address, counted) as result:
        rows = [tuple(row.values()) for batch in result.batches for row in batch.to_pylist()]
    with Warehouse(tmp_path / "copy.duckdb").reading() as connection:
        assert connection.execute(counted).fetchall() == rows == synced.rows(counted)
    assert rows[0][0] > 300


def test_the_next_sync_makes_up_for_a_bucket_that_did_not_answer(synced: Syncing, server: BucketServer) -> None:
    """While S3 does not answer, a running sync and a new one end with one line; the next one reads what is missing."""
    change(synced)
    with synced.pipeline() as session, server.stopped():
        (outcome,) = session.sync_all(session.sources, run_id="during")
        with pytest.raises(WarehouseError) as raised:
            synced.sync()

    assert outcome.error is not None
    for text in (outcome.error, raised.value.message):
        assert text.startswith("S3 does not answer for s3://flowers/")
        assert "the next sync continues" in text
        assert "\n" not in text
    synced.sync()
    synced.assert_equal()


def test_the_next_sync_makes_up_for_a_database_that_did_not_answer(synced: Syncing) -> None:
    """While PostgreSQL does not answer, a running sync and a new one end with one line; the next one continues."""
    change(synced, 30)
    with synced.pipeline() as session, stopped_postgres():
        (outcome,) = session.sync_all(session.sources, run_id="during")
        with pytest.raises(WarehouseError, match="PostgreSQL does not answer for ducklake:postgres:") as raised:
            synced.sync()

    assert outcome.error is not None
    for text in (outcome.error, raised.value.message):
        assert text.startswith("PostgreSQL does not answer for ducklake:postgres:")
        assert "\n" not in text
    synced.sync()
    synced.assert_equal()


def test_missing_keys_are_explained(synced: Syncing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without keys, the error says where they are looked for."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert isinstance(synced.address, LakeAddress)

    with pytest.raises(WarehouseError, match=r"no keys for s3://flowers/.* were found: set AWS_ACCESS_KEY_ID"):
        LakeWarehouse(synced.address).exists()


def test_a_missing_bucket_is_explained(synced: Syncing, tmp_path: Path) -> None:
    """The error names the bucket and the setting."""
    assert isinstance(synced.address, LakeAddress)
    lake = LakeWarehouse(replace(lake_at(tmp_path / "w.duckdb"), data="s3://none/lake/"))

    expected = "S3 has no bucket none: create it, or correct FLORIDAY_LAKE_DATA"
    with pytest.raises(WarehouseError, match=expected), lake.writing() as connection:
        connection.execute("CREATE TABLE t AS SELECT range AS n FROM range(1000)")
