"""Reports as files: what stands on top of them is read, and true."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import pytest

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.cli.commands.report import report as command
from pipelines.dictionary.examples import examples
from pipelines.errors import UsageError
from pipelines.reports import Report, all_reports, find_report, install
from pipelines.reports.report import parse
from pipelines.warehouse.schema.create import create_tables

TABLES = {api: [tables_of(source) for source in catalogue_of(api).sources] for api in ("suppliers", "customers")}
NAMES = {api: {part.qualified_name for table in tables for part in table.walk()} for api, tables in TABLES.items()}

ONLY: dict[str, set[str]] = {
    "suppliers": {
        "customer_network",
        "fill_rate",
        "load_carriers",
        "on_time_delivery",
        "sell_through",
        "stock_ledger",
    },
    "customers": {"purchase_order_exceptions", "spend_by_grower"},
}
"""The reports that one API alone has; all others are for both."""

TEXT = """\
-- What is counted,
-- in one paragraph.
--
-- How to read it.
--
-- parameters:
--   from_date  first day
--
-- columns:
--   account  whose
--   rows     how many
--
-- tables:
--   orders.sales_orders

SELECT account, count(*) AS rows FROM orders.sales_orders GROUP BY ALL;
"""


@dataclass
class Installed:
    """A warehouse of all feeds of an API without a row, with the reports installed."""

    api: str
    connection: duckdb.DuckDBPyConnection
    names: set[str]

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """What a query finds in it."""
        return self.connection.execute(sql, list(values)).fetchall()


@pytest.fixture(scope="module")
def warehouses() -> list[Installed]:
    """One for each API."""
    return [lay_out_with_reports(api) for api in TABLES]


def lay_out_with_reports(api: str) -> Installed:
    """A warehouse with the reports that its API has, installed as a sync does it."""
    connection = duckdb.connect()
    connection.begin()
    create_tables(connection, TABLES[api])
    names = install(connection, NAMES[api])
    connection.commit()
    return Installed(api, connection, set(names))


def having(warehouses: list[Installed], each: Report) -> list[Installed]:
    """The warehouses that have a report; there must be one."""
    found = [warehouse for warehouse in warehouses if each.name in warehouse.names]
    assert found, f"{each.name} is for no API"
    return found


def named(each: Report) -> str:
    """A report as a parameter's name."""
    return each.name


def test_a_file_tells_everything() -> None:
    """Summary, notes, parameters, columns and tables are read from the comments on top, the query from below."""
    read = parse("rows", TEXT)

    assert read.summary == "What is counted, in one paragraph."
    assert read.notes == ("How to read it.",)
    assert read.parameters == {"from_date": "first day"}
    assert read.columns == {"account": "whose", "rows": "how many"}
    assert read.tables == ("orders.sales_orders",)
    assert read.sql == "SELECT account, count(*) AS rows FROM orders.sales_orders GROUP BY ALL"


def test_a_file_without_its_lists_is_refused() -> None:
    """A report that does not say what it takes, gives and reads is an error of whoever wrote it."""
    with pytest.raises(ValueError, match="parameters, columns, tables"):
        parse("rows", "-- Rows.\n\nSELECT 1")


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    """Whoever mistypes a name sees what there is."""
    with pytest.raises(UsageError, match=r"no report 'revenue'; there are: .*revenue_by_week"):
        find_report("revenue")


def test_reports_are_for_both_apis_where_nothing_else_is_said(warehouses: list[Installed]) -> None:
    """Each API has its own reports, and those that its tables and columns allow."""
    names = {each.name for each in all_reports()}

    assert {warehouse.api: names - warehouse.names for warehouse in warehouses} == {
        "suppliers": ONLY["customers"],
        "customers": ONLY["suppliers"],
    }


@pytest.mark.parametrize("each", all_reports(), ids=named)
def test_columns_are_as_the_file_says(warehouses: list[Installed], each: Report) -> None:
    """The view has the columns that are described, in their order, account first."""
    for warehouse in having(warehouses, each):
        described = warehouse.connection.execute(f"SELECT * FROM reports.{each.name}").description

        assert [name for name, *_ in described or ()] == list(each.columns)
    assert next(iter(each.columns)) == "account"


@pytest.mark.parametrize("each", all_reports(), ids=named)
def test_tables_are_as_the_file_says(each: Report) -> None:
    """A report reads the tables that it names, and no other."""
    tree = duckdb.execute("SELECT json_serialize_sql(?)", [each.sql]).fetchall()[0][0]

    assert {name for name in base_tables(json.loads(tree)) if name[0] != "."} == set(each.tables)


