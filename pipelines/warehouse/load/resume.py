"""Where the next walk of a feed begins, and what of it need not be read or stored again."""

from __future__ import annotations

import duckdb

from pipelines.catalogue.tables import Table
from pipelines.warehouse.load.clock_changes import windows
from pipelines.warehouse.load.cursors import YOUNG, FeedPart, of_part
from pipelines.warehouse.load.position import Position
from pipelines.warehouse.sql import current, raw

_LOOKED_AT = 1000
"""Windows of a feed among which those that may be young are looked for."""

_HERE = "account = $account AND feed = $feed AND part IS NOT DISTINCT FROM $part AND series = $series"


def reread_from(connection: duckdb.DuckDBPyConnection, part: FeedPart, at: Position, table: Table, page: int) -> int:
    """Where the next walk starts: before the page that was the head of a young run, else at the cursor.

    Each run that has moved the cursor within the last ten minutes ended at the head of the feed then, and numbers below
    that head may have become visible later. So the page before the first such head is read again, and all that follows.

    Args:
        connection: open for reading.
        part: the feed.
        at: its position.
        table: its table.
        page: records of a full page.
    """
    if at.committed_at is None:
        return at.cursor
    sql = f"""
        WITH {windows(_LOOKED_AT)},
        here AS (SELECT *, coalesce(known_by > $young, true) AS is_young FROM windows WHERE series = $series)
        SELECT min(first), min(head) FROM (
            SELECT min(begins) AS first, max(reached) AS head FROM here WHERE is_young
                AND reached > (SELECT coalesce(max(reached), 0) FROM here WHERE NOT is_young) GROUP BY run_id
        )
    """
    given = {**of_part(part), "series": at.series, "now": at.committed_at, "young": at.committed_at - YOUNG}
    ((first, head),) = connection.execute(sql, given).fetchall()
    if first is None:
        return at.cursor
    return int(min(at.cursor, max(first, _page_before(connection, part, head, table, page))))


def stored_above(
    connection: duckdb.DuckDBPyConnection, part: FeedPart, at: Position, table: Table, after: int
) -> dict[int, set[bytes]]:
    """The versions that are stored between a number and the cursor: for each number, the hashes of what stands there.

    Args:
        connection: open for reading.
        part: the feed.
        at: its position.
        table: its table.
        after: the number, excluded.
    """
    sql = (
        f"SELECT sequence_number, content_hash FROM {raw(table)} WHERE account = $account AND series = $series"
        " AND sequence_number > $after AND sequence_number <= $cursor"
    )
    said = {"account": part.account, "series": at.series, "after": after, "cursor": at.cursor}
    stored: dict[int, set[bytes]] = {}
    for number, content in connection.execute(sql, said).fetchall():
        stored.setdefault(number, set()).add(content)
    return stored


def _page_before(connection: duckdb.DuckDBPyConnection, part: FeedPart, number: int, table: Table, page: int) -> int:
    """The number after which the last full page up to ``number`` begins, as far as its records are stored."""
    newest = (
        f"SELECT min(sequence_number), count(*) FROM (SELECT sequence_number FROM {current(table)}"
        " WHERE account = $account AND sequence_number <= $number ORDER BY sequence_number DESC LIMIT $page)"
    )
    found = {"account": part.account, "number": number, "page": page}
    lowest: int
    count: int
    lowest, count = connection.execute(newest, found).fetchall()[0]
    return lowest - 1 if count == page else 0


def read_beyond(
    connection: duckdb.DuckDBPyConnection, part: FeedPart, at: Position, table: Table, page: int
) -> list[tuple[int, int]]:
    """What an interrupted load has read beyond the cursor: intervals, from after the first number up to the second.

    Its last page is left out: it may have been the feed's head, where numbers become visible late.

    Args:
        connection: open for reading.
        part: the feed.
        at: its position.
        table: its table.
        page: records of a full page.
    """
    rows = connection.execute(
        f"SELECT from_sequence_number, to_sequence_number FROM sync.windows WHERE {_HERE}"
        " AND to_sequence_number > $cursor AND to_sequence_number > from_sequence_number",
        {**of_part(part), "series": at.series, "cursor": at.cursor},
    ).fetchall()
    if not rows:
        return []
    head = _page_before(connection, part, max(ends for _, ends in rows), table, page)
    return [(begins, min(ends, head)) for begins, ends in rows if begins < min(ends, head)]
