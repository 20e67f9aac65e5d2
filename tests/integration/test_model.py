"""Random stories of Floriday and its client: after quiet syncs all tables are equal to a small model of Floriday."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.feeds import SCENARIOS
from tests.model.machine import FloridayMachine
from tests.model.server import model_server
from tests.model.stories import STORIES, Story, Teller

QUICK = settings(
    max_examples=-(-60 // len(SCENARIOS)),
    stateful_step_count=5,
    deadline=None,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
USUAL = settings(QUICK, max_examples=-(-200 // len(SCENARIOS)))
LONG = settings(QUICK, max_examples=-(-1000 // len(SCENARIOS)), stateful_step_count=20, print_blob=True)


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


@pytest.mark.parametrize("feeds", SCENARIOS, ids=", ".join)
def test_nothing_is_lost_in_sixty_stories(feeds: tuple[str, ...]) -> None:
    """Whatever goes wrong, two quiet syncs later each table is what the model says; so many stories of all feeds."""
    run_state_machine_as_test(seed(SCENARIOS.index(feeds))(_machine_of(feeds)), settings=QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("feeds", SCENARIOS, ids=", ".join)
def test_nothing_is_lost_in_two_hundred_stories(feeds: tuple[str, ...]) -> None:
    """The same with more of them."""
    run_state_machine_as_test(seed(SCENARIOS.index(feeds))(_machine_of(feeds)), settings=USUAL)


@pytest.mark.soak
@pytest.mark.parametrize("feeds", SCENARIOS, ids=", ".join)
def test_nothing_is_lost_in_twenty_thousand_steps(feeds: tuple[str, ...]) -> None:
    """The same with new stories each time, longer ones; a failure prints how to play it again."""
    run_state_machine_as_test(_machine_of(feeds), settings=LONG)


def _machine_of(feeds: tuple[str, ...]) -> type[FloridayMachine]:
    return type("FloridayMachine", (FloridayMachine,), {"scenarios": (feeds,)})
