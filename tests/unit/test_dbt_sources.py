"""The sources for dbt describe all tables of the catalogue and all reports, as YAML."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import yaml

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import Table, tables_of
from pipelines.dictionary.dbt import DATABASE, sources
from pipelines.reports import find_report
from pipelines.warehouse.schema.create import SYNC_TABLES, SYNC_VIEWS
from tests.command_line import ROOT, process_environment

Tables = dict[str, dict[str, Any]]


@pytest.fixture(scope="module", params=["suppliers", "customers"])
def api(request: pytest.FixtureRequest) -> str:
    """Each of the APIs."""
    return str(request.param)


@pytest.fixture(scope="module")
def dbt_tables(api: str) -> Tables:
    """The tables of each source by name, as read from the YAML."""
    document = yaml.safe_load(sources(api))
    assert document["version"] == 2
    assert {each["database"] for each in document["sources"]} == {DATABASE}
    assert all(each["schema"] == each["name"] for each in document["sources"])
    return {each["name"]: {table["name"]: table for table in each["tables"]} for each in document["sources"]}


def tables(api: str) -> list[Table]:
    """Return all tables of an API."""
    return [table for source in catalogue_of(api).sources for table in tables_of(source).walk()]


def test_tables_have_descriptions_and_columns(dbt_tables: Tables, api: str) -> None:
    """Each table has the catalogue's description and columns, with personal data marked."""
    for table in tables(api):
        source = dbt_tables[table.schema][table.name]

        assert source["description"] == table.description
        assert [(column["name"], column["description"], "config" in column) for column in source["columns"]] == [
            (column.name, column.description, column.personal) for column in table.columns
        ]
    marks = [
        column["config"]
        for each in dbt_tables.values()
        for table in each.values()
        for column in table.get("columns", [])
        if "config" in column
    ]
    assert marks
    assert all(mark == {"meta": {"personal": True}} for mark in marks)


def test_all_tables_are_listed(dbt_tables: Tables, api: str) -> None:
    """The sources contain the tables of feeds, their histories, the ``sync`` tables and views, and the reports."""
    known = tables(api)
    reports = dbt_tables["reports"].keys()
    own_reports = {"suppliers": "spend_by_grower", "customers": "sell_through"}

    listed = {f"{schema}.{name}" for schema, source_tables in dbt_tables.items() for name in source_tables}
    assert listed == {
        *(table.qualified_name for table in known),
        *(f"history.{table.name}" for table in known),
        *(f"sync.{name}" for name in (*SYNC_TABLES, *SYNC_VIEWS)),
        *(f"reports.{name}" for name in reports),
    }
    assert {"revenue_by_week", "sync_health", *own_reports.values()} - reports == {own_reports[api]}


def test_reports_have_their_columns(dbt_tables: Tables) -> None:
    """A report has the columns and descriptions of its file."""
    week = dbt_tables["reports"]["revenue_by_week"]

    assert {column["name"]: column["description"] for column in week["columns"]} == find_report(
        "revenue_by_week"
    ).columns


def test_an_unknown_api_is_one_line() -> None:
    """An unknown API ends the command with one line that lists the existing ones."""
    process = subprocess.run(
        [sys.executable, "-m", "pipelines.dictionary.dbt", "florists"],
        cwd=ROOT,
        env=process_environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (process.returncode, process.stdout) == (1, "")
    assert process.stderr.count("\n") == 1
    assert "suppliers, customers" in process.stderr
