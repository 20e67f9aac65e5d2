"""``floriday tables`` lists the tables, and the columns of each table and view of the warehouse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import Warehouse
from tests.command_line import Printed
from tests.integration.syncing import Syncing


@pytest.fixture(scope="module", params=["suppliers", pytest.param("customers", marks=pytest.mark.slow)])
def synced(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The API and the path of a warehouse without rows, after a sync of one feed."""
    path = tmp_path_factory.mktemp("tables") / "w.duckdb"
    with Sandbox(empty=True, api=request.param) as sandbox:
        Syncing(sandbox, path, api=request.param).sync_one("organizations.organizations")
    return request.param, path


@pytest.fixture
def api(synced: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> str:
    """The API of that warehouse, which is the one of the settings."""
    api, path = synced
    monkeypatch.setenv("FLORIDAY_WAREHOUSE", str(path))
    monkeypatch.chdir(path.parent)
    return api


def test_every_table_is_listed(api: str, printed: Printed) -> None:
    """Each table of the API is listed with its rows and what it contains."""
    code, out, _ = printed("tables", "--format", "json")

    listed = {f"{row['schema']}.{row['table']}": row for row in json.loads(out)}
    expected = {each.qualified_name for source in catalogue_of(api).sources for each in tables_of(source).walk()}
    assert code == 0
    assert {name for name in listed if not name.startswith("sync.")} == expected
    assert "sync.cursors" in listed
    assert all(row["description"] and row["rows"] >= 0 for row in listed.values())
    text = printed("tables")[1]
    assert all(name.partition(".")[2] in text for name in expected)


@pytest.mark.parametrize("name", ["supply", "organizations.*", "sync"])
def test_a_group_lists_its_tables(name: str, api: str, printed: Printed) -> None:
    """With the name of a group, only its tables are listed; there is no table of an unknown group."""
    code, out, _ = printed("tables", name, "--format", "json")
    schema = name.removesuffix(".*")

    every = json.loads(printed("tables", "--format", "json")[1])
    assert code == 0
    assert api
    assert json.loads(out) == [row for row in every if row["schema"] == schema]
    assert printed("tables", "tulips.*")[0] == 2


def described(printed: Printed, name: str) -> list[dict[str, Any]]:
    """Return the columns of a table as JSON."""
    rows: list[dict[str, Any]] = json.loads(printed("tables", name, "--format", "json")[1])
    return rows


@pytest.mark.slow
def test_tables_and_views_are_described(api: str, printed: Printed, synced: tuple[str, Path]) -> None:
    """The columns of a table are those of the catalogue, and each join is a column that exists."""
    tables = {each.qualified_name: each for source in catalogue_of(api).sources for each in tables_of(source).walk()}
    with Warehouse(synced[1]).reading() as connection:
        sql = "SELECT view_name FROM duckdb_views() WHERE schema_name = 'reports' LIMIT 3"
        views = [f"reports.{name}" for (name,) in connection.execute(sql).fetchall()]
    for name in (*views, "sync.cursors", "history.organizations", "raw.organizations"):
        assert described(printed, name), name
    joins = []
    for name in (name for name in tables if name.startswith("orders.")):
        rows = described(printed, name)
        assert [row["column"] for row in rows] == [column.name for column in tables[name].columns]
        assert all(row["description"] for row in rows)
        joins += [join.rpartition(".") for row in rows for join in row["joins"]]
    assert joins
    assert all(column in tables[table].by_name for table, _, column in joins)


def test_a_child_names_its_parent(api: str, printed: Printed) -> None:
    """The columns of a table of arrays are followed by the join with the records that have them."""
    child = "orders.sales_order_mutations" if api == "suppliers" else "catalog.trade_item_photos"

    out = printed("tables", child)[1]

    assert "join on account, " in out.splitlines()[-1]


@pytest.mark.usefixtures("api")
def test_an_unknown_table(printed: Printed) -> None:
    """The error suggests the three nearest names."""
    code, _, err = printed("tables", "trade_itens")

    assert code == 2
    assert "no table 'trade_itens': did you mean catalog.trade_items, " in err
