"""``floriday move``: an account with all its rows, from one warehouse to another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import print_line

if TYPE_CHECKING:
    from pipelines.settings import LocalSettings
    from pipelines.warehouse.two_places import Place


def move(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Name of the account.")],
    source: Annotated[str, typer.Option("--from", metavar="PLACE", help="A cell, or the path of a DuckDB file.")],
    target: Annotated[str, typer.Option("--to", metavar="PLACE", help="A cell, or the path of a DuckDB file.")],
) -> None:
    """Move an account from one cell to another, from a file to a lake, or back.

    All rows of the account, its versions, raw log, cursors and rejected records are copied, compared row by row with
    what they were, and then deleted at their old place. Floriday is not called. If it is interrupted, run it again. A
    lake without FLORIDAY_CELLS is the cell main. A new file or lake is created.

    --from may name a cell that FLORIDAY_CELLS no longer has. If both places have rows of the account that differ,
    nothing is deleted: move those of one place into a file of its own.

    Stop syncs of the account first, and name its new cell in FLORIDAY_CELLS, or the new place in FLORIDAY_WAREHOUSE,
    before you start them again: the next sync continues at the cursors of the last one.

    For example:

        floriday move north --from a --to b

        floriday move north --from data/floriday.duckdb --to main
    """
    from pipelines.cli.terminal.status_line import elapsed_time
    from pipelines.settings import load_local_settings
    from pipelines.sync.stored.move_account import move_account
    from pipelines.text_format import counted

    settings = load_local_settings()
    places = _place(settings, source, is_source=True), _place(settings, target)
    with elapsed_time("moving"):
        done = move_account(account, *places)
    print_line(f"{account} is in {places[1]} now: {counted(done.rows, 'row')} of {counted(done.tables, 'table')}")


def _place(settings: LocalSettings, name: str, *, is_source: bool = False) -> Place:
    """The lake of a cell, or a DuckDB file; a source may be a lake whose cell the settings no longer name."""
    from pipelines.errors import UsageError
    from pipelines.lake_address import LakeAddress, LakeCells
    from pipelines.settings.values import warehouse_file
    from pipelines.warehouse.lake.other_lakes import other_lakes

    if name in settings.cell_names:
        address = settings.in_cell(name).warehouse
        if isinstance(address, Path | LakeAddress):
            return address
    if "." not in name and "/" not in name:
        if isinstance(whole := settings.warehouse, LakeAddress | LakeCells):
            whole = whole.whole if isinstance(whole, LakeCells) else whole
            for lake in (whole, *other_lakes(whole)):  # cells that were named once
                if lake.place == name and is_source:
                    return lake
        cells = ", ".join(settings.cell_names)
        raise UsageError(f"there is no cell {name!r}; there are: {cells}; a file has an ending such as .duckdb")
    try:
        return warehouse_file(name)
    except ValueError as error:
        raise UsageError(f"{name} {error}") from None
