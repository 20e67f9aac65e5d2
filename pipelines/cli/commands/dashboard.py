"""``floriday dashboard``: the reports on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.console import print_line


def dashboard(
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Path of the page. Default: dashboard.html beside the warehouse."
        ),
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Write the dashboard: one HTML file to view, mail and print.

    It shows sales or purchases by week, customer, channel and price; what was short, late, corrected or not invoiced;
    and how current the data is. Its filters work offline, and it makes no network requests. Everyone who opens the file
    sees the figures of all accounts in the warehouse, so choose its recipients with care.

    For example:

        floriday dashboard

        floriday dashboard --output monday.html --open
    """
    from pipelines.dashboard import path_beside, write_dashboard
    from pipelines.settings import load_local_settings
    from pipelines.text_format import file_size
    from pipelines.warehouse.file.connection import Warehouse

    settings = load_local_settings()
    target = output or path_beside(settings.warehouse)
    made = write_dashboard(Warehouse(settings.warehouse), target)
    print_line(f"{made.path}: {made.orders:,} orders, {file_size(made.size)}")
    if show:
        typer.launch(made.path.resolve().as_uri())
