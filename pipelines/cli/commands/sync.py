"""``floriday sync``: read the feeds from their cursors to their ends."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from pipelines.cli.api_version import print_version_notices
from pipelines.cli.console import data_on_standard_output, print_line
from pipelines.cli.options import AccountOption, Format, FormatOption, OutputOption, date_option, duration_option

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipelines.cli.cells import RowsOfCells
    from pipelines.cli.output import Destination
    from pipelines.settings import Settings
    from pipelines.sync.outcome import FeedOutcome
    from pipelines.sync.selection import WhatToRead
    from pipelines.sync.session import Connected, SyncSession
    from pipelines.warehouse.file.connection import Warehouse

    Rows = Destination | RowsOfCells

FullOption = Annotated[
    bool, typer.Option("--full", help="Read everything again from sequence number 0; repairs lost data.")
]
FromOption = Annotated[
    datetime | None,
    date_option("--from", "Instead of changes, read again the records numbered in the days from DATE on."),
]
ToOption = Annotated[datetime | None, date_option("--to", "The last of these days. Default: today.")]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Show what would change in each table, and write nothing.")
]
FollowOption = Annotated[
    bool, typer.Option("--follow", help="Sync what changes until it is stopped. See docs/operations/follow.md.")
]
EveryOption = Annotated[
    timedelta | None,
    typer.Option(
        "--every",
        metavar="TIME",
        parser=duration_option,
        help="How often --follow looks, such as 10s or 5m. Default: 30s.",
    ),
]


FeedsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FEED", help="A feed such as sales_orders, or a group such as orders. Default: FLORIDAY_FEEDS."
    ),
]


def sync(
    feeds: FeedsArgument = None,
    account: AccountOption = None,
    full: FullOption = False,
    from_date: FromOption = None,
    to_date: ToOption = None,
    dry_run: DryRunOption = False,
    follow: FollowOption = False,
    every: EveryOption = None,
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Read new and changed records from Floriday into the warehouse.

    An interrupted sync continues where it stopped. The exit code is 0 when every feed is current or was skipped for a
    reason that is printed, and 1 when a feed failed or is not current, or when an account could not be identified, such
    as with a refused API key; the others are synced all the same.

    --from and --to repair data that was lost here in some days, as --full repairs everything: they read again all
    records whose sequence numbers were assigned in these days (of Amsterdam). Records that Floriday no longer serves do
    not come back. The exit code is 0 when the days were read completely, even if newer changes are still unread: the
    next sync reads them.

    --dry-run syncs into a private copy of the warehouse, which temporarily needs as much disk space beside it. It shows
    the rows of each table that would be new, changed, deleted (or marked as deleted) or rejected. A record that only
    gets another sequence number is not counted. In tables of arrays within records, deleted rows would be removed.

    --follow syncs all feeds, then only what changes, until it is stopped (docs/operations/follow.md).

    The keys of --format json are account, feed, read, new, changed, rejected, cursor, maximum, current, skipped, error,
    reason (why it is not current) and seconds. With --dry-run they are account, table, new, changed, deleted, rejected.

    For example:

        floriday sync

        floriday sync sales_orders supply.batches --account main

        floriday sync organizations --full

        floriday sync sales_orders --from 2026-03-02 --to 2026-03-08 --dry-run

        floriday sync --follow --every 10s
    """
    single = {"--full": full, "--from": from_date, "--to": to_date, "--dry-run": dry_run, "--output": output}
    if follow or every:
        _follow(feeds, account, every, {**single, "--format": format not in (None, Format.TABLE)}, is_following=follow)
    _sync_once(feeds, account, _what_to_read(from_date, to_date, full=full), (format, output), is_dry_run=dry_run)


def _follow(
    feeds: list[str] | None,
    accounts: list[str] | None,
    every: timedelta | None,
    others: Mapping[str, object],
    *,
    is_following: bool,
) -> NoReturn:
    """Sync what changes until a signal ends the process; ``others`` are the options that only a single sync has."""
    from pipelines.cli.follow.command import EVERY, check_options, follow_feeds
    from pipelines.settings import load_settings

    check_options(others, every, is_following=is_following)
    follow_feeds(_with_feeds(load_settings(), feeds or []), accounts or None, every or EVERY)


def _sync_once(
    feeds: list[str] | None,
    account: list[str] | None,
    what: WhatToRead,
    result: tuple[Format | None, Path | None],
    *,
    is_dry_run: bool,
) -> None:
    """Sync once, or into a copy; ``result`` is the format of what is printed, and the file that it is written to."""
    from pipelines.cli.cells import RowsOfCells, in_cells_of_accounts
    from pipelines.cli.output import Destination, chosen_format
    from pipelines.settings import load_settings

    style, output = chosen_format(*result), result[1]
    settings = _with_feeds(load_settings(), feeds or [])
    destination, together = Destination(style, output, settings.beside), RowsOfCells()
    to = destination if destination.is_listed or settings.cells is None else together

    def work(cell: Settings, accounts: list[str] | None) -> bool:
        return (_dry_run if is_dry_run else _sync)(cell, accounts, what, to)

    with data_on_standard_output(only=not destination.is_listed):
        is_successful = in_cells_of_accounts(settings, account, work)
        if to is together and together.columns:
            destination.write(together.columns, together.rows)
    if not is_successful:
        raise typer.Exit(1)


