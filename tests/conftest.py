"""What holds for every test: settings of its own, and property tests that do not depend on the machine's speed."""

from __future__ import annotations

import faulthandler
import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("here", deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("here"), derandomize=True)


def pytest_configure() -> None:
    """Forget the settings of whoever runs the tests, here and in the processes that tests start."""
    for name in list(os.environ):
        if name.startswith(("FLORIDAY_", "DAGSTER_")):
            del os.environ[name]
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "true"
    settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let those that run for minutes run for minutes: what is taken for a hang elsewhere is none there."""
    if item.get_closest_marker("soak"):
        faulthandler.cancel_dump_traceback_later()
