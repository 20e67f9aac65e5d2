"""``floriday rename``: change the name of an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import print_line

if TYPE_CHECKING:
    from pipelines.settings import LocalSettings


def rename(
    old: Annotated[str, typer.Argument(metavar="OLD", help="Name of the account in the warehouse.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="New name of the account.")],
) -> None:
    """Change the name of an account in every table.

    Rows, versions, cursors and rejected records do not change otherwise, and the next sync under the new name continues
    at the cursors of the last one. Everything is renamed, or nothing. The published copy is renewed.

    Rename the account in FLORIDAY_API_KEYS first. This is safe: a sync is refused while the settings and the warehouse
    have different names for the same organization. The account of FLORIDAY_API_KEY is always main: to give it another
    name, replace that setting by FLORIDAY_API_KEYS={"north": "the key"}.

    For example:

        floriday rename main north
    """
    from pipelines.cli.cells import in_cell_of
    from pipelines.cli.published_copy import is_published, renew_published_copy
    from pipelines.settings import load_account_names, load_local_settings
    from pipelines.text_format import counted
    from pipelines.warehouse.file.known_copies import record_copy
    from pipelines.warehouse.opening import hold_sync_lock, open_warehouse
    from pipelines.warehouse.schema.owner import require_owner
    from pipelines.warehouse.schema.rename_account import check_names
    from pipelines.warehouse.schema.rename_account import rename as rename_account

    _check_new(old, new)
    all_cells = load_local_settings()
    settings = in_cell_of(all_cells, old, new)
    warehouse = open_warehouse(settings.warehouse)
    warehouse.require()
    with warehouse.reading() as connection:
        require_owner(connection, warehouse.name)
        check_names(connection, old, new)
    _check_moves(all_cells, old)
    names = load_account_names()
    _check_settings(old, new, names)
    with hold_sync_lock(warehouse.address, "floriday rename"):
        with warehouse.writing() as connection:
            require_owner(connection, warehouse.name)
            changed = rename_account(connection, old, new)
            record_copy(connection, settings.published if is_published(settings) else None)
        renew_published_copy(warehouse, settings)
    print_line(f"{old} is now {new}: {counted(sum(changed.values()), 'row')} of {counted(len(changed), 'table')}")
    if not names:
        print_line(f"Rename it in FLORIDAY_API_KEYS too: a sync with the name {old} is refused from now on.")


def _check_new(old: str, new: str) -> None:
    """Raise a UsageError for a new name that is not allowed."""
    from pipelines.errors import UsageError
    from pipelines.settings.values import account_name

    if old == new:
        raise UsageError(f"the name is {old} already")
    try:
        account_name(new)
    except ValueError as error:
        raise UsageError(f"{new!r} cannot be the name of an account: a rename {error}") from None


def _check_moves(settings: LocalSettings, account: str) -> None:
    """Raise a SettingError if a move of the account has not ended, which finds its rows and its copy by the name."""
    from pipelines.warehouse.opening import open_warehouse
    from pipelines.warehouse.schema.unfinished_moves import check_no_move

    for cell in settings.cell_names:
        warehouse = open_warehouse(settings.in_cell(cell).warehouse)
        if warehouse.exists():
            with warehouse.reading() as connection:
                check_no_move(connection, [account])
            warehouse.finish()


def _check_settings(old: str, new: str, names: tuple[str, ...]) -> None:
    """Raise a SettingError if the next sync would be refused, because the settings have other names for the keys."""
    from pipelines.errors import SettingError
    from pipelines.settings import given_variables

    if not names or (new in names and old not in names):
        return
    given, _ = given_variables()
    step = f"rename {old} to {new} in FLORIDAY_API_KEYS first"
    if single := next((name for name in ("FLORIDAY_API_KEY", "FLORIDAY_API_KEY_FILE") if name in given), None):
        step = f'the key of {single} is that of {names[0]}: set FLORIDAY_API_KEYS={{"{new}": "the key"}} instead first'
    raise SettingError(
        f"the settings have keys of {', '.join(names)}: {step}, otherwise the next sync would be refused; nothing was"
        " changed"
    )
