"""Send the written dashboard to the addresses for alerts: the file, and as text the first screen's figures.

The text also says of which weeks they are, when the data were read, and which feeds are not current.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from pipelines.alerts import Alert, bounded, send
from pipelines.dashboard import Dashboard
from pipelines.dashboard.figures import WEEKS
from pipelines.dashboard.thresholds import thresholds_of
from pipelines.errors import PipelineError
from pipelines.reports import installed
from pipelines.settings import LocalSettings
from pipelines.settings.values import AMSTERDAM
from pipelines.warehouse.file.connection import Warehouse

SEND_SECONDS = 60.0  # time limit for all addresses together: the file takes longer than a message
MOST_NAMED = 5  # the most feeds that a text names

_Row = tuple[str, str, bool | None, dt.datetime | None, dt.datetime | None]  # account, feed, granted, read, current
_SYNC_HEALTH = (
    "SELECT account, feed, is_granted, last_synced_at, current_at FROM reports.sync_health"
    " ORDER BY account, last_synced_at NULLS FIRST, feed"
)
_DUTCH = {
    "data as of {time} (Amsterdam)": "gegevens van {time} (Amsterdam)",
    "nothing was read yet": "er is nog niets gelezen",
    "not current: {feeds}": "niet actueel: {feeds}",
    " and {number} more": " en nog {number}",
    "never read": "nooit gelezen",
    "last read {time}": "laatst gelezen {time}",
    "not read to its end": "niet tot het einde gelezen",
}


@dataclass(frozen=True)
class LateFeed:
    """A feed that is not current."""

    feed: str
    read_at: dt.datetime | None  # when it was last read; None if it never was
    is_late: bool = True  # whether it was read long before other feeds; if not, it was not read to its end


@dataclass(frozen=True)
class DataStatus:
    """How current the data of one account are."""

    account: str
    read_at: dt.datetime | None  # when the feed that was read last was read; None if none ever was
    late: tuple[LateFeed, ...] = ()  # those that were never read come first, then those read longest ago

    def lines(self, language: str) -> list[str]:
        """When the data were read and what is not current, as text in Dutch for ``nl``, else in English."""
        text = _DUTCH if language == "nl" else {each: each for each in _DUTCH}
        first = "nothing was read yet" if self.read_at is None else "data as of {time} (Amsterdam)"
        lines = [text[first].format(time=_in_amsterdam(self.read_at, language))]
        if self.late:
            named = ", ".join(f"{each.feed} ({_why(each, text, language)})" for each in self.late[:MOST_NAMED])
            rest = len(self.late) - MOST_NAMED
            more = text[" and {number} more"].format(number=rest) if rest > 0 else ""
            lines.append(text["not current: {feeds}"].format(feeds=named + more))
        return lines


def read_data_status(warehouse: Warehouse) -> tuple[DataStatus, ...]:
    """The status of each account in the warehouse; nothing if the report ``sync_health`` is not installed.

    Raises:
        PipelineError: there is no warehouse, or it cannot be read.
    """
    limit = dt.timedelta(hours=thresholds_of(warehouse.path.parent)["data_age_hours"]["red"])  # as on the page
    with warehouse.reading() as connection:
        rows = connection.execute(_SYNC_HEALTH).fetchall() if "sync_health" in installed(connection) else []
    return tuple(_status(account, list(of_account), limit) for account, of_account in groupby(rows, itemgetter(0)))


def _status(account: str, rows: list[_Row], limit: dt.timedelta) -> DataStatus:
    """Late are feeds that were read so much longer ago than the newest one.

    Feeds whose scope is not granted and that were never read are left out: nobody expects them.
    """
    newest = max((read_at for *_, read_at, _ in rows if read_at), default=None)
    late = []
    for _, feed, granted, read_at, current_at in rows:
        if read_at is None or newest is None:
            if granted is not False:
                late.append(LateFeed(feed, None))
        elif newest - read_at > limit:
            late.append(LateFeed(feed, read_at))
        elif current_at is None or current_at < read_at:
            late.append(LateFeed(feed, read_at, is_late=False))
    return DataStatus(account, newest, tuple(late))


def _why(late: LateFeed, text: dict[str, str], language: str) -> str:
    if late.read_at is None:
        return text["never read"]
    if not late.is_late:
        return text["not read to its end"]
    return text["last read {time}"].format(time=_in_amsterdam(late.read_at, language))


def _in_amsterdam(when: dt.datetime | None, language: str) -> str:
    """A time of Amsterdam in minutes; nothing for None."""
    style = "%d-%m-%Y %H:%M" if language == "nl" else "%Y-%m-%d %H:%M"
    return "" if when is None else when.astimezone(AMSTERDAM).strftime(style)


def mail_of(written: Dashboard, statuses: Sequence[DataStatus], language: str) -> Alert:
    """The message, in Dutch for ``nl``, else in English.

    Args:
        written: page and figures of the message.
        statuses: how current the data of each account are.
        language: ``nl`` for Dutch, anything else for English.
    """
    title = "Floriday-dashboard" if language == "nl" else "Floriday dashboard"
    if written.figures:
        title = f"{title}: {written.figures[0].period(language)}"
    return Alert(title, bounded(_lines(written, statuses, language)), "info", written.path)


def _lines(written: Dashboard, statuses: Sequence[DataStatus], language: str) -> Iterator[str]:
    if written.figures:
        period = written.figures[0].period(language)
        yield (
            f"Leveringen van {period} ({WEEKS} volle weken), tenzij erbij staat van welke."
            if language == "nl"
            else f"Deliveries of {period} ({WEEKS} full weeks), unless a line says otherwise."
        )
    figures = {each.account: each.lines(language) for each in written.figures}
    data = {each.account: each.lines(language) for each in statuses}
    accounts = sorted({*figures, *data})
    for account in accounts:
        if len(accounts) > 1:
            yield f"{account}:"
        yield from data.get(account, [])
        yield from figures.get(account, [])


def mail_dashboard(
    written: Dashboard, statuses: Sequence[DataStatus], settings: LocalSettings, log: logging.Logger
) -> None:
    """Send the dashboard, with the status of each account's data, to all addresses of FLORIDAY_ALERTS.

    Raises:
        PipelineError: there is no address, or none accepted the message.
    """
    if not settings.alerts:
        raise PipelineError("FLORIDAY_ALERTS is missing: it expects the addresses that the dashboard is sent to")
    failures = send(settings.alerts, mail_of(written, statuses, settings.language), seconds=SEND_SECONDS)
    for failure in failures:
        log.warning("%s (FLORIDAY_ALERTS)", failure)
    if len(failures) == len(settings.alerts):
        raise PipelineError("no address of FLORIDAY_ALERTS accepted the dashboard")
    log.info("sent to %d of %d addresses", len(settings.alerts) - len(failures), len(settings.alerts))
