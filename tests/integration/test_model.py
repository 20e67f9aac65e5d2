"""After random faults, crashes and changes, two quiet syncs make all tables equal to a small model of Floriday."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

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
