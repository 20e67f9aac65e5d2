"""``floriday export``: every table as a Parquet file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import print_line

if TYPE_CHECKING:
    from pipelines.warehouse.file.connection import Warehouse


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the files, and for nothing else.")],
    history: Annotated[
        bool, typer.Option("--history/--no-history", help="Also write all versions of records, as history/<table>.")
    ] = True,
    reports: Annotated[
        bool, typer.Option("--reports/--no-reports", help="Also write the reports, as reports/<report>.")
    ] = True,
    raw: Annotated[
        bool, typer.Option("--raw/--no-raw", help="Also write the payloads as received, as raw/<table>.")
    ] = False,
) -> None:
    """Write every table as a Parquet file, for Power BI and other tools.

    DIR/<schema>/<table>.parquet contain the current rows. All files have the state of one commit; export.json contains
    its time and the number of rows of each file. DIR is replaced as a whole when the new files are complete, so readers
    find either the old files or the new ones. A folder that contains anything else is not changed.

    Identifiers are text, lists are JSON text, times are in UTC. DIR/sync contains the cursor of each feed and the
    rejected records. Payloads as received, from which all other tables are made, are written only with --raw. A running
    sync waits while the warehouse is copied, about half a second for each gigabyte; the copy temporarily needs the size
    of the warehouse as free disk space beside DIR.

    For example:

        floriday export /srv/powerbi/floriday

        floriday export data/parquet --no-history
    """
    from pipelines.cli.terminal.status_line import counted_steps
    from pipelines.settings import load_local_settings
    from pipelines.text_format import counted, moment
    from pipelines.warehouse.opening import open_warehouse
    from pipelines.warehouse.read.parquet_export import export as export_tables

    warehouse = open_warehouse(load_local_settings().warehouse)
    names = _reports(warehouse) if reports else ()
    with counted_steps("files", "copying the warehouse") as listener:
        done = export_tables(warehouse, folder, names, history=history, raw=raw, listener=listener)
    as_of = "before any sync" if done.as_of is None else f"as of {moment(done.as_of)}"
    print_line(f"{folder}: {counted(len(done.rows), 'file')}, {counted(sum(done.rows.values()), 'row')}, {as_of}")


def _reports(warehouse: Warehouse) -> list[str]:
    from pipelines.reports import all_reports, installed

    with warehouse.reading() as connection:
        names = installed(connection)
    return [each.name for each in all_reports() if each.name in names]
