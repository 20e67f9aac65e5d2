"""Marks of feeds that wait to be read again from number 0, written and taken off by their sync."""

from __future__ import annotations

from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.load import visibility
from pipelines.warehouse.load.cursors import FeedPart, Ledger
from pipelines.warehouse.load.visibility import Reread


def mark_once(warehouse: Warehouse, known: Ledger, part: FeedPart, reason: str) -> None:
    """Mark a feed that was read before for a full re-read, unless it is marked for that reason already."""
    key = (part.account, part.feed)
    is_marked = key in known.rereads and reason in known.rereads[key].reason
    if is_marked or not any((one.account, one.feed) == key for one in known.positions):
        return
    with warehouse.writing() as connection, transaction(connection):
        visibility.mark(connection, part.account, [part.feed], reason)
        known.rereads.update(visibility.marked(connection))


def take_marks_off(warehouse: Warehouse, known: Ledger, account: str, feed: str, reread: Reread) -> None:
    """The feed was read from 0 to its proven end: whatever had asked for that when it began is done."""
    with warehouse.writing() as connection, transaction(connection):
        visibility.done(connection, account, feed, reread)
        left = visibility.marked(connection).get((account, feed))
    known.rereads.pop((account, feed), None)
    if left is not None:
        known.rereads[account, feed] = left
