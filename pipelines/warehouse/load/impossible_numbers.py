"""Sequence numbers above a feed's proven end: some answer was wrong when they were stored.

A record keeps one number, its newest. A row that was stored under a number that its feed has never reached would ignore
every later version as older. So its number is lowered to that of its last version before, and the feed is read again.
"""

from __future__ import annotations

import duckdb

from pipelines.catalogue.tables import Table
from pipelines.warehouse.load.cursors import FeedPart, Position
from pipelines.warehouse.sql import current, listed, raw, record_key, same_key, versions

REASON = "it holds numbers above its end"
"""Why a feed is read again whose numbers were lowered."""


def lower(connection: duckdb.DuckDBPyConnection, table: Table, part: FeedPart, at: Position) -> int:
    """Lower the numbers of a feed's current series that lie above its proven end; within a transaction.

    A feed that is read part by part has an end for each part, and its rows do not say which part they came with; those
    are left as they are, and so is a snapshot.

    Args:
        connection: open for writing.
        table: the feed's.
        part: the feed.
        at: its position: the series, and the cursor, which is the end.

    Returns:
        How many records there were.
    """
    if part.part is not None or "sequence_number" not in table.by_name:
        return 0
    given = {"account": part.account, "series": at.series, "end": at.cursor}
    connection.execute(_FOUND.format(key=listed(record_key(table)), rows=_above(table, at.series)), given)
    ((count,),) = connection.execute("SELECT count(*) FROM impossible").fetchall()
    if count:
        _write_lower_numbers(connection, table, given)
    return int(count)


_FOUND = "CREATE OR REPLACE TEMP TABLE impossible AS SELECT DISTINCT {key} FROM ({rows})"


def _above(table: Table, series: int) -> str:
    """The keys of the records above the end; rows that stand since an older series have that one's numbers."""
    key = listed(record_key(table))
    above = "account = $account AND sequence_number > $end"
    logged = f"SELECT {key} FROM {raw(table)} WHERE {above} AND series = $series"
    rows = f"SELECT {key} FROM {current(table)} t WHERE {above}"
    if series > 1:
        rows += (
            f" AND EXISTS (FROM {raw(table)} r WHERE r.account = $account AND r.series = $series"
            f" AND {same_key(table, 'r', 't')})"
        )
    return f"{logged} UNION ALL {rows}"


def _write_lower_numbers(connection: duckdb.DuckDBPyConnection, table: Table, given: dict[str, object]) -> None:
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE lowered AS SELECT {listed(record_key(table), 'i.')},"
        " coalesce(max(r.sequence_number), 0) AS sequence_number"
        f" FROM impossible i LEFT JOIN {raw(table)} r ON {same_key(table, 'r', 'i')} AND r.account = $account"
        f" AND r.series = $series AND r.sequence_number <= $end GROUP BY {listed(record_key(table), 'i.')}",
        given,
    )
    for rows, series in ((raw(table), "t.series"), (versions(table), "t.row_series"), (current(table), "$series")):
        connection.execute(
            f"UPDATE {rows} t SET sequence_number = l.sequence_number FROM lowered l WHERE {same_key(table, 't', 'l')}"
            f" AND t.account = $account AND {series} = $series AND t.sequence_number > $end",
            given,
        )
