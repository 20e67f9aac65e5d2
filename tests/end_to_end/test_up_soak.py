"""Dagster's pages stay true while ``floriday up`` follows a trading sandbox for a quarter of an hour."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from pipelines.catalogue import catalogue_of
from pipelines.orchestration.automation.triggers import Automation
from pipelines.orchestration.resources import given_settings
from pipelines.sandbox import Sandbox
from pipelines.sandbox.world.calendar import start_of_trade
from tests.chromium import CHROMIUM, launch_chromium
from tests.command_line import floriday
from tests.end_to_end.floriday_up import Up, blank_folder, running
from tests.moments import real_now

pytestmark = [pytest.mark.soak, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
"""Dagster uses deprecated features of its own and of pydantic."""

MINUTES = float(os.environ.get("SOAK_MINUTES", "15"))
HOURLY_AFTER = 4
"""Minutes from the start to the run of the hourly schedule."""

WEEKS_WITHIN, OLDEST_REPORT = 120.0, 600.0
"""Most seconds until all weeks are marked after syncs by hand, and most seconds since a report was renewed."""

FAST = {feed.name for feed in catalogue_of("suppliers").feeds if feed.tier == "fast"}
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}

ASSETS = """{
  assetNodes {
    assetKey {path}
    dependencyKeys {path}
    partitionStats {numPartitions numMaterialized}
    assetMaterializations(limit: 1) {timestamp runId}
    assetChecksOrError {... on AssetChecks {checks {name executionForLatestMaterialization {status}}}}
  }
}"""
RUNS = """{runsOrError(limit: 1000) {... on Runs {results {runId status startTime endTime tags {key value}}}}}"""

_log = logging.getLogger(__name__)


@dataclass
class Observation:
    """What Dagster showed.

    Args:
        weeks_after: seconds from the start until all weeks of all feeds were marked; None if they never were.
        looks: number of times at which the assets were queried.
        unevaluated: checks of fast feeds without a result at two looks in succession.
        ages: seconds since each report was renewed, at the end; None if it never was.
        behind: the reports that are older than something that they read.
        runs: the runs, the newest first.
    """

    weeks_after: float | None = None
    looks: int = 0
    unevaluated: set[str] = field(default_factory=set)
    ages: dict[str, float | None] = field(default_factory=dict)
    behind: set[str] = field(default_factory=set)
    runs: list[dict[str, Any]] = field(default_factory=list)

    def of_schedule(self, name: str) -> list[dict[str, Any]]:
        """Return the runs of a schedule."""
        tag = {"key": "dagster/schedule_name", "value": name}
        return [run for run in self.runs if tag in run["tags"]]


def assets(up: Up) -> dict[str, dict[str, Any]]:
    """Return what Dagster shows of each asset, by its name."""
    return {".".join(node["assetKey"]["path"]): node for node in up.query(ASSETS)["assetNodes"]}


def unevaluated(states: dict[str, dict[str, Any]]) -> set[str]:
    """Return the checks of fast feeds that read "Not evaluated", of feeds that a run has materialized."""
    return {
        f"{name}: {check['name']}"
        for name in FAST
        if any(each["runId"] for each in states[name]["assetMaterializations"])
        for check in states[name]["assetChecksOrError"]["checks"]
        if check["executionForLatestMaterialization"] is None
    }


def unmarked(states: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the feeds of which not all weeks are marked."""
    return {
        name: stats
        for name, node in states.items()
        if (stats := node["partitionStats"]) and stats["numMaterialized"] < stats["numPartitions"]
    }


def age(node: dict[str, Any]) -> float | None:
    """Return the seconds since an asset was materialized."""
    times = [float(each["timestamp"]) / 1000 for each in node["assetMaterializations"]]
    return time.time() - times[0] if times else None


def is_behind(states: dict[str, dict[str, Any]], name: str) -> bool:
    """Whether something that a report reads was materialized after the report."""
    read = [".".join(key["path"]) for key in states[name]["dependencyKeys"]]
    youngest = min((each for upstream in read if (each := age(states[upstream])) is not None), default=None)
    own = age(states[name])
    return own is None or (youngest is not None and youngest < own)


