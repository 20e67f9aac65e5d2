"""``floriday status``: how current the warehouse is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.api_version import print_version_notices
from pipelines.cli.console import print_error, print_line, print_table
from pipelines.cli.terminal.layout import Heading, by_schema, omitted, same, shortened, titled
from pipelines.text_format import moment, span

if TYPE_CHECKING:
    from pipelines.settings import LocalSettings
    from pipelines.warehouse.read.feed_status import FeedStatus
    from pipelines.warehouse.schema.owner import Owner


def _short_moment(current_until: str) -> str:
    """Month, day, hour and minute of a printed time of the last months, else its date."""
    date, _, clock = current_until.partition(" ")
    try:
        is_recent = datetime.now(UTC).date() - datetime.fromisoformat(date).date() < _LAST_MONTHS
    except ValueError:
        return current_until
    return f"{date[5:]} {clock[:5]}" if is_recent else date


HEADINGS = (
    Heading("account"),
    Heading("feed"),
    Heading("rows", is_number=True),
    Heading("cursor", is_number=True),
    Heading("current until", short=_short_moment),
    Heading("behind", is_number=True),
    Heading("rejected", is_number=True),
    Heading("lost in", is_number=True, short=lambda text: text.replace(" days", " d")),
)
STEPS = (  # on a narrow terminal, in this order; docs/operations.md names it
    *(same("account"), same("rejected"), by_schema("feed"), omitted("cursor"), titled("account")),
    *(shortened("current until", "Times are in UTC."), shortened("lost in"), same("behind"), omitted("rows")),
    *(omitted("behind"), omitted("lost in"), omitted("rejected")),
)

_LAST_MONTHS = timedelta(days=300)

Maximums = dict[tuple[str, str], int | None]  # by account and feed; None where Floriday does not serve it


def status(
    offline: Annotated[bool, typer.Option("--offline", help="Do not call Floriday. Needs no credentials.")] = False,
) -> None:
    """Show how current the warehouse is, for each account and feed.

    "behind" is the distance to Floriday's highest sequence number; numbers are not consecutive, so fewer records may
    be missing. "rejected" counts the records that could not be stored so far. "lost in" is the time until Floriday
    may stop serving the first of the changes that were not read.

    For example:

        floriday status

        floriday status --offline
    """
    from pipelines.settings import load_local_settings

    settings = load_local_settings()
    owner, statuses = _statuses(settings)
    maximums, failures = ({}, []) if offline else _maximums(owner, statuses)
    print_table(HEADINGS, [_row(each, maximums, offline=offline) for each in statuses], STEPS)
    for each in statuses:
        if not each.granted:
            print_line(f"{each.account} {each.source.name} is skipped: scope {each.source.scope} is not granted")
        elif each.reread is not None:
            print_line(f"{each.account} {each.source.name} is read from its beginning by the next sync: {each.reread}")
    print_version_notices(settings)
    for failure in failures:
        print_error(failure)
    if failures:
        raise typer.Exit(1)


def _statuses(settings: LocalSettings) -> tuple[Owner, list[FeedStatus]]:
    from pipelines.catalogue import catalogue_of
    from pipelines.sync.selection import chosen_sources
    from pipelines.warehouse.file.connection import Warehouse
    from pipelines.warehouse.read.feed_status import feed_statuses
    from pipelines.warehouse.schema.owner import require_owner

    with Warehouse(settings.warehouse).reading() as connection:
        owner = require_owner(connection, settings.warehouse)
        return owner, feed_statuses(connection, chosen_sources(settings, catalogue_of(owner.api)))


def _maximums(owner: Owner, statuses: list[FeedStatus]) -> tuple[Maximums, list[str]]:
    """Request the maximum of each feed, for each account until its first failure; returns the failures too."""
    from pipelines.catalogue.types import Feed
    from pipelines.errors import PipelineError
    from pipelines.settings import load_settings
    from pipelines.sync.session import open_clients
    from pipelines.warehouse.schema.owner import check_owner

    settings = load_settings()
    check_owner(owner, settings.api, settings.environment, {})
    maximums: Maximums = {}
    failures: dict[str, str] = {}
    with open_clients(settings) as connected:
        for each in statuses:
            client = connected.clients.get(each.account)
            if client is None or each.account in failures or not isinstance(each.source, Feed):
                continue
            try:
                maximums[each.account, each.source.name] = client.maximum(each.source.endpoint)
            except PipelineError as error:
                failures[each.account] = str(error.about(account=each.account, feed=each.source.name))
    return maximums, list(failures.values())


def _row(each: FeedStatus, maximums: Maximums, *, offline: bool) -> tuple[str, ...]:
    left = each.time_until_loss(datetime.now(UTC))
    return (
        each.account,
        each.source.name,
        f"{each.rows:,}",
        "–" if each.cursor is None else str(each.cursor),
        "never" if each.current_at is None else moment(each.current_at),
        "–" if offline else _behind(each, maximums),
        f"{each.rejected:,}",
        "–" if left is None else span(left) if left > timedelta(0) else "now",
    )


def _behind(each: FeedStatus, maximums: Maximums) -> str:
    maximum = maximums.get((each.account, each.source.name))
    return "unknown" if maximum is None else f"{max(0, maximum - (each.cursor or 0)):,}"
