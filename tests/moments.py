"""The moments of tests. The world of a test starts at a moment that the test names, never at today's.

``test_moments.py`` holds this rule. ``make test-dates`` runs the tests that meet the real clock on difficult days.
"""

from __future__ import annotations

import datetime as dt

NOW = dt.datetime(2026, 11, 24, 9, tzinfo=dt.UTC)
"""Tuesday 10:00 in Amsterdam: the sandbox's world trades fully, also one and two days later."""

DATED = frozenset(
    {
        "integration/reports/test_sync_health.py",
        "integration/test_automation.py",
        "integration/test_cli_sandbox.py",
        "integration/test_every_feed.py",
        "integration/test_event_log.py",
        "integration/test_rereading_days.py",
        "integration/test_retention.py",
        "integration/test_snapshots.py",
        "integration/test_upkeep.py",
        "unit/test_moments.py",
        "unit/test_partitions.py",
    }
)
"""Modules of tests in which the product itself reads the real clock: weeks, partitions, days, ages, the demo's world.

Their tests are marked ``dated``, and ``make test-dates`` runs them. The list is short because it runs five times.
"""


def real_now() -> dt.datetime:
    """The real time in UTC.

    Only for a comparison with what the product dates by the real clock: its syncs, its runs, this week's partition.
    """
    return dt.datetime.now(dt.UTC)