def warehouse_of(variables: dict[str, str], folder: Path) -> str:
    """Return a name of the warehouse with which the hourly schedule is due in a few minutes."""
    minute = (real_now().minute + HOURLY_AFTER) % 60
    for number in range(10_000):
        name = f"data/soak{number}.duckdb"
        settings = given_settings({**variables, "FLORIDAY_WAREHOUSE": name}, folder)
        if Automation(settings, is_on=True).minute == minute:
            return name
    pytest.fail("no name leads to this minute")


@pytest.fixture(scope="module")
def observation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observation]:
    """A sync by hand, and the minutes of ``floriday up`` after it."""
    folder = blank_folder(tmp_path_factory.mktemp("soak"))
    with Sandbox(now=start_of_trade(real_now())) as sandbox:
        variables = sandbox.environment()
        variables["FLORIDAY_WAREHOUSE"] = warehouse_of(variables, folder)
        assert floriday("sync", folder=folder, **variables).code == 0
        sandbox.keep_trading()
        with running(folder, "--port", "0", **variables) as up:
            began = time.time()
            found = Observation()
            missing: set[str] = set()
            while time.time() < began + 60 * MINUTES:
                states = assets(up)
                if found.weeks_after is None and not unmarked(states):
                    found.weeks_after = time.time() - began
                before, missing = missing, unevaluated(states)
                found.unevaluated |= before & missing
                found.looks += 1
                time.sleep(5)  # the time between two looks
            states = assets(up)
            found.ages = {name: age(node) for name, node in states.items() if name.startswith("reports.")}
            found.behind = {name for name in found.ages if is_behind(states, name)}
            found.runs = up.query(RUNS)["runsOrError"]["results"]
            take_pictures(up, folder)
            yield found


def take_pictures(up: Up, folder: Path) -> None:
    """Save screenshots of a feed's page and its checks, and of the groups, where there is a browser."""
    if CHROMIUM is None:
        return
    pictures = Path(os.environ.get("PICTURES") or folder)
    pictures.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        page = launch_chromium(playwright).new_page()
        page.set_viewport_size({"width": 1400, "height": 1000})
        for name, path in {
            "soak_feed": "assets/orders/sales_orders",
            "soak_checks": "assets/orders/sales_orders?view=checks",
            "soak_reports": "locations/floriday/asset-groups/reports/list",
            "soak_assets": "assets",
        }.items():
            page.goto(f"{up.printed['Dagster']}/{path}")
            page.wait_for_timeout(6000)
            page.screenshot(path=pictures / f"{name}.png")


def test_all_weeks_are_marked_after_syncs_by_hand(observation: Observation) -> None:
    """All weeks of all feeds are marked within two minutes."""
    _log.info("seconds until all weeks were marked: %s", observation.weeks_after)
    assert observation.weeks_after is not None
    assert observation.weeks_after <= WEEKS_WITHIN


def test_each_check_of_a_fast_feed_has_a_result(observation: Observation) -> None:
    """At no look a check of a fast feed reads "Not evaluated"."""
    _log.info("%d looks, %d runs", observation.looks, len(observation.runs))
    assert observation.looks > MINUTES
    assert observation.unevaluated == set()


def test_reports_and_dashboard_are_fresh(observation: Observation) -> None:
    """All reports and the dashboard were renewed within ten minutes, except those whose feeds did not change since."""
    _log.info("ages of the reports: %s", {name: round(each or -1) for name, each in observation.ages.items()})
    assert "reports.dashboard" in observation.ages
    assert {name for name, each in observation.ages.items() if each is None} == set()
    assert {name for name in observation.behind if (observation.ages[name] or 0) > OLDEST_REPORT} == set()


def test_the_hourly_sync_ran(observation: Observation) -> None:
    """The run of the hourly schedule succeeded although small runs are under way most of the time."""
    hourly = observation.of_schedule("hourly_sync")
    _log.info("hourly: %s", hourly)
    assert [run["status"] for run in hourly] == ["SUCCESS"]


def test_no_run_failed(observation: Observation) -> None:
    """Every run that ended succeeded."""
    assert {run["status"] for run in observation.runs if run["status"] in ENDED} == {"SUCCESS"}
