"""Sequence numbers above a feed's proven end: an answer was wrong when they were stored.

A record keeps one number, its newest. A row with a number that its feed has never reached would ignore every later
version as older. So its number is lowered to that of its last version before, and the feed is read again.
"""

from __future__ import annotations

import duckdb

from pipelines.catalogue.tables import Table
from pipelines.warehouse.load.cursors import FeedPart, Position
from pipelines.warehouse.sql import current_rows, listed, raw, record_key, same_key, versions

REASON = "it holds numbers above its end"  # why a feed with lowered numbers is read again


def exist(connection: duckdb.DuckDBPyConnection, table: Table, part: FeedPart, at: Position) -> bool:
    """Whether there are such numbers, before the transaction writes: then a lake knows it by its statistics alone.

    The records of the batch have none, because the end is beyond them.
    """
    if part.part is not None or "sequence_number" not in table.by_name:
        return False
    sql = f"SELECT EXISTS ({_above(table, at.series)})"
    ((found,),) = connection.execute(sql, _params(part, at)).fetchall()
    return bool(found)


def _params(part: FeedPart, at: Position) -> dict[str, object]:
    return {"account": part.account, "series": at.series, "end": at.cursor}


def lower(connection: duckdb.DuckDBPyConnection, table: Table, part: FeedPart, at: Position) -> int:
    """Lower the numbers of the current series above the cursor, which is the feed's proven end; returns how many.

    Each sub-feed has an end of its own, and rows do not show which sub-feed served them. These rows are left as they
    are, and so are those of a snapshot. Within a transaction.
    """
    params = _params(part, at)
    found = f"SELECT DISTINCT {listed(record_key(table))} FROM ({_above(table, at.series)})"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE impossible AS {found}", params)
    ((count,),) = connection.execute("SELECT count(*) FROM impossible").fetchall()
    if count:
        _write_lower_numbers(connection, table, params)
    return int(count)


def _above(table: Table, series: int) -> str:
    """The keys of the records above the end; rows that are unchanged since an older series have its numbers."""
    key = listed(record_key(table))
    above = "account = $account AND sequence_number > $end"
    logged = f"SELECT {key} FROM {raw(table)} WHERE {above} AND series = $series"
    rows = f"SELECT {key} FROM {current_rows(table)} t WHERE {above}"
    if series > 1:
        rows += (
            f" AND EXISTS (FROM {raw(table)} r WHERE r.account = $account AND r.series = $series"
            f" AND {same_key(table, 'r', 't')})"
        )
    return f"{logged} UNION ALL {rows}"


def _write_lower_numbers(connection: duckdb.DuckDBPyConnection, table: Table, params: dict[str, object]) -> None:
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE lowered AS SELECT {listed(record_key(table), 'i.')},"
        " coalesce(max(r.sequence_number), 0) AS sequence_number"
        f" FROM impossible i LEFT JOIN {raw(table)} r ON {same_key(table, 'r', 'i')} AND r.account = $account"
        f" AND r.series = $series AND r.sequence_number <= $end GROUP BY {listed(record_key(table), 'i.')}",
        params,
    )
    for rows, series in ((raw(table), "t.series"), (versions(table), "t.row_series"), (current_rows(table), "$series")):
        connection.execute(
            f"UPDATE {rows} t SET sequence_number = l.sequence_number FROM lowered l WHERE {same_key(table, 't', 'l')}"
            f" AND t.account = $account AND {series} = $series AND t.sequence_number > $end",
            params,
        )
