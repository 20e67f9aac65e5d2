"""Random stories of Floriday and its client: after quiet syncs all tables are equal to a small model of Floriday."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import FloridayMachine
from tests.model.server import model_server

QUICK = settings(
    max_examples=200,
    stateful_step_count=14,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)


@pytest.fixture(autouse=True)
def _served() -> Iterator[None]:
    with model_server() as server:
        FloridayMachine.server = server
        yield


def test_nothing_is_lost_in_two_hundred_stories() -> None:
    """Whatever goes wrong, two quiet syncs later each table is what the model says."""
    run_state_machine_as_test(FloridayMachine, settings=QUICK)
