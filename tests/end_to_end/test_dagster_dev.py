"""``dagster dev`` works in the project's folder without a flag and without a variable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.sandbox import Sandbox
from pipelines.settings.values import today
from pipelines.warehouse.file.connection import Warehouse
from tests.end_to_end.dagster_dev import REPOSITORY, dagster_dev, project_folder
from tests.integration.dagster_project import RECORDS, SUPPLIERS, fill
from tests.written_files import settings_apart, written_below

RESOURCES = """
query($selector: RepositorySelector!) {
  allTopLevelResourceDetailsOrError(repositorySelector: $selector) {
    ... on ResourceDetailsList {
      results {name description configFields {name} configuredValues {key value} nestedResources {name}}
    }
  }
}
"""


def feeds_of(assets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the assets of feeds and snapshots, without those of reports."""
    return [asset for asset in assets if asset["groupName"] != "reports"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project's folder with Dagster's files, without settings; its home is empty."""
    return project_folder(tmp_path)


@pytest.mark.slow
def test_runs_follow_the_env_file_and_are_remembered(folder: Path) -> None:
    """Without settings a run fails with their names; with a `.env` file it succeeds; a restart remembers both.

    No answer of the server, no output and no file of Dagster contains a secret.
    """
    with Sandbox(empty=True) as sandbox:
        fill(sandbox)

        with dagster_dev(folder) as first:
            assets = first.assets()
            first.query(RESOURCES, selector=REPOSITORY)
            unset = first.run("full_sync")
            unset_status = first.status(unset)
            failures = first.events(unset, "ExecutionStepFailureEvent")
            variables = {**sandbox.environment(), "FLORIDAY_HISTORY_START": today().isoformat()}
            settings = "".join(f"{name}={text}\n" for name, text in variables.items())
            (folder / ".env").write_text(settings)
            synced = first.run("full_sync")
            synced_status = first.status(synced)
            with Warehouse(folder / "data" / "floriday.duckdb").reading() as connection:
                counts = {feed.name: connection.table(feed.name).shape[0] for feed in SUPPLIERS.feeds}

        with dagster_dev(folder) as second:
            remembered = {asset["assetMaterializations"][0]["runId"] for asset in feeds_of(second.assets())}
            again = second.run("full_sync")
            statuses = [second.status(run_id) for run_id in (unset, synced, again)]

        files = settings_apart(written_below(folder)).values()
        stored = (first.answers + second.answers).encode() + b"".join(files)
        secrets = [sandbox.client_secret, *sandbox.api_keys.values()]

    names = sorted(".".join(asset["assetKey"]["path"]) for asset in feeds_of(assets))
    assert names == sorted(feed.name for feed in SUPPLIERS.sources)
    assert unset_status == "FAILURE"
    assert len(failures) == len(SUPPLIERS.sources)
    assert all("FLORIDAY_CLIENT_ID is missing" in json.dumps(failure) for failure in failures)
    assert synced_status == "SUCCESS"
    assert counts == dict.fromkeys((feed.name for feed in SUPPLIERS.feeds), RECORDS)
    assert remembered == {synced}
    assert statuses == ["FAILURE", "SUCCESS", "SUCCESS"]
    assert [secret for secret in secrets if secret.encode() in stored] == []
