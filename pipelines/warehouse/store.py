"""THE transaction: everything that a batch of pages changes, or nothing of it.

Raw versions, history, current rows, children, rejected records, the window and the cursor are committed together.
The content hash decides only about raw and history; current rows and children are always written from what was
read, so that reading again repairs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import duckdb

from pipelines.catalogue.tables import Table
from pipelines.normalize import Batch
from pipelines.warehouse import ledger, rejected
from pipelines.warehouse.connection import transaction
from pipelines.warehouse.ledger import Position, Window
from pipelines.warehouse.sql import (
    current as current_rows,
)
from pipelines.warehouse.sql import (
    from_frame,
    listed,
    quoted,
    raw,
    record_key,
    same_key,
    versions,
)


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
    window: Window,
    to: Position,
    *,
    current: bool,
) -> Stored:
    """Commit a batch.

    Args:
        connection: open for writing.
        table: the feed's table.
        batch: what was read, normalized.
        window: what to write into ``sync.windows``.
        to: the feed's position afterwards; ``committed_at`` is filled here.
        current: whether the feed is proven current with this batch; ``current_at`` is filled then.
    """
    with transaction(connection), _registered(connection, batch):
        moment = _moment(connection)
        said = {"account": window.part.account, "series": window.series, "moment": moment, "run_id": window.run_id}
        new, changed = _judge(connection, table, said) if len(batch.originals) else (0, 0)
        if len(batch.originals):
            _append_versions(connection, table, said)
            _rewrite_rows(connection, table, said)
        rejected.keep(connection, window.part, batch.rejected, moment)
        if len(batch.originals):
            rejected.resolve_stored(connection, table, window.part, moment)
        if window.advances or new + changed:
            ledger.add_window(connection, window, new + changed, moment)
        moved = replace(to, committed_at=moment, current_at=moment if current else to.current_at)
        ledger.move_cursor(connection, window.part, moved)
    return Stored(new, changed, len(batch.rejected), moment)


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


def _judge(connection: duckdb.DuckDBPyConnection, table: Table, said: dict[str, object]) -> tuple[int, int]:
    """Fill the temporary table ``verdicts``; returns how many records are new, and how many versions of known ones.

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
            SELECT {listed(key, "t.")}, {standing} AS sequence_number
            FROM {current_rows(table)} t JOIN keys k ON {same_key(table, "t", "k")}
            WHERE t.account = $account GROUP BY ALL
        ),
        judged AS (
            SELECT i.*, n.versions, n.synced_at,
                i.content_hash IS DISTINCT FROM lag(i.content_hash, 1, n.content_hash) OVER ({order}) AS is_version
            FROM incoming i LEFT JOIN newest n ON {same_key(table, "i", "n")}
                LEFT JOIN standing s ON {same_key(table, "i", "s")}
            WHERE n.series IS NULL OR n.series < $series OR {not_older}
        )
        SELECT i.*, coalesce(versions, 0) + sum(CAST(is_version AS INTEGER)) OVER ({order}) AS version,
            CASE WHEN bool_or(is_version) OVER (PARTITION BY {listed(key, "i.")}) THEN $moment ELSE synced_at END
                AS row_synced_at,
            row_number() OVER (PARTITION BY {listed(key, "i.")} ORDER BY i.sequence_number DESC, i.record DESC) = 1
                AS is_newest
        FROM judged i
        """,
        {name: said[name] for name in ("account", "series", "moment")},
    )
    counts = "count(*) FILTER (is_version AND version = 1), count(*) FILTER (is_version AND version > 1)"
    new, changed = connection.execute(f"SELECT {counts} FROM verdicts").fetchall()[0]
    return new, changed


def _append_versions(connection: duckdb.DuckDBPyConnection, table: Table, said: dict[str, object]) -> None:
    connection.execute(
        f"INSERT INTO {raw(table)} SELECT $account, {listed(record_key(table), 'v.')}, $series, v.sequence_number,"
        " o.payload, v.content_hash, $moment, $run_id FROM verdicts v JOIN originals o ON o.record = v.record"
        " WHERE v.is_version ORDER BY v.version, v.record",
        said,
    )
    for part in table.walk():
        extra = "CAST($series AS INTEGER), v.version" if part is table else "v.version"
        given = {
            "account": said["account"],
            **({"series": said["series"], "moment": said["moment"]} if part is table else {}),
        }
        connection.execute(
            f"INSERT INTO {versions(part)} SELECT {_values(part, '$moment')}, {extra} FROM {_batch(part)} b"
            " JOIN verdicts v ON v.record = b.record WHERE v.is_version",
            given,
        )


def _rewrite_rows(connection: duckdb.DuckDBPyConnection, table: Table, said: dict[str, object]) -> None:
    """Delete and insert by key; a primary key and MERGE cost ten to forty times that at ten million rows."""
    given = {"account": said["account"]}
    for part in table.walk():
        connection.execute(
            f"DELETE FROM {current_rows(part)} t USING verdicts v WHERE t.account = $account AND v.is_newest"
            f" AND {same_key(table, 't', 'v')}",
            given,
        )
        connection.execute(
            f"INSERT INTO {current_rows(part)} SELECT {_values(part, 'v.row_synced_at')} FROM {_batch(part)} b"
            " JOIN verdicts v ON v.record = b.record WHERE v.is_newest",
            given,
        )


def _values(table: Table, synced_at: str) -> str:
    """The columns of a table, in its order, from its frame ``b``."""
    filled = {"account": "$account", "synced_at": synced_at}
    return ", ".join(filled.get(column.name) or from_frame(column, "b") for column in table.columns)
