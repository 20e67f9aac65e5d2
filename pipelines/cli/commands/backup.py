"""``floriday backup``: a copy of the warehouse, in the state of one commit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import print_line

if TYPE_CHECKING:
    from pipelines.settings import LocalSettings


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Path of the copy. Its folder is created if needed.")],
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
) -> None:
    """Copy the warehouse, also while a sync is running.

    FILE is a complete DuckDB file in the state of one commit, readable by you alone. A running sync waits while the
    warehouse is read, about half a second for each gigabyte, and then continues.

    To restore it, stop Dagster and every sync, remove the warehouse and the .wal file beside it if there is one, and
    copy FILE to the path of the warehouse. The next sync continues from the state of FILE: it reads all later changes
    that Floriday still serves.

    Of a lake, FILE has the accounts of all cells, or of the cell of --cell. docs/scale.md shows how to restore one.

    For example:

        floriday backup backups/monday.duckdb

        floriday backup /mnt/backups/floriday.duckdb --force
    """
    from pipelines.cli.terminal.status_line import elapsed_time
    from pipelines.errors import PipelineError
    from pipelines.settings import load_local_settings
    from pipelines.text_format import file_size
    from pipelines.warehouse.file.publish import copy_warehouse
    from pipelines.warehouse.opening import open_warehouse

    settings = load_local_settings()
    _check(file, settings, force=force)
    try:
        with elapsed_time("copying the warehouse"):
            copy_warehouse(open_warehouse(settings.warehouse), file)
    except OSError as error:
        raise PipelineError(f"{file} cannot be written: {error.strerror}") from None
    print_line(f"{file}: {file_size(file.stat().st_size)}, a copy of {settings.warehouse}")


def _check(file: Path, settings: LocalSettings, *, force: bool) -> None:
    """Raise a UsageError for a file that must not be overwritten."""
    from pipelines.errors import UsageError
    from pipelines.paths import has_name_of, real_path

    is_beside = has_name_of(file, real_path(settings.beside))
    if is_beside or (settings.published is not None and real_path(file) == real_path(settings.published)):
        raise UsageError(f"{file} is the warehouse itself, its copy, or beside it under its name: choose another")
    if file.is_file() and not force:
        raise UsageError(f"{file} exists already: choose another, or add --force to replace it")
