"""Commands that write: they work on one cell after another, and the failure of a cell does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from pipelines.cli.console import print_error, print_line
from pipelines.errors import PipelineError, UsageError
from pipelines.sync.selection import check_accounts

if TYPE_CHECKING:
    from pipelines.settings import LocalSettings, Settings

_Local = TypeVar("_Local", bound="LocalSettings")


def in_each_cell(settings: _Local, work: Callable[[_Local], bool | None]) -> None:
    """Call ``work`` with the settings of each cell; end with exit code 1 if a cell failed, or ``work`` returned False.

    Where there are several cells, a line names each before its work, and an error is printed behind the cell's name.
    """
    if not _cells_succeeded(((name, settings.in_cell(name)) for name in settings.cell_names), settings, work):
        raise typer.Exit(1)


def in_cells_of_accounts(
    settings: Settings, accounts: Sequence[str] | None, work: Callable[[Settings, list[str] | None], bool | None]
) -> bool:
    """Call ``work`` with the settings and the chosen accounts of each cell that has any; returns whether all is well.

    ``accounts`` are those of ``--account``; None for all. Otherwise as :func:`in_each_cell`.

    Raises:
        UsageError: the settings have no such account.
    """
    if settings.cells is None:
        return work(settings, list(accounts) if accounts else None) is not False
    check_accounts(accounts or (), settings.accounts, "the settings have")
    chosen = {name: _members(settings.in_cell(name), accounts) for name in settings.cell_names}
    cells = ((name, settings.in_cell(name)) for name, members in chosen.items() if members)
    return _cells_succeeded(cells, settings, lambda cell: work(cell, _members(cell, accounts)))


def in_cell_of(settings: _Local, *accounts: str) -> _Local:
    """The settings of the cell that has the first of these accounts which any cell has.

    Raises:
        UsageError: no cell has one, or two of them are in different cells.
    """
    if settings.cells is None:
        return settings
    cells = {account: name for name, members in settings.cells.items() for account in members}
    found = [(account, cells[account]) for account in accounts if account in cells]
    if not found:
        raise UsageError(f"FLORIDAY_CELLS names no cell for the account {' or '.join(accounts)}")
    if len({cell for _, cell in found}) > 1:
        named = " and ".join(f"{cell} for {account}" for account, cell in found)
        raise UsageError(f"FLORIDAY_CELLS names the cells {named}: an account that is renamed stays in its cell")
    return settings.in_cell(found[0][1])


def _members(cell: Settings, accounts: Collection[str] | None) -> list[str]:
    return [name for name in cell.accounts if accounts is None or name in accounts]


def _cells_succeeded(
    cells: Iterable[tuple[str, _Local]], settings: _Local, work: Callable[[_Local], bool | None]
) -> bool:
    if settings.cells is None:
        results = [work(cell) is not False for _, cell in cells]
    else:
        results = [_succeeded(name, cell, work) for name, cell in cells]
    return all(results)


def _succeeded(name: str, cell: _Local, work: Callable[[_Local], bool | None]) -> bool:
    print_line(f"cell {name}")
    try:
        return work(cell) is not False
    except PipelineError as error:
        print_error(f"cell {name}: {error}")
        return False


@dataclass
class RowsOfCells:
    """The rows of several cells, which become one result."""

    columns: Mapping[str, str] = field(default_factory=dict)
    rows: list[Mapping[str, Any]] = field(default_factory=list)
    is_listed = False

    def write(self, columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> None:
        """Keep the rows of one more cell."""
        self.columns = columns
        self.rows += rows
