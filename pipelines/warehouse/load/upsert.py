"""THE transaction: everything that a batch of pages changes, or nothing of it.

Raw versions, history, current rows, children, rejected records, what was unknown, the window and the cursor are
committed together.
The content hash decides only about raw and history; current rows and children are always written from what was
read, so that reading again repairs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from pipelines.catalogue.tables import Table
from pipelines.normalize import Batch
from pipelines.warehouse.file.connection import transaction
from pipelines.warehouse.load import (
    days_to_sequence,
    impossible_numbers,
    rejected_records,
    schema_drift,
    visibility,
)
from pipelines.warehouse.load.change_detection import Judged, in_batch, judge, number, only
from pipelines.warehouse.load.cursors import Position, Window, add_windows
from pipelines.warehouse.load.feed_cursor import FeedCursor
from pipelines.warehouse.load.merge_windows import fold
from pipelines.warehouse.load.visibility import Reread
from pipelines.warehouse.sql import (
    current as current_rows,
)
from pipelines.warehouse.sql import (
    from_row,
    listed,
    raw,
    record_key,
    same_key,
    versions,
)

if TYPE_CHECKING:
    import pandas as pd

WINDOWS_BETWEEN_MERGES = 64
"""After so many, small groups of rows are put together by the next checkpoint, and old windows of the feed."""
RECORDS_OF_A_LARGE_BATCH = 2000
THREADS = 2
MERGES = 100
"""DuckDB's own default for one checkpoint."""


@dataclass(frozen=True)
class Effects:
    """What a commit of a feed brings about besides storing its batch.

    Args:
        widens: the feeds whose older records come into view with each live row of this one.
        is_reread: whether the feed is being read again from number 0.
        ignored: records that were ignored since the walk began, for they were older than what is stored.
        proves_end: whether the feed was just read to its proven end, which is where the cursor is moved.
        was_served: whether the batch holds what Floriday served, and not last versions that were made here.
    """

    widens: Sequence[str] = ()
    is_reread: bool = False
    ignored: int = 0
    proves_end: bool = False
    was_served: bool = True


NO_EFFECTS = Effects()


@dataclass(frozen=True)
class Stored:
    """What a transaction did.

    Args:
        new: records that were not known.
        changed: versions of known records.
        rejected: records that were rejected.
        committed_at: when.
        position: the feed's position afterwards.
        older: records that were ignored, for they were older than what is stored.
        marked: if this transaction marked feeds for a full re-read, all that are marked, by account and feed.
    """

    new: int
    changed: int
    rejected: int
    committed_at: dt.datetime
    position: Position
    older: int = 0
    marked: dict[tuple[str, str], Reread] = field(default_factory=dict)


def store(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    batch: Batch,
    windows: Window | Sequence[Window],
    to: Position,
    *,
    current: bool,
    moment: dt.datetime | None = None,
) -> Stored:
    """Commit a batch.

    Args:
        connection: open for writing.
        table: the feed's table.
        batch: what was read, normalized.
        windows: what to write into ``sync.windows``, of one account and feed; where there are several, each tells of
            as many records of the batch as it counts, in their order.
        to: the feed's position afterwards; ``committed_at`` is filled here.
        current: whether the feed is proven current with this batch; ``current_at`` is filled then.
        moment: what the clock says; it need not be later than at the last commit, for no order depends on it.
    """
    with transaction(connection):
        return store_within(connection, table, batch, windows, to, current=current, moment=moment)


def store_within(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    batch: Batch,
    windows: Window | Sequence[Window],
    to: Position,
    *,
    current: bool,
    effects: Effects = NO_EFFECTS,
    moment: dt.datetime | None = None,
) -> Stored:
    """As :func:`store`, within a transaction of the caller's.

    Args:
        connection: as of :func:`store`.
        table: the same.
        batch: the same.
        windows: the same.
        to: the same.
        current: the same.
        effects: what the commit brings about besides.
        moment: as of :func:`store`.
    """
    windows = [windows] if isinstance(windows, Window) else windows
    window = windows[0]
    moment = moment or dt.datetime.now(dt.UTC)
    # A small batch is mostly looking for its keys in large tables, and there is no next one to be normalized meanwhile.
    connection.execute(f"SET threads = {1 if len(batch.originals) >= RECORDS_OF_A_LARGE_BATCH else THREADS}")
    with _registered(connection, table, batch):
        said = {"account": window.part.account, "series": window.series, "moment": moment, "run_id": window.run_id}
        judged = judge(connection, table, said) if len(batch.originals) else Judged()
        new, changed = judged.new, judged.changed
        if len(batch.originals):
            _append_versions(connection, table, said, judged)
            with visibility.widening(connection, table, window.part.account, effects.widens):
                _write_rows(connection, table, said, judged)
        rejected_records.keep(connection, window.part, batch.rejected, moment)
        schema_drift.keep(connection, window.part, batch, moment)
        if len(batch.originals) and effects.was_served:
            rejected_records.resolve_stored(connection, table, window.part, moment)
        shares = _shares(connection, windows, new + changed)
        told = [(one, share) for one, share in zip(windows, shares, strict=True) if one.advances or share]
        days_to_sequence.note_catch_up(connection, [one for one, _ in told], to)
        add_windows(connection, told, moment)
        moved = to.committed(moment, current=current)
        FeedCursor(connection, window.part).move(moved)
        lowered = impossible_numbers.lower(connection, table, window.part, moved) if effects.proves_end else 0
        # What was ignored as older than a number that its feed has never reached is to be read once more.
        if lowered and (not effects.is_reread or effects.ignored or judged.older):
            visibility.mark(connection, window.part.account, [window.part.feed], impossible_numbers.REASON)
        marked = visibility.marked(connection) if lowered or effects.widens else {}
        # Merging rewrites up to 122,880 rows, payloads and all; done at every checkpoint it would take more time than
        # everything else. Large batches need none, for their groups of rows are large enough.
        due = new + changed < RECORDS_OF_A_LARGE_BATCH and _is_due(connection, len(told))
        connection.execute(f"SET max_vacuum_tasks = {MERGES if due else 0}")
        if due:
            fold(connection, window.part, moved, moment)
    return Stored(new, changed, len(batch.rejected), moment, moved, judged.older, marked)


