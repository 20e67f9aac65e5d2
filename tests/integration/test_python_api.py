"""The Python API: tables and reports as frames and relations, through the same locks as the commands."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

import floriday_warehouse
import pipelines.api
from floriday_warehouse import Limits, PipelineError, QueryTimeoutError, UsageError, Warehouse, open_warehouse
from pipelines.api.selects import moment_of
from pipelines.cli.entry import run
from pipelines.errors import WarehouseBusyError, WarehouseError
from pipelines.reports.parameters import given_parameters
from pipelines.sandbox import Sandbox
from pipelines.settings.values import AMSTERDAM
from pipelines.warehouse.file.connection import Warehouse as WarehouseFile
from pipelines.warehouse.file.publish import publish
from tests.command_line import ROOT
from tests.integration.syncing import Syncing
from tests.moments import NOW, real_now

FEEDS = ("catalog.trade_items", "orders.sales_orders", "organizations.organizations", "organizations.connections")
PAGE = ROOT / "docs" / "python.md"


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with orders, of which one changed after the first sync, and a published copy of it."""
    path = tmp_path_factory.mktemp("api") / "floriday.duckdb"
    with Sandbox(now=NOW, scale=0.02) as sandbox:
        syncing, orders = Syncing(sandbox, path, only=FEEDS), sandbox.book("orders.sales_orders")
        syncing.sync(full=False)
        order = orders.entries()[0].document
        orders.put({**order, "numberOfPieces": order["numberOfPieces"] + 1})
        syncing.sync()
    publish(WarehouseFile(path), path.with_name("floriday.published.duckdb"))
    return path


@pytest.fixture
def warehouse(synced: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Warehouse]:
    """The warehouse that the settings name."""
    monkeypatch.setenv("FLORIDAY_WAREHOUSE", str(synced))
    monkeypatch.setenv("FLORIDAY_FEEDS", ",".join(FEEDS))
    monkeypatch.chdir(tmp_path)
    yield open_warehouse()
    WarehouseFile(synced, lock_timeout=0.0).recover()  # no call leaves the file open


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a query, read with DuckDB alone."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_both_names_are_one_api() -> None:
    """The alias module has the same names and objects, in a dozen or so."""
    assert floriday_warehouse.__all__ == pipelines.api.__all__
    assert all(getattr(floriday_warehouse, name) is getattr(pipelines.api, name) for name in pipelines.api.__all__)
    assert len(pipelines.api.__all__) < 15


def test_the_page_names_everything_public() -> None:
    """The page explains each name and each method."""
    text = PAGE.read_text(encoding="utf-8")
    names = {*pipelines.api.__all__, *public(pipelines.api.Warehouse), *public(pipelines.api.Relations)}

    assert [name for name in sorted(names) if f"`{name}" not in text] == []


def public(kind: type) -> list[str]:
    """The public attributes of a class."""
    return [name for name in vars(kind) if not name.startswith("_")]