def _what_to_read(from_date: datetime | None, to_date: datetime | None, *, full: bool) -> WhatToRead:
    """What to read according to the options; days are those of Amsterdam."""
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


def _with_feeds(settings: Settings, names: list[str]) -> Settings:
    """The settings with these feeds as FLORIDAY_FEEDS, so that only their scopes are requested."""
    from pipelines.catalogue import catalogue_of

    catalogue = catalogue_of(settings.api, settings.version)
    chosen = tuple(source.name for source in catalogue.selected(names))
    return settings.model_copy(update={"feeds": chosen}) if chosen else settings


def _sync(settings: Settings, accounts: list[str] | None, what: WhatToRead, to: Rows) -> bool:
    """Sync and print the outcomes; returns whether each account was identified and each feed is current or skipped."""
    from pipelines.cli.formats.outcome_rows import OUTCOME, outcome_rows
    from pipelines.cli.syncs.outcomes import (
        is_well,
        print_failures,
        print_outcomes,
        print_unidentified_accounts,
        publish,
    )
    from pipelines.sync.session import open_clients
    from pipelines.warehouse.opening import hold_sync_lock

    began = time.monotonic()
    with open_clients(settings, accounts=accounts) as connected:
        with hold_sync_lock(settings.warehouse, "floriday sync"):
            session = _prepare(connected)
            outcomes = _sync_feeds(session, what)
        if to.is_listed:
            print_outcomes(outcomes, time.monotonic() - began)
        else:
            to.write(OUTCOME, outcome_rows(outcomes))
            print_failures(outcomes)
        print_unidentified_accounts(session.unidentified)
        publish(connected)
        print_version_notices(settings, only_difference=True)
        session.save_positions()  # what could not be written before the outcomes were printed
    return is_well(session.unidentified, outcomes)


def _dry_run(settings: Settings, accounts: list[str] | None, what: WhatToRead, to: Rows) -> bool:
    """Sync into a copy and print what changed in it; returns the same as :func:`_sync`."""
    from pipelines.catalogue.tables import tables_of
    from pipelines.cli.formats.outcome_rows import DIFFERENCE, difference_rows
    from pipelines.cli.syncs.outcomes import is_well, print_differences, print_failures, print_unidentified_accounts
    from pipelines.sync.session import open_clients
    from pipelines.warehouse.file.dry_run import differences, private_copy
    from pipelines.warehouse.opening import hold_sync_lock, open_warehouse

    warehouse = open_warehouse(settings.warehouse)
    _check_version(warehouse)  # the tables of an older version cannot be compared with new ones
    with (
        hold_sync_lock(warehouse.address, "floriday sync --dry-run"),
        warehouse.as_file() as file,
        private_copy(file) as copy,
    ):
        on_the_copy = settings.model_copy(update={"warehouse": copy.path, "published": None})
        with open_clients(on_the_copy, accounts=accounts) as connected:
            session = _prepare(connected)
            outcomes = _sync_feeds(session, what)
            session.save_positions()
        found = differences(file, copy, list(map(tables_of, session.sources)), is_of_lake=file is not warehouse)
        if to.is_listed:
            print_differences(found, outcomes)
        else:
            to.write(DIFFERENCE, difference_rows(found))
            print_failures(outcomes)
    print_version_notices(settings, only_difference=True)
    print_unidentified_accounts(session.unidentified)
    return is_well(session.unidentified, outcomes)


def _check_version(warehouse: Warehouse) -> None:
    from pipelines.warehouse.schema.owner import read_owner, require_owner

    if warehouse.exists():
        with warehouse.reading() as connection:
            if read_owner(connection):
                require_owner(connection, warehouse.name)


def _prepare(connected: Connected) -> SyncSession:
    """Prepare the warehouse. If an older version created it, print a line first, because the update may take long."""
    from pipelines.warehouse.schema.owner import read_owner

    warehouse = connected.warehouse
    is_new = not warehouse.exists()
    if not is_new:
        with warehouse.reading() as connection:
            owner = read_owner(connection)
        if owner and owner.is_older:
            print_line("An older version created this warehouse. Its tables are updated first, which may take minutes.")
    session = connected.prepare()
    if is_new:
        print_line(f"New warehouse: {warehouse.name}")
    return session


def _sync_feeds(session: SyncSession, what: WhatToRead) -> list[FeedOutcome]:
    """Sync all feeds of the identified accounts; returns their outcomes by account and feed."""
    from pipelines.cli.terminal.progress import progress
    from pipelines.errors import PipelineError
    from pipelines.sync.outcome import in_order
    from pipelines.sync.session import new_run_id

    accounts, run_id = list(session.identities), new_run_id()
    outcomes: list[FeedOutcome] = []
    with progress(len(accounts), len(session.sources)) as display:
        for outcome in session.sync_all(
            session.sources, run_id=run_id, accounts=accounts, what=what, listener=display.update
        ):
            display.finish(outcome)
            outcomes.append(outcome)
    with suppress(PipelineError):  # the outcomes are printed first; then the caller writes again, and raises
        session.save_positions()
    return in_order(outcomes, accounts, session.sources)
