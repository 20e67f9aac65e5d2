"""A killed sync leaves the committed pages, and the next sync continues after them."""

from __future__ import annotations

import sys
from random import SystemRandom

import pytest

from tests.killed_syncs import kill_syncs

MANY = 200


@pytest.mark.slow
@pytest.mark.parametrize("kills", [3, pytest.param(10, marks=pytest.mark.slow)])
def test_a_few_kills_do_no_harm(kills: int) -> None:
    """After kills no commit is lost, no key doubled and no child orphaned, and at the end all equals the server."""
    killed = kill_syncs(kills, seed=1)

    assert killed.harm == 0, killed
    assert killed.kills == kills
    assert killed.acknowledged > 0


@pytest.mark.soak
def test_two_hundred_kills_do_no_harm(capsys: pytest.CaptureFixture[str]) -> None:
    """Many kills, some of them during a commit, leave a sound warehouse."""
    seed = SystemRandom().randrange(10**6)

    killed = kill_syncs(MANY, seed)

    with capsys.disabled():
        sys.stdout.write(f"seed {seed}: {killed}\n")
    assert killed.harm == 0, killed
    assert killed.kills == MANY
    assert killed.in_a_transaction > 0
