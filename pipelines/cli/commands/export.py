"""``floriday export``: every table as a Parquet file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import print_line

if TYPE_CHECKING:
    from pipelines.warehouse.file.connection import Warehouse


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the files go: a folder of its own.")],
    history: Annotated[
        bool, typer.Option("--history/--no-history", help="Whether to write every version, too: history/<table>.")
    ] = True,
    reports: Annotated[
        bool, typer.Option("--reports/--no-reports", help="Whether to write the reports, too: reports/<report>.")
    ] = True,
    raw: Annotated[
        bool, typer.Option("--raw/--no-raw", help="Whether to write what was received, too: raw/<table>.")
    ] = False,
) -> None:
    """Write every table as a Parquet file, for Power BI and others.

    DIR/<schema>/<table>.parquet are the current rows. All files are of one commit; export.json tells of which, and how
    many rows each has. DIR is replaced as a whole when the new files are complete, so whoever reads it finds the old
    ones or the new ones. A folder that holds anything else is left alone.

    Identifiers are text, lists are JSON text, moments are in UTC. DIR/sync tells how far each feed was read and what
    was rejected. Payloads as they were received, of which the other tables are made, are written only with --raw.
    A sync that is under way waits while the warehouse is copied, about half a second for each gigabyte; the copy needs
    as much room beside DIR meanwhile.

    For example:

        floriday export /srv/powerbi/floriday

        floriday export data/parquet --no-history
    """
    from pipelines.settings import load_local_settings
    from pipelines.text_format import counted, moment
    from pipelines.warehouse.file.connection import Warehouse
    from pipelines.warehouse.read.parquet_export import export as exported

    warehouse = Warehouse(load_local_settings().warehouse)
    done = exported(warehouse, folder, _reports(warehouse) if reports else (), history=history, raw=raw)
    as_of = "before any sync" if done.as_of is None else f"as of {moment(done.as_of)}"
    print_line(f"{folder}: {counted(len(done.rows), 'file')}, {counted(sum(done.rows.values()), 'row')}, {as_of}")


def _reports(warehouse: Warehouse) -> list[str]:
    """The names of the reports that the warehouse has."""
    from pipelines.reports import all_reports, installed

    with warehouse.reading() as connection:
        there = installed(connection)
    return [each.name for each in all_reports() if each.name in there]
