"""Feeds that are stale or may lose changes, and those that are current again: which of it is news."""

from __future__ import annotations

import datetime as dt

import dagster as dg
import msgspec

from pipelines.catalogue import catalogue_of
from pipelines.errors import SettingError, WarehouseError
from pipelines.orchestration.alerting import messages
from pipelines.orchestration.alerting.sent_alerts import Teller, read_cursor, written
from pipelines.orchestration.assets.freshness import Concern, troubles
from pipelines.orchestration.resources import SettingsResource
from pipelines.sync.selection import chosen_sources
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.read.feed_status import FeedStatus, feed_statuses
from pipelines.warehouse.schema.owner import read_owner

PATIENCE = 2.0
"""Seconds to wait for the DuckDB file; the next look is a few minutes away."""

Told = tuple[Concern, str, str]
"""A concern about a feed: what, account and feed."""


class Cursor(msgspec.Struct):
    """What was told and is not over yet."""

    told: set[Told]


def tell_staleness(context: dg.SensorEvaluationContext, settings: SettingsResource, teller: Teller) -> None:
    """One look at the feeds.

    Raises:
        SettingError: a setting is malformed.
        WarehouseBusyError: a sync is writing just now.
        WarehouseError: there is no warehouse, or it cannot be read.
    """
    standing = _standing(settings)
    watched = {(feed.account, feed.source.name) for feed in standing if feed.granted}
    found = {(each.concern, each.account, each.feed): each for each in troubles(standing, dt.datetime.now(dt.UTC))}
    before = read_cursor(context.cursor, Cursor)
    told = {each for each in before.told if each[1:] in watched} if before else set[Told]()
    begun = [trouble for key, trouble in found.items() if key not in told]
    if begun and teller.tell(messages.began(begun)):
        told |= found.keys()
    over = {key[1:] for key in told} - {key[1:] for key in found}
    if over and not teller.tell(messages.over(sorted(over))):
        untold = {key for key in told if key[1:] in over}
    else:
        untold = set()
    context.update_cursor(written(Cursor((told & found.keys()) | untold)))


def _standing(settings: SettingsResource) -> list[FeedStatus]:
    """How far the feeds of the accounts in the settings are."""
    local = settings.load_local()
    with Warehouse(local.warehouse, lock_timeout=PATIENCE).reading() as connection:
        belongs = read_owner(connection)
        if belongs is None:
            raise WarehouseError(f"{local.warehouse} holds nothing of Floriday yet")
        standing = feed_statuses(connection, chosen_sources(local, catalogue_of(belongs.api)))
    return [feed for feed in standing if _is_ours(settings, feed.account)]


def _is_ours(settings: SettingsResource, account: str) -> bool:
    """Whether the account is still to be synced; all are, as long as the credentials are not in order."""
    try:
        return account in settings.load().accounts
    except SettingError:
        return True
