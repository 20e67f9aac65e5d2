"""The times at which the data of tests start: fixed ones, never today's.

``test_moments.py`` checks this rule. ``make test-dates`` runs the tests that read the real clock on difficult dates.
"""

from __future__ import annotations

import datetime as dt

NOW = dt.datetime(2026, 11, 24, 9, tzinfo=dt.UTC)
"""Tuesday 10:00 in Amsterdam. The sandbox trades at its normal volume then, also one and two days later."""

DATED = (
    "tests/unit/test_moments.py",
    "tests/unit/test_partitions.py",
    "tests/integration/test_rereading_days.py::TestUpToNow",
    "tests/integration/test_snapshots.py",
)
"""The tests that ``make test-dates`` runs: in these, the product reads the real clock, for weeks or days.

The list is short because it runs on five dates with every change. A scheduled workflow runs all tests on each date.
"""


def real_now() -> dt.datetime:
    """Return the real time in UTC.

    Only for comparisons with times that the product takes from the real clock: of syncs, runs, this week's partition.
    """
    return dt.datetime.now(dt.UTC)
