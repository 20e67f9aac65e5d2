"""Commands that are interrupted on a pseudo-terminal end at once, print one line and leave no process and no lock."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from random import SystemRandom

import pytest

from pipelines.warehouse.file.sync_lock import lock_holder
from tests.interruptions import MAX_SECONDS, interrupt_commands
from tests.pseudo_terminal import run_in_terminal

QUICK, MANY = 3, 400


def wait_for_file(path: Path) -> None:
    """Wait until a file exists."""
    deadline = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)]
)
def test_a_demo_is_interrupted_during_its_sync(number: signal.Signals, code: int, tmp_path: Path) -> None:
    """An interrupted demo prints one line, leaves no process and no lock, and Dagster starts no further feed."""
    folder = tmp_path / "project"
    folder.mkdir()
    warehouse = folder / "data" / "demo.duckdb"
    with run_in_terminal("demo", folder=folder) as demo:
        wait_for_file(warehouse)

        demo.interrupt(number)

        assert demo.ended(MAX_SECONDS) == code, bytes(demo.printed)
        assert demo.stderr == "floriday: stopped\n"
        assert demo.processes == set()
    assert lock_holder(warehouse) is None
    assert not warehouse.with_name("demo.duckdb.holder").exists()


@pytest.mark.slow
def test_a_few_interruptions_at_random_moments() -> None:
    """An interrupted command ends within five seconds, and one more sync makes the warehouse equal to the server."""
    results = interrupt_commands(QUICK, seed=1, only=("sync", "query", "export"))

    assert results.interrupted.total() == QUICK
    assert results.longest < MAX_SECONDS


@pytest.mark.soak
def test_four_hundred_interruptions_of_all_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """Every command ends within five seconds of an interruption, at any moment."""
    seed = SystemRandom().randrange(10**6)

    results = interrupt_commands(MANY, seed)

    with capsys.disabled():
        sys.stdout.write(f"seed {seed}: {results}\n")
    assert results.interrupted.total() == MANY
    assert results.longest < MAX_SECONDS
