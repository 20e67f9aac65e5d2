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
from dataclasses import dataclass, replace
from itertools import accumulate

import duckdb

from pipelines.catalogue.tables import Table
from pipelines.normalize import Batch
from pipelines.warehouse import days, ledger, rejected, unknown
from pipelines.warehouse.connection import transaction
from pipelines.warehouse.ledger import Position, Window
from pipelines.warehouse.sql import (
    current as current_rows,
)
from pipelines.warehouse.sql import (
    from_frame,
    from_row,
    listed,
    quoted,
    raw,
    record_key,
    same_key,
    versions,
)

WINDOWS_BETWEEN_MERGES = 64
RECORDS_OF_A_LARGE_BATCH = 2000
THREADS = 2
MERGES = 100
"""DuckDB's own default for one checkpoint."""


@dataclass(frozen=True)
class Stored:
    """What a transaction did.

    Args:
        new: records that were not known.
        changed: versions of known records.
        rejected: records that were rejected.
        committed_at: when.
    """

    new: int
    changed: int
    rejected: int
    committed_at: dt.datetime


def store(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    batch: Batch,
    windows: Window | Sequence[Window],
    to: Position,
    *,
    current: bool,
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
    """
    windows = [windows] if isinstance(windows, Window) else windows
    window = windows[0]
    # A small batch is mostly looking for its keys in large tables, and there is no next one to be normalized meanwhile.
    connection.execute(f"SET threads = {1 if len(batch.originals) >= RECORDS_OF_A_LARGE_BATCH else THREADS}")
    with transaction(connection), _registered(connection, batch):
        moment = _moment(connection)
        said = {"account": window.part.account, "series": window.series, "moment": moment, "run_id": window.run_id}
        judged = _judge(connection, table, said) if len(batch.originals) else _Judged()
        new, changed = judged.new, judged.changed
        if len(batch.originals):
            _append_versions(connection, table, said, judged)
            _write_rows(connection, table, said, judged)
        rejected.keep(connection, window.part, batch.rejected, moment)
        unknown.keep(connection, window.part, batch, moment)
        if len(batch.originals):
            rejected.resolve_stored(connection, table, window.part, moment)
        for one, versions_of_it in zip(windows, _shares(connection, windows, new + changed), strict=True):
            if one.advances or versions_of_it:
                days.note_catch_up(connection, one, to.current_at)
                ledger.add_window(connection, one, versions_of_it, moment)
        moved = replace(to, committed_at=moment, current_at=moment if current else to.current_at)
        ledger.move_cursor(connection, window.part, moved)
        _merge_now_and_then(connection, new + changed)
    return Stored(new, changed, len(batch.rejected), moment)


def _shares(connection: duckdb.DuckDBPyConnection, windows: Sequence[Window], versions_in_all: int) -> list[int]:
    """How many new versions each window has."""
    if len(windows) == 1 or not versions_in_all:
        return [versions_in_all] * len(windows)
    ends = list(accumulate(window.records for window in windows))
    sql = "SELECT count(*) FROM verdicts WHERE is_version AND record >= $begins AND record < $ends"
    return [
        connection.execute(sql, {"begins": ends_here - window.records, "ends": ends_here}).fetchall()[0][0]
        for window, ends_here in zip(windows, ends, strict=True)
    ]


def _merge_now_and_then(connection: duckdb.DuckDBPyConnection, added: int) -> None:
    """Let the checkpoint after this transaction put small groups of rows together, once in many small ones.

    Merging rewrites up to 122,880 rows, payloads and all; done at every checkpoint it would take more time than
    everything else. Large batches need none, for their groups are large enough.
    """
    (windows,) = connection.execute("SELECT count(*) FROM sync.windows").fetchall()[0]
    due = windows % WINDOWS_BETWEEN_MERGES == 0 and added < RECORDS_OF_A_LARGE_BATCH
    connection.execute(f"SET max_vacuum_tasks = {MERGES if due else 0}")


def _moment(connection: duckdb.DuckDBPyConnection) -> dt.datetime:
    """Now; but never before the last commit, whatever the clock says: versions must stay in order."""
    sql = "SELECT greatest(now(), max(committed_at) + INTERVAL 1 MICROSECOND) FROM sync.windows"
    moment: dt.datetime = connection.execute(sql).fetchall()[0][0]
    return moment


@contextmanager
def _registered(connection: duckdb.DuckDBPyConnection, batch: Batch) -> Iterator[None]:
    """The batch's frames as views ``batch_<table>``, its payloads as ``originals``."""
    frames = {f"batch_{name.split('.')[1]}": frame for name, frame in batch.frames.items()}
    frames["originals"] = batch.originals
    for name, frame in frames.items():
        connection.register(name, frame)
    try:
        yield
    finally:
        for name in frames:
            connection.unregister(name)


def _batch(table: Table) -> str:
    return quoted(f"batch_{table.name}")


@dataclass(frozen=True)
class _Judged:
    """What the verdicts on a batch come to.

    Args:
        new: records that were not known.
        changed: versions of known records.
        all_first: whether each record of the batch is the only version of its record, here and in the batch.
        some_twice: whether the batch has several versions of a record.
    """

    new: int = 0
    changed: int = 0
    all_first: bool = False
    some_twice: bool = False


def _judge(connection: duckdb.DuckDBPyConnection, table: Table, said: dict[str, object]) -> _Judged:
    """Fill the temporary table ``verdicts``.

    A record older than the one stored gets no verdict. Of several versions of a record in one batch each counts,
    and the one with the highest number becomes the current row.
    """
    key = record_key(table)
    own = ", ".join(f"{from_frame(table.by_name[name], 'p')} AS {quoted(name)}" for name in key)
    order = f"PARTITION BY {listed(key, 'i.')} ORDER BY i.sequence_number, i.record"
    place = "(series, coalesce(sequence_number, 0), r.rowid)"
    numbered = "sequence_number" in table.by_name
    number = "p.sequence_number" if numbered else "CAST(NULL AS BIGINT) AS sequence_number"
    standing = "max(sequence_number)" if numbered else "NULL"
    not_older = "i.sequence_number >= greatest(n.sequence_number, s.sequence_number)" if numbered else "true"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE incoming AS SELECT p.record, {own}, {number}, o.content_hash"
        f" FROM {_batch(table)} p JOIN originals o ON o.record = p.record"
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE verdicts AS
        WITH keys AS (SELECT DISTINCT {listed(key)} FROM incoming),
        newest AS (
            SELECT {listed(key, "r.")}, arg_max(content_hash, {place}) AS content_hash, max(series) AS series,
                arg_max(sequence_number, {place}) AS sequence_number, arg_max(synced_at, {place}) AS synced_at,
                count(*) AS versions
            FROM {raw(table)} r JOIN keys k ON {same_key(table, "r", "k")} WHERE r.account = $account GROUP BY ALL
        ),
        standing AS (
            SELECT {listed(key, "t.")}, {standing} AS sequence_number, list(t.rowid) AS places
            FROM {current_rows(table)} t JOIN keys k ON {same_key(table, "t", "k")}
            WHERE t.account = $account GROUP BY ALL
        ),
        judged AS (
            SELECT i.*, n.versions, n.synced_at, s.places,
                n.versions IS NOT NULL OR s.places IS NOT NULL AS is_known,
                i.content_hash IS DISTINCT FROM lag(i.content_hash, 1, n.content_hash) OVER ({order}) AS is_version
            FROM incoming i LEFT JOIN newest n ON {same_key(table, "i", "n")}
                LEFT JOIN standing s ON {same_key(table, "i", "s")}
            WHERE n.series IS NULL OR n.series < $series OR {not_older}
        )
        SELECT i.*, coalesce(versions, 0) + sum(CAST(is_version AS INTEGER)) OVER ({order}) AS version,
            CASE WHEN bool_or(is_version) OVER (PARTITION BY {listed(key, "i.")}) THEN $moment ELSE synced_at END
                AS row_synced_at,
            row_number() OVER (PARTITION BY {listed(key, "i.")} ORDER BY i.sequence_number DESC, i.record DESC) = 1
                AS is_newest,
            count(*) OVER (PARTITION BY {listed(key, "i.")}) > 1 AS is_twice
        FROM judged i
        """,
        _some(said, "account", "series", "moment"),
    )
    (told,) = connection.execute(
        "SELECT count(*) FILTER (is_version AND version = 1), count(*) FILTER (is_version AND version > 1),"
        " count(*) FILTER (version = 1 AND NOT is_known AND NOT is_twice) = (SELECT count(*) FROM incoming),"
        " coalesce(bool_or(is_twice), false) FROM verdicts"
    ).fetchall()
    return _Judged(*told)


def _append_versions(
    connection: duckdb.DuckDBPyConnection, table: Table, said: dict[str, object], judged: _Judged
) -> None:
    """Append raw and typed versions; the place in the raw log tells apart what has the same number."""
    order = " ORDER BY v.version, v.record" if judged.some_twice else ""
    connection.execute(
        f"INSERT INTO {raw(table)} SELECT $account, {listed(record_key(table), 'v.')}, $series, v.sequence_number,"
        " o.payload, v.content_hash, $moment, $run_id FROM verdicts v JOIN originals o ON o.record = v.record"
        f" WHERE v.is_version{order}",
        said,
    )
    version = "CAST(1 AS INTEGER)" if judged.all_first else "v.version"
    chosen = "" if judged.all_first else " JOIN verdicts v ON v.record = b.record WHERE v.is_version"
    for part in table.walk():
        row = from_row(part, "b", "$moment")
        extra = f"CAST($series AS INTEGER), {version}" if part is table else version
        given = _some(said, "account", "moment", "series") if part is table else _some(said, "account")
        connection.execute(f"INSERT INTO {versions(part)} SELECT {row}, {extra} FROM {_batch(part)} b{chosen}", given)


def _write_rows(connection: duckdb.DuckDBPyConnection, table: Table, said: dict[str, object], judged: _Judged) -> None:
    """Delete and insert by key; a primary key and MERGE cost ten to forty times that at ten million rows.

    Where all records are the first of their key, nothing is there to be deleted.
    """
    if judged.all_first:
        for part in table.walk():
            row = from_row(part, "b", "$moment")
            given = _some(said, "account", "moment") if part is table else _some(said, "account")
            connection.execute(f"INSERT INTO {current_rows(part)} SELECT {row} FROM {_batch(part)} b", given)
        return
    for part in table.walk():
        _delete_rows(connection, table, part, said)
        connection.execute(
            f"INSERT INTO {current_rows(part)} SELECT {from_row(part, 'b', 'v.row_synced_at')} FROM {_batch(part)} b"
            " JOIN verdicts v ON v.record = b.record WHERE v.is_newest",
            _some(said, "account"),
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
        _some(said, "account"),
    )


def _some(said: dict[str, object], *names: str) -> dict[str, object]:
    """The parameters that a statement has: DuckDB refuses more."""
    return {name: said[name] for name in names}
