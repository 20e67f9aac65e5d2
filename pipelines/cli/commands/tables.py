"""``floriday tables``: the tables of the warehouse, and the columns of one."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import print_line, print_table
from pipelines.cli.formats.rows import LIST, NUMBER, TEXT
from pipelines.cli.options import Format, FormatOption, OutputOption
from pipelines.cli.terminal.layout import Heading, spilled

if TYPE_CHECKING:
    from pipelines.catalogue import Catalogue
    from pipelines.warehouse.read.tables import TableDescription, TableSummary

_TABLES = {"schema": TEXT, "table": TEXT, "rows": NUMBER, "description": TEXT}
_COLUMNS = {"column": TEXT, "type": TEXT, "joins": LIST, "description": TEXT}


def tables(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Such as sales_orders or history.sales_orders, or a group such as orders."),
    ] = None,
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """List the tables of the warehouse, or the columns of one.

    Without a name: each table with its rows and what it contains; with that of a group, only the tables of the group.
    With the name of a table: its columns, their types and meanings, and the columns of other tables that they join.
    history.NAME has all versions of a table's rows, raw.NAME the records as received, and `floriday report` lists the
    reports.

    The keys of --format json are schema, table, rows and description; with the name of a table they are column, type,
    joins and description.

    For example:

        floriday tables

        floriday tables orders

        floriday tables sales_orders

        floriday tables reports.revenue_by_week --format json
    """
    from pipelines.catalogue import catalogue_of
    from pipelines.cli.output import chosen_format
    from pipelines.settings import load_local_settings
    from pipelines.warehouse.opening import open_warehouse
    from pipelines.warehouse.read.tables import described_table, listed_tables
    from pipelines.warehouse.schema.owner import require_owner

    style = chosen_format(format, output)
    warehouse = open_warehouse(load_local_settings().warehouse)
    with warehouse.reading(locked=True) as connection:
        owner = require_owner(connection, warehouse.name)
        catalogue = catalogue_of(owner.api, owner.api_version)
        is_group = name is None or _is_group(name, catalogue)
        found = listed_tables(connection) if is_group else described_table(connection, name or "")
    if isinstance(found, list):
        found = [each for each in found if name is None or each.schema == name.removesuffix(".*")]
        _show_tables(found, style, output, warehouse.path)
    else:
        _show_columns(found, catalogue, style, output, warehouse.path)


def _is_group(name: str, catalogue: Catalogue) -> bool:
    """Whether it is the name of a group of feeds, and of no feed; ``organizations.*`` is the group of that name."""
    group = name.removesuffix(".*")
    is_feed = any(name == source.table for source in catalogue.sources)
    return not is_feed and group in {"sync", *(source.schema for source in catalogue.sources)}


def _show_tables(found: list[TableSummary], style: Format, output: Path | None, warehouse: Path) -> None:
    from pipelines.cli.output import is_listed, write_rows

    if not is_listed(style, output):
        rows = [{"schema": t.schema, "table": t.name, "rows": t.rows, "description": t.description} for t in found]
        write_rows(_TABLES, rows, style, output, warehouse)
        return
    headings = (Heading("table"), Heading("rows", is_number=True), Heading("contains", is_text=True))
    for schema, group in groupby(found, key=lambda each: each.schema):
        print_line(schema, "bold")
        print_table(
            headings, [(each.name, f"{each.rows:,}", _first_sentence(each.description)) for each in group], (spilled,)
        )
        print_line()
    print_line("history.NAME has all versions of a table's rows, raw.NAME the records as received.")
    print_line("`floriday tables NAME` shows the columns of a table, `floriday report` lists the reports.")


def _show_columns(
    table: TableDescription, catalogue: Catalogue, style: Format, output: Path | None, warehouse: Path
) -> None:
    from pipelines.cli.output import is_listed, write_rows
    from pipelines.warehouse.read.table_joins import joins, nested_tables

    joined = joins(table, catalogue)
    if not is_listed(style, output):
        rows = [
            {"column": c.name, "type": c.type, "joins": joined.get(c.name, []), "description": c.description}
            for c in table.columns
        ]
        write_rows(_COLUMNS, rows, style, output, warehouse)
        return
    print_line(f"{table.schema}.{table.name}", "bold")
    print_line(table.description)
    print_line()
    headings = (Heading("column"), Heading("type"), Heading("meaning", is_text=True))
    print_table(
        headings,
        [
            (
                c.name,
                c.type.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ"),
                _meaning(c.description, joined.get(c.name)),
            )
            for c in table.columns
        ],
        (spilled,),
    )
    for line in nested_tables(table, catalogue):
        print_line(line)


def _first_sentence(text: str) -> str:
    return text.partition(". ")[0].partition(": ")[0].removesuffix(".")


def _meaning(description: str, joins: list[str] | None) -> str:
    return f"{description} (joins {', '.join(joins)})" if joins else description
