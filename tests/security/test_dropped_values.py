"""With FLORIDAY_PERSONAL_DATA=drop no personal value is stored or printed: 150 marked values, looked for everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.cli.entry import run
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import Warehouse
from tests.integration.dagster_project import Project
from tests.integration.personal_orders import told
from tests.integration.syncing import empty_warehouse
from tests.personal_marks import DIGITS, MARK, Marks, fill, found_in, marked, marked_feeds
from tests.written_files import written_below

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

AFTERWARDS = (
    ["sync", "--full", "--dry-run"],
    ["sync", "--full"],
    ["rejected"],
    ["rejected", "--export", "rejected.jsonl"],
    ["rejected", "--retry"],
    ["rebuild", "sales_orders"],
)
"""Commands that read from Floriday, print records or normalize them anew; Floriday goes on serving the values."""


@dataclass
class Filled:
    """A sandbox with marked values, and a folder for a warehouse.

    Args:
        sandbox: started.
        marks: the marked values.
        folder: the working directory.
    """

    sandbox: Sandbox
    marks: Marks
    folder: Path

    def run(self, *arguments: str, treatment: str) -> int:
        """A command with the settings; returns its exit code."""
        with pytest.MonkeyPatch.context() as patch:
            settings = {
                **self.sandbox.environment(),
                "FLORIDAY_WAREHOUSE": "data/w.duckdb",
                "FLORIDAY_PERSONAL_DATA": treatment,
                "FLORIDAY_PUBLISH_EVERY": "0s",
                "FLORIDAY_FEEDS": ",".join(feed.name for feed in marked_feeds(self.sandbox.api)),
            }
            for name, value in settings.items():
                patch.setenv(name, value)
            patch.chdir(self.folder)
            return run(arguments)

    def values(self) -> list[str]:
        """The warehouses in which a marked value stands, however DuckDB has packed it."""
        stored = {path.name: told(path) for path in self.folder.rglob("*.duckdb")}
        return sorted(name for name, text in stored.items() if MARK in text or DIGITS in text)


@pytest.fixture(params=["suppliers", pytest.param("customers", marks=pytest.mark.slow)])
def marked_values(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Filled]:
    """For both APIs every feed that holds personal data, and a warehouse as a first sync lays it out."""
    with marked(request.param) as (sandbox, marks):
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "w.duckdb").write_bytes(empty_warehouse(request.param))
        yield Filled(sandbox, marks, tmp_path)


def assert_nowhere(filled: Filled, printed: str) -> None:
    """No marked value stands in any byte or value, nor in what was printed."""
    assert MARK not in printed
    assert DIGITS not in printed
    assert found_in(written_below(filled.folder)) == []
    assert filled.values() == []


def test_what_was_kept_is_nowhere_after_it_was_dropped(
    marked_values: Filled, capsys: pytest.CaptureFixture[str]
) -> None:
    """In current rows, history, raw log, rejected records, write-ahead log and copy, and after the next full sync."""
    assert marked_values.run("sync", treatment="keep") == 0
    fill(marked_values.sandbox, marked_values.marks)
    assert marked_values.run("sync", treatment="keep") == 0
    assert marked_values.values() == ["w.duckdb", "w.published.duckdb"]
    assert len(marked_values.marks.made) > 150
    capsys.readouterr()

    assert marked_values.run("redact", "--dry-run", treatment="drop") == 0
    assert marked_values.run("redact", treatment="drop") == 0
    assert_nowhere(marked_values, "".join(capsys.readouterr()))

    assert marked_values.run("sync", "--full", treatment="drop") == 0
    assert_nowhere(marked_values, "".join(capsys.readouterr()))


def test_what_is_dropped_from_the_start_is_never_stored(
    marked_values: Filled, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the command line and by Dagster, whose history and logs are looked through, too."""
    assert marked_values.run("sync", treatment="drop") == 0
    fill(marked_values.sandbox, marked_values.marks)
    for command in AFTERWARDS:
        assert marked_values.run(*command, treatment="drop") == 0, command
    feeds = ",".join(feed.name for feed in marked_feeds(marked_values.sandbox.api))
    project = Project(
        marked_values.sandbox, marked_values.folder, {"FLORIDAY_FEEDS": feeds, "FLORIDAY_PERSONAL_DATA": "drop"}
    )
    assert not any(outcome.error for outcome in project.sync(full=True).values())

    assert_nowhere(marked_values, "".join(capsys.readouterr()))
    with Warehouse(marked_values.folder / "data" / "w.duckdb").reading() as connection:
        assert connection.execute("SELECT count(*) FROM sync.rejected_records").fetchall()[0][0] > 5
