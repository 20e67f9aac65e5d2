"""``floriday rename``: another name for an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import print_error, print_line

if TYPE_CHECKING:
    from pipelines.settings import LocalSettings
    from pipelines.warehouse.file.connection import Warehouse


def rename(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The account's name in the warehouse.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The name that it gets.")],
) -> None:
    """Give an account another name, in every table.

    Rows, versions, cursors and rejected records stay what they are, and the next sync under the new name goes on where
    the last one was. All of it is done, or nothing. The copy for readers is renewed.

    Rename the account in FLORIDAY_API_KEYS first. A sync whose name for the organization is not the warehouse's is
    refused, so nothing can go wrong in between. With FLORIDAY_API_KEY, the account's name is main.

    For example:

        floriday rename main north
    """
    from pipelines.settings import load_account_names, load_local_settings
    from pipelines.text_format import counted
    from pipelines.warehouse.file.connection import Warehouse
    from pipelines.warehouse.file.known_copies import record_copy
    from pipelines.warehouse.file.sync_lock import hold_sync_lock
    from pipelines.warehouse.schema.owner import require_owner
    from pipelines.warehouse.schema.rename_account import rename as renamed

    names = load_account_names()
    _check(old, new, names)
    settings = load_local_settings()
    warehouse = Warehouse(settings.warehouse)
    warehouse.require()
    with hold_sync_lock(warehouse.path, "floriday rename"):
        with warehouse.writing() as connection:
            require_owner(connection, warehouse.path)
            changed = renamed(connection, old, new)
            record_copy(connection, settings.published if _is_published(settings) else None)
        _publish(warehouse, settings)
    print_line(f"{old} is {new} now: {counted(sum(changed.values()), 'row')} of {counted(len(changed), 'table')}")
    if not names:
        print_line(f"Rename it in FLORIDAY_API_KEYS, too: a sync with the name {old} is refused from now on.")


def _check(old: str, new: str, names: tuple[str, ...]) -> None:
    """Refuse a name that cannot be one, and one that does not go with the settings."""
    from pipelines.errors import SettingError, UsageError
    from pipelines.settings.values import account_name

    if old == new:
        raise UsageError(f"{old} is its name already")
    try:
        account_name(new)
    except ValueError as problem:
        raise UsageError(f"{new!r} cannot be an account's name: a rename {problem}") from None
    if names and (new not in names or old in names):
        raise SettingError(
            f"the settings have keys of {', '.join(names)}: rename {old} to {new} in FLORIDAY_API_KEYS first, else the"
            " next sync would be refused; nothing was changed"
        )


def _is_published(settings: LocalSettings) -> bool:
    return settings.published is not None and settings.published.exists()


def _publish(warehouse: Warehouse, settings: LocalSettings) -> None:
    """Renew the copy for readers where there is one; the account is renamed all the same."""
    from pipelines.errors import PipelineError
    from pipelines.warehouse.file.publish import publish

    try:
        if settings.published is not None and _is_published(settings):
            publish(warehouse, settings.published)
    except PipelineError as error:
        print_error(str(error))
