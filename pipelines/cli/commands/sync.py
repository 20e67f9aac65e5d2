"""``floriday sync``: from the cursors to the end of the feeds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.api_version import print_version_difference
from pipelines.cli.console import print_line

if TYPE_CHECKING:
    from pipelines.cli.progress import Progress
    from pipelines.settings import Settings
    from pipelines.sync.outcome import FeedOutcome
    from pipelines.sync.selection import WhatToRead
    from pipelines.sync.session import Connected, SyncSession
    from pipelines.warehouse.file.connection import Warehouse


def sync(
    feeds: Annotated[
        list[str] | None,
        typer.Argument(metavar="FEED", help="sales_orders or orders.sales_orders; all of FLORIDAY_FEEDS without."),
    ] = None,
    account: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this account; may be given several times.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Read again from sequence number 0; repairs what was lost here.")
    ] = False,
    from_date: Annotated[
        datetime | None,
        typer.Option(
            "--from",
            metavar="DATE",
            formats=["%Y-%m-%d"],
            help="Read again what is now numbered in the days from DATE on, instead of what is new.",
        ),
    ] = None,
    to_date: Annotated[
        datetime | None,
        typer.Option("--to", metavar="DATE", formats=["%Y-%m-%d"], help="The last of these days; today without."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change in each table, and write nothing.")
    ] = False,
) -> None:
    """Read what is new and changed into the warehouse.

    A sync that is stopped goes on where it was. The exit code is 0 when every feed is current or was skipped for a
    reason that is told, and 1 when one failed or is not current; the other feeds are done then.

    --from and --to repair days that were lost here, as --full repairs everything: they ask again for whatever is
    numbered in these days of Amsterdam now, and surely for all of it. What Floriday serves no more does not come back.

    --dry-run tries the sync on a private copy of the warehouse, which needs as much room beside it, and removes the
    copy. Of each table it tells the rows that would be new, changed or deleted, and the records that would be rejected.
    A record that is marked as deleted counts as deleted, one that only gets another number not at all; in the tables
    of the arrays within records, deleted are rows that would go.

    For example:

        floriday sync

        floriday sync sales_orders supply.batches --account main

        floriday sync organizations --full

        floriday sync sales_orders --from 2026-03-02 --to 2026-03-08 --dry-run
    """
    from pipelines.settings import load_settings

    what = _what_to_read(from_date, to_date, full=full)
    settings = _narrowed(load_settings(), feeds or [])
    sync_as_asked = _try if dry_run else _sync
    if not sync_as_asked(settings, account or None, what):
        raise typer.Exit(1)


def _what_to_read(from_date: datetime | None, to_date: datetime | None, *, full: bool) -> WhatToRead:
    """What the options ask for; days are those of Amsterdam."""
    from pipelines.errors import UsageError
    from pipelines.settings.values import today
    from pipelines.sync.selection import Changes, Everything, past_days

    if from_date is None and to_date is None:
        return Everything() if full else Changes()
    if full:
        raise UsageError("--full reads everything again: leave out --from and --to, or --full")
    if from_date is None:
        raise UsageError("--to needs --from: the first of the days")
    last = to_date.date() if to_date else None
    if last is not None and last > today():
        raise UsageError(f"--to {last} is still to come: today is {today()}")
    return past_days(from_date.date(), last, ("--from", "--to"))


def _narrowed(settings: Settings, names: list[str]) -> Settings:
    """The settings as if FLORIDAY_FEEDS were the feeds that were named, so that their scopes are asked for."""
    from pipelines.catalogue import catalogue_of

    if not names:
        return settings
    catalogue = catalogue_of(settings.api)
    return settings.model_copy(update={"feeds": tuple(catalogue.feed(name).name for name in names)})


def _sync(settings: Settings, accounts: list[str] | None, what: WhatToRead) -> bool:
    """Do it, and print what it came to; returns whether every feed is current or was skipped."""
    from pipelines.cli.outcomes import is_well, print_outcomes, publish
    from pipelines.sync.session import open_clients
    from pipelines.warehouse.file.sync_lock import hold_sync_lock

    with open_clients(settings, accounts=accounts) as connected:
        with hold_sync_lock(settings.warehouse, "floriday sync"):
            session = _prepared(connected)
            outcomes = _synced(session, what)
        print_outcomes(outcomes)
        well = is_well(session.failures, outcomes)
        publish(connected)
        print_version_difference(settings)
        session.save_positions()  # what could not be written before the outcomes were printed
    return well


def _try(settings: Settings, accounts: list[str] | None, what: WhatToRead) -> bool:
    """Do it on a copy, and print what that changed; returns whether every feed is current or was skipped."""
    from pipelines.catalogue.tables import tables_of
    from pipelines.cli.outcomes import is_well, print_differences
    from pipelines.sync.session import open_clients
    from pipelines.warehouse.file.connection import Warehouse
    from pipelines.warehouse.file.dry_run import differences, private_copy
    from pipelines.warehouse.file.sync_lock import hold_sync_lock

    warehouse = Warehouse(settings.warehouse)
    _refuse_older(warehouse)
    with hold_sync_lock(warehouse.path, "floriday sync --dry-run"), private_copy(warehouse) as copy:
        on_the_copy = settings.model_copy(update={"warehouse": copy.path, "published": None})
        with open_clients(on_the_copy, accounts=accounts) as connected:
            session = _prepared(connected)
            outcomes = _synced(session, what)
            session.save_positions()
        tables = [tables_of(source) for source in session.sources]
        print_differences(differences(warehouse, copy, tables), outcomes)
    print_version_difference(settings)
    return is_well(session.failures, outcomes)


def _refuse_older(warehouse: Warehouse) -> None:
    """A trial tells what changes in tables, and those of an older layout are others; raises a WarehouseError."""
    from pipelines.warehouse.schema.owner import read_owner, require_owner

    if warehouse.exists():
        with warehouse.reading() as connection:
            if read_owner(connection):
                require_owner(connection, warehouse.path)


def _prepared(connected: Connected) -> SyncSession:
    _tell_older(connected.warehouse)
    return connected.prepare()


def _synced(session: SyncSession, what: WhatToRead) -> list[FeedOutcome]:
    from pipelines.cli.progress import progress
    from pipelines.errors import PipelineError

    with progress() as shown:
        outcomes = {(one.account, one.feed): one for one in _each(session, shown, what)}
    with suppress(PipelineError):  # the outcomes are printed first; then the caller writes again, and raises
        session.save_positions()
    return [outcomes[account, source.name] for account in session.identities for source in session.sources]


def _tell_older(warehouse: Warehouse) -> None:
    """Say beforehand what may take a while."""
    from pipelines.warehouse.schema.owner import read_owner

    if warehouse.exists():
        with warehouse.reading() as connection:
            belongs = read_owner(connection)
        if belongs and belongs.is_older:
            print_line("An older version created this warehouse. Its tables are updated first, which may take minutes.")


def _each(session: SyncSession, shown: Progress, what: WhatToRead) -> Iterator[FeedOutcome]:
    """The outcomes as they come; an account whose key was refused is told once, not for every feed."""
    from pipelines.sync.session import new_run_id

    accounts = list(session.identities)
    syncs = session.sync_all(session.sources, run_id=new_run_id(), accounts=accounts, what=what, listener=shown.update)
    for outcome in syncs:
        shown.finish(outcome)
        yield outcome
