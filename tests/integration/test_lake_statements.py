"""A sync of a lake sends few statements to PostgreSQL, because each takes a round trip."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from pipelines.sandbox import Sandbox
from tests.integration.syncing import Syncing
from tests.integration.test_silent_losses import change
from tests.lakes import counted_statements, postgres

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
ORDERS = "orders.sales_orders"


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Syncing]:
    """A lake with one feed that has two child tables, synced twice."""
    postgres()
    with Sandbox(now=NOW, scale=0.02) as sandbox:
        syncing = Syncing(sandbox, tmp_path_factory.mktemp("lake") / "w.duckdb", only=(ORDERS,), kind="lake")
        for _ in range(2):
            syncing.sync()
        yield syncing


def test_a_round_without_changes(synced: Syncing) -> None:
    """To attach the lake, to check it, and to write that the feed is current takes less than 300 statements."""
    with counted_statements() as statements:
        (outcome,) = synced.sync().values()

    assert outcome.current
    assert 20 < statements.count < 300


def test_a_batch(synced: Syncing) -> None:
    """A batch of a feed with two child tables takes less than 200 statements more."""
    with counted_statements() as idle:
        synced.sync()
    change(synced, ORDERS, 0, numberOfPieces=5)

    with counted_statements() as statements:
        (outcome,) = synced.sync().values()

    assert outcome.changed == 1
    assert statements.count - idle.count < 200
