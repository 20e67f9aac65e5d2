"""A sync of a lake sends few statements to PostgreSQL, because each takes a round trip."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pipelines.lake_address import LakeAddress
from pipelines.sandbox import Sandbox
from pipelines.sync.follow.backoff import Backoff
from pipelines.sync.follow.poller import open_poller
from pipelines.sync.follow.rounds import Rounds
from tests.integration.syncing import Syncing
from tests.integration.test_silent_losses import change
from tests.lakes import counted_statements, database_of, execute, postgres, stopped_postgres

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
    """To attach the lake, to check it, and to write that the feed is current takes less than 160 statements."""
    with counted_statements() as statements:
        (outcome,) = synced.sync().values()

    assert outcome.current
    assert 20 < statements.count < 160


def test_a_batch(synced: Syncing) -> None:
    """A batch of a feed with two child tables takes less than 100 statements more."""
    with counted_statements() as idle:
        synced.sync()
    change(synced, ORDERS, 0, numberOfPieces=5)

    with counted_statements() as statements:
        (outcome,) = synced.sync().values()

    assert outcome.changed == 1
    assert statements.count - idle.count < 100


@contextmanager
def following(synced: Syncing) -> Iterator[Rounds]:
    """Yield a resident sync after its first round."""
    with synced.pipeline() as session, open_poller() as poller:
        rounds = Rounds(session.connected, poller, Backoff(30.0, 300.0), synced.time.clock)
        rounds.whole(lambda: None)
        yield rounds


def sessions(synced: Syncing) -> set[int]:
    """Return the process ids of the sessions of the lake's database."""
    assert isinstance(synced.address, LakeAddress)
    sql = "SELECT pid FROM pg_stat_activity WHERE datname = %s"
    return {pid for (pid,) in execute(sql, database_of(synced.address))}


def test_a_resident_sync_stays_attached(synced: Syncing) -> None:
    """Between two rounds the sessions of the lake stay open, and the second round uses them."""
    with following(synced) as rounds:
        before = sessions(synced)
        change(synced, ORDERS, 0, numberOfPieces=6)
        done = rounds.moved()

        assert [outcome.changed for outcome in done.outcomes] == [1]
        assert before
        assert before <= sessions(synced)


def test_a_resident_sync_survives_a_restart_of_postgresql(synced: Syncing) -> None:
    """A round after PostgreSQL was started again stores what changed."""
    with following(synced) as rounds:
        change(synced, ORDERS, 0, numberOfPieces=7)
        with stopped_postgres():
            pass
        done = rounds.moved()

    assert [outcome.changed for outcome in done.outcomes] == [1]
    assert not done.failures
