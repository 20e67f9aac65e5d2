"""Reports as files: their header comments are read, and match their queries."""

from __future__ import annotations

import inspect
import json
import re
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
        "auction_prices",
        "customer_network",
        "fill_rate",
        "load_carriers",
        "on_time_delivery",
        "open_orders",
        "price_alerts",
        "sell_through",
        "stock_at_risk",
        "stock_ledger",
    },
    "customers": {"cheapest_offer", "purchase_order_exceptions", "spend_by_grower"},
}
"""The reports that only one API has; all others are for both."""

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
--   account  account of the key
--   rows     how many
--
-- tables:
--   orders.sales_orders

SELECT account, count(*) AS rows FROM orders.sales_orders GROUP BY ALL;
"""


@dataclass
class Installed:
    """A warehouse with empty tables of all feeds of an API, and with the reports installed."""

    api: str
    connection: duckdb.DuckDBPyConnection
    names: set[str]

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self.connection.execute(sql, list(values)).fetchall()


@pytest.fixture(scope="module")
def warehouses() -> list[Installed]:
    """A warehouse for each API."""
    return [create_with_reports(api) for api in TABLES]


def create_with_reports(api: str) -> Installed:
    """Return a warehouse with the reports of its API, installed as a sync does."""
    connection = duckdb.connect()
    connection.begin()
    create_tables(connection, TABLES[api])
    names = install(connection, NAMES[api])
    connection.commit()
    return Installed(api, connection, set(names))


def warehouses_with(warehouses: list[Installed], report: Report) -> list[Installed]:
    """Return the warehouses that have a report; there must be one."""
    found = [warehouse for warehouse in warehouses if report.name in warehouse.names]
    assert found, f"{report.name} is for no API"
    return found


def report_name(report: Report) -> str:
    """Return a report's name, as the id of a parameter."""
    return report.name


def test_the_header_of_a_file_is_parsed() -> None:
    """Summary, notes, parameters, columns and tables are read from the header comments, and the query from below."""
    parsed = parse("rows", TEXT)

    assert parsed.summary == "What is counted, in one paragraph."
    assert parsed.notes == ("How to read it.",)
    assert parsed.parameters == {"from_date": "first day"}
    assert parsed.columns == {"account": "account of the key", "rows": "how many"}
    assert parsed.tables == ("orders.sales_orders",)
    assert parsed.sql == "SELECT account, count(*) AS rows FROM orders.sales_orders GROUP BY ALL"


def test_a_file_without_its_lists_is_refused() -> None:
    """A report file without lists of parameters, columns and tables raises an error."""
    with pytest.raises(ValueError, match="parameters, columns, tables"):
        parse("rows", "-- Rows.\n\nSELECT 1")


def test_an_unknown_report_is_answered_with_the_existing_ones() -> None:
    """The error for an unknown report lists the existing reports."""
    with pytest.raises(UsageError, match=r"no report 'revenue': did you mean revenue_by_week\?"):
        find_report("revenue")


def test_each_api_has_its_reports(warehouses: list[Installed]) -> None:
    """Each API has the reports whose tables and columns it serves."""
    names = {report.name for report in all_reports()}

    assert {warehouse.api: names - warehouse.names for warehouse in warehouses} == {
        "suppliers": ONLY["customers"],
        "customers": ONLY["suppliers"],
    }


@pytest.mark.parametrize("report", all_reports(), ids=report_name)
def test_columns_match_the_header(warehouses: list[Installed], report: Report) -> None:
    """The view has the described columns in their order, with the account first."""
    for warehouse in warehouses_with(warehouses, report):
        described = warehouse.connection.execute(f"SELECT * FROM reports.{report.name}").description

        assert [name for name, *_ in described or ()] == list(report.columns)
    assert next(iter(report.columns)) == "account"


@pytest.mark.parametrize("report", all_reports(), ids=report_name)
def test_tables_match_the_header(report: Report) -> None:
    """A report reads exactly the tables that its header lists."""
    tree = duckdb.execute("SELECT json_serialize_sql(?)", [report.sql]).fetchall()[0][0]

    assert {name for name in base_tables(json.loads(tree)) if name[0] != "."} == set(report.tables)


def base_tables(tree: object) -> Iterator[str]:
    """Yield the tables that a parsed statement names, as ``schema.table``; common table expressions have no schema."""
    if isinstance(tree, dict):
        if tree.get("type") == "BASE_TABLE":
            yield f"{tree['schema_name']}.{tree['table_name']}"
        tree = list(tree.values())
    if isinstance(tree, list):
        for branch in tree:
            yield from base_tables(branch)


@pytest.mark.parametrize("report", all_reports(), ids=report_name)
def test_descriptions_are_stored_as_comments(warehouses: list[Installed], report: Report) -> None:
    """The view and each of its columns have the descriptions of the file as comments, the view its version too."""
    for warehouse in warehouses_with(warehouses, report):
        sql = "SELECT comment FROM duckdb_views() WHERE schema_name = 'reports' AND view_name = ?"
        views = warehouse.rows(sql, report.name)
        columns = warehouse.rows(
            "SELECT column_name, comment FROM duckdb_columns() WHERE schema_name = 'reports' AND table_name = ?"
            " ORDER BY column_index",
            report.name,
        )

        ((comment,),) = views
        assert re.fullmatch(re.escape(report.description) + r" \[[0-9a-f]{12}\]", comment)
        assert dict(columns) == report.columns


