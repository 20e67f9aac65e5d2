"""One feed of one account, from its cursor to the end: changes → normalize → warehouse.

The command line and Dagster both call this. How a page is read, a record normalized or a row stored does not belong
here, only the order in which these happen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Feed
from pipelines.errors import PipelineError, RebuildingError
from pipelines.floriday.client import FloridayClient
from pipelines.normalize import PersonalData
from pipelines.sync.feed_writer import FeedWriter, Target
from pipelines.sync.outcome import FeedOutcome, Listener, Progress, combined
from pipelines.sync.page_reader import PageReader
from pipelines.sync.rejected import retry_rejected
from pipelines.sync.selection import RejectedOnly, WhatToRead
from pipelines.sync.sub_feed import SubFeedSync
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.load.cursors import CONNECTIONS_FEED, FeedPart, sub_feeds_of
from pipelines.warehouse.load.run_state import RunState
from pipelines.warehouse.load.visibility import MAY_HAVE_RESTARTED

PAGES_OF_REJECTED = 20  # pages of a sub-feed that one sync requests again to see whether rejected records are valid now


@dataclass(frozen=True)
class Run:
    """What the feeds of a run share."""

    id: str  # written into every row of `sync.windows` and the raw log
    state: RunState  # the positions of all feeds; follows what is committed. The caller writes what is only noted
    personal: PersonalData  # how personal data are protected, before anything else sees a record


def sync_feed(
    client: FloridayClient,
    warehouse: Warehouse,
    feed: Feed,
    run: Run,
    what: WhatToRead,
    *,
    widens: Sequence[str] = (),
    listener: Listener = lambda _: None,
) -> FeedOutcome:
    """Read a feed from its cursor to its end, or records before its cursor again.

    With each new record of the feed, older records of those that it ``widens`` become visible. The listener is called
    after each page with the outcome so far.

    Raises:
        PipelineError: the sync failed; committed pages stay, and the next sync continues after them.
    """
    reread = run.state.rereads.get((client.account, feed.name))
    syncs: list[SubFeedSync] = []
    try:
        for part in sub_feeds_of(warehouse, feed, client.account):
            key = FeedPart(client.account, feed.name, part)
            target = Target(warehouse, tables_of(feed), key, run.state, widens, run.id, datetime.now(UTC))
            syncs.append(_sub_feed(client, feed, target, run.personal, listener))
            if not isinstance(what, RejectedOnly):
                syncs[-1].run(what, reread)
        numbers = run.state.rejected.pop((client.account, feed.name), [])
        vacant = retry_rejected(syncs, numbers, None if isinstance(what, RejectedOnly) else PAGES_OF_REJECTED)
    except RebuildingError as error:
        run.state.mark_for_reread(warehouse, FeedPart(client.account, feed.name), MAY_HAVE_RESTARTED)
        raise error.about(account=client.account, feed=feed.name) from None
    except PipelineError as error:
        raise error.about(account=client.account, feed=feed.name) from None
    rereads = [sync.reread for sync in syncs if sync.reread is not None]
    if rereads and all(sync.is_reread_done for sync in syncs):
        read = frozenset.intersection(*(reread.marks for reread in rereads))
        run.state.clear_marks(warehouse, client.account, feed.name, read)
    lacks = _missing_sub_feeds(feed, client.account, run.state)
    if not syncs:
        return FeedOutcome(client.account, feed.name, current=lacks is None, whole=lacks is None, lacks=lacks)
    outcome = combined([sync.writer.progress.outcome for sync in syncs])
    is_whole_feed = lacks is None
    return replace(
        outcome,
        vacant_numbers=vacant,
        lacks=lacks,
        current=outcome.current and is_whole_feed,
        days_read=outcome.days_read and is_whole_feed,
    )


def _sub_feed(
    client: FloridayClient, feed: Feed, target: Target, personal: PersonalData, listener: Listener
) -> SubFeedSync:
    pages = PageReader(client, feed.endpoint, target.part.part, personal.protection(target.table))
    outcome = FeedOutcome(
        client.account,
        feed.name,
        allowed=feed.endpoint.rate.per_second,
        current_before=target.state.position(target.part).current_at,
    )
    return SubFeedSync(feed, pages, FeedWriter(target, Progress(outcome, listener)))


def _missing_sub_feeds(feed: Feed, account: str, state: RunState) -> str | None:
    """Why the sub-feeds of a feed are not all known, in one line; None where they are."""
    if feed.endpoint.part_parameter is None:
        return None
    if state.position(FeedPart(account, CONNECTIONS_FEED)).current_at is not None:
        return None
    return (
        f"it is read grower by grower, and who they are is in {CONNECTIONS_FEED}, which was never read to its"
        " end: sync that feed too"
    )
