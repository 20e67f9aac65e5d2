"""``floriday backup``: the warehouse as one commit left it, in a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import print_line

if TYPE_CHECKING:
    from pipelines.settings import LocalSettings


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes; its folder is made if need be.")],
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
) -> None:
    """Copy the warehouse while others work.

    FILE is a DuckDB file of its own, as one commit of a sync left the warehouse, readable by you alone. A sync that is
    under way waits while the file is read, about half a second for each gigabyte, and goes on.

    To restore it, stop Dagster and every sync, remove the warehouse and the .wal file beside it if there is one, and
    copy FILE to the warehouse's place. The next sync goes on from where FILE was: it reads what has changed since, as
    far as Floriday still serves it.

    For example:

        floriday backup backups/monday.duckdb

        floriday backup /mnt/backups/floriday.duckdb --force
    """
    from pipelines.errors import PipelineError
    from pipelines.settings import load_local_settings
    from pipelines.text_format import file_size
    from pipelines.warehouse.file.connection import Warehouse
    from pipelines.warehouse.file.publish import copy_warehouse

    settings = load_local_settings()
    _check(file, settings, force=force)
    try:
        copy_warehouse(Warehouse(settings.warehouse), file)
    except OSError as error:
        raise PipelineError(f"{file} cannot be written: {error.strerror}") from None
    print_line(f"{file}: {file_size(file.stat().st_size)}, a copy of {settings.warehouse}")


def _check(file: Path, settings: LocalSettings, *, force: bool) -> None:
    """Refuse what must not be written over."""
    from pipelines.errors import UsageError
    from pipelines.paths import has_name_of, real_path

    beside = has_name_of(file, real_path(settings.warehouse))
    if beside or (settings.published is not None and real_path(file) == real_path(settings.published)):
        raise UsageError(f"{file} is the warehouse itself, its copy, or beside it under its name: choose another")
    if file.is_file() and not force:
        raise UsageError(f"{file} is there already: choose another, or say --force to replace it")