@pytest.mark.parametrize("report", all_reports(), ids=report_name)
def test_every_parameter_is_optional(warehouses: list[Installed], report: Report) -> None:
    """A macro accepts NULL for each of its parameters."""
    arguments = ", ".join(f"{parameter} := NULL" for parameter in report.parameters)
    for warehouse in warehouses_with(warehouses, report):
        assert warehouse.rows(f"FROM reports.{report.name}({arguments})") == []


@pytest.mark.parametrize("report", all_reports(), ids=report_name)
def test_the_example_can_be_queried(warehouses: list[Installed], report: Report) -> None:
    """The query of the example has the columns of the example."""
    example = examples().reports[report.name]
    (warehouse,) = (item for item in warehouses_with(warehouses, report) if item.api == example.api)

    described = warehouse.connection.execute(example.sql).description

    assert f"reports.{report.name}" in example.sql
    assert tuple(name for name, *_ in described or ()) == example.columns


@pytest.mark.parametrize("report", all_reports(), ids=report_name)
def test_every_parameter_is_an_option(report: Report) -> None:
    """Each parameter of a report is an option of the command."""
    assert set(report.parameters) <= inspect.signature(command).parameters.keys()


def test_a_second_installation_writes_nothing(warehouses: list[Installed]) -> None:
    """Reports that are already installed in this version are not written again."""
    for warehouse in warehouses:
        assert install(warehouse.connection, NAMES[warehouse.api]) == []


@pytest.mark.slow
def test_a_changed_report_is_installed_again() -> None:
    """A report of another version is replaced with its columns."""
    connection = create_with_reports("suppliers").connection
    connection.execute("CREATE OR REPLACE MACRO reports.revenue_by_week(from_date := NULL) AS TABLE SELECT 1 AS one")
    connection.execute("COMMENT ON VIEW reports.revenue_by_week IS 'That of another version [0123456789ab]'")

    assert install(connection, NAMES["suppliers"]) == ["revenue_by_week"]
    assert "revenue" in [name for name, *_ in connection.execute("FROM reports.revenue_by_week").description or ()]


@pytest.mark.slow
def test_a_report_without_its_tables_is_left_out() -> None:
    """A report that reads a table that this API does not serve is not installed."""
    connection = duckdb.connect()
    create_tables(connection, TABLES["suppliers"])

    assert "revenue_by_week" not in install(connection, NAMES["suppliers"] - {"orders.sales_orders"})
    assert views_and_macros(connection, "revenue_by_week") == []


@pytest.mark.slow
def test_a_report_without_its_columns_is_left_out() -> None:
    """A report that reads a column that a table lacks is not installed, not even partly."""
    connection = duckdb.connect()
    connection.begin()
    create_tables(connection, TABLES["suppliers"])
    connection.execute("ALTER TABLE orders.sales_orders DROP trade_item_id")

    assert "revenue_by_week" not in install(connection, NAMES["suppliers"])
    connection.commit()
    assert views_and_macros(connection, "revenue_by_week") == []


def views_and_macros(connection: duckdb.DuckDBPyConnection, name: str) -> list[tuple[Any, ...]]:
    """Return the views and macros of a report."""
    return connection.execute(
        "SELECT view_name FROM duckdb_views() WHERE view_name = $name"
        " UNION ALL SELECT function_name FROM duckdb_functions() WHERE function_name = $name",
        {"name": name},
    ).fetchall()


def test_no_report_depends_on_a_hint_that_a_file_does_not_keep() -> None:
    """A file of the warehouse's storage version keeps a report without MATERIALIZED and NOT MATERIALIZED."""
    hinted = [report.name for report in all_reports() if " MATERIALIZED (" in report.sql]

    assert not hinted


WITH_DETAIL = (
    "channel_mix",
    "clock_versus_direct",
    "complaints",
    "corrections",
    "customer_changes",
    "customer_ranking",
    "invoice_reconciliation",
    "purchase_order_exceptions",
    "revenue_by_week",
)
"""Reports whose rows are grouped from a step named detail."""


def test_shared_steps_are_part_of_the_query() -> None:
    """A line in braces is replaced by the shared steps of that name, which change the fingerprint of the report."""
    text = TEXT.partition("SELECT")[0] + "WITH\n{committed_orders},\ndetail AS (\n    SELECT 1 AS one\n)\nFROM detail"

    parsed = parse("rows", text)

    assert "\ncommitted_orders AS (" in parsed.sql
    assert parsed.query_of("detail").endswith(",\ndetail AS (\n    SELECT 1 AS one\n)\nSELECT * FROM detail")
    with pytest.raises(ValueError, match=r"rows.sql has no step sold"):
        parsed.query_of("sold")


@pytest.mark.parametrize("name", WITH_DETAIL)
def test_the_orders_behind_a_report_can_be_queried(warehouses: list[Installed], name: str) -> None:
    """The step detail has one row for each order, with its day, and follows the parameters of the report."""
    report = find_report(name)
    parameters = ", ".join(f'"{parameter}" := NULL' for parameter in report.parameters)
    for warehouse in warehouses_with(warehouses, report):
        warehouse.rows(f"CREATE OR REPLACE TEMP MACRO behind({parameters}) AS TABLE {report.query_of('detail')}")
        described = warehouse.connection.execute("FROM behind(from_date := '2026-01-01')").description or ()

        assert {"account", "day", "trade_item_id", "money"} <= {column for column, *_ in described}


@pytest.mark.parametrize("report", all_reports(), ids=lambda report: report.name)
def test_no_report_leaves_out_or_replaces_several_columns(report: Report) -> None:
    """DuckDB changes the order of such columns when it copies a macro, and compaction would report a difference."""
    assert not re.search(r"\bEXCLUDE \([^)]*,|\bREPLACE \(", report.sql)
