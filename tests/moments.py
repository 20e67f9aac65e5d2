"""The moments of tests. The world of a test starts at a moment that the test names, never at today's.

``test_moments.py`` holds this rule. ``make test-dates`` runs the tests that meet the real clock on difficult days.
"""

from __future__ import annotations

import datetime as dt

NOW = dt.datetime(2026, 11, 24, 9, tzinfo=dt.UTC)
"""Tuesday 10:00 in Amsterdam: the sandbox's world trades fully, also one and two days later."""

DATED = (
    "tests/unit/test_moments.py",
    "tests/unit/test_partitions.py",
    "tests/integration/test_rereading_days.py::TestUpToNow",
    "tests/integration/test_snapshots.py",
)
"""What ``make test-dates`` runs: tests in which the product reads the real clock, for weeks or days.

The list is short because it runs on five dates with every change. A scheduled workflow runs all tests on each date.
"""


def real_now() -> dt.datetime:
    """The real time in UTC.

    Only for a comparison with what the product dates by the real clock: its syncs, its runs, this week's partition.
    """
    return dt.datetime.now(dt.UTC)
