"""One feed of one account, from its cursor to the end: changes → normalize → warehouse.

The command line and Dagster both call this. How a page is read, a record typed or a row stored does not belong
here, only the order in which these happen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipelines.catalogue.types import Feed
from pipelines.errors import PipelineError, RebuildingError
from pipelines.floriday.client import FloridayClient
from pipelines.sync.full_rereads import mark_once, take_marks_off
from pipelines.sync.outcome import FeedOutcome, Listener, together
from pipelines.sync.rejected import ask_again
from pipelines.sync.sub_feed import PartSync, Run
from pipelines.sync.what_to_read import RejectedOnly, WhatToRead
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.load import cursors
from pipelines.warehouse.load.cursors import FeedPart, Ledger
from pipelines.warehouse.load.visibility import MAY_HAVE_RESTARTED

PAGES_OF_REJECTED = 20
"""Pages of a feed, or a part of it, that one sync asks for again to see whether rejected records have healed."""


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
    """Read a feed from its cursor to its end, or once more what lies before.

    Args:
        client: the account's.
        warehouse: laid out.
        feed: which.
        run: what it shares with the others.
        what: what to read of the feed.
        widens: the feeds whose older records come into view with each new record of this one.
        listener: told after each page.

    Raises:
        PipelineError: what was committed before stays, the next sync goes on from there.
    """
    reread = run.known.rereads.get((client.account, feed.name))
    try:
        parts: list[PartSync] = []
        for part in cursors.parts_of(warehouse, feed, client.account):
            parts.append(PartSync(client, warehouse, feed, part, run=run, widens=widens))
            parts[-1].writer.listener = listener
            if not isinstance(what, RejectedOnly):
                parts[-1].run(what, reread)
        wrong = run.known.rejected.pop((client.account, feed.name), [])
        vanished = ask_again(parts, wrong, None if isinstance(what, RejectedOnly) else PAGES_OF_REJECTED)
    except RebuildingError as error:
        mark_once(warehouse, run.known, FeedPart(client.account, feed.name), MAY_HAVE_RESTARTED)
        raise error.about(account=client.account, feed=feed.name) from None
    except PipelineError as error:
        raise error.about(account=client.account, feed=feed.name) from None
    met = [part.reread for part in parts if part.reread is not None]
    if met and all(part.reread_done for part in parts):
        take_marks_off(warehouse, run.known, client.account, feed.name, min(met, key=lambda one: one.last))
    lacks = _missing_parts(feed, client.account, run.known)
    if not parts:
        return FeedOutcome(client.account, feed.name, current=lacks is None, whole=lacks is None, lacks=lacks)
    outcome = together([part.writer.outcome for part in parts])
    return replace(outcome, gone=vanished, lacks=lacks, current=outcome.current and lacks is None)


def _missing_parts(feed: Feed, account: str, known: Ledger) -> str | None:
    """Why the parts of a feed are not all known, in one line; None where they are."""
    if feed.endpoint.part_parameter is None:
        return None
    connections = known.positions.get(FeedPart(account, cursors.CONNECTIONS_FEED))
    if connections is not None and connections.current_at is not None:
        return None
    return (
        f"it is read grower by grower, and who they are is in {cursors.CONNECTIONS_FEED}, which was never read to its"
        " end: sync that feed too"
    )
