"""The transaction: it stores everything of a batch of pages, or nothing.

Raw versions, history, current rows, children, rejected records, schema drift, the window and the cursor are one commit.
The content hash decides only about raw and history; current rows and children are always written from what was
read, so that reading again repairs.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise

import duckdb

from pipelines.catalogue.tables import Table
from pipelines.normalize import Batch
from pipelines.warehouse.load import days_to_sequence, impossible_numbers, rejected_records, schema_drift, visibility
from pipelines.warehouse.load.change_detection import (
    DetectedChanges,
    IncomingBatch,
    StoredNumber,
    detect_changes,
    on_connection,
)
from pipelines.warehouse.load.cursors import FeedPart, Position, Window, add_windows, count_windows
from pipelines.warehouse.load.feed_cursor import FeedCursor
from pipelines.warehouse.load.merge_windows import merge_windows
from pipelines.warehouse.load.visibility import Reread
from pipelines.warehouse.sql import current_rows, from_row, listed, raw, record_key, same_key, versions
from pipelines.warehouse.storage import ALL_TABLES, FilledTables

WINDOWS_BETWEEN_MERGES = 64  # after which the next checkpoint merges small row groups, and old windows are merged
RECORDS_OF_A_LARGE_BATCH = 2000
THREADS = 2
VACUUM_TASKS = 100  # DuckDB's own default for one checkpoint


@dataclass(frozen=True)
class Effects:
    """Further effects of a commit, in addition to storing its batch."""

    widens: Sequence[str] = ()  # the feeds whose older records become visible with each live row of this one
    is_reread: bool = False  # whether the feed is being read again from number 0
    ignored: int = 0  # records that were ignored since the walk began, because they were older than what is stored
    proves_end: bool = False  # whether the feed was just read to its proven end, to which the cursor is moved
    was_served: bool = True  # whether Floriday served the records; False for last versions that were made here
    may_resolve: bool = True  # whether the feed may have open rejected records
    may_catch_up: bool = True  # whether the run may go on with what an earlier one had not read to its end
    windows: int | None = None  # rows of sync.windows before, of all feeds; None: they are counted
    filled: FilledTables = ALL_TABLES  # the tables that may have rows before
    expected: Position | None = None  # where the cursor must be before; None where no other process can move it


@dataclass(frozen=True)
class Stored:
    """What a transaction did."""

    new: int  # records that were not known
    changed: int  # versions of known records
    rejected: int
    committed_at: dt.datetime
    position: Position  # the feed's position afterwards
    older: int = 0  # records that were ignored, because they were older than what is stored
    ahead: frozenset[StoredNumber] = frozenset()  # the stored numbers of some of these
    windows: int = 0  # rows that it added to sync.windows
    marked: dict[tuple[str, str], Reread] = field(default_factory=dict)  # all marked feeds, if it marked some
    unidentified: int = 0  # rejected records that have neither a readable key nor a number


def store(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    batch: Batch,
    windows: Window | Sequence[Window],
    to: Position,
    *,
    current: bool,
    effects: Effects = Effects(),
    moment: dt.datetime | None = None,
) -> Stored:
    """Store a batch; within a transaction.

    Args:
        connection: connection that is open for writing.
        table: table of the feed's records.
        batch: normalized records of the feed.
        windows: the rows for ``sync.windows``, of one account and feed; where there are several, each is for as many
            records of the batch as it counts, in their order.
        to: the feed's position afterwards; ``committed_at`` is filled here.
        current: whether the feed is proven current with this batch; ``current_at`` is filled then.
        effects: further effects of the commit.
        moment: time of the commit, now by default; it may be earlier than the last commit, no order depends on it.
    """
    windows = [windows] if isinstance(windows, Window) else windows
    window, moment = windows[0], moment or dt.datetime.now(dt.UTC)
    # Most time of a small batch is the search for its keys, and no other batch is normalized at the same time.
    connection.execute(f"SET threads = {1 if len(batch.originals) >= RECORDS_OF_A_LARGE_BATCH else THREADS}")
    has_impossible = effects.proves_end and impossible_numbers.exist(connection, table, window.part, to)
    params = {"account": window.part.account, "series": window.series, "moment": moment, "run_id": window.run_id}
    with on_connection(connection, table, batch, params) as incoming:
        changes = _write_records(incoming, effects) if len(batch.originals) else DetectedChanges()
        rejected_records.keep(connection, window.part, batch.rejected, moment)
        schema_drift.keep(connection, window.part, batch, moment)
        if len(batch.originals) and effects.was_served and (effects.may_resolve or batch.rejected):
            rejected_records.resolve_stored(connection, table, window.part, moment, changes.verdicts)
        shares = _versions_by_window(connection, windows, changes)
        kept = [(each, share) for each, share in zip(windows, shares, strict=True) if each.advances or share]
        if effects.may_catch_up:
            days_to_sequence.note_catch_up(connection, [each for each, _ in kept], to)
        add_windows(connection, kept, moment)
        position = to.committed(moment, current=current)
        FeedCursor(connection, window.part).move(position, effects.expected)
        lowered = impossible_numbers.lower(connection, table, window.part, position) if has_impossible else 0
        marked = _mark_rereads(connection, window.part, lowered, changes, effects)
        is_due = changes.versions < RECORDS_OF_A_LARGE_BATCH and _is_merge_due(connection, len(kept), effects.windows)
        _merge(connection, window.part, position, moment, is_due=is_due)
    stored = Stored(changes.new, changes.changed, len(batch.rejected), moment, position, changes.older, changes.ahead)
    return replace(stored, windows=len(kept), marked=marked, unidentified=_unidentified(batch))


def _unidentified(batch: Batch) -> int:
    return sum(record.is_unidentified for record in batch.rejected)


def _write_records(incoming: IncomingBatch, effects: Effects) -> DetectedChanges:
    """Append the versions of a batch, and write its current rows."""
    changes = detect_changes(incoming)
    _append_versions(incoming, changes)
    with visibility.marking_widened(incoming, changes, effects.widens):
        _write_rows(incoming, changes, effects.filled)
    return changes


def _mark_rereads(
    connection: duckdb.DuckDBPyConnection, part: FeedPart, lowered: int, changes: DetectedChanges, effects: Effects
) -> dict[tuple[str, str], Reread]:
    """Mark the feed if numbers were lowered; returns all marked feeds, where this transaction may have marked some."""
    # Records that were ignored as older than a number which their feed has never reached must be read once more.
    if lowered and (not effects.is_reread or effects.ignored or changes.older):
        visibility.mark(connection, part.account, [part.feed], impossible_numbers.REASON)
    return visibility.marked(connection) if lowered or effects.widens else {}


def _versions_by_window(
    connection: duckdb.DuckDBPyConnection, windows: Sequence[Window], changes: DetectedChanges
) -> list[int]:
    """How many new versions each window has."""
    if len(windows) == 1 or not changes.versions:
        return [changes.versions] * len(windows)
    sql = f"SELECT record FROM {changes.verdicts} WHERE is_version ORDER BY record"
    records = [record for (record,) in connection.execute(sql).fetchall()]
    bounds = accumulate((window.records for window in windows), initial=0)
    return [later - first for first, later in pairwise(bisect_left(records, bound) for bound in bounds)]


def _is_merge_due(connection: duckdb.DuckDBPyConnection, added: int, before: int | None) -> bool:
    """Whether the windows of a batch complete the next :data:`WINDOWS_BETWEEN_MERGES`, of all feeds."""
    if before is None:
        before = count_windows(connection) - added
    return (before + added) // WINDOWS_BETWEEN_MERGES != before // WINDOWS_BETWEEN_MERGES


def _merge(
    connection: duckdb.DuckDBPyConnection, part: FeedPart, position: Position, moment: dt.datetime, *, is_due: bool
) -> None:
    """If it is due, merge old windows, and let the checkpoint after the commit merge small row groups.

    Merging rewrites up to 122,880 rows, payloads included; done at every checkpoint it would take more time than
    everything else. Large batches need none, for their groups of rows are large enough.
    """
    connection.execute(f"SET max_vacuum_tasks = {VACUUM_TASKS if is_due else 0}")
    if is_due:
        merge_windows(connection, part, position, moment)


def _append_versions(incoming: IncomingBatch, changes: DetectedChanges) -> None:
    """Append raw and typed versions; their place in the raw log orders those with the same number."""
    table, verdicts = incoming.table, changes.verdicts
    order = " ORDER BY v.version, v.record" if changes.some_twice else ""
    which = "" if changes.all_first else f" JOIN {verdicts} v ON v.record = o.record WHERE v.is_version{order}"
    counted = incoming.number("o") if changes.all_first else "v.counted"
    incoming.execute(
        f"INSERT INTO {raw(table)} SELECT $account, {listed(record_key(table), 'o.')}, $series,"
        f" {counted}, o.payload, o.content_hash, $moment, $run_id FROM {incoming.originals} o{which}"
    )
    version = "CAST(1 AS INTEGER)" if changes.all_first else "v.version"
    chosen = "" if changes.all_first else f" JOIN {verdicts} v ON v.record = b.record WHERE v.is_version"
    for each in table.walk():
        row = from_row(each, "b", "$moment")
        extra = f"CAST($series AS INTEGER), {version}" if each is table else version
        incoming.execute(f"INSERT INTO {versions(each)} SELECT {row}, {extra} FROM {incoming.rows(each)} b{chosen}")


def _write_rows(incoming: IncomingBatch, changes: DetectedChanges, filled: FilledTables) -> None:
    """Delete and insert by key; a primary key and MERGE cost ten to forty times that at ten million rows.

    There is nothing to delete where all records are the first of their key, and in tables that are not ``filled``.
    """
    table = incoming.table
    for each in table.walk():
        row, newest = from_row(each, "b", "$moment"), ""
        if not changes.all_first:
            if (each.schema, each.name) in filled:
                _delete_rows(incoming, changes, each)
            row = from_row(each, "b", "v.row_synced_at")
            newest = f" JOIN {changes.verdicts} v ON v.record = b.record WHERE v.is_newest"
        incoming.execute(f"INSERT INTO {current_rows(each)} SELECT {row} FROM {incoming.rows(each)} b{newest}")


def _delete_rows(incoming: IncomingBatch, changes: DetectedChanges, rows_of: Table) -> None:
    """Delete what the batch replaces: the feed's own rows at their places, the rows of child tables by their key."""
    if rows_of is incoming.table:
        places = f"SELECT unnest(places) FROM {changes.verdicts} WHERE is_newest"
        incoming.execute(f"DELETE FROM {current_rows(rows_of)} WHERE rowid IN ({places})")
        return
    incoming.execute(
        f"DELETE FROM {current_rows(rows_of)} t USING {changes.verdicts} v WHERE t.account = $account AND v.is_newest"
        f" AND {same_key(incoming.table, 't', 'v')}"
    )
