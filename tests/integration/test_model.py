"""Random stories of Floriday and its client: after quiet syncs all tables are equal to a small model of Floriday."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import FloridayMachine
from tests.model.server import model_server
from tests.model.stories import STORIES, Story, Teller

QUICK = settings(
    max_examples=200,
    stateful_step_count=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
LONG = settings(
    QUICK, max_examples=1000, stateful_step_count=20, derandomize=False, print_blob=True, report_multiple_bugs=False
)


@pytest.fixture(autouse=True, scope="module")
def _served() -> Iterator[None]:
    with model_server() as server:
        FloridayMachine.server = server
        yield


@pytest.mark.parametrize("story", STORIES, ids=attrgetter("__name__"))
def test_a_loss_that_was_found_once_does_not_come_back(story: Story) -> None:
    """Two quiet syncs after the end of the story each table is what the model says."""
    machine = Teller()
    try:
        story(machine)
    except BaseException:
        machine.play.has_failed = True
        raise
    finally:
        machine.teardown()


def test_nothing_is_lost_in_two_hundred_stories() -> None:
    """Whatever goes wrong, two quiet syncs later each table is what the model says."""
    run_state_machine_as_test(FloridayMachine, settings=QUICK)


@pytest.mark.soak
def test_nothing_is_lost_in_twenty_thousand_steps() -> None:
    """The same with new stories each time, longer ones; a failure prints how to play it again."""
    run_state_machine_as_test(FloridayMachine, settings=LONG)
