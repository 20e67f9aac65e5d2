"""After the same steps, every table of a lake has the rows of a file, and the raw log its order of versions."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from pipelines.sandbox import Sandbox
from tests.examples import examples
from tests.integration.two_kinds import TwoKinds
from tests.lakes import postgres

FEW = ("orders.sales_orders", "supply.batches")
FEEDS, PLACES, SEEDS = st.sampled_from(FEW), st.integers(0, 9), st.integers(0, 10**6)


@pytest.fixture(autouse=True, scope="module")
def _running_postgres() -> None:
    """Start PostgreSQL, or skip."""
    postgres()


class TwoKindsMachine(RuleBasedStateMachine):
    """Random steps at Floriday and with both warehouses, which are compared at the end."""

    @initialize(seed=SEEDS)
    def begin(self, seed: int) -> None:
        """Start with some records, of which PostgreSQL holds a part and files the others."""
        self._folder = TemporaryDirectory()
        self._sandbox = Sandbox(empty=True)
        self._sandbox.__enter__()
        self.kinds = TwoKinds(self._sandbox, Path(self._folder.name), FEW)
        self.kinds.create(FEW[0], 30, seed)
        self.kinds.sync()

    @rule(feed=FEEDS, count=st.sampled_from((1, 5, 60)), seed=SEEDS)
    def create(self, feed: str, count: int, seed: int) -> None:
        """Create records."""
        self.kinds.create(feed, count, seed)

    @rule(feed=FEEDS, place=PLACES, kind=st.sampled_from(("number", "content", "deleted")))
    def change(self, feed: str, place: int, kind: str) -> None:
        """Change a record, delete it, or give it another number only."""
        fields: dict[str, dict[str, Any]] = {
            "number": {},
            "content": {"numberOfPieces": place},
            "deleted": {"isDeleted": True},
        }
        self.kinds.change(feed, place, **fields[kind])

    @rule(feed=FEEDS, seed=SEEDS)
    def spoil_and_heal(self, feed: str, seed: int) -> None:
        """Serve a record that is rejected, and a valid one later."""
        self.kinds.spoil(feed)
        self.kinds.sync()
        self.kinds.heal(feed, seed)

    @rule(feed=FEEDS)
    def restart(self, feed: str) -> None:
        """Restart the numbering of a feed."""
        self.kinds.book(feed).restart()

    @rule(full=st.sampled_from((False, False, True)))
    def sync(self, *, full: bool) -> None:
        """Sync all feeds."""
        self.kinds.sync(full=full)

    @rule(feed=FEEDS)
    def rebuild(self, feed: str) -> None:
        """Rebuild a feed from its raw log."""
        self.kinds.rebuild(feed)

    @rule(name=st.sampled_from(("main", "north")))
    def rename(self, name: str) -> None:
        """Rename the account."""
        self.kinds.rename(name)

    @rule(treatment=st.sampled_from(("hash", "drop")))
    def redact(self, treatment: str) -> None:
        """Hash or drop personal data."""
        self.kinds.redact("hash" if treatment == "hash" else "drop")

    @rule()
    def upkeep(self) -> None:
        """Flush, merge and expire what the lake holds."""
        self.kinds.upkeep()

    def teardown(self) -> None:
        """Sync once more, and compare all tables."""
        try:
            self.kinds.sync()
            self.kinds.assert_equal()
        finally:
            self._sandbox.__exit__(None, None, None)
            self._folder.cleanup()


def run_machine(number: int, steps: int) -> None:
    """Try some random sequences of steps."""
    run_state_machine_as_test(
        TwoKindsMachine,
        settings=settings(
            max_examples=examples(number),
            stateful_step_count=steps,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_each_kind_of_step_leads_to_equal_tables(tmp_path: Path) -> None:
    """After each step, all tables of a few feeds have the same rows, and the versions of each record the same order."""
    orders, batches = FEW
    with Sandbox(empty=True) as sandbox:
        kinds = TwoKinds(sandbox, tmp_path, FEW)
        kinds.create(orders, 300, 1)  # more rows than PostgreSQL holds before they become a file
        kinds.create(batches, 5, 2)
        kinds.sync()
        kinds.assert_equal()
        kinds.change(orders, 1, numberOfPieces=5)
        kinds.change(orders, 2, isDeleted=True)
        kinds.change(orders, 3)
        kinds.spoil(orders)
        kinds.sync()
        kinds.assert_equal()
        kinds.heal(orders, 9)
        kinds.book(orders).restart()
        kinds.sync()
        kinds.upkeep()
        kinds.rebuild(orders)
        kinds.rename("north")
        kinds.assert_equal()
        for treatment in ("hash", "drop"):
            kinds.redact("hash" if treatment == "hash" else "drop")
            kinds.sync(full=True)
            kinds.assert_equal()
    assert kinds.errors == set()


@pytest.mark.slow
def test_many_steps_lead_to_equal_tables() -> None:
    """Longer sequences of random steps do so too."""
    run_machine(10, 15)
