"""``floriday status``: how current the warehouse is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.api_version import print_version_notices
from pipelines.cli.console import print_error, print_line, print_table
from pipelines.cli.formats.rows import BOOLEAN, NUMBER, TEXT, TIME
from pipelines.cli.options import FormatOption, OutputOption, duration_option
from pipelines.cli.terminal.layout import Heading, by_schema, omitted, same, shortened, titled
from pipelines.text_format import counted, moment, span

if TYPE_CHECKING:
    from pipelines.settings import LocalSettings, Settings
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
STEPS = (  # on a narrow terminal, in this order; docs/operations/terminal.md names it
    *(same("account"), same("rejected"), by_schema("feed"), omitted("cursor"), titled("account")),
    *(shortened("current until", "Times are in UTC."), shortened("lost in"), same("behind"), omitted("rows")),
    *(omitted("behind"), omitted("lost in"), omitted("rejected")),
)

_NONE, _NEVER, _UNKNOWN = "–", "never", "unknown"
_LAST_MONTHS = timedelta(days=300)

_KEYS = {
    "account": TEXT,
    "feed": TEXT,
    "rows": NUMBER,
    "cursor": NUMBER,
    "maximum": NUMBER,
    "behind": NUMBER,
    "current_at": TIME,
    "rejected": NUMBER,
    "lost_at": TIME,
    "granted": BOOLEAN,
    "reread": TEXT,
}
MaxAgeOption = Annotated[
    timedelta | None,
    typer.Option(
        "--max-age", metavar="TIME", parser=duration_option, help="End with 1 if a feed is older, such as 2h."
    ),
]

Maximums = dict[tuple[str, str], int | None]  # by account and feed; None where Floriday does not serve it


def status(
    offline: Annotated[bool, typer.Option("--offline", help="Do not call Floriday. Needs no credentials.")] = False,
    max_age: MaxAgeOption = None,
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Show how current the warehouse is, for each account and feed.

    "behind" is the distance to Floriday's highest sequence number, and unknown where Floriday did not return one.
    Numbers are not consecutive, so fewer records may be missing. "rejected" counts the records that could not be
    stored so far. "lost in" is the time until Floriday may stop serving the first of the changes that were not read.

    A dash (–) in "behind" means that Floriday was not called, or that a snapshot has no numbers. In "lost in" it means
    that Floriday states no time limit for the feed, or that the feed was never read to its end.

    --max-age is for monitoring: the exit code is 1 when a feed was last read to its end longer ago, or when unread
    changes of it would be lost within that time. Feeds whose scope is not granted do not count.

    The keys of --format json are account, feed, rows, cursor, maximum, behind, current_at, rejected, lost_at, granted
    and reread; lost_at is the moment of "lost in", and reread the reason why the next sync reads the feed from its
    beginning.

    For example:

        floriday status

        floriday status --offline --max-age 2h

        floriday status --format json
    """
    from pipelines.cli.output import chosen_format, is_listed, write_rows
    from pipelines.settings import load_local_settings

    style, settings = chosen_format(format, output), load_local_settings()
    owner, statuses = _statuses(settings)
    maximums, failures = ({}, []) if offline else _maximums(owner, statuses)
    if is_listed(style, output):
        rows = [_row(each, maximums, offline=offline) for each in statuses]
        left_out = print_table(HEADINGS, rows, STEPS)
        if legend := _legend(rows, left_out, offline=offline):
            print_line(legend)
        _print_remarks(statuses)
        print_version_notices(settings)
    else:
        write_rows(_KEYS, [_values(each, maximums) for each in statuses], style, output, settings.beside)
    failures += [] if max_age is None else _too_old(statuses, max_age)
    for failure in failures:
        print_error(failure)
    if failures:
        raise typer.Exit(1)


def _legend(rows: list[tuple[str, ...]], left_out: tuple[str, ...], *, offline: bool) -> str:
    """What a dash, or "unknown", means in the columns that have one and were printed."""
    names = [heading.name for heading in HEADINGS]
    has_new_feeds = any(row[names.index("current until")] == _NEVER for row in rows)
    meanings = {
        "cursor": "a snapshot" + (", or never synced" if has_new_feeds else ""),
        "behind": "Floriday was not called" if offline else "a snapshot",
        "lost in": "Floriday states no time limit" + (", or never read to its end" if has_new_feeds else ""),
    }
    printed = [name for name in meanings if name not in left_out]
    found = [name for name in printed if any(row[names.index(name)] == _NONE for row in rows)]
    meant = [f'{_NONE} in "{name}": {meanings[name]}.' for name in found]
    if "behind" in printed and any(row[names.index("behind")] == _UNKNOWN for row in rows):
        meant.append(f'{_UNKNOWN} in "behind": Floriday did not return the highest number.')
    return " ".join(meant)


