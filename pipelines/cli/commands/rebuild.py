"""``floriday rebuild``: typed and history tables, rebuilt from the raw log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import print_line

if TYPE_CHECKING:
    from pipelines.catalogue.types import Source
    from pipelines.settings import LocalSettings
    from pipelines.warehouse.file.connection import Warehouse


FeedsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FEED", help="A feed such as sales_orders, or a group such as orders. Default: all stored feeds."
    ),
]


def rebuild(
    feeds: FeedsArgument = None,
) -> None:
    """Rebuild the typed and history tables from the raw log, without calling Floriday.

    It repairs tables that were changed by hand, and fills columns that are new in this version of the program. Each
    feed is rebuilt completely or not at all. The tables of a warehouse from an older version are updated first, as a
    sync does.

    For example:

        floriday rebuild

        floriday rebuild sales_orders supply.batches
    """
    from pipelines.cli.cells import in_each_cell
    from pipelines.settings import load_local_settings

    in_each_cell(load_local_settings(), lambda settings: _rebuild(settings, feeds or []))


def _rebuild(settings: LocalSettings, feeds: list[str]) -> None:
    from pipelines.sync.stored.rebuild import rebuild as rebuild_feed
    from pipelines.text_format import counted
    from pipelines.warehouse.opening import hold_sync_lock, open_warehouse

    warehouse = open_warehouse(settings.warehouse)
    warehouse.require()
    with hold_sync_lock(warehouse.address, "floriday rebuild"):
        _update_tables(warehouse)
        for source in _sources(warehouse, feeds):
            done = rebuild_feed(warehouse, source)
            counts = f"{counted(done.records, 'record')} of {counted(done.versions, 'version')}"
            print_line(f"{done.feed}: {counts} in {done.seconds:.1f} s")


def _update_tables(warehouse: Warehouse) -> None:
    """Update the tables of a warehouse from an older version, completely or not at all."""
    from pipelines.catalogue import catalogue_of
    from pipelines.sync.stored.rebuild import bring_up_to_date
    from pipelines.warehouse.file.connection import transaction
    from pipelines.warehouse.schema.owner import read_owner

    with warehouse.reading() as connection:
        owner = read_owner(connection)
    if owner is not None and owner.is_older:
        with warehouse.writing() as connection, transaction(connection):
            bring_up_to_date(connection, catalogue_of(owner.api, owner.api_version))
        print_line("The tables of an older version were updated.")


def _sources(warehouse: Warehouse, names: list[str]) -> list[Source]:
    """The feeds and snapshots with these names; without names, all of the warehouse's API."""
    from pipelines.catalogue import catalogue_of
    from pipelines.warehouse.schema.owner import require_owner

    with warehouse.reading() as connection:
        owner = require_owner(connection, warehouse.name)
    catalogue = catalogue_of(owner.api, owner.api_version)
    return list(catalogue.selected(names) or catalogue.sources)
