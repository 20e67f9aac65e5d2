"""Dagster's command ``dg`` works in the root of a checkout, as ``dagster dev`` does."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from pipelines.reports import all_reports
from tests.end_to_end.dagster_dev import DAGSTER_DEV, ROOT, dagster_dev, environment, program, project_folder
from tests.integration.dagster_project import SUPPLIERS

DG = program("dg")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with the package, Dagster's files and an empty home."""
    folder = project_folder(tmp_path_factory.mktemp("checkout"))
    shutil.copytree(ROOT / "pipelines", folder / "pipelines", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def variables(checkout: Path) -> dict[str, str]:
    """Return what the guide says to set, so that ``dg`` reads ``dagster.yaml``; the package is that of the checkout."""
    return {"DAGSTER_HOME": str(checkout), "PYTHONPATH": str(checkout)}


def dg(checkout: Path, *arguments: str) -> str:
    """Return the output of ``dg``."""
    finished = subprocess.run(
        (DG, *arguments),
        cwd=checkout,
        env={**environment(checkout), **variables(checkout)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.mark.slow
def test_dg_checks_and_lists_the_definitions(checkout: Path) -> None:
    """``dg check defs`` and ``dg check toml`` find no fault, ``dg list defs`` lists all feeds and reports.

    They leave no usage statistics for Dagster's makers.
    """
    names = {feed.name for feed in SUPPLIERS.sources}
    reports = {f"reports.{report.name}" for report in all_reports()}

    checked = dg(checkout, "check", "defs") + dg(checkout, "check", "toml")
    listed = json.loads(dg(checkout, "list", "defs", "--json"))

    assets = {".".join(each["asset_key_parts"]) for each in listed["assets"]}
    assert "definitions loaded successfully" in checked
    assert names <= assets
    assert assets - names <= reports | {"reports.dashboard"}
    assert {"sync", "full_sync"} <= {each["name"] for each in listed["jobs"]}
    assert list((checkout / "home").rglob("*.log")) == []


@pytest.mark.slow
@pytest.mark.parametrize("command", [(DG, "dev"), DAGSTER_DEV], ids=["dg dev", "dagster dev"])
def test_both_programs_serve_the_checkout(command: tuple[str, ...], checkout: Path) -> None:
    """``dg dev`` and ``dagster dev`` serve the assets of the code location `floriday`, and store in `data/dagster`."""
    with dagster_dev(checkout, command, **variables(checkout)) as dagster:
        assets = {".".join(each["assetKey"]["path"]) for each in dagster.assets()}
        run = dagster.run("dashboard")

    assert {feed.name for feed in SUPPLIERS.sources} <= assets
    assert list((checkout / "data" / "dagster").rglob(f"{run}*"))
    assert list((checkout / "home").rglob("*.log")) == []
