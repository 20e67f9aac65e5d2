"""The check ``batch_ledger``: compares the pieces of a batch with its mutations (docs/floriday.md: Stock)."""

from __future__ import annotations

import datetime as dt

import duckdb

from pipelines.catalogue.suppliers.supply import BATCH_MUTATIONS, BATCHES
from pipelines.catalogue.tables import tables_of
from pipelines.warehouse.read.integrity import EXAMPLES, Finding
from pipelines.warehouse.sql import current_rows

QUIET = dt.timedelta(minutes=10)
"""Time between the last change of a batch and its reading. With less, its mutations may not have been read yet."""

_CHECKED = """
    WITH readings AS (
        SELECT account, min(current_at) - $quiet AS until FROM sync.cursors
        WHERE feed IN ($batches, $mutations) AND current_at IS NOT NULL GROUP BY account HAVING count(*) = 2
    ), beginnings AS (
        SELECT account, arg_min(started_at, rowid) - $keeps AS since FROM sync.windows WHERE feed = $mutations
        GROUP BY account
    ), rejections AS (
        SELECT account, feed, key FROM sync.rejected_records
        WHERE feed IN ($batches, $mutations) AND resolved_at IS NULL
    ), ledger AS (
        SELECT account, batch_id, sum(delta_number_of_pieces) AS pieces, max(creation_date_time) AS latest
        FROM {mutations} GROUP BY account, batch_id
    ), checked AS (
        SELECT account, CAST(batch_id AS VARCHAR) AS id, b.number_of_pieces AS reported,
            b.initial_number_of_pieces + coalesce(l.pieces, 0) AS summed
        FROM {batches} b
            JOIN readings USING (account) JOIN beginnings USING (account) LEFT JOIN ledger l USING (account, batch_id)
        WHERE NOT b.is_deleted AND b.creation_date_time >= since
            AND greatest(b.creation_date_time, coalesce(b.last_modified_date_time, b.synced_at), l.latest) < until
            AND NOT EXISTS (SELECT 1 FROM rejections r WHERE r.account = b.account
                AND (r.feed = $mutations OR r.key IS NULL OR r.key = CAST(b.batch_id AS VARCHAR)))
    )
"""


def batch_ledger_mismatches(connection: duckdb.DuckDBPyConnection) -> Finding:
    """Batches whose pieces differ from their initial pieces plus all mutations.

    Batches and mutations are read one after the other, and the API no longer returns all older mutations. So a batch is
    checked only if all its mutations are certainly stored (both feeds were read to their end, and the batch was within
    its retention when mutations were first read), if it did not change just before it was read, and if no record of it
    was rejected. The check reads few columns of both tables once, however large they are.
    """
    assert BATCHES.retention is not None
    checked = _CHECKED.format(
        batches=current_rows(tables_of(BATCHES)), mutations=current_rows(tables_of(BATCH_MUTATIONS))
    )
    what = "concat(reported, ' pieces left, but the mutations add up to ', summed)"
    feeds = {"batches": BATCHES.name, "mutations": BATCH_MUTATIONS.name}
    count, examples, number = connection.execute(
        f"{checked} SELECT count(*), min({{t: $batches, a: account, k: id, w: {what}}}, {EXAMPLES}),"
        " (SELECT count(*) FROM checked) FROM checked WHERE reported <> summed",
        {**feeds, "quiet": QUIET, "keeps": BATCHES.retention.keeps},
    ).fetchall()[0]
    return Finding.of(count, examples, number)
