"""What holds for every test: settings of its own, and property tests that do not depend on the machine's speed."""

from __future__ import annotations

import faulthandler
import os
import sys
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import HealthCheck, settings

from tests.examples import examples

settings.register_profile(
    "here", deadline=None, max_examples=examples(30), suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("ci", settings.get_profile("here"), derandomize=True)


def pytest_configure() -> None:
    """Forget the settings of whoever runs the tests, here and in the processes that tests start."""
    for name in list(os.environ):
        if name.startswith(("FLORIDAY_", "DAGSTER_")):
            del os.environ[name]
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "true"
    settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--turn``, for tests that are too many for one run of CI."""
    parser.addoption("--turn", default="1/1", help="K/N: of the files with selected tests, run the K-th of every N")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the files whose turn it is: N runs with 1/N to N/N run every selected test once."""
    turn, turns = map(int, config.getoption("--turn").split("/"))
    files = sorted({item.path for item in items})[turn - 1 :: turns]
    config.hook.pytest_deselected(items=[item for item in items if item.path not in files])
    items[:] = [item for item in items if item.path in files]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let those that run for minutes run for minutes: what is taken for a hang elsewhere is none there."""
    if item.get_closest_marker("soak") or item.get_closest_marker("slow"):
        faulthandler.cancel_dump_traceback_later()


@pytest.fixture(autouse=True, scope="session")
def _revisions_are_imported_once() -> Iterator[None]:
    """Cache the revisions of Dagster's databases, which Alembic imports anew for each database of each test."""
    alembic = sys.modules.get("alembic.script")
    with pytest.MonkeyPatch.context() as patch:
        if alembic is not None:
            patch.setattr(alembic.ScriptDirectory, "from_config", cache(alembic.ScriptDirectory.from_config))
        yield
