"""After any combination of faults, the next sync without faults makes the warehouse equal to the server."""

from __future__ import annotations

import os
import sys
from random import SystemRandom

import pytest

from tests.examples import cases
from tests.fault_schedules import ANYWHERE, IN_PAGES, ONCE, STATUSES, play, play_many

pytestmark = pytest.mark.both_kinds

QUICK = (1, 3, 5, 19, 27, 74, 1031, 2010, 932539)
"""Some of these seeds found defects; some fail when the newest page is not read again."""
MANY = 300


@cases("seed", QUICK, quick=2)
def test_a_schedule_of_faults_ends_equal_to_the_server(seed: int) -> None:
    """After many faults, tables, history and raw log equal the server, and the number of calls is bounded."""
    assert play(seed).syncs > 0


@pytest.mark.soak
def test_hundreds_of_schedules_end_equal_to_the_server(capsys: pytest.CaptureFixture[str]) -> None:
    """In 300 schedules each fault occurs; the first seed is printed, and SCHEDULES_FROM sets it."""
    first = int(os.environ.get("SCHEDULES_FROM") or SystemRandom().randrange(10**6))
    with capsys.disabled():
        sys.stdout.write(f"SCHEDULES_FROM={first}\n")

    played = play_many(first, MANY)

    assert len(played) == MANY
    faults = sum((schedule.struck for schedule in played), start=type(played[0].struck)())
    assert {name for name, times in faults.items() if times} == {
        *map(str, (*ANYWHERE, *IN_PAGES, *ONCE)),
        *(f"status {code}" for code in STATUSES),
    }
