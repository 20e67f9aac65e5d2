"""Settings of every test: a clean environment, and property tests that do not depend on the machine's speed."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

from pipelines.floriday.http.retry import RetryPolicy
from tests.examples import examples
from tests.warehouses import KIND

REPORTS = "tests/integration/reports/"

settings.register_profile(
    "local", deadline=None, max_examples=examples(20), suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("ci", settings.get_profile("local"), derandomize=True)


def pytest_configure() -> None:
    """Remove the FLORIDAY_ and DAGSTER_ variables of the caller, also for the processes that tests start."""
    for name in list(os.environ):
        if name.startswith(("FLORIDAY_", "DAGSTER_")):
            del os.environ[name]
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "true"
    _let_processes_be_interrupted()
    settings.load_profile("ci" if os.environ.get("CI") else "local")


def _let_processes_be_interrupted() -> None:
    """Where a shell ignores signals, as it does for jobs in the background, the processes that tests start do not.

    They would inherit an ignored signal; one with a handler has its default again.
    """
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--turn``, which divides the tests into parts that CI can run one after the other."""
    parser.addoption("--turn", default="1/1", help="K/N: of the selected tests, run the K-th of every N parts")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Select every N-th part of the tests from the K-th on, so that the runs 1/N to N/N run every selected test once.

    A part is at most ten tests of one file that follow one another: so the runs take about as long as one another, and
    few of them start the same server.

    Where the warehouses are lakes, only tests for both kinds are selected.
    """
    if KIND == "lake":
        _select(config, items, [item for item in items if item.get_closest_marker("both_kinds")])
        for item in items:
            if (marker := item.get_closest_marker("file_only")) is not None:
                item.add_marker(pytest.mark.skip(reason=f"not with a lake: {marker.args[0]}"))
    index, count = map(int, config.getoption("--turn").split("/"))
    chosen = {item for part in _parts(items)[index - 1 :: count] for item in part}
    _select(config, items, [item for item in items if item in chosen])


def _parts(items: list[pytest.Item]) -> list[list[pytest.Item]]:
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    return [files[path][start : start + 10] for path in sorted(files) for start in range(0, len(files[path]), 10)]


def _select(config: pytest.Config, items: list[pytest.Item], selected: list[pytest.Item]) -> None:
    kept = set(selected)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = selected


class _ByWarehouse(LoadFileScheduling):  # type: ignore[misc]
    """Runs the tests of a file on one worker, and all tests of reports, which share the same warehouses, on one."""

    def _split_scope(self, nodeid: str) -> str:
        return REPORTS if nodeid.startswith(REPORTS) else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    """Return the scheduler for ``--dist loadfile``; pytest-xdist chooses the others."""
    return _ByWarehouse(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Do not dump tracebacks of soak and slow tests, which run for minutes on purpose."""
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


@pytest.fixture
def no_waits_between_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry at once what is retried, for tests of what remains when all attempts have failed."""
    monkeypatch.setattr(RetryPolicy, "_wait", lambda *_: 0.0)
