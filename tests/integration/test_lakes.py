"""A lake holds what a file would, and one writer at a time writes to it."""

from __future__ import annotations

import datetime as dt
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.catalogue.tables import tables_of
from pipelines.cli.entry import run
from pipelines.errors import PipelineError, UsageError, WarehouseBusyError, WarehouseError
from pipelines.lake_address import parse_lake
from pipelines.reports import find_report
from pipelines.reports.execution import Arguments, reports_in, run_report
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import Warehouse, WriteSession, transaction
from pipelines.warehouse.file.interruptible import commit
from pipelines.warehouse.file.publish import copy_warehouse
from pipelines.warehouse.lake.connection import LakeWarehouse
from pipelines.warehouse.lake.replaced_values import remove_replaced_values
from pipelines.warehouse.lake.upkeep import upkeep
from pipelines.warehouse.opening import hold_sync_lock, lock_holder, open_warehouse
from pipelines.warehouse.privacy import redact
from pipelines.warehouse.read.query_session import query_session, single_query
from tests.integration.personal_orders import DROP, JAN, ORDERS, places_of, sandbox_with_people
from tests.integration.syncing import Syncing
from tests.lakes import lake_at, postgres

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
FEEDS = ("orders.sales_orders", "catalog.trade_items")

pytestmark = pytest.mark.usefixtures("running_postgres")


@pytest.fixture(scope="module")
def running_postgres() -> None:
    """Start PostgreSQL, or skip."""
    postgres()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox that does not trade, and does not limit the rate of calls."""
    with Sandbox(now=NOW, scale=0.1) as running:
        running.set_switches(rate_limits=None)
        yield running


@pytest.fixture(scope="module")
def synced(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory, running_postgres: None) -> Syncing:  # noqa: ARG001
    """A lake with two feeds, synced twice; tests do not change it."""
    syncing = Syncing(sandbox, tmp_path_factory.mktemp("lake") / "w.duckdb", only=FEEDS, kind="lake")
    assert all(outcome.current for outcome in syncing.sync().values())
    assert all(outcome.current for outcome in syncing.sync(full=True).values())
    return syncing


def rows_of(warehouse: Warehouse, syncing: Syncing) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of all tables of the feeds and of ``sync``, in the order in which they are stored."""
    typed = [part for source in syncing.catalogue.sources for part in tables_of(source).walk()]
    names = [
        *(part.qualified_name for part in typed),
        *(f"versions.{part.name}" for part in typed),
        *(f"raw.{source.table}" for source in syncing.catalogue.sources),
        *("sync.cursors", "sync.windows", "sync.accounts", "sync.settings"),
    ]
    with warehouse.reading() as connection:
        return {name: connection.execute(f"FROM {name} ORDER BY rowid").fetchall() for name in names}


def test_a_lake_holds_all_records(synced: Syncing) -> None:
    """Every table equals the records of the server, after a load and a full re-read."""
    synced.assert_equal()


def test_a_copy_in_a_file_has_all_rows_and_reports(synced: Syncing, tmp_path: Path) -> None:
    """A backup has each row of the lake at its place, and the reports with their parameters."""
    lake = open_warehouse(synced.address)
    copy_warehouse(lake, tmp_path / "copy.duckdb")
    file = Warehouse(tmp_path / "copy.duckdb")

    assert rows_of(file, synced) == rows_of(lake, synced)
    report, arguments = find_report("revenue_by_week"), Arguments({"currency": "EUR"})
    with query_session(synced.address) as in_lake, query_session(file.path) as in_file:
        assert [each.name for each in reports_in(in_lake)] == [each.name for each in reports_in(in_file)]
        found = [run_report(session, report, arguments) for session in (in_lake, in_file)]
        tables = [[batch.to_pylist() for batch in result.batches] for result in found]
    assert tables[0] == tables[1]
    assert tables[0]


@pytest.mark.parametrize(
    "sql",
    [
        "FROM read_csv('/etc/passwd')",
        "SELECT * FROM postgres_query('lake', 'SELECT 1')",
        "ATTACH 'other.duckdb' AS other",
        "COPY (SELECT 1) TO 'out.csv'",
        "DELETE FROM orders.sales_orders",
        "SET memory_limit = '1GB'",
    ],
)
def test_queries_read_the_lake_alone(sql: str, synced: Syncing) -> None:
    """A query that writes, or reads anything else, is refused."""
    with pytest.raises(UsageError), single_query(synced.address, sql):
        pass


def test_a_second_sync_learns_who_holds_the_lake(synced: Syncing) -> None:
    """The lock names its holder, and is free after it."""
    with hold_sync_lock(synced.address, "floriday sync"):
        assert "floriday sync" in (lock_holder(synced.address) or "")
        with pytest.raises(WarehouseBusyError, match=r"another sync holds .* floriday sync"):
            hold_sync_lock(synced.address, "another").__enter__()
    assert lock_holder(synced.address) is None


