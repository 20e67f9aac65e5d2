"""The sources file of dbt, generated from the catalogue.

``python -m pipelines.dictionary.dbt suppliers > models/floriday.yml`` writes it.

Each schema is one source: the tables with their columns, their histories, and the reports. The profile of dbt attaches
the warehouse as ``floriday`` (docs/tools/dbt.md).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator

import duckdb

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import Table
from pipelines.dictionary.api import Api
from pipelines.errors import PipelineError
from pipelines.reports import Report, all_reports, install
from pipelines.warehouse.schema.create import SCHEMAS, SYNC_TABLES, SYNC_VIEWS, create_tables

DATABASE = "floriday"  # the alias of the warehouse in a dbt profile


def sources(api: str) -> str:
    """The text of a sources file for an API, ``suppliers`` or ``customers``.

    Raises:
        UsageError: there is no such API.
    """
    return "".join(f"{line}\n" for line in _lines(Api(catalogue_of(api))))


def _lines(api: Api) -> Iterator[str]:
    api_version = f"the {api.catalogue.api} API {api.catalogue.version}"
    yield f"# The tables of a warehouse of {api_version}, generated from the catalogue."
    yield "version: 2"
    yield "sources:"
    for schema in api.schemas:
        yield from _source(schema, f"Current rows of Floriday's {schema}, including rows that it no longer serves")
        for table in api.tables.values():
            if table.schema == schema:
                yield from _table(table)
    yield from _source("history", SCHEMAS["history"])
    for table in api.tables.values():
        yield from _named(table.name, f"Every version of {table.qualified_name} that was received")
    yield from _source("reports", SCHEMAS["reports"])
    for report in _reports(api):
        yield from _named(report.name, report.description)
        yield from _columns((name, text, False) for name, text in report.columns.items())
    yield from _source("sync", SCHEMAS["sync"])
    for name, (description, columns) in (SYNC_TABLES | SYNC_VIEWS).items():
        yield from _named(name, description)
        yield from _columns((column.name, column.description, False) for column in columns)


def _source(schema: str, description: str) -> Iterator[str]:
    yield f"  - name: {schema}"
    yield f"    database: {DATABASE}"
    yield f"    schema: {schema}"
    yield f"    description: {_text(description)}"
    yield "    tables:"


def _table(table: Table) -> Iterator[str]:
    yield from _named(table.name, table.description)
    yield from _columns((column.name, column.description, column.personal) for column in table.columns)


def _named(name: str, description: str) -> Iterator[str]:
    yield f"      - name: {name}"
    yield f"        description: {_text(description)}"


def _columns(columns: Iterable[tuple[str, str, bool]]) -> Iterator[str]:
    yield "        columns:"
    for name, description, personal in columns:
        yield f"          - name: {name}"
        yield f"            description: {_text(description)}"
        if personal:
            yield "            config: {meta: {personal: true}}"


def _reports(api: Api) -> list[Report]:
    """The reports of the API: those that can be installed in an empty warehouse."""
    with duckdb.connect() as connection:
        connection.begin()
        create_tables(connection, [table for _, table in api.roots.values()])
        names = install(connection, set(api.tables))
    return [report for report in all_reports() if report.name in names]


def _text(text: str) -> str:
    """A text as a YAML string on one line; a JSON string is valid YAML."""
    return json.dumps(" ".join(text.split()), ensure_ascii=False)


if __name__ == "__main__":
    try:
        sys.stdout.write(sources(*sys.argv[1:2] or ["suppliers"]))
    except PipelineError as error:
        sys.exit(str(error))
