"""Typed and history tables can be rebuilt from the raw log alone, with the same rows."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Source
from pipelines.errors import WarehouseError
from pipelines.sandbox import Sandbox
from pipelines.sync.stored.rebuild import rebuild
from tests.command_line import Printed
from tests.integration.syncing import SUPPLIERS, Syncing
from tests.moments import NOW
from tests.warehouses import use_warehouse

pytestmark = pytest.mark.both_kinds

Rows = dict[str, list[tuple[Any, ...]]]
ORDERS = SUPPLIERS.feed("sales_orders")
FEW = (ORDERS, *(SUPPLIERS.source(name) for name in ("batches", "trade_items", "supply_lines")))


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Syncing]:
    """A warehouse with a few feeds of two accounts."""
    yield from trading(tmp_path_factory.mktemp("traded"), tuple(source.name for source in FEW), scale=0.02)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Syncing]:
    """A warehouse with all feeds of two accounts."""
    yield from trading(tmp_path_factory.mktemp("whole"), ())


def trading(folder: Path, only: tuple[str, ...], scale: float = 0.05) -> Iterator[Syncing]:
    """Sync two accounts three times while the sandbox trades; one feed restarts, and records disappear."""
    with Sandbox(now=NOW, accounts=("north", "south"), scale=scale) as sandbox:
        syncing = Syncing(sandbox, folder / "w.duckdb", only=only)
        syncing.sync()
        sandbox.advance(dt.timedelta(hours=6))
        for account in ("north", "south"):
            for entry in sandbox.book("sales_orders", account).entries()[:20]:
                sandbox.book("sales_orders", account).put({**entry.document, "numberOfPieces": 4711})
        syncing.sync()
        sandbox.book("sales_orders", "south").restart()
        sandbox.advance(dt.timedelta(days=2))
        syncing.sync()
        yield syncing


def typed(syncing: Syncing, sources: tuple[Source, ...] = SUPPLIERS.sources) -> Rows:
    """Return every row of the typed tables and of their versions."""
    rows: Rows = {}
    with syncing.reading() as connection:
        for part in (part for source in sources for part in tables_of(source).walk()):
            for name in (part.qualified_name, f"versions.{part.name}"):
                rows[name] = connection.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall()
    return rows


def without_numbers(rows: Rows) -> Rows:
    """Return the rows without their sequence numbers."""
    numbered = {source.name: [c.name for c in tables_of(source).columns].index("sequence_number") for source in FEEDS}
    return {
        name: sorted((row[: numbered[name]] + row[numbered[name] + 1 :] for row in some), key=repr)
        if name in numbered
        else some
        for name, some in rows.items()
    }


FEEDS = SUPPLIERS.feeds


@pytest.mark.slow
def test_a_few_tables_are_rebuilt_equal(traded: Syncing) -> None:
    """After a rebuild, rows, children and versions are the same, with the numbers of the newest versions."""
    assert_rebuilt_equal(traded, FEW)


@pytest.mark.slow
def test_every_table_is_rebuilt_equal(whole: Syncing) -> None:
    """After a rebuild of all feeds and snapshots every table is the same."""
    assert_rebuilt_equal(whole, SUPPLIERS.sources)


def assert_rebuilt_equal(traded: Syncing, sources: tuple[Source, ...]) -> None:
    """Rebuild some feeds, and compare every table with its earlier rows."""
    before, raw = typed(traded, sources), traded.rows("SELECT count(*), max(synced_at) FROM raw.sales_orders")
    warehouse = traded.warehouse

    rebuilt = [rebuild(warehouse, source) for source in sources]

    after = typed(traded, sources)
    assert without_numbers(after) == without_numbers(before)
    assert {name for name in before if name.startswith("versions.") and before[name] != after[name]} == set()
    assert traded.rows("SELECT count(*), max(synced_at) FROM raw.sales_orders") == raw
    counts = {each.feed: (each.records, each.versions) for each in rebuilt}
    (expected,) = traded.rows(
        "SELECT (SELECT count(*) FROM orders.sales_orders), (SELECT count(*) FROM raw.sales_orders)"
    )
    assert counts[ORDERS.name] == expected
    assert expected[1] > expected[0] > 0


@pytest.mark.slow
def test_damaged_tables_are_restored(traded: Syncing) -> None:
    """Rows that were changed, duplicated or deleted by hand are restored, also in the history."""
    rebuild(traded.warehouse, ORDERS)
    before = typed(traded, (ORDERS,))
    with traded.warehouse.writing() as connection:
        connection.execute("UPDATE orders.sales_orders SET number_of_pieces = 0")
        connection.execute("INSERT INTO orders.sales_orders FROM orders.sales_orders LIMIT 5")
        connection.execute("DELETE FROM orders.sales_order_mutations")
        connection.execute("DELETE FROM versions.sales_orders WHERE row_version = 1")

    rebuild(traded.warehouse, ORDERS)

    assert typed(traded, (ORDERS,)) == before


@pytest.mark.slow
def test_a_log_that_cannot_be_read_changes_nothing(traded: Syncing) -> None:
    """The error has the record and the reason, and the tables stay unchanged."""
    before = typed(traded, (ORDERS,))
    with traded.warehouse.writing() as connection:
        invalid = """replace(payload, '"numberOfPieces":', '"numberOfPieces":"many","n":')"""
        first = "rowid = (SELECT min(rowid) FROM raw.sales_orders)"
        connection.execute(f"UPDATE raw.sales_orders SET payload = {invalid} WHERE {first}")

    with pytest.raises(WarehouseError, match=r"raw\.sales_orders cannot be read .* Nothing was changed"):
        rebuild(traded.warehouse, ORDERS)

    assert typed(traded, (ORDERS,)) == before


class TestCommand:
    """``floriday rebuild``."""

    @pytest.fixture(autouse=True)
    def warehouse(self, traded: Syncing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Point the settings at the warehouse."""
        use_warehouse(traded.path, monkeypatch)
        monkeypatch.chdir(tmp_path)

    @pytest.mark.slow
    def test_named_feeds(self, printed: Printed) -> None:
        """The command prints the rebuilt feeds, and needs no credentials."""
        code, out, err = printed("rebuild", "batches", "trade_items")

        assert (code, err) == (0, "")
        lines = out.splitlines()
        assert [line.partition(":")[0] for line in lines] == ["supply.batches", "catalog.trade_items"]

    def test_an_unknown_feed(self, printed: Printed) -> None:
        """An unknown feed is a usage error, and nothing is rebuilt."""
        code, _, err = printed("rebuild", "tulips")

        assert code == 2
        assert "no feed 'tulips'" in err

    def test_without_a_warehouse(self, printed: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a warehouse the command fails, and the error says that there is none."""
        use_warehouse(tmp_path / "none.duckdb", monkeypatch)

        code, _, err = printed("rebuild")

        assert code == 1
        assert re.search("there is no (warehouse|lake)", err)
