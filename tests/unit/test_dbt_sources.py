"""The sources of dbt: what the catalogue and the reports say, as YAML."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import Table, tables_of
from pipelines.dictionary.dbt import DATABASE, sources
from pipelines.reports import find_report
from pipelines.warehouse.schema.create import SYNC_TABLES, SYNC_VIEWS
from tests.command_line import ROOT, surroundings

Tables = dict[str, dict[str, Any]]


@pytest.fixture(scope="module", params=["suppliers", "customers"])
def api(request: pytest.FixtureRequest) -> str:
    """Each of the APIs."""
    return str(request.param)


@pytest.fixture(scope="module")
def made(api: str) -> Tables:
    """The tables of each source, by their names, as a reader of YAML finds them."""
    read = yaml.safe_load(sources(api))
    assert read["version"] == 2
    assert {each["database"] for each in read["sources"]} == {DATABASE}
    assert all(each["schema"] == each["name"] for each in read["sources"])
    return {each["name"]: {table["name"]: table for table in each["tables"]} for each in read["sources"]}


def tables(api: str) -> list[Table]:
    """All tables of an API."""
    return [table for source in catalogue_of(api).sources for table in tables_of(source).walk()]


def test_every_table_has_its_description_and_columns(made: Tables, api: str) -> None:
    """In their order, with the words of the catalogue; personal data are marked."""
    for table in tables(api):
        source = made[table.schema][table.name]

        assert source["description"] == table.description
        assert [(one["name"], one["description"], "config" in one) for one in source["columns"]] == [
            (column.name, column.description, column.personal) for column in table.columns
        ]
    marks = [
        one["config"]
        for each in made.values()
        for table in each.values()
        for one in table.get("columns", [])
        if "config" in one
    ]
    assert marks
    assert all(mark == {"meta": {"personal": True}} for mark in marks)


def test_there_is_no_other_table(made: Tables, api: str) -> None:
    """Besides those of the feeds there are their histories, what the warehouse knows of its syncs, and the reports."""
    known = tables(api)
    answers = made["reports"].keys()
    others = {"suppliers": "spend_by_grower", "customers": "sell_through"}

    listed = {f"{schema}.{name}" for schema, within in made.items() for name in within}
    assert listed == {
        *(table.qualified_name for table in known),
        *(f"history.{table.name}" for table in known),
        *(f"sync.{name}" for name in (*SYNC_TABLES, *SYNC_VIEWS)),
        *(f"reports.{name}" for name in answers),
    }
    assert {"revenue_by_week", "sync_health", *others.values()} - answers == {others[api]}


def test_reports_have_their_columns(made: Tables) -> None:
    """As their files say."""
    week = made["reports"]["revenue_by_week"]

    assert {one["name"]: one["description"] for one in week["columns"]} == find_report("revenue_by_week").columns


def test_an_unknown_api_is_told() -> None:
    """In one line."""
    ended = subprocess.run(
        [sys.executable, "-m", "pipelines.dictionary.dbt", "florists"],
        cwd=ROOT,
        env=surroundings(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.count("\n") == 1
    assert "suppliers, customers" in ended.stderr
