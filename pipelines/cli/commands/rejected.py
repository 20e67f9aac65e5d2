"""``floriday rejected``: records that could not be stored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import print_line
from pipelines.cli.options import AccountOption, Format, FormatOption, OutputOption

if TYPE_CHECKING:
    from pipelines.warehouse.file.connection import Warehouse

ExportOption = Annotated[
    Path | None,
    typer.Option("--export", metavar="FILE", help="Write the records, with their payloads, to FILE as JSON lines."),
]


FeedsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="FEED", help="A feed such as sales_orders, or a group such as orders. Default: all feeds."),
]


def rejected(
    feeds: FeedsArgument = None,
    account: AccountOption = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="Read the records again from Floriday, and show the result of each.")
    ] = False,
    export: ExportOption = None,
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """List the records that could not be stored, with their reasons.

    A rejected record does not stop other records, and its last valid version stays in the tables. Every sync requests
    the records with a sequence number again, at most 20 pages of a feed. A record leaves the list when a valid version
    was stored, or when its sequence number no longer exists. One without key and number leaves it when the whole feed
    was read without such a record: with sync --full, or in a list of base supply.

    --retry requests the records now, and nothing else. Results: "healed", a valid version was stored; "gone", the
    sequence number no longer exists (the next sync reads the newer version); "still rejected", the record is still
    invalid, for the same reason or another one.

    --export is for bug reports: one JSON object a line, with reason and payload, readable by you alone. The payload is
    the whole record as received, and may contain personal data.

    For example:

        floriday rejected

        floriday rejected sales_orders --retry

        floriday rejected --export rejected.jsonl
    """
    from pipelines.cli.output import chosen_format
    from pipelines.cli.syncs.retry_rejected import retry_and_print
    from pipelines.errors import UsageError

    if (retry or export) and (format or output):
        raise UsageError("--format and --output are for the list: leave them out, or --retry and --export")
    style = chosen_format(format, output)
    warehouse, chosen = _chosen(feeds or [], account or [])
    is_well = retry_and_print(warehouse, **chosen) if retry else True
    if export:
        _export(warehouse, chosen, export)
    elif not retry:
        _list(warehouse, chosen, style, output)
    if not is_well:
        raise typer.Exit(1)


def _chosen(feeds: list[str], accounts: list[str]) -> tuple[Warehouse, dict[str, list[str]]]:
    """The warehouse, and the full names of the chosen feeds and accounts, which must exist; an empty list for all."""
    from pipelines.catalogue import catalogue_of
    from pipelines.settings import load_local_settings
    from pipelines.sync.selection import check_accounts
    from pipelines.warehouse.opening import open_warehouse
    from pipelines.warehouse.schema.owner import require_owner

    warehouse = open_warehouse(load_local_settings().warehouse)
    with warehouse.reading() as connection:
        owner = require_owner(connection, warehouse.name)
    check_accounts(accounts, sorted(owner.accounts), "the warehouse has")
    catalogue = catalogue_of(owner.api, owner.api_version)
    return warehouse, {"feeds": [source.name for source in catalogue.selected(feeds)], "accounts": accounts}


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
    from pipelines.cli.output import destination
    from pipelines.text_format import counted
    from pipelines.warehouse.load.rejected_records import WITH_PAYLOADS
    from pipelines.warehouse.read.query import run_query
    from pipelines.warehouse.read.value_text import encode_json

    count = 0
    with warehouse.reading(locked=True) as connection, destination(file, warehouse.path, "--export") as stream:
        for batch in run_query(connection, WITH_PAYLOADS, chosen).batches:
            for row in batch.to_pylist():
                stream.write(encode_json(row) + b"\n")
                count += 1
    print_line(f"{file}: {counted(count, 'rejected record')}")