def test_the_lock_of_a_killed_sync_is_free(synced: Syncing) -> None:
    """PostgreSQL releases the lock with the session of the process."""
    program = (
        "import sys, pickle; from pipelines.warehouse.opening import hold_sync_lock\n"
        "with hold_sync_lock(pickle.loads(bytes.fromhex(sys.argv[1])), 'killed'):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    import pickle  # noqa: PLC0415 - to hand the address over

    address = pickle.dumps(synced.address).hex()
    with subprocess.Popen(
        [sys.executable, "-c", program, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.send_signal(signal.SIGKILL)
    with hold_sync_lock(synced.address, "the next", timeout=5):
        pass


def test_a_sync_behind_a_moved_cursor_stores_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    """A sync that lost its lock without knowing does not store over what another one has read."""
    syncing = Syncing(sandbox, tmp_path / "w.duckdb", only=("catalog.trade_items",), kind="lake")
    with syncing.pipeline() as session:
        other = LakeWarehouse(lake_at(syncing.path))
        with other.writing() as connection, transaction(connection):
            values = "('main', 'catalog.trade_items', NULL, 1, 7, NULL, NULL, now())"
            connection.execute(f"INSERT INTO sync.cursors VALUES {values}")
        other.close()
        (outcome,) = session.sync_all(session.sources, run_id="late")

    assert outcome.error is not None
    assert "another sync has moved the cursor" in outcome.error
    assert syncing.rows("SELECT count(*) FROM catalog.trade_items") == [(0,)]


def test_a_first_load_without_its_lock_is_not_stored_twice(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If another sync loads the same records just before the commit of one that lost its lock, each is stored once."""
    syncing = Syncing(sandbox, tmp_path / "w.duckdb", only=("catalog.trade_items",), kind="lake")

    def late(connection: duckdb.DuckDBPyConnection) -> None:
        monkeypatch.undo()
        assert syncing.sync_one("catalog.trade_items").error is None
        commit(connection)

    with syncing.pipeline() as session:
        monkeypatch.setattr("pipelines.warehouse.file.connection.commit", late)
        (outcome,) = session.sync_all(session.sources, run_id="late")

    assert outcome.error is not None
    assert "another sync has moved the cursor" in outcome.error
    syncing.assert_equal()
    assert syncing.rows("SELECT count(*) FROM sync.cursors") == [(1,)]


def test_a_transaction_that_met_another_one_is_repeated(sandbox: Sandbox, tmp_path: Path) -> None:
    """Where another writer changed the same row first, the whole transaction is executed again."""
    syncing = Syncing(sandbox, tmp_path / "w.duckdb", only=("catalog.trade_items",), kind="lake")
    syncing.sync()
    own, other = LakeWarehouse(lake_at(syncing.path)), LakeWarehouse(lake_at(syncing.path))
    update = "UPDATE sync.accounts SET organization_name = organization_name || '.'"
    attempts = []

    def work(connection: duckdb.DuckDBPyConnection) -> None:
        attempts.append(connection.execute(update))
        if len(attempts) == 1:
            with other.writing() as another, transaction(another):
                another.execute(update)

    before = syncing.rows("SELECT organization_name FROM sync.accounts")
    WriteSession(own).execute(work)
    own.close()
    other.close()

    assert len(attempts) == 2
    assert syncing.rows("SELECT organization_name FROM sync.accounts") == [(f"{name}..",) for (name,) in before]


def test_an_error_of_reading_is_one_line(synced: Syncing) -> None:
    """If the Parquet files cannot be read, the error names the lake, and the next read works."""
    warehouse = LakeWarehouse(lake_at(synced.path))
    expected = r"ducklake:postgres:.* cannot be read or written"
    with pytest.raises(WarehouseError, match=expected), warehouse.reading() as connection:
        connection.execute("FROM read_parquet('/no/such/file.parquet')")
    with warehouse.reading() as connection:
        assert connection.execute("SELECT count(*) > 0 FROM orders.sales_orders").fetchall() == [(True,)]
    warehouse.close()


def test_upkeep_keeps_every_row_at_its_place(sandbox: Sandbox, tmp_path: Path) -> None:
    """Merged files and removed snapshots change nothing that can be read."""
    syncing = Syncing(sandbox, tmp_path / "w.duckdb", only=("catalog.trade_items",), kind="lake")
    syncing.sync()
    warehouse = LakeWarehouse(lake_at(syncing.path))
    before = rows_of(warehouse, syncing)
    upkeep(warehouse)
    warehouse.close()

    assert rows_of(open_warehouse(syncing.address), syncing) == before
    syncing.sync(full=True)
    syncing.assert_equal()


def test_a_lake_is_not_created_among_other_files(tmp_path: Path) -> None:
    """A new lake needs a place of its own, because files that it does not know are removed from it."""
    lake = lake_at(tmp_path / "w.duckdb")
    (folder := Path(lake.data) / "cell" / "orders").mkdir(parents=True)
    (folder / "of_another.parquet").touch()
    warehouse = LakeWarehouse(lake)

    with pytest.raises(WarehouseError, match=r"FLORIDAY_LAKE_DATA is .* files are already") as raised:
        warehouse.writing().__enter__()

    assert "\n" not in raised.value.message
    assert not warehouse.exists()


def test_erasing_that_was_interrupted_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a redaction is ended after its transaction, the next one finds nothing to change, and removes old values."""
    monkeypatch.chdir(tmp_path)
    with sandbox_with_people() as people:
        syncing = Syncing(people, tmp_path / "w.duckdb", only=(ORDERS,), kind="lake")
        syncing.sync(ORDERS)
    for name, value in {**syncing.warehouse_settings, **DROP}.items():
        monkeypatch.setenv(name, value)
    with monkeypatch.context() as patch:
        patch.setattr(redact, "remove_replaced_values", lambda _: sys.exit("ended"))
        with pytest.raises(SystemExit):
            run(["redact"])
    assert JAN not in str(syncing.rows(f"FROM {ORDERS}"))
    assert places_of(syncing, JAN) != []

    assert run(["redact"]) == 0

    assert places_of(syncing, JAN) == []


def test_erasing_keeps_files_of_another_lake(sandbox: Sandbox, tmp_path: Path) -> None:
    """Files that killed processes left are removed, unless some in the folder may belong to another lake."""
    syncing = Syncing(sandbox, tmp_path / "w.duckdb", only=("catalog.trade_items",), kind="lake")
    lake = LakeWarehouse(lake_at(syncing.path))
    data = Path(lake_at(syncing.path).data)
    left, foreign = data / "catalog" / "trade_items" / "left.parquet", data / "cell" / "catalog" / "of_another.parquet"
    for path in (left, foreign):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    with pytest.raises(WarehouseError, match=r"of_another.parquet is in the folder of .*, and not part of it"):
        remove_replaced_values(lake)
    assert left.exists()
    foreign.unlink()
    remove_replaced_values(lake)
    lake.close()

    assert not left.exists()


def test_a_new_lake_needs_a_place_where_files_can_be_written(tmp_path: Path) -> None:
    """Nothing is created otherwise, so that the corrected setting works."""
    lake = lake_at(tmp_path / "w.duckdb")
    (tmp_path / "file").touch()
    wrong = replace(lake, data=f"{tmp_path / 'file'}/lake/")

    with pytest.raises(WarehouseError, match=r"FLORIDAY_LAKE_DATA is .* no file can be written \(Not a directory\)"):
        LakeWarehouse(wrong).writing().__enter__()

    assert not LakeWarehouse(lake).exists()
    with LakeWarehouse(lake).writing() as connection:
        assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_another_place_of_the_files_is_explained(tmp_path: Path) -> None:
    """Reading and writing say where the files of the lake are."""
    lake = lake_at(tmp_path / "w.duckdb")
    with LakeWarehouse(lake).writing():
        pass
    wrong = replace(lake, data=f"{tmp_path / 'other'}/")

    for use in (LakeWarehouse(wrong).writing, LakeWarehouse(wrong).reading):
        expected = (
            f"has its files at {re.escape(lake.data)}, not at {re.escape(wrong.data)}: correct FLORIDAY_LAKE_DATA"
        )
        with pytest.raises(WarehouseError, match=expected):
            use().__enter__()


def test_a_missing_lake_is_explained(tmp_path: Path) -> None:
    """Reading a lake that was never synced says what to do."""
    with pytest.raises(WarehouseError, match=r"there is no lake at .* run `floriday sync` first"):
        open_warehouse(lake_at(tmp_path / "none.duckdb")).require()


def test_an_unreachable_database_is_one_line(tmp_path: Path) -> None:
    """The error names the database and the reason."""
    lake = parse_lake("ducklake:postgres:dbname=none host=127.0.0.1 port=1", str(tmp_path), "floriday", tmp_path)
    for attempt in (open_warehouse(lake).exists, lambda: lock_holder(lake)):
        with pytest.raises(PipelineError, match=r"PostgreSQL does not answer for .*dbname=none") as raised:
            attempt()
        assert "\n" not in raised.value.message


def test_a_database_that_does_not_exist_is_not_one_without_an_answer(tmp_path: Path) -> None:
    """PostgreSQL did answer: what to do is to correct the address."""
    address = f"ducklake:postgres:{postgres()} dbname=nothing"
    lake = parse_lake(address, str(tmp_path), "floriday", tmp_path)
    for attempt in (open_warehouse(lake).exists, lambda: lock_holder(lake)):
        expected = r"PostgreSQL refuses .*dbname=nothing.* \(FATAL: .* does not exist\): correct the address"
        with pytest.raises(PipelineError, match=expected):
            attempt()
