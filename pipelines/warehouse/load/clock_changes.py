"""What the times in ``sync.windows`` prove, although the clock may have been wrong when they were written.

Windows are in the order in which they were committed, by their place in the table. A time that does not fit into that
order, or lies in the future, was written under a wrong clock: its own or that of a neighbour. Then a bound is taken
from another window, or there is none.
"""

from __future__ import annotations

_WINDOWS = """
    ordered AS (
        SELECT rowid AS place, series, run_id, from_sequence_number AS begins, to_sequence_number AS reached,
            started_at, committed_at
        FROM sync.windows WHERE account = $account AND feed = $feed AND part IS NOT DISTINCT FROM $part
            AND to_sequence_number > from_sequence_number
        ORDER BY rowid DESC LIMIT {newest}
    ),
    judged AS (
        SELECT *, min(committed_at) OVER (ORDER BY place DESC) AS earliest_since,
            committed_at <= $now AND committed_at >= max(CASE WHEN committed_at <= $now THEN committed_at END)
                OVER (ORDER BY place) AS is_in_order
        FROM ordered
    ),
    windows AS (
        SELECT * EXCLUDE (earliest_since, is_in_order),
            min(CASE WHEN is_in_order THEN committed_at END) OVER (ORDER BY place DESC) AS known_by,
            CASE WHEN started_at <= least(earliest_since, $now) THEN started_at END AS surely_started_at,
            CASE WHEN committed_at <= least(earliest_since, $now) THEN committed_at END AS surely_committed_at
        FROM judged
    )
"""


def windows(newest: int | None = None) -> str:
    """Common table expressions: ``windows`` are those of a feed, or sub-feed, that span numbers, of all series.

    ``known_by`` is a time before which the window was surely committed: that of the first window from it on that is
    later than all before it. NULL where there is no such window yet. ``surely_started_at`` and ``surely_committed_at``
    are times before which it was surely not: NULL where a later window, or the clock now, has an earlier time.

    The SQL's parameters are ``account``, ``feed``, ``part``, and ``now``, the current time. Only so many ``newest``
    windows are searched, None for all.
    """
    return _WINDOWS.format(newest="NULL" if newest is None else newest)
