"""Write the dashboard to a file of its owner alone; after an error, an older file is unchanged."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.dashboard.content import MOST_LETTERS, api_of, build_content
from pipelines.dashboard.facts import SALES, this_week
from pipelines.dashboard.figures import KeyFigures, key_figures
from pipelines.dashboard.page import page_of
from pipelines.dashboard.selection import EVERYTHING, Selection
from pipelines.dashboard.thresholds import thresholds_of
from pipelines.errors import PipelineError, UsageError
from pipelines.paths import has_name_of, real_path
from pipelines.private_files import create_folder_of, replaced_file
from pipelines.reports import outdated
from pipelines.warehouse.file.connection import Warehouse

NAME = "dashboard.html"


@dataclass(frozen=True)
class Dashboard:
    """The written file."""

    path: Path
    size: int  # bytes
    orders: int  # number of orders with status COMMITTED in it
    figures: tuple[KeyFigures, ...]  # of each account


def path_beside(warehouse: Path) -> Path:
    """The default path of the dashboard of a warehouse; those of the demo and the sandbox replace no other one."""
    is_made_up = warehouse.stem.startswith(("demo", "sandbox"))
    return warehouse.with_name(f"{warehouse.stem}.{NAME}" if is_made_up else NAME)


def write_dashboard(
    warehouse: Warehouse,
    output: Path,
    now: dt.datetime | None = None,
    most_letters: int = MOST_LETTERS,
    selection: Selection = EVERYTHING,
) -> Dashboard:
    """Write the dashboard of a warehouse, which is closed before the file, and its folder if necessary, is written.

    The week of ``now``, or of the real time, is the present one on the page.

    Raises:
        UsageError: the file would replace the warehouse or a file of it, or the user's limits cannot be read.
        WarehouseError: there is no warehouse, or it cannot be read.
        PipelineError: nothing was synced yet, the reports are of another version, or the file cannot be written.
    """
    if has_name_of(output, warehouse.path):
        raise UsageError(f"{output} is the warehouse itself, or has its name with a suffix: choose another")
    thresholds, moment = thresholds_of(warehouse.path.parent), now or dt.datetime.now(dt.UTC)
    with warehouse.reading(locked=True) as connection:
        try:
            content, found = build_content(connection, moment, most_letters, selection, thresholds)
            api = api_of(connection)
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise _plain(warehouse, connection, error) from None
    page = page_of(content).encode()
    _replace(output, page)
    orders = sum(row[SALES.columns.index("orders")] for row in found.rows.get(SALES, []))
    return Dashboard(output, len(page), orders, key_figures(found, this_week(moment), api))


def _plain(warehouse: Warehouse, connection: duckdb.DuckDBPyConnection, error: duckdb.Error) -> Exception:
    """The same error in plain words; a column that is missing although all reports are of this version is a defect."""
    if outdated(connection):
        return PipelineError(
            f"the reports in {warehouse.name} are of another version of floriday-warehouse: run `floriday sync` first,"
            " which replaces them"
        )
    if isinstance(error, duckdb.CatalogException):
        return PipelineError(f"{warehouse.name} contains no data of Floriday yet: run `floriday sync` first")
    return error


def _replace(output: Path, page: bytes) -> None:
    file = real_path(output)
    try:
        create_folder_of(file)
        with replaced_file(file) as stream:
            stream.write(page)
    except OSError as error:
        raise PipelineError(f"{output} cannot be written: {error.strerror or os.strerror(error.errno or 0)}") from None
