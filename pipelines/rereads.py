"""Marks of feeds that wait to be read again from number 0, written and taken off by their sync."""

from __future__ import annotations

from pipelines.warehouse import views
from pipelines.warehouse.connection import Warehouse, transaction
from pipelines.warehouse.ledger import FeedPart, Ledger
from pipelines.warehouse.views import Reread


def mark_once(warehouse: Warehouse, known: Ledger, part: FeedPart, reason: str) -> None:
    """Mark a feed that was read before for a full re-read, unless it is marked for that reason already."""
    key = (part.account, part.feed)
    is_marked = key in known.rereads and reason in known.rereads[key].reason
    if is_marked or not any((one.account, one.feed) == key for one in known.positions):
        return
    with warehouse.writing() as connection, transaction(connection):
        views.mark(connection, part.account, [part.feed], reason)
        known.rereads.update(views.marked(connection))


def take_marks_off(warehouse: Warehouse, known: Ledger, account: str, feed: str, reread: Reread) -> None:
    """The feed was read from 0 to its proven end: whatever had asked for that when it began is done."""
    with warehouse.writing() as connection, transaction(connection):
        views.done(connection, account, feed, reread)
        left = views.marked(connection).get((account, feed))
    known.rereads.pop((account, feed), None)
    if left is not None:
        known.rereads[account, feed] = left
