"""After random faults, crashes and changes, two quiet syncs make all tables equal to a small model of Floriday."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from operator import attrgetter
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from pipelines.warehouse.load import upsert
from pipelines.warehouse.load.upsert import Effects, Stored
from tests.examples import cases
from tests.model.feeds import SCENARIOS
from tests.model.machine import FloridayMachine
from tests.model.regressions import REGRESSIONS, PrintingMachine, Regression
from tests.model.server import model_server

pytestmark = pytest.mark.both_kinds

QUICK = settings(
    max_examples=-(-30 // len(SCENARIOS)),
    stateful_step_count=5,
    deadline=None,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
USUAL = settings(QUICK, max_examples=-(-200 // len(SCENARIOS)))
LONG = settings(QUICK, max_examples=-(-1000 // len(SCENARIOS)), stateful_step_count=20, print_blob=True)


@pytest.fixture(autouse=True, scope="module")
def _server() -> Iterator[None]:
    with model_server() as server:
        FloridayMachine.server = server
        yield


@pytest.fixture(autouse=True)
def _statements_are_only_left_out_where_they_change_nothing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Execute the statements that a sync leaves out too, and compare what they could have changed."""
    left_out, stored = [], upsert.store

    def changed(connection: duckdb.DuckDBPyConnection) -> tuple[Any, ...]:
        sql = "SELECT (SELECT count(*) FROM sync.catch_ups), count(resolved_at) FROM sync.rejected_records"
        return connection.execute(sql).fetchall()[0]

    def store(connection: duckdb.DuckDBPyConnection, *args: Any, effects: Effects, **options: Any) -> Stored:
        before = changed(connection)
        complete = replace(effects, may_resolve=True, may_catch_up=True)
        result = stored(connection, *args, effects=complete, **options)
        after = changed(connection)
        if not effects.may_catch_up:
            left_out.append((before[0], after[0]))
        if not effects.may_resolve and not result.rejected:
            left_out.append((before[1], after[1]))
        return result

    monkeypatch.setattr("pipelines.sync.feed_writer.store", store)
    yield
    assert [pair for pair in left_out if pair[0] != pair[1]] == []


@cases("regression", REGRESSIONS, quick=4, ids=attrgetter("__name__"))
def test_a_fixed_loss_does_not_return(regression: Regression) -> None:
    """After a sequence that once lost records, two quiet syncs make each table equal to the model."""
    machine = PrintingMachine()
    try:
        regression(machine)
    except BaseException:
        machine.simulation.has_failed = True
        raise
    finally:
        machine.teardown()


@cases("feeds", SCENARIOS, quick=1, ids=", ".join)
def test_nothing_is_lost_in_thirty_examples(feeds: tuple[str, ...]) -> None:
    """After each of about 30 random examples over all feeds, two quiet syncs make each table equal to the model."""
    run_state_machine_as_test(seed(SCENARIOS.index(feeds))(_machine_of(feeds)), settings=QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("feeds", SCENARIOS, ids=", ".join)
def test_nothing_is_lost_in_two_hundred_examples(feeds: tuple[str, ...]) -> None:
    """After each of about 200 random examples over all feeds, two quiet syncs make each table equal to the model."""
    run_state_machine_as_test(seed(SCENARIOS.index(feeds))(_machine_of(feeds)), settings=USUAL)


@pytest.mark.soak
@pytest.mark.parametrize("feeds", SCENARIOS, ids=", ".join)
def test_nothing_is_lost_in_twenty_thousand_steps(feeds: tuple[str, ...]) -> None:
    """New and longer examples in each run lose nothing; a failure prints how to repeat it."""
    run_state_machine_as_test(_machine_of(feeds), settings=LONG)


def _machine_of(feeds: tuple[str, ...]) -> type[FloridayMachine]:
    return type("FloridayMachine", (FloridayMachine,), {"scenarios": (feeds,)})
