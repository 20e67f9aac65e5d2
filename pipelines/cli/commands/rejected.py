"""``floriday rejected``: records that could not be stored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import print_line
from pipelines.cli.options import Format, FormatOption, OutputOption

if TYPE_CHECKING:
    from pipelines.warehouse.file.connection import Warehouse


def rejected(
    feeds: Annotated[
        list[str] | None, typer.Argument(metavar="FEED", help="sales_orders or orders.sales_orders; all without.")
    ] = None,
    account: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this account; may be given several times.")
    ] = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="Read them again from Floriday, and say what became of each.")
    ] = False,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write them with all that was received to FILE, as JSON lines.")
    ] = None,
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """List the records that could not be stored, with their reasons.

    Such a record holds up no other, and the last good version of it stays in the tables. Every sync asks for it again;
    it is off the list when a valid version was stored, or when nothing stands at its number any more.

    --retry asks at once, by their numbers alone: "healed" was stored, "gone" stands there no more (a newer version
    comes with the next sync), "still rejected" is as it was or wrong in another way.

    --export is for a bug report: one JSON object a line, with reason and payload, readable by you alone. The payload is
    the whole record as received, which may hold personal data.

    For example:

        floriday rejected

        floriday rejected sales_orders --retry

        floriday rejected --export rejected.jsonl
    """
    from pipelines.cli.output import chosen_format
    from pipelines.errors import UsageError
    from pipelines.settings import load_local_settings
    from pipelines.warehouse.file.connection import Warehouse

    if (retry or export) and (format or output):
        raise UsageError("--format and --output are for the list: leave them out, or --retry and --export")
    style = chosen_format(format, output)
    warehouse = Warehouse(load_local_settings().warehouse)
    chosen = _chosen(warehouse, feeds or [], account or [])
    well = True
    if retry:
        from pipelines.cli.retry_rejected import retry_rejected

        well = retry_rejected(warehouse, **chosen)
    if export:
        _export(warehouse, chosen, export)
    elif not retry:
        _list(warehouse, chosen, style, output)
    if not well:
        raise typer.Exit(1)


def _chosen(warehouse: Warehouse, feeds: list[str], accounts: list[str]) -> dict[str, list[str]]:
    """The names of feeds and accounts that are meant, none for all.

    Raises:
        UsageError: there is no such feed or account.
    """
    from pipelines.catalogue import catalogue_of
    from pipelines.sync.selection import check_accounts
    from pipelines.warehouse.schema.owner import require_owner

    with warehouse.reading() as connection:
        belongs = require_owner(connection, warehouse.path)
    check_accounts(accounts, sorted(belongs.accounts), "the warehouse has")
    catalogue = catalogue_of(belongs.api)
    return {"feeds": [catalogue.source(name).name for name in feeds], "accounts": accounts}


def _list(warehouse: Warehouse, chosen: dict[str, list[str]], style: Format, output: Path | None) -> None:
    from pipelines.cli.output import write_result
    from pipelines.warehouse.load.rejected_records import LISTED, open_records
    from pipelines.warehouse.read.query import run_query

    with warehouse.reading(locked=True) as connection:
        if style is Format.TABLE and output is None and not open_records(connection, **chosen):
            print_line("No record is rejected.")
            return
        write_result(run_query(connection, LISTED, chosen), style, output, warehouse.path)


def _export(warehouse: Warehouse, chosen: dict[str, list[str]], file: Path) -> None:
    from pipelines.cli.formats.text import encode_json
    from pipelines.cli.output import destination
    from pipelines.text_format import counted
    from pipelines.warehouse.load.rejected_records import WITH_PAYLOADS
    from pipelines.warehouse.read.query import run_query

    count = 0
    with (
        warehouse.reading(locked=True) as connection,
        destination(file, warehouse.path, "--export") as stream,
    ):
        for batch in run_query(connection, WITH_PAYLOADS, chosen).batches:
            for row in batch.to_pylist():
                stream.write(encode_json(row) + b"\n")
                count += 1
    print_line(f"{file}: {counted(count, 'rejected record')}")
