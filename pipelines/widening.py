"""New records of one feed that bring older records of others into view, below any cursor.

A buyer's new connection shows a grower's whole catalogue at once: the feeds concerned are marked for a full re-read.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Feed, Source
from pipelines.outcome import FeedOutcome
from pipelines.warehouse import ledger, views
from pipelines.warehouse.connection import Warehouse, transaction
from pipelines.warehouse.ledger import FeedPart


class Widening:
    """What a feed showed before its sync, to be compared with what it shows afterwards.

    Args:
        warehouse: laid out.
        feed: the feed that is about to be synced.
        account: whose.
        sources: all feeds and snapshots, to find those that it widens.
    """

    def __init__(self, warehouse: Warehouse, feed: Feed, account: str, sources: Sequence[Source]) -> None:
        self._warehouse = warehouse
        self._table = tables_of(feed)
        self._account = account
        self._feed = feed.name
        self._widened = [
            source.name for source in sources if isinstance(source, Feed) and feed.name in source.widened_by
        ]
        self._before: set[tuple[object, ...]] | None = None
        if self._widened:
            with warehouse.reading() as connection:
                if ledger.position(connection, FeedPart(account, feed.name)).committed_at is not None:
                    self._before = views.live_keys(connection, self._table, account)

    def marks(self, outcome: FeedOutcome) -> dict[tuple[str, str], str]:
        """Mark the feeds that show more now; by account and feed, why."""
        if self._before is None or not outcome.new + outcome.changed:
            return {}
        with self._warehouse.writing() as connection, transaction(connection):
            added = views.live_keys(connection, self._table, self._account) - self._before
            if not added:
                return {}
            views.mark(connection, self._account, self._widened, f"{len(added)} new in {self._feed}")
            return {key: reason for key, reason in views.marked(connection).items() if key[0] == self._account}
