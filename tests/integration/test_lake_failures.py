"""A sync of a lake that is killed, or loses PostgreSQL, stores nothing in part, and the next one makes up for all."""

from __future__ import annotations

import re
import sys
from random import SystemRandom

import pytest

from tests.killed_lake_syncs import MOMENTS, How, end_syncs
from tests.lakes import postgres

MANY = 20


@pytest.fixture(autouse=True, scope="module")
def _running_postgres() -> None:
    """Start PostgreSQL, or skip."""
    postgres()


@pytest.mark.parametrize("how", ["kill", "end sessions"])
@pytest.mark.parametrize("count", [1, pytest.param(MANY, marks=pytest.mark.slow)])
def test_ended_syncs_lose_and_double_nothing(how: How, count: int, capsys: pytest.CaptureFixture[str]) -> None:
    """After each, no commit is lost, and the next sync equals the server, with no key and no version twice."""
    seed = 1 if count == 1 else SystemRandom().randrange(10**6)

    ended = end_syncs(how, count, seed)

    with capsys.disabled():
        sys.stdout.write(f"{how}, seed {seed}: {ended}\n")
    assert ended.harm == 0, ended
    assert ended.kills == count
    assert ended.acknowledged > 0
    assert ended.moments.keys() == {*MOMENTS[:count]}
    expected = re.compile("'(PostgreSQL does not answer|DuckDB failed while|another sync has moved)")
    assert all(map(expected.match, ended.errors)), ended
