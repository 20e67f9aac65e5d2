"""``floriday rebuild``: typed and history tables made anew from the raw log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import print_line

if TYPE_CHECKING:
    from pipelines.catalogue.types import Source
    from pipelines.warehouse.file.connection import Warehouse


def rebuild(
    feeds: Annotated[
        list[str] | None,
        typer.Argument(metavar="FEED", help="sales_orders or orders.sales_orders; all that are stored without."),
    ] = None,
) -> None:
    """Make the typed and history tables anew from the raw log, without asking Floriday.

    It repairs tables that were changed by hand, and fills columns that a newer version of this program knows. A feed is
    rebuilt whole or not at all. A warehouse that an older version laid out is brought up to date first, as a sync does.

    For example:

        floriday rebuild

        floriday rebuild sales_orders supply.batches
    """
    from pipelines.settings import load_local_settings
    from pipelines.sync.rebuild import rebuild as rebuilt
    from pipelines.text_format import counted
    from pipelines.warehouse.file.connection import Warehouse
    from pipelines.warehouse.file.sync_lock import hold_sync_lock

    warehouse = Warehouse(load_local_settings().warehouse)
    warehouse.require()
    with hold_sync_lock(warehouse.path, "floriday rebuild"):
        _bring_up_to_date(warehouse)
        for source in _stored(warehouse, feeds or []):
            done = rebuilt(warehouse, source)
            of = f"{counted(done.records, 'record')} of {counted(done.versions, 'version')}"
            print_line(f"{done.feed}: {of} in {done.seconds:.1f} s")


def _bring_up_to_date(warehouse: Warehouse) -> None:
    """Give a warehouse of an older layout that of this version, all or nothing."""
    from pipelines.catalogue import catalogue_of
    from pipelines.sync.rebuild import bring_up_to_date
    from pipelines.warehouse.file.connection import transaction
    from pipelines.warehouse.schema.owner import read_owner

    with warehouse.reading() as connection:
        belongs = read_owner(connection)
    if belongs is not None and belongs.is_older:
        with warehouse.writing() as connection, transaction(connection):
            bring_up_to_date(connection, catalogue_of(belongs.api).sources)
        print_line("The layout is brought up to date.")


def _stored(warehouse: Warehouse, names: list[str]) -> list[Source]:
    """The feeds and snapshots that are named, all of the warehouse's API where none is."""
    from pipelines.catalogue import catalogue_of
    from pipelines.warehouse.schema.owner import require_owner

    with warehouse.reading() as connection:
        belongs = require_owner(connection, warehouse.path)
    catalogue = catalogue_of(belongs.api)
    return [catalogue.source(name) for name in names] or list(catalogue.sources)
