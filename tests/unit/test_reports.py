"""Reports as files: what stands on top of them is read, and true."""

from __future__ import annotations

import inspect
import re

import duckdb
import pytest

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.cli.report import report as command
from pipelines.errors import UsageError
from pipelines.reports import Report, install, report, reports
from pipelines.reports.report import parse
from pipelines.warehouse.layout import lay_out

TABLES = [tables_of(feed) for feed in catalogue_of("suppliers").feeds]
NAMES = {part.qualified_name for table in TABLES for part in table.walk()}

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


@pytest.fixture(scope="module")
def laid_out() -> duckdb.DuckDBPyConnection:
    """A warehouse of all feeds without a row, with the reports installed."""
    connection = duckdb.connect()
    lay_out(connection, TABLES)
    install(connection, NAMES)
    return connection


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
        report("revenue")


@pytest.mark.parametrize("each", reports(), ids=named)
def test_columns_are_as_the_file_says(laid_out: duckdb.DuckDBPyConnection, each: Report) -> None:
    """The view has the columns that are described, in their order, account first."""
    described = laid_out.execute(f"SELECT * FROM reports.{each.name}").description

    assert [name for name, *_ in described or ()] == list(each.columns)
    assert next(iter(each.columns)) == "account"


@pytest.mark.parametrize("each", reports(), ids=named)
def test_tables_are_as_the_file_says(laid_out: duckdb.DuckDBPyConnection, each: Report) -> None:
    """A report reads the tables that it names, and no other."""
    found = laid_out.get_table_names(f"SELECT * FROM ({each.sql})", qualified=True)

    assert {re.sub('"| AS .*', "", name) for name in found} == set(each.tables)


@pytest.mark.parametrize("each", reports(), ids=named)
def test_warehouse_explains_itself(laid_out: duckdb.DuckDBPyConnection, each: Report) -> None:
    """View, macro and every column carry the descriptions of the file."""
    views = laid_out.execute("SELECT comment FROM duckdb_views() WHERE view_name = ?", [each.name]).fetchall()
    columns = laid_out.execute(
        "SELECT column_name, comment FROM duckdb_columns() WHERE schema_name = 'reports' AND table_name = ?"
        " ORDER BY column_index",
        [each.name],
    ).fetchall()

    assert views == [(each.description,)]
    assert dict(columns) == each.columns


@pytest.mark.parametrize("each", reports(), ids=named)
def test_every_parameter_is_an_option(each: Report) -> None:
    """What a report takes in SQL can be given on the command line."""
    assert set(each.parameters) <= inspect.signature(command).parameters.keys()


def test_a_second_installation_writes_nothing(laid_out: duckdb.DuckDBPyConnection) -> None:
    """Reports that are there in this version are left alone."""
    assert install(laid_out, NAMES) == []


def test_a_changed_report_is_installed_again() -> None:
    """A report of another version is replaced, columns and all."""
    connection = duckdb.connect()
    lay_out(connection, TABLES)
    install(connection, NAMES)
    connection.execute("CREATE OR REPLACE MACRO reports.revenue_by_week(from_date := NULL) AS TABLE SELECT 1 AS one")

    assert install(connection, NAMES) == ["revenue_by_week"]
    assert "revenue" in [name for name, *_ in connection.execute("FROM reports.revenue_by_week").description or ()]


def test_a_report_without_its_tables_is_left_out() -> None:
    """A report that reads what this API does not serve is not there."""
    connection = duckdb.connect()
    lay_out(connection, TABLES)

    assert "revenue_by_week" not in install(connection, NAMES - {"orders.sales_orders"})
    assert connection.execute("SELECT count(*) FROM duckdb_views() WHERE schema_name = 'reports'").fetchall() == [(0,)]


def test_a_report_without_its_columns_is_left_out() -> None:
    """A report that reads a column that the other API's table lacks is not there, in part or as a whole."""
    connection = duckdb.connect()
    tables = [tables_of(source) for source in catalogue_of("customers").sources]
    lay_out(connection, tables)
    connection.begin()

    assert "revenue_by_week" not in install(
        connection, {part.qualified_name for each in tables for part in each.walk()}
    )
    connection.commit()
    assert connection.execute("SELECT count(*) FROM duckdb_views() WHERE view_name = 'revenue_by_week'").fetchall() == [
        (0,)
    ]
    assert connection.execute(
        "SELECT count(*) FROM duckdb_functions() WHERE function_name = 'revenue_by_week'"
    ).fetchall() == [(0,)]
