"""All commands, in the order of ``--help``."""

from __future__ import annotations

import platform
from typing import Annotated

import typer

from pipelines.cli.commands.backup import backup
from pipelines.cli.commands.catalogue import catalogue
from pipelines.cli.commands.check import check
from pipelines.cli.commands.compact import compact
from pipelines.cli.commands.dashboard import dashboard
from pipelines.cli.commands.demo import demo
from pipelines.cli.commands.export import export
from pipelines.cli.commands.init import init
from pipelines.cli.commands.lookup import lookup
from pipelines.cli.commands.mcp import mcp
from pipelines.cli.commands.move import move
from pipelines.cli.commands.query import query
from pipelines.cli.commands.rebuild import rebuild
from pipelines.cli.commands.redact import redact
from pipelines.cli.commands.rejected import rejected
from pipelines.cli.commands.rename import rename
from pipelines.cli.commands.report import report
from pipelines.cli.commands.sandbox import sandbox
from pipelines.cli.commands.status import status
from pipelines.cli.commands.sync import sync
from pipelines.cli.commands.tables import tables
from pipelines.cli.commands.up import up
from pipelines.cli.console import print_line
from pipelines.cli.options import with_common_options
from pipelines.cli.terminal.help_text import Command, Group

COMMANDS = (
    *(demo, init, check, sync, status, rejected, tables, report, query, mcp, dashboard, up),
    *(rebuild, backup, export, compact, rename, move, redact, lookup, sandbox, catalogue),
)
WITH_CELLS = {
    *(check, sync, status, rejected, tables, report, query, mcp, dashboard),
    *(rebuild, backup, export, compact, rename, redact),
}
"""The commands that can work on one of several cells."""

app = typer.Typer(
    cls=Group,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in COMMANDS:
    app.command(cls=Command)(with_common_options(command, has_cells=command in WITH_CELLS))


def _print_version(*, is_given: bool) -> None:
    if is_given:
        name, *others = (f"{package} {_version(package)}" for package in ("floriday-warehouse", "duckdb", "dagster"))
        print_line(f"{name} (Python {platform.python_version()}, {', '.join(others)})")
        raise typer.Exit


def _version(package: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


@app.callback()
def floriday(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Copy your Floriday data into DuckDB on a schedule, complete and ready for SQL.

    Settings are FLORIDAY_… variables in the environment or in a .env file, which `floriday init` writes. To try it
    without any settings:

        floriday demo
    """