def _shares(connection: duckdb.DuckDBPyConnection, windows: Sequence[Window], versions_in_all: int) -> list[int]:
    """How many new versions each window has."""
    if len(windows) == 1 or not versions_in_all:
        return [versions_in_all] * len(windows)
    records = connection.execute("SELECT record FROM verdicts WHERE is_version ORDER BY record").fetchnumpy()["record"]
    bounds = list(accumulate((window.records for window in windows), initial=0))
    shares: list[int] = np.diff(np.searchsorted(records, bounds)).tolist()
    return shares


def _is_due(connection: duckdb.DuckDBPyConnection, windows: int) -> bool:
    """Whether the windows of a batch complete another so many, whoever wrote the others."""
    ((count,),) = connection.execute("SELECT count(*) FROM sync.windows").fetchall()
    return bool(count // WINDOWS_BETWEEN_MERGES != (count - windows) // WINDOWS_BETWEEN_MERGES)


@contextmanager
def _registered(connection: duckdb.DuckDBPyConnection, table: Table, batch: Batch) -> Iterator[None]:
    """The batch's frames as views ``batch_<table>``; its payloads, with the records' keys, as ``originals``."""
    frames = {f"batch_{name.split('.')[1]}": frame for name, frame in batch.frames.items()}
    frames["originals"] = _with_keys(table, batch)
    for name, frame in frames.items():
        connection.register(name, frame)
    try:
        yield
    finally:
        for name in frames:
            connection.unregister(name)


def _with_keys(table: Table, batch: Batch) -> pd.DataFrame:
    """The payloads beside the records' keys and numbers; no join of DuckDB's, which would copy them once more."""
    rows = batch.frames[table.qualified_name]
    if not rows["record"].equals(batch.originals["record"]):
        rows = rows.set_index("record").loc[batch.originals["record"]]
    names = [*record_key(table), *(["sequence_number"] if "sequence_number" in table.by_name else [])]
    return batch.originals.assign(**{name: rows[name].array for name in names})


def _append_versions(
    connection: duckdb.DuckDBPyConnection, table: Table, said: dict[str, object], judged: Judged
) -> None:
    """Append raw and typed versions; the place in the raw log tells apart what has the same number."""
    order = " ORDER BY v.version, v.record" if judged.some_twice else ""
    which = "" if judged.all_first else f" JOIN verdicts v ON v.record = o.record WHERE v.is_version{order}"
    counted = number(table, "o") if judged.all_first else "v.counted"
    connection.execute(
        f"INSERT INTO {raw(table)} SELECT $account, {listed(record_key(table), 'o.')}, $series,"
        f" {counted}, o.payload, o.content_hash, $moment, $run_id FROM originals o{which}",
        said,
    )
    version = "CAST(1 AS INTEGER)" if judged.all_first else "v.version"
    chosen = "" if judged.all_first else " JOIN verdicts v ON v.record = b.record WHERE v.is_version"
    for part in table.walk():
        row = from_row(part, "b", "$moment")
        extra = f"CAST($series AS INTEGER), {version}" if part is table else version
        values = only(said, "account", "moment", "series") if part is table else only(said, "account")
        connection.execute(
            f"INSERT INTO {versions(part)} SELECT {row}, {extra} FROM {in_batch(part)} b{chosen}", values
        )


def _write_rows(connection: duckdb.DuckDBPyConnection, table: Table, said: dict[str, object], judged: Judged) -> None:
    """Delete and insert by key; a primary key and MERGE cost ten to forty times that at ten million rows.

    Where all records are the first of their key, nothing is there to be deleted.
    """
    if judged.all_first:
        for part in table.walk():
            row = from_row(part, "b", "$moment")
            values = only(said, "account", "moment") if part is table else only(said, "account")
            connection.execute(f"INSERT INTO {current_rows(part)} SELECT {row} FROM {in_batch(part)} b", values)
        return
    for part in table.walk():
        _delete_rows(connection, table, part, said)
        connection.execute(
            f"INSERT INTO {current_rows(part)} SELECT {from_row(part, 'b', 'v.row_synced_at')} FROM {in_batch(part)} b"
            " JOIN verdicts v ON v.record = b.record WHERE v.is_newest",
            only(said, "account"),
        )


def _delete_rows(connection: duckdb.DuckDBPyConnection, table: Table, part: Table, said: dict[str, object]) -> None:
    """Delete what the batch replaces: the feed's own rows where they were found to stand, children by their key."""
    if part is table:
        places = "SELECT unnest(places) FROM verdicts WHERE is_newest"
        connection.execute(f"DELETE FROM {current_rows(part)} WHERE rowid IN ({places})")
        return
    connection.execute(
        f"DELETE FROM {current_rows(part)} t USING verdicts v WHERE t.account = $account AND v.is_newest"
        f" AND {same_key(table, 't', 'v')}",
        only(said, "account"),
    )
