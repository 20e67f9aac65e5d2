"""Groups of accounts with a lake each: they are written one after another, and read together."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli.entry import run
from pipelines.lake_address import LakeAddress
from pipelines.sandbox import Sandbox
from pipelines.settings import load_local_settings
from pipelines.sync import prepare
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.lake.other_lakes import other_lakes
from pipelines.warehouse.opening import hold_sync_lock, open_warehouse
from pipelines.warehouse.two_places import TwoPlaces
from tests.command_line import Printed
from tests.integration.syncing import fewer_feeds
from tests.lakes import postgres

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
FEEDS = ("catalog.trade_items", "orders.sales_orders", "organizations.organizations")
ACCOUNTS = ("north", "south", "west")
CELLS = {"a": ["north", "west"], "b": ["south"]}
TABLES = ("orders.sales_orders", "catalog.trade_items", "history.sales_orders", "raw.sales_orders", "sync.accounts")


VARYING = "('synced_at', 'recorded_at', 'run_id', 'first_seen', 'added_at', 'valid_from', 'valid_to', 'rowid')"
"""Columns that differ between two syncs, or that only the union of cells has."""


@contextmanager
def variables(values: dict[str, str]) -> Iterator[None]:
    """Set variables of the environment during the block."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox of three accounts that does not trade."""
    with Sandbox(now=NOW, scale=0.02, accounts=ACCOUNTS) as running:
        yield running


@pytest.fixture(scope="module")
def _few_feeds(sandbox: Sandbox) -> Iterator[None]:  # noqa: ARG001 - which has all feeds
    """The catalogue has a few feeds, because each lake is created and opened faster with few tables."""
    with fewer_feeds(*FEEDS):
        yield


@pytest.fixture(scope="module")
def environment(
    sandbox: Sandbox,
    tmp_path_factory: pytest.TempPathFactory,
    _few_feeds: None,
) -> dict[str, str]:
    """The settings of two cells, both synced."""
    folder = tmp_path_factory.mktemp("cells")
    settings = {
        **sandbox.environment(),
        "FLORIDAY_HOME": str(folder),
        "FLORIDAY_WAREHOUSE": f"ducklake:postgres:{postgres()}",
        "FLORIDAY_LAKE_DATA": str(folder / "lake"),
        "FLORIDAY_LAKE_SCHEMA": f"cells_{os.getpid()}",
        "FLORIDAY_CELLS": json.dumps(CELLS),
    }
    with variables(settings):
        assert run(["sync"]) == 0
    return settings


