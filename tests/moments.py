"""The moments of tests. The world of a test starts at a moment that the test names, never at today's.

``test_moments.py`` holds this rule. ``make test-dates`` runs the tests that meet the real clock on difficult days.
"""

from __future__ import annotations

import datetime as dt

NOW = dt.datetime(2026, 11, 24, 9, tzinfo=dt.UTC)
"""Tuesday 10:00 in Amsterdam: the sandbox's world trades fully, also one and two days later."""


def real_now() -> dt.datetime:
    """The real time in UTC.

    Only for a comparison with what the product dates by the real clock: its syncs, its runs, this week's partition.
    """
    return dt.datetime.now(dt.UTC)