@pytest.mark.filterwarnings("ignore:history.sales_orders_as_of has no rows")
@pytest.mark.slow
def test_the_examples_of_the_page_run(synced: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The examples run one after the other, and what they keep has rows."""
    path = tmp_path / "floriday.duckdb"
    path.write_bytes(synced.read_bytes())
    monkeypatch.setenv("FLORIDAY_WAREHOUSE", str(path))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}

    for block in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102 - the page is part of the project

    frames = {name: value for name, value in names.items() if isinstance(value, pd.DataFrame)}
    assert {"weeks", "orders", "pieces"} <= frames.keys()
    assert [name for name, frame in frames.items() if frame.empty] == []
    assert rows(path, "FROM nursery.targets") == [("EUR", 250000)]
    assert [each.name for each in tmp_path.glob("*.csv")] == []


class TestFrames:
    """Tables, reports and queries as frames."""

    def test_a_table(self, warehouse: Warehouse) -> None:
        """A frame has all rows of the table, with Arrow types and exact values."""
        frame = warehouse.table("sales_orders")
        by_id = {row.sales_order_id: row for row in frame.itertuples()}

        expected = "SELECT CAST(sales_order_id AS VARCHAR), number_of_pieces, price_per_piece_value, synced_at"
        for identity, pieces, price, synced_at in rows(warehouse.path, f"{expected} FROM orders.sales_orders"):
            row = by_id.pop(identity)
            assert (row.number_of_pieces, row.price_per_piece_value, row.synced_at) == (pieces, price, synced_at)
            assert isinstance(row.price_per_piece_value, Decimal)
        assert by_id == {}
        assert all(isinstance(kind, pd.ArrowDtype) for kind in frame.dtypes)

    def test_a_table_without_rows(self, warehouse: Warehouse) -> None:
        """A frame without rows has the columns of the table."""
        frame = warehouse.query("SELECT * FROM orders.sales_orders WHERE false")

        assert frame.empty
        assert list(frame.columns) == [column.name for column in warehouse.describe("orders.sales_orders").columns]

    def test_an_enum_in_several_batches(self, warehouse: Warehouse) -> None:
        """Values of an enum are text, also if the result consists of several batches."""
        sql = (
            "SELECT CAST(CASE WHEN range < 15000 THEN 'a' ELSE 'b' END AS ENUM ('a', 'b')) AS letter FROM range(30000)"
        )

        assert warehouse.query(sql)["letter"].value_counts().to_dict() == {"a": 15000, "b": 15000}

    def test_an_interval_is_text(self, warehouse: Warehouse) -> None:
        """An interval, which pandas has no type for, is ISO 8601, and the frame can be shown."""
        frame = warehouse.query("SELECT INTERVAL '1 month 2 days' AS span")

        assert "P1M2DT0S" in repr(frame)

    def test_columns_of_the_same_name(self, warehouse: Warehouse) -> None:
        """Columns of the same name get numbers."""
        assert list(warehouse.query("SELECT 1 AS a, 2 AS a").columns) == ["a", "a_1"]

    def test_a_table_in_the_past(self, warehouse: Warehouse) -> None:
        """A time, a day and text give the versions that were valid then; a time without a zone is one in Amsterdam."""
        ((identity, changed),) = rows(
            warehouse.path,
            "SELECT CAST(sales_order_id AS VARCHAR), valid_from FROM history.sales_orders WHERE version = 2",
        )
        day = (changed + dt.timedelta(days=2)).date()
        local = changed.astimezone(AMSTERDAM).replace(tzinfo=None)

        def version(as_of: dt.date | str) -> int:
            frame = warehouse.table("orders.sales_orders", as_of=as_of)
            return int(frame.loc[frame["sales_order_id"] == identity, "version"].item())

        assert version(changed - dt.timedelta(microseconds=1)) == 1
        assert version(local) == version(day.isoformat()) == 2
        assert moment_of(day.isoformat()) == day
        assert moment_of(changed.isoformat()) == moment_of(changed) == moment_of(local) == changed

    def test_a_time_before_the_first_sync_is_warned_about(self, warehouse: Warehouse) -> None:
        """A table of a time before the first sync is empty, with a warning that points at the caller."""
        with pytest.warns(UserWarning, match="nothing is known of the time before it") as warned:
            assert warehouse.table("sales_orders", as_of="2020-01-01").empty
        assert [Path(each.filename).name for each in warned] == [Path(__file__).name]

        with pytest.warns(UserWarning, match="the first sync was at"):
            warehouse.query("FROM history.sales_orders_as_of($day)", {"day": dt.date(2020, 1, 1)})

    @pytest.mark.parametrize(
        ("name", "as_of", "message"),
        [
            ("sale_orders", None, "no table 'sale_orders'.*orders.sales_orders"),
            ("sync.cursors", "2026-11-01", "sync.cursors has no history: leave out as_of"),
            ("sales_orders", "yesterday", "as_of expects a day or a time"),
        ],
    )
    def test_a_wrong_table_or_time(self, warehouse: Warehouse, name: str, as_of: str | None, message: str) -> None:
        """The error is one line that names what is expected."""
        with pytest.raises(UsageError, match=message):
            warehouse.table(name, as_of=as_of)

    def test_a_report(self, warehouse: Warehouse) -> None:
        """A report with parameters has the rows of its macro; a customer may be given by name."""
        ((name, identity),) = rows(
            warehouse.path,
            "SELECT name, CAST(organization_id AS VARCHAR) FROM organizations.organizations"
            " JOIN orders.sales_orders ON customer_organization_id = organization_id WHERE status = 'COMMITTED'"
            " GROUP BY ALL"
            " HAVING name IN (SELECT name FROM organizations.organizations GROUP BY ALL HAVING count(*) = 1)"
            " ORDER BY ALL LIMIT 1",
        )

        frame = warehouse.report("revenue_by_week", customer=name, currency="eur", from_date="2000-01-01", to_date=None)

        expected = f"FROM reports.revenue_by_week(customer := '{identity}', currency := 'EUR')"
        assert frame["revenue"].to_list() == [
            row[0] for row in rows(warehouse.path, expected.replace("FROM", "SELECT revenue FROM", 1))
        ]
        assert len(frame)

    def test_a_wrong_parameter(self, warehouse: Warehouse) -> None:
        """An unknown report, parameter, account or day is refused with the names of the API."""
        for wrong, message in (
            ({"name": "revenue"}, "there is no report 'revenue'"),
            ({"grace_days": 3}, "revenue_by_week takes account, from_date, to_date"),
            ({"account": "north"}, "account 'north' is not in the warehouse"),
            ({"from_date": "5 January"}, "from_date expects a day"),
            ({"from_date": "2026-02-01", "to_date": "2026-01-01"}, "to_date 2026-01-01 is before from_date"),
            ({"currency": "euros"}, "currency expects a code of three letters"),
        ):
            with pytest.raises(UsageError, match=message):
                warehouse.report(**{"name": "revenue_by_week", **wrong})  # type: ignore[arg-type]

    def test_safe_sql(self, warehouse: Warehouse, tmp_path: Path) -> None:
        """A query only reads the warehouse, with parameters and within its limits."""
        assert warehouse.query("SELECT $a + 1 AS b", {"a": 1})["b"].to_list() == [2]
        for hostile in (
            f"COPY (SELECT 1) TO '{tmp_path}/x.csv'",
            "FROM read_text('/etc/passwd')",
            "SELECT 1; SELECT 2",
        ):
            with pytest.raises(PipelineError):
                warehouse.query(hostile)
        with pytest.raises(QueryTimeoutError):
            open_warehouse(limits=Limits(seconds=0.1)).query("SELECT count(*) FROM range(1000000) a, range(1000000) b")
        assert list(tmp_path.iterdir()) == []


class TestRelations:
    """Tables and reports as relations of an open file."""

    def test_relations_are_composed(self, warehouse: Warehouse) -> None:
        """Relations are filtered and aggregated before their rows are read."""
        with warehouse.connect() as relations:
            counted = relations.table("sales_orders").filter("status = 'COMMITTED'").aggregate("count(*)").fetchall()
            ranking = relations.report("customer_ranking", from_date="2000-01-01", currency="EUR")
            assert ranking.columns == list(warehouse_columns(relations.connection, "customer_ranking"))
            assert relations.sql("SELECT $a + 1", {"a": 1}).fetchall() == [(2,)]

        assert counted == rows(warehouse.path, "SELECT count(*) FROM orders.sales_orders WHERE status = 'COMMITTED'")

    def test_a_relation_in_the_past(self, warehouse: Warehouse) -> None:
        """A relation of a table may be that of a time in the past."""
        with warehouse.connect() as relations:
            assert relations.table("sales_orders", as_of=real_now()).fetchall() != []
            with pytest.warns(UserWarning, match=r"history\.sales_orders_as_of has no rows: the first sync was at 20"):
                assert relations.table("sales_orders", as_of=dt.date(2020, 1, 1)).fetchall() == []

    def test_it_only_reads(self, warehouse: Warehouse) -> None:
        """Without read_only=False, nothing can be written."""
        with pytest.raises(duckdb.Error, match="read-only"), warehouse.connect() as relations:
            relations.connection.execute("CREATE SCHEMA mine")

    def test_a_writer_waits_for_the_block_and_no_longer(self, warehouse: Warehouse) -> None:
        """Another process cannot write within the block, and can after it."""
        write = "import sys, duckdb\ntry: duckdb.connect(sys.argv[1]).close()\nexcept duckdb.IOException: sys.exit(3)"
        command = (sys.executable, "-c", write, str(warehouse.path))

        with warehouse.connect():
            assert subprocess.run(command, check=False).returncode == 3
        assert subprocess.run(command, check=False).returncode == 0


def warehouse_columns(connection: duckdb.DuckDBPyConnection, report: str) -> list[str]:
    """The columns of a report's view."""
    return [name for name, *_ in connection.execute(f"DESCRIBE reports.{report}").fetchall()]


class TestOpening:
    """Which file is opened."""

    def test_the_published_copy(self, warehouse: Warehouse, synced: Path) -> None:
        """The published copy is found by the settings or beside the named file, and only read."""
        copy = synced.with_name("floriday.published.duckdb")

        assert open_warehouse(published=True).path == open_warehouse(synced, published=True).path == copy.resolve()
        assert len(open_warehouse(published=True).table("sales_orders")) == len(warehouse.table("sales_orders"))
        with pytest.raises(UsageError, match="published copy is replaced by the next sync"):
            open_warehouse(published=True, read_only=False)

    def test_no_published_copy(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """The error names the setting or the path."""
        with pytest.raises(WarehouseError, match=f"no published copy at {tmp_path}/other.published.duckdb") as raised:
            open_warehouse(tmp_path / "other.duckdb", published=True)
        assert "unless FLORIDAY_PUBLISHED is off" in str(raised.value)
        monkeypatch.setenv("FLORIDAY_PUBLISHED", "off")
        with pytest.raises(UsageError, match="FLORIDAY_PUBLISHED is off"):
            open_warehouse(published=True)

    def test_no_warehouse(self, tmp_path: Path) -> None:
        """A file that does not exist is refused at once."""
        with pytest.raises(WarehouseError, match=r"there is no warehouse at .*nothing\.duckdb yet"):
            open_warehouse(tmp_path / "nothing.duckdb")

    def test_a_busy_file(self, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file that another process writes for too long is reported in one line."""
        monkeypatch.setattr("pipelines.warehouse.read.query_session.LOCK_TIMEOUT", 0.2)
        hold = "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
        with subprocess.Popen(
            (sys.executable, "-c", hold, str(warehouse.path)), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"open\n"
            with pytest.raises(WarehouseBusyError, match="another process"):
                warehouse.table("sales_orders")
            writer.communicate()


class TestFreshness:
    """How current the warehouse is."""

    def test_freshness(self, warehouse: Warehouse) -> None:
        """The warehouse is complete until the time of its oldest feed."""
        freshness = warehouse.freshness()
        stored = dict(rows(warehouse.path, "SELECT feed, min(current_at) FROM sync.cursors GROUP BY feed"))

        assert freshness.feeds == stored
        assert freshness.current_at == min(stored.values())
        assert freshness.rejected == 0
        assert freshness.age(min(stored.values()) + dt.timedelta(hours=1)) == dt.timedelta(hours=1)

    def test_a_feed_that_was_never_read(self, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
        """A warehouse with a feed that was never read is not complete."""
        monkeypatch.setenv("FLORIDAY_FEEDS", f"{','.join(FEEDS)},supply.batches")
        freshness = warehouse.freshness()

        assert freshness.feeds["supply.batches"] is None
        assert freshness.current_at is None
        assert freshness.age(NOW) is None

    def test_status_is_that_of_the_command(self, warehouse: Warehouse, tmp_path: Path) -> None:
        """The status frame has the rows of ``floriday status --offline``, without what only Floriday knows."""
        assert run(["status", "--offline", "--output", str(tmp_path / "status.csv")]) == 0
        printed = pd.read_csv(tmp_path / "status.csv")

        frame = warehouse.status()

        assert list(frame.columns) == [name for name in printed.columns if name not in {"maximum", "behind"}]
        assert frame["feed"].to_list() == printed["feed"].to_list()
        assert frame["rows"].to_list() == printed["rows"].to_list()

    def test_lists(self, warehouse: Warehouse) -> None:
        """Tables have rows and descriptions, reports have parameters."""
        tables = {f"{each.schema}.{each.name}": each for each in warehouse.tables()}

        assert tables["orders.sales_orders"].rows == len(warehouse.table("sales_orders"))
        assert tables["orders.sales_orders"].description
        assert "from_date" in next(each for each in warehouse.reports() if each.name == "revenue_by_week").parameters
        assert repr(warehouse) == f"<Warehouse {str(warehouse.path)!r}>"


def test_a_moment_counts_as_its_day() -> None:
    """A parameter that is a moment is taken as its day."""
    assert given_parameters({"from_date": NOW}) == {"from_date": NOW.date()}