def base_tables(tree: object) -> Iterator[str]:
    """The tables that a parsed statement names, as ``schema.table``; parts of the statement itself have no schema."""
    if isinstance(tree, dict):
        if tree.get("type") == "BASE_TABLE":
            yield f"{tree['schema_name']}.{tree['table_name']}"
        tree = list(tree.values())
    if isinstance(tree, list):
        for branch in tree:
            yield from base_tables(branch)


@pytest.mark.parametrize("each", all_reports(), ids=named)
def test_warehouse_explains_itself(warehouses: list[Installed], each: Report) -> None:
    """View and every column carry the descriptions of the file."""
    for warehouse in having(warehouses, each):
        sql = "SELECT comment FROM duckdb_views() WHERE schema_name = 'reports' AND view_name = ?"
        views = warehouse.rows(sql, each.name)
        columns = warehouse.rows(
            "SELECT column_name, comment FROM duckdb_columns() WHERE schema_name = 'reports' AND table_name = ?"
            " ORDER BY column_index",
            each.name,
        )

        assert views == [(each.description,)]
        assert dict(columns) == each.columns


@pytest.mark.parametrize("each", all_reports(), ids=named)
def test_every_parameter_may_be_left_out(warehouses: list[Installed], each: Report) -> None:
    """A macro takes NULL for each of its parameters, which is as if it were not there."""
    given = ", ".join(f"{parameter} := NULL" for parameter in each.parameters)
    for warehouse in having(warehouses, each):
        assert warehouse.rows(f"FROM reports.{each.name}({given})") == []


@pytest.mark.parametrize("each", all_reports(), ids=named)
def test_the_example_can_be_asked(warehouses: list[Installed], each: Report) -> None:
    """What the example on the page asks for is what a warehouse of its API answers, column by column."""
    example = examples().reports[each.name]
    (warehouse,) = (one for one in having(warehouses, each) if one.api == example.api)

    described = warehouse.connection.execute(example.sql).description

    assert f"reports.{each.name}" in example.sql
    assert tuple(name for name, *_ in described or ()) == example.columns


@pytest.mark.parametrize("each", all_reports(), ids=named)
def test_every_parameter_is_an_option(each: Report) -> None:
    """What a report takes in SQL can be given on the command line."""
    assert set(each.parameters) <= inspect.signature(command).parameters.keys()


def test_a_second_installation_writes_nothing(warehouses: list[Installed]) -> None:
    """Reports that are there in this version are left alone."""
    for warehouse in warehouses:
        assert install(warehouse.connection, NAMES[warehouse.api]) == []


def test_a_changed_report_is_installed_again() -> None:
    """A report of another version is replaced, columns and all."""
    connection = lay_out_with_reports("suppliers").connection
    connection.execute("CREATE OR REPLACE MACRO reports.revenue_by_week(from_date := NULL) AS TABLE SELECT 1 AS one")

    assert install(connection, NAMES["suppliers"]) == ["revenue_by_week"]
    assert "revenue" in [name for name, *_ in connection.execute("FROM reports.revenue_by_week").description or ()]


def test_a_report_without_its_tables_is_left_out() -> None:
    """A report that reads what this API does not serve is not there."""
    connection = duckdb.connect()
    create_tables(connection, TABLES["suppliers"])

    assert "revenue_by_week" not in install(connection, NAMES["suppliers"] - {"orders.sales_orders"})
    assert views_and_macros(connection, "revenue_by_week") == []


def test_a_report_without_its_columns_is_left_out() -> None:
    """A report that reads a column that the other API's table lacks is not there, in part or as a whole."""
    connection = duckdb.connect()
    connection.begin()
    create_tables(connection, TABLES["suppliers"])
    connection.execute("ALTER TABLE orders.sales_orders DROP trade_item_id")

    assert "revenue_by_week" not in install(connection, NAMES["suppliers"])
    connection.commit()
    assert views_and_macros(connection, "revenue_by_week") == []


def views_and_macros(connection: duckdb.DuckDBPyConnection, name: str) -> list[tuple[Any, ...]]:
    """What there is of a report."""
    return connection.execute(
        "SELECT view_name FROM duckdb_views() WHERE view_name = $name"
        " UNION ALL SELECT function_name FROM duckdb_functions() WHERE function_name = $name",
        {"name": name},
    ).fetchall()