def _print_remarks(statuses: list[FeedStatus]) -> None:
    for each in statuses:
        if not each.granted:
            print_line(f"{each.account} {each.source.name} is skipped: scope {each.source.scope} is not granted")
        elif each.reread is not None:
            print_line(f"{each.account} {each.source.name} is read from its beginning by the next sync: {each.reread}")


def _too_old(statuses: list[FeedStatus], age: timedelta) -> list[str]:
    """A line about the feeds that are older than that, and one about those that would lose changes within that time."""
    now = datetime.now(UTC)
    granted = [each for each in statuses if each.granted]
    old = [each for each in granted if each.current_at is None or now - each.current_at > age]
    ending = [
        each for each in granted if (left := each.time_until_loss(now)) is not None and left < age and each not in old
    ]
    oldest = min(old, key=lambda each: each.current_at or datetime.min.replace(tzinfo=UTC), default=None)
    lines = [f"{_first(ending)}: unread changes would be lost within {span(age)}"] if ending else []
    if oldest is not None:
        ago = f"{span(now - oldest.current_at)} ago" if oldest.current_at else "never"
        first = _first([oldest, *(each for each in old if each is not oldest)])
        lines.append(f"{first}: not read to the end within {span(age)}; the oldest {ago}")
    return lines


def _first(feeds: list[FeedStatus]) -> str:
    others = f" and {counted(len(feeds) - 1, 'other feed')}" if len(feeds) > 1 else ""
    return f"{feeds[0].account} · {feeds[0].source.name}{others}"


def _values(each: FeedStatus, maximums: Maximums) -> dict[str, Any]:
    """The values of a feed by the keys of ``--format json``."""
    maximum = maximums.get((each.account, each.source.name))
    behind = None if maximum is None else max(0, maximum - (each.cursor or 0))
    values = {**each.values, "maximum": maximum, "behind": behind}
    return {key: values[key] for key in _KEYS}


def _statuses(settings: LocalSettings) -> tuple[Owner, list[FeedStatus]]:
    from pipelines.sync.selection import chosen_sources
    from pipelines.warehouse.opening import open_warehouse
    from pipelines.warehouse.read.feed_status import read_statuses

    return read_statuses(open_warehouse(settings.warehouse), lambda catalogue: chosen_sources(settings, catalogue))


def _maximums(owner: Owner, statuses: list[FeedStatus]) -> tuple[Maximums, list[str]]:
    """Request the maximum of each feed, for each account until its first failure; returns the failures too."""
    from pipelines.catalogue.types import Feed
    from pipelines.errors import PipelineError
    from pipelines.floriday.client import identify_all
    from pipelines.sync.session import open_clients
    from pipelines.warehouse.schema.owner import check_owner

    settings = _credentials()
    check_owner(owner, settings.api, settings.environment, {})
    maximums: Maximums = {}
    failures: dict[str, str] = {}
    with open_clients(settings) as connected:
        for account, identity in identify_all(connected.clients):  # it gives up earlier than the calls of feeds
            if isinstance(identity, PipelineError):
                failures[account] = str(identity.about(account=account))
        for each in statuses:
            client = connected.clients.get(each.account)
            if client is None or each.account in failures or not isinstance(each.source, Feed):
                continue
            try:
                maximums[each.account, each.source.name] = client.maximum(each.source.endpoint)
            except PipelineError as error:
                failures[each.account] = str(error.about(account=each.account, feed=each.source.name))
    return maximums, list(failures.values())


def _credentials() -> Settings:
    """The settings for calls to Floriday; the error about missing ones also names ``--offline``."""
    from pipelines.errors import SettingError
    from pipelines.settings import load_settings

    try:
        return load_settings()
    except SettingError as error:
        step = "`floriday status --offline` needs no credentials: it shows what the warehouse knows"
        error.message += f". {step}"
        error.details += (step,) if error.details else ()
        raise


def _row(each: FeedStatus, maximums: Maximums, *, offline: bool) -> tuple[str, ...]:
    left = each.time_until_loss(datetime.now(UTC))
    return (
        each.account,
        each.source.name,
        f"{each.rows:,}",
        _NONE if each.cursor is None else str(each.cursor),
        _NEVER if each.current_at is None else moment(each.current_at),
        _NONE if offline else _behind(each, maximums),
        f"{each.rejected:,}",
        _NONE if left is None else span(left) if left > timedelta(0) else "now",
    )


def _behind(each: FeedStatus, maximums: Maximums) -> str:
    from pipelines.catalogue.types import Feed

    if not isinstance(each.source, Feed):
        return _NONE
    maximum = maximums.get((each.account, each.source.name))
    return _UNKNOWN if maximum is None else f"{max(0, maximum - (each.cursor or 0)):,}"