@pytest.fixture(scope="module")
def file(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the same accounts."""
    path = tmp_path_factory.mktemp("file") / "w.duckdb"
    lake = ("FLORIDAY_CELLS", "FLORIDAY_LAKE_DATA", "FLORIDAY_LAKE_SCHEMA")
    settings = {name: value for name, value in environment.items() if name not in lake}
    with variables({**settings, "FLORIDAY_WAREHOUSE": str(path)}):
        assert run(["sync"]) == 0
    return path


@pytest.fixture(autouse=True)
def _settings(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the settings of the cells."""
    monkeypatch.chdir(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def data(printed: Printed) -> Callable[..., Any]:
    """Runs a command with JSON as its format, and returns what it prints."""

    def run_it(*arguments: str) -> Any:
        code, out, err = printed(*arguments, "--format", "json")
        assert code == 0, err
        return json.loads(out)

    return run_it


def interrupted(*_: object) -> None:
    """End a step as Ctrl-C does."""
    raise KeyboardInterrupt


def rows_of(warehouse: Warehouse, table: str) -> list[tuple[Any, ...]]:
    """Return the rows of a table without what differs between two syncs."""
    with warehouse.reading() as connection:
        return connection.execute(f"SELECT COLUMNS(name -> name NOT IN {VARYING}) FROM {table} ORDER BY ALL").fetchall()


@pytest.mark.parametrize("table", TABLES)
def test_tables_of_all_cells_are_those_of_a_file(table: str, file: Path) -> None:
    """Together, the cells have the rows that one file of all accounts has."""
    found = rows_of(open_warehouse(load_local_settings().warehouse), table)

    assert found
    assert found == rows_of(Warehouse(file), table)


def test_reports_are_computed_over_all_cells(data: Callable[..., Any], file: Path) -> None:
    """A report reads the accounts of all cells, and its parameters work."""
    arguments = ("report", "revenue_by_week", "--from", "2026-10-05")

    assert data(*arguments) == data(*arguments, "--warehouse", str(file))


def test_the_past_of_all_cells_is_queried_as_that_of_one(data: Callable[..., Any]) -> None:
    """The macros of the history exist for all cells too."""
    sql = "SELECT DISTINCT account FROM history.sales_orders_as_of('2030-01-01') ORDER BY ALL"

    assert [row["account"] for row in data("query", sql)] == list(ACCOUNTS)
    assert [row["account"] for row in data("query", sql, "--cell", "a")] == CELLS["a"]


@pytest.mark.parametrize("table", ["sync.cursors", "sync.erased", "orders.sales_orders"])
def test_columns_of_all_cells_are_those_of_one(table: str, data: Callable[..., Any]) -> None:
    """No column is added."""
    query = ("query", f"SELECT column_name, column_type FROM (DESCRIBE {table})")

    assert data(*query) == data(*query, "--cell", "a")


def test_status_and_queries_read_all_cells_or_one(data: Callable[..., Any]) -> None:
    """Without --cell, readers see all accounts; with it, those of a cell."""
    query = ("query", "SELECT DISTINCT account FROM orders.sales_orders ORDER BY ALL")

    assert [row["account"] for row in data(*query)] == list(ACCOUNTS)
    assert [row["account"] for row in data(*query, "--cell", "a")] == CELLS["a"]
    assert {row["account"] for row in data("status", "--offline")} == set(ACCOUNTS)
    assert {row["account"] for row in data("status", "--offline", "--cell", "b")} == {"south"}


def test_an_unknown_cell_is_answered_with_the_known_ones(printed: Printed) -> None:
    """The names of the cells follow."""
    assert printed("status", "--cell", "c") == (2, "", "floriday: there is no cell 'c'; there are: a, b\n")


def test_a_sync_of_all_cells_is_one_result(data: Callable[..., Any]) -> None:
    """The outcomes of all cells are one list, also of some accounts."""
    assert {row["account"] for row in data("sync", "trade_items")} == set(ACCOUNTS)
    assert {row["account"] for row in data("sync", "trade_items", "--account", "south")} == {"south"}
    assert {row["account"] for row in data("sync", "trade_items", "--cell", "a")} == set(CELLS["a"])


def test_a_cell_that_is_in_use_does_not_stop_the_others(printed: Printed) -> None:
    """The other cells are synced, and the error names cell and holder."""
    with hold_sync_lock(load_local_settings().in_cell("a").warehouse, "another sync"):
        code, out, err = printed("sync", "trade_items")

    assert code == 1
    assert "south" in out
    assert err.startswith("floriday: cell a: ")
    assert "another sync" in err


@pytest.mark.slow
def test_a_backup_has_all_cells(printed: Printed, file: Path, tmp_path: Path) -> None:
    """The copy is a file with all accounts, and reports work in it."""
    assert printed("backup", "copy.duckdb")[0] == 0
    copy = Warehouse(tmp_path / "copy.duckdb")

    for table in TABLES:
        assert rows_of(copy, table) == rows_of(Warehouse(file), table), table
    assert rows_of(copy, "reports.revenue_by_week()") == rows_of(Warehouse(file), "reports.revenue_by_week()")
    assert len(rows_of(copy, "sync.settings")) == 1


@pytest.mark.slow
def test_the_dashboard_and_the_list_of_tables_read_all_cells(data: Callable[..., Any], printed: Printed) -> None:
    """Numbers of rows are those of all cells, and the page is written."""
    rows = {(row["schema"], row["table"]): row["rows"] for row in data("tables")}

    assert rows["orders", "sales_orders"] == data("query", "SELECT count(*) AS n FROM orders.sales_orders")[0]["n"]
    assert printed("dashboard")[0] == 0


@pytest.mark.slow
def test_writers_work_on_each_cell(printed: Printed) -> None:
    """Rebuilding and compacting name each cell, and change no record."""
    warehouse = open_warehouse(load_local_settings().warehouse)
    before = rows_of(warehouse, "orders.sales_orders")

    for arguments in (("rebuild", "sales_orders"), ("compact",)):
        code, out, _ = printed(*arguments)
        assert code == 0
        assert [line for line in out.splitlines() if line.startswith("cell ")] == ["cell a", "cell b"]
    assert rows_of(open_warehouse(load_local_settings().warehouse), "orders.sales_orders") == before


def test_a_check_asks_for_the_keys_of_all_cells(data: Callable[..., Any], printed: Printed) -> None:
    """It writes nothing, so it needs no cell; a resident sync does, and says why."""
    assert [each["account"] for each in data("check")["accounts"]] == ["north", "south", "west"]
    code, _, err = printed("sync", "--follow")
    assert (code, err) == (2, "floriday: each cell is written alone: choose one of a, b with --cell\n")


def test_an_account_without_a_cell_is_refused(printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each account with a key stands in one cell."""
    monkeypatch.setenv("FLORIDAY_CELLS", json.dumps({"a": ["north"], "b": ["south"]}))
    expected = "floriday: FLORIDAY_CELLS names no cell for west: each account stands in one cell\n"

    assert printed("sync") == (2, "", expected)


def only_keys_of(accounts: Collection[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave only the API keys of these accounts in the settings."""
    keys = json.loads(os.environ["FLORIDAY_API_KEYS"])
    monkeypatch.setenv("FLORIDAY_API_KEYS", json.dumps({name: keys[name] for name in accounts}))


@pytest.mark.parametrize("command", [["sync"], ["check"]], ids=" ".join)
def test_a_cell_of_which_no_account_has_a_key(
    command: list[str], printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command for that cell alone has nothing to do, and says which keys it lacks."""
    only_keys_of(["south"], monkeypatch)

    code, out, err = printed(*command, "--cell", "a")

    assert (code, out) == (2, "")
    assert err.startswith("floriday: FLORIDAY_API_KEYS has no key of an account of cell a (north, west): ")


def test_an_account_of_another_cell(printed: Printed) -> None:
    """The error names the cell, because the settings have the account."""
    expected = "floriday: cell a has no account south; there are: north, west\n"

    assert printed("sync", "--account", "south", "--cell", "a") == (2, "", expected)


def test_a_rename_of_accounts_of_two_cells_is_refused(printed: Printed) -> None:
    """The new name would belong to another cell than the account."""
    code, _, err = printed("rename", "south", "west")

    assert code == 2
    assert "FLORIDAY_CELLS names the cells b for south and a for west: an account that is renamed stays in" in err


def test_an_account_is_not_renamed_while_it_is_moved(
    environment: dict[str, str], printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next move finds the account and its copy by the name, at both places."""
    with monkeypatch.context() as patch:
        patch.setattr(TwoPlaces, "delete", interrupted)
        assert printed("move", "south", "--from", "b", "--to", "a")[0] != 0
    keys = json.loads(environment["FLORIDAY_API_KEYS"])
    monkeypatch.setenv("FLORIDAY_API_KEYS", json.dumps({"zuid": keys["south"]}))
    monkeypatch.setenv("FLORIDAY_CELLS", json.dumps({"a": ["north", "west"], "b": ["zuid"]}))

    code, _, err = printed("rename", "south", "zuid")

    assert (code, "the move of the account south" in err) == (2, True), err
    assert printed("move", "south", "--from", "b", "--to", "a")[0] == 0
    assert printed("move", "south", "--from", "a", "--to", "b")[0] == 0


COUNTS = ("query", "SELECT account, count(*) AS orders FROM orders.sales_orders GROUP BY ALL ORDER BY ALL")
RENAMED = json.dumps({"a": CELLS["a"], "c": CELLS["b"]})
UNITED = json.dumps({"a": [*CELLS["a"], *CELLS["b"]]})


def test_a_renamed_cell_does_not_read_its_accounts_anew(
    data: Callable[..., Any], printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the old cell, which the settings no longer name, and the command that moves the account."""
    before = data(*COUNTS)
    with monkeypatch.context() as patch:
        patch.setenv("FLORIDAY_CELLS", RENAMED)

        code, _, err = printed("sync", "trade_items")

        assert code == 1
        assert (
            "account south is stored in cell b, and would be read anew into cell c: `floriday move south --from b"
            in err
        )
        assert printed("move", "south", "--from", "b", "--to", "c")[0] == 0
        assert printed("sync", "trade_items")[0] == 0
        assert data(*COUNTS) == before
    assert printed("move", "south", "--from", "c", "--to", "b")[0] == 0
    assert data(*COUNTS) == before


def test_a_lake_of_another_setting_is_none_of_the_cells(environment: dict[str, str]) -> None:
    """A schema that begins with the same name belongs to the cells only if its files are in their folder."""
    address = load_local_settings().in_cell("a").warehouse
    assert isinstance(address, LakeAddress)
    assert address.whole is not None
    in_other_folder = replace(address.whole, data=f"{environment['FLORIDAY_HOME']}/elsewhere/")

    assert "b" in [lake.place for lake in other_lakes(address)]
    assert other_lakes(in_other_folder) == []


def test_an_account_of_two_cells_is_read_where_the_settings_put_it(
    data: Callable[..., Any], printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A warning names the command that puts the other rows aside; a backup, and settings that name neither, fail."""
    before = data(*COUNTS)
    with monkeypatch.context() as patch:
        patch.setenv("FLORIDAY_CELLS", UNITED)
        patch.setattr(prepare, "check_other_lakes", lambda *_: None)
        assert printed("sync")[0] == 0

    code, out, err = printed(*COUNTS, "--format", "json")
    assert (code, json.loads(out)) == (0, before)
    remedy = ("move", "south", "--from", "a", "--to", "south-aside.duckdb")
    assert f"`floriday {' '.join(remedy)}`" in err
    assert err.count("\n") == 1
    code, _, err = printed("backup", "copy.duckdb")
    assert (code, "the account south is stored in the cells a and b" in err) == (1, True), err
    with monkeypatch.context() as patch:
        patch.setenv("FLORIDAY_CELLS", json.dumps({**CELLS, "b": ["east"], "c": ["south"]}))
        code, _, err = printed(*COUNTS)
        assert (code, "FLORIDAY_CELLS names neither for it" in err) == (1, True), err

    assert printed(*remedy)[0] == 0
    code, out, err = printed(*COUNTS, "--format", "json")
    assert (code, json.loads(out), err) == (0, before, "")
    assert printed("backup", "copy.duckdb")[0] == 0


@pytest.mark.slow
def test_a_lake_is_divided_into_cells(printed: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lake without cells is the place main, from which each account moves; until then it is not read anew."""
    monkeypatch.setenv("FLORIDAY_LAKE_SCHEMA", f"whole_{os.getpid()}")
    monkeypatch.setenv("FLORIDAY_LAKE_DATA", str(tmp_path / "lake"))
    with monkeypatch.context() as patch:
        patch.delenv("FLORIDAY_CELLS")
        assert printed("sync", "trade_items")[0] == 0

    code, _, err = printed("sync", "trade_items", "--cell", "b")
    assert (code, "`floriday move south --from main --to b`" in err) == (2, True), err
    for cell, accounts in CELLS.items():
        for account in accounts:
            assert printed("move", account, "--from", "main", "--to", cell)[0] == 0
    assert printed("sync", "trade_items")[0] == 0


def test_a_cell_of_which_the_first_sync_has_begun_is_read(
    data: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lake has no tables yet."""
    before = data(*COUNTS)
    monkeypatch.setenv("FLORIDAY_CELLS", json.dumps({**CELLS, "new": ["east"]}))
    warehouse = open_warehouse(load_local_settings().in_cell("new").warehouse)
    with warehouse.writing():
        pass
    warehouse.finish()

    assert data(*COUNTS) == before
