"""With FLORIDAY_PERSONAL_DATA=drop, none of the marked personal values is stored or printed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.cli.entry import run
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import Warehouse
from tests.integration.dagster_project import Project
from tests.integration.personal_orders import all_values
from tests.integration.syncing import empty_warehouse
from tests.personal_marks import DIGITS, FEW, MARK, Marks, fill, found_in, marked, marked_feeds
from tests.written_files import written_below

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

COMMANDS = (
    ["sync", "--full", "--dry-run"],
    ["sync", "--full"],
    ["rejected"],
    ["rejected", "--export", "rejected.jsonl"],
    ["rejected", "--retry"],
    ["rebuild", "sales_orders"],
)
"""Commands that read from Floriday, print records or normalize them again, while Floriday still serves the values."""


@dataclass
class MarkedProject:
    """A sandbox with marked values, and a folder for a warehouse.

    Args:
        sandbox: running sandbox that serves the values.
        marks: the marked values that were made.
        folder: working directory of the commands.
        only: names of the feeds; empty for all with personal data.
    """

    sandbox: Sandbox
    marks: Marks
    folder: Path
    only: tuple[str, ...] = ()

    @property
    def feeds(self) -> str:
        """The names of the feeds, separated by commas."""
        return ",".join(feed.name for feed in marked_feeds(self.sandbox.api, self.only))

    def fill(self) -> None:
        """Write other versions of the records."""
        fill(self.sandbox, self.marks, self.only)

    def run(self, *arguments: str, treatment: str) -> int:
        """Run a command with the settings, and return its exit code."""
        with pytest.MonkeyPatch.context() as patch:
            settings = {
                **self.sandbox.environment(),
                "FLORIDAY_WAREHOUSE": "data/w.duckdb",
                "FLORIDAY_PERSONAL_DATA": treatment,
                "FLORIDAY_PUBLISH_EVERY": "0s",
                "FLORIDAY_FEEDS": self.feeds,
            }
            for name, value in settings.items():
                patch.setenv(name, value)
            patch.chdir(self.folder)
            return run(arguments)

    def values(self) -> list[str]:
        """The names of the warehouses that contain a marked value, after decompression by DuckDB."""
        stored = {path.name: all_values(path) for path in self.folder.rglob("*.duckdb")}
        return sorted(name for name, text in stored.items() if MARK in text or DIGITS in text)


ALL_FEEDS = [pytest.param((api, ()), marks=pytest.mark.slow, id=api) for api in ("suppliers", "customers")]


@pytest.fixture(params=[*ALL_FEEDS, pytest.param(("suppliers", FEW), id="few feeds")])
def marked_values(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MarkedProject]:
    """Feeds with personal data of an API, and an empty warehouse."""
    api, only = request.param
    with marked(api, only) as (sandbox, marks):
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "w.duckdb").write_bytes(empty_warehouse(api))
        yield MarkedProject(sandbox, marks, tmp_path, only)


def assert_nowhere(project: MarkedProject, printed: str) -> None:
    """Assert that no file, no value and no output contains a marked value."""
    assert MARK not in printed
    assert DIGITS not in printed
    assert found_in(written_below(project.folder)) == []
    assert project.values() == []


@pytest.mark.slow
def test_kept_values_are_removed(marked_values: MarkedProject, capsys: pytest.CaptureFixture[str]) -> None:
    """After a redaction and after the next full sync, no file and no output contains a value that was kept before."""
    assert marked_values.run("sync", treatment="keep") == 0
    marked_values.fill()
    assert marked_values.run("sync", treatment="keep") == 0
    assert marked_values.values() == ["w.duckdb", "w.published.duckdb"]
    assert len(marked_values.marks.made) > 50
    capsys.readouterr()

    assert marked_values.run("redact", "--dry-run", treatment="drop") == 0
    assert marked_values.run("redact", treatment="drop") == 0
    assert_nowhere(marked_values, "".join(capsys.readouterr()))

    assert marked_values.run("sync", "--full", treatment="drop") == 0
    assert_nowhere(marked_values, "".join(capsys.readouterr()))


@pytest.mark.slow
def test_dropped_values_are_never_stored(marked_values: MarkedProject, capsys: pytest.CaptureFixture[str]) -> None:
    """Values that are dropped from the start are never stored or printed, by commands or by Dagster."""
    assert marked_values.run("sync", treatment="drop") == 0
    marked_values.fill()
    for command in COMMANDS:
        assert marked_values.run(*command, treatment="drop") == 0, command
    settings = {"FLORIDAY_FEEDS": marked_values.feeds, "FLORIDAY_PERSONAL_DATA": "drop"}
    project = Project(marked_values.sandbox, marked_values.folder, settings)
    assert not any(outcome.error for outcome in project.sync(full=True).values())

    assert_nowhere(marked_values, "".join(capsys.readouterr()))
    with Warehouse(marked_values.folder / "data" / "w.duckdb").reading() as connection:
        assert connection.execute("SELECT count(*) FROM sync.rejected_records").fetchall()[0][0] > 3
