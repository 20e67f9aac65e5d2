"""After the same steps, every table of a lake has the rows of a file, and the raw log in the same order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
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

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
FEW = ("orders.sales_orders", "supply.batches", "supply.weekly_base_supply")
FEEDS, PLACES, SEEDS = st.sampled_from(FEW[:2]), st.integers(0, 9), st.integers(0, 10**6)


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


def test_any_steps_lead_to_equal_tables() -> None:
    """Some random steps lead to the same rows, and to the same order of the raw log."""
    run_machine(1, 6)


@pytest.mark.slow
def test_many_steps_lead_to_equal_tables() -> None:
    """Longer sequences of random steps do so too."""
    run_machine(10, 15)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoKinds]:
    """All feeds and snapshots of a supplier, after a load and changes."""
    with Sandbox(now=NOW, scale=0.05) as sandbox:
        kinds = TwoKinds(sandbox, tmp_path_factory.mktemp("whole"))
        kinds.sync()
        sandbox.advance(dt.timedelta(hours=6))
        kinds.sync()
        yield kinds


@pytest.mark.slow
def test_every_table_is_equal_after_every_kind_of_step(whole: TwoKinds) -> None:
    """All tables are equal after a load, changes, a restart, rejected and healed records, rebuilds and so on."""
    orders = "orders.sales_orders"
    assert whole.assert_equal() >= 149
    whole.book(orders).restart()
    whole.spoil(orders)
    whole.sync()
    assert whole.assert_equal() >= 149
    whole.heal(orders, 1)
    whole.sync(full=True)
    whole.assert_equal()
    for source in whole.file.catalogue.sources:
        whole.rebuild(source.name)
    whole.assert_equal()
    whole.rename("north")
    whole.upkeep()
    whole.sync()
    whole.assert_equal()
    for treatment in ("hash", "drop"):
        whole.redact("hash" if treatment == "hash" else "drop")
        whole.sync()
        whole.assert_equal()
