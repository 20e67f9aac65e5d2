"""Alerts for feeds that are stale or may lose changes, and for feeds that are current again."""

from __future__ import annotations

import datetime as dt

import dagster as dg
import msgspec

from pipelines.catalogue import catalogue_of
from pipelines.errors import SettingError, WarehouseError
from pipelines.orchestration.alerting import messages
from pipelines.orchestration.alerting.sender import AlertSender, cursor_text, read_cursor
from pipelines.orchestration.assets.freshness import Concern, troubles
from pipelines.orchestration.resources import SettingsResource
from pipelines.sync.selection import chosen_sources
from pipelines.warehouse.opening import open_warehouse
from pipelines.warehouse.read.feed_status import FeedStatus, feed_statuses
from pipelines.warehouse.schema.owner import read_owner

WAIT_SECONDS = 2.0  # seconds to wait for the DuckDB file; the next tick follows in a few minutes
Key = tuple[Concern, str, str]  # a concern about a feed: the concern, the account's name and the feed's name


class Cursor(msgspec.Struct):
    """The concerns for which an alert was sent and which are not over yet."""

    sent: set[Key] = msgspec.field(name="told")  # the name in stored cursors


def send_staleness_alerts(context: dg.SensorEvaluationContext, settings: SettingsResource, sender: AlertSender) -> None:
    """Check all feeds once, and send what is new. An error of the settings or of the warehouse is raised."""
    feeds = _feed_status(settings)
    watched = {(feed.account, feed.source.name) for feed in feeds if feed.granted}
    found = {(each.concern, each.account, each.feed): each for each in troubles(feeds, dt.datetime.now(dt.UTC))}
    before = read_cursor(context.cursor, Cursor)
    sent = {key for key in before.sent if key[1:] in watched} if before else set[Key]()
    new = [trouble for key, trouble in found.items() if key not in sent]
    if new and sender.send(messages.began(new)):
        sent |= found.keys()
    over = {key[1:] for key in sent} - {key[1:] for key in found}
    unsent = over if over and not sender.send(messages.over(sorted(over))) else set()
    context.update_cursor(cursor_text(Cursor({key for key in sent if key in found or key[1:] in unsent})))


def _feed_status(settings: SettingsResource) -> list[FeedStatus]:
    local = settings.load_local()
    with open_warehouse(local.warehouse, lock_timeout=WAIT_SECONDS).reading() as connection:
        belongs = read_owner(connection)
        if belongs is None:
            raise WarehouseError(f"{local.warehouse} contains no data of Floriday yet")
        feeds = feed_statuses(connection, chosen_sources(local, catalogue_of(belongs.api, belongs.api_version)))
    return [feed for feed in feeds if _is_in_settings(settings, feed.account)]


def _is_in_settings(settings: SettingsResource, account: str) -> bool:
    """Whether the settings contain the account; True for every account while the credentials are incomplete."""
    try:
        return account in settings.load().accounts
    except SettingError:
        return True
