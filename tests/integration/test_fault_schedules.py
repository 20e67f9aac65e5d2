"""Whatever goes wrong on the way, in whatever combination: the next sync without faults ends equal to the server."""

from __future__ import annotations

import os
import sys
from random import SystemRandom

import pytest

from tests.fault_schedules import ANYWHERE, IN_PAGES, ONCE, STATUSES, play, play_many

QUICK = (1, 3, 5, 19, 27, 74, 1031, 2010)
"""Among them some that found defects, and some that notice when the youngest page is not read again."""
MANY = 300


@pytest.mark.parametrize("seed", QUICK)
def test_a_schedule_of_faults_ends_equal_to_the_server(seed: int) -> None:
    """Tables, children, history and raw log are the truth, nothing was torn on the way, and the calls had a bound."""
    assert play(seed).syncs > 0


@pytest.mark.soak
def test_hundreds_of_schedules_end_equal_to_the_server(capsys: pytest.CaptureFixture[str]) -> None:
    """Each fault strikes in many of them; the first seed is drawn, printed, and can be given as SCHEDULES_FROM."""
    first = int(os.environ.get("SCHEDULES_FROM") or SystemRandom().randrange(10**6))
    with capsys.disabled():
        sys.stdout.write(f"SCHEDULES_FROM={first}\n")

    played = play_many(first, MANY)

    assert len(played) == MANY
    struck = sum((one.struck for one in played), start=type(played[0].struck)())
    assert {name for name, times in struck.items() if times} == {
        *map(str, (*ANYWHERE, *IN_PAGES, *ONCE)),
        *(f"status {code}" for code in STATUSES),
    }
