"""What is new in a batch: each of its records compared with the raw log and the current rows.

The content hash decides what is a version; nothing is written here but temporary tables.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from pipelines.catalogue.tables import Table
from pipelines.warehouse.sql import current, listed, quoted, raw, record_key, same_key


@dataclass(frozen=True)
class Judged:
    """What the verdicts on a batch come to.

    Args:
        new: records that were not known.
        changed: versions of known records.
        all_first: whether each record of the batch is the only version of its record, here and in the batch.
        some_twice: whether the batch has several versions of a record.
        older: records of the batch that are older than what is stored, which are ignored.
    """

    new: int = 0
    changed: int = 0
    all_first: bool = False
    some_twice: bool = False
    older: int = 0


def judge(connection: duckdb.DuckDBPyConnection, table: Table, said: dict[str, object]) -> Judged:
    """Fill the temporary table ``verdicts``.

    A record older than the one stored gets no verdict. Of several versions of a record in one batch each counts,
    and the one with the highest number becomes the current row.

    The number 0 says that a record has returned to its defaults, of which Floriday stores nothing (docs/floriday.md:
    Change feeds). It counts as the highest number that is known of the record, so that what was served last wins.
    """
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE incoming AS SELECT o.record, {listed(record_key(table), 'o.')},"
        f" {number(table, 'o')} AS sequence_number, o.content_hash FROM originals o"
    )
    _look_up(connection, table, said)
    ((records, keys, known),) = connection.execute(
        f"SELECT count(*), count(DISTINCT ({listed(record_key(table))})),"
        " EXISTS (FROM newest) OR EXISTS (FROM standing) FROM incoming"
    ).fetchall()
    if known or keys < records:
        return _compared(connection, table, said, records)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE verdicts AS SELECT *, sequence_number AS counted, true AS is_version,"
        " CAST(1 AS BIGINT) AS version, $moment AS row_synced_at, true AS is_newest FROM incoming",
        only(said, "moment"),
    )
    return Judged(records, all_first=True)


def _look_up(connection: duckdb.DuckDBPyConnection, table: Table, said: dict[str, object]) -> None:
    """Fill ``newest`` with what the raw log has of the records, ``standing`` with where their current rows are."""
    key = record_key(table)
    place = "(r.series, coalesce(r.sequence_number, 0), r.rowid)"
    standing = "max(t.sequence_number)" if "sequence_number" in table.by_name else "NULL"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE newest AS SELECT {listed(key, 'r.')},"
        f" arg_max(r.content_hash, {place}) AS content_hash, max(r.series) AS series,"
        f" arg_max(r.sequence_number, {place}) AS sequence_number, arg_max(r.synced_at, {place}) AS synced_at,"
        f" count(*) AS versions FROM {raw(table)} r JOIN (SELECT DISTINCT {listed(key)} FROM incoming) k"
        f" ON {same_key(table, 'r', 'k')} WHERE r.account = $account GROUP BY {listed(key, 'r.')}",
        only(said, "account"),
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE standing AS SELECT {listed(key, 't.')}, {standing} AS sequence_number,"
        f" list(t.rowid) AS places FROM {current(table)} t JOIN (SELECT DISTINCT {listed(key)} FROM incoming) k"
        f" ON {same_key(table, 't', 'k')} WHERE t.account = $account GROUP BY {listed(key, 't.')}",
        only(said, "account"),
    )


def _compared(connection: duckdb.DuckDBPyConnection, table: Table, said: dict[str, object], records: int) -> Judged:
    """The verdicts on records of which some are known, or come in several versions."""
    key = record_key(table)
    order = f"PARTITION BY {listed(key, 'i.')} ORDER BY i.counted, i.record"
    is_numbered = "sequence_number" in table.by_name
    not_older = "i.counted >= i.counted_before" if is_numbered else "true"
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE verdicts AS
        WITH known AS (
            SELECT i.*, n.versions, n.synced_at, n.content_hash AS hash_before, n.series, s.places,
                CASE WHEN n.series = $series THEN greatest(n.sequence_number, s.sequence_number) END AS counted_before
            FROM incoming i LEFT JOIN newest n ON {same_key(table, "i", "n")}
                LEFT JOIN standing s ON {same_key(table, "i", "s")}
        ),
        counted AS (
            SELECT i.*, CASE WHEN i.sequence_number = 0 THEN max(greatest(i.sequence_number, i.counted_before)) OVER (
                PARTITION BY {listed(key, "i.")} ORDER BY i.record ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            ) ELSE i.sequence_number END AS counted FROM known i
        ),
        judged AS (
            SELECT i.*, i.content_hash IS DISTINCT FROM lag(i.content_hash, 1, i.hash_before) OVER ({order})
                AS is_version
            FROM counted i WHERE i.series IS NULL OR i.series < $series OR {not_older}
        )
        SELECT i.*, coalesce(versions, 0) + sum(CAST(is_version AS INTEGER)) OVER ({order}) AS version,
            CASE WHEN bool_or(is_version) OVER (PARTITION BY {listed(key, "i.")}) THEN $moment ELSE synced_at END
                AS row_synced_at,
            row_number() OVER (PARTITION BY {listed(key, "i.")} ORDER BY i.counted DESC, i.record DESC) = 1
                AS is_newest,
            count(*) OVER (PARTITION BY {listed(key, "i.")}) > 1 AS is_twice
        FROM judged i
        """,
        only(said, "series", "moment"),
    )
    ((judged, new, changed, some_twice),) = connection.execute(
        "SELECT count(*), count(*) FILTER (is_version AND version = 1), count(*) FILTER (is_version AND version > 1),"
        " coalesce(bool_or(is_twice), false) FROM verdicts"
    ).fetchall()
    return Judged(new, changed, some_twice=some_twice, older=records - judged)


def in_batch(table: Table) -> str:
    """The view of a table's rows in the batch."""
    return quoted(f"batch_{table.name}")


def number(table: Table, alias: str) -> str:
    """A record's sequence number; those of a snapshot have none."""
    return f"{alias}.sequence_number" if "sequence_number" in table.by_name else "CAST(NULL AS BIGINT)"


def only(said: dict[str, object], *names: str) -> dict[str, object]:
    """The parameters that a statement has: DuckDB refuses more."""
    return {name: said[name] for name in names}
