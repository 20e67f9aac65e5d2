"""Settings of every test: a clean environment, and property tests that do not depend on the machine's speed."""

from __future__ import annotations

import faulthandler
import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("local", deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("local"), derandomize=True)


def pytest_configure() -> None:
    """Remove the FLORIDAY_ and DAGSTER_ variables of the caller, also for the processes that tests start."""
    for name in list(os.environ):
        if name.startswith(("FLORIDAY_", "DAGSTER_")):
            del os.environ[name]
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "true"
    settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Do not dump tracebacks of soak tests, which run for minutes on purpose."""
    if item.get_closest_marker("soak"):
        faulthandler.cancel_dump_traceback_later()
