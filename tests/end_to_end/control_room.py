"""A sandbox with two accounts and a guarded ``dagster dev`` that syncs from it, for end-to-end tests."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.catalogue.tables import Table, tables_of
from pipelines.orchestration.assets.partitions import TIME_ZONE, week_of
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import Warehouse
from tests.end_to_end.dagster_dev import (
    ASSETS_JOB,
    GUARDED_DEV,
    DagsterDev,
    dagster_dev,
    partition_tags,
    project_folder,
)
from tests.integration.dagster_project import SUPPLIERS, fill
from tests.integration.syncing import Syncing
from tests.moments import real_now
from tests.records import valid_records

ACCOUNTS = ("north", "south")
WEEKS = 8
"""Number of partitions of each feed; with a year of them, a run of all feeds would take three times as long."""

FEEDS = [feed.name for feed in SUPPLIERS.feeds]

Numbers = dict[tuple[str, str], int]
"""A sequence number for each account and feed."""

_ASSET_STATES = """{
  assetNodes {
    assetKey {path}
    partitionStats {numPartitions numMaterialized numFailed}
    assetChecksOrError {
      ... on AssetChecks {checks {name executionForLatestMaterialization {evaluation {success description}}}}
    }
  }
}"""
_TIMES = {"sync.windows": ("started_at", "committed_at"), "sync.cursors": ("current_at", "committed_at")}


@dataclass
class Reread:
    """A run that read data again.

    Args:
        run_id: id of the run.
        status: how the run ended.
        pages: sequence numbers after which it requested pages, by account and feed.
        deleted: number of rows that were deleted before the run.
    """

    run_id: str
    status: str
    pages: Mapping[tuple[str | None, str], list[int]]
    deleted: int = 0


@dataclass
class ControlRoom:
    """A running Dagster and the sandbox that it syncs from.

    Args:
        dagster: the running ``dagster dev``.
        sandbox: the sandbox with two accounts.
        folder: the folder in which it was started.
    """

    dagster: DagsterDev
    sandbox: Sandbox
    folder: Path

    @property
    def syncing(self) -> Syncing:
        """The warehouse and the sandbox, for comparisons."""
        return Syncing(self.sandbox, self.folder / "data" / "floriday.duckdb")

    def asset_states(self) -> dict[str, dict[str, Any]]:
        """Return the materialized weeks and the newest check results of each asset."""
        return {".".join(node["assetKey"]["path"]): node for node in self.dagster.query(_ASSET_STATES)["assetNodes"]}

    def load(self, *assets: str) -> str:
        """Materialize assets, or all, for this week, as the UI does; return the run's id after it has succeeded."""
        known = [".".join(node["assetKey"]["path"]) for node in self.dagster.assets()]
        run_id = self.dagster.run(ASSETS_JOB, assets=assets or known, tags=partition_tags(this_week()))
        assert self.dagster.status(run_id) == "SUCCESS"
        return run_id

    def assert_equal(self, *feeds: str) -> None:
        """Assert that the tables of the feeds, or of all, equal what is served to both accounts."""
        for account in ACCOUNTS:
            self.syncing.assert_equal(*feeds, account=account)

    def reread(self, launch: Callable[[], str]) -> Reread:
        """Launch a run and wait until it has ended; return it with the pages that it requested.

        Args:
            launch: a function that starts the run and returns its id at once.
        """
        self.sandbox.calls.clear()
        run_id = launch()
        return Reread(run_id, self.dagster.wait_until_ended(run_id), self.pages())

    def change_tables(self, *statements: str) -> None:
        """Change the warehouse outside of a sync."""
        with Warehouse(self.syncing.path).writing() as connection:
            for statement in statements:
                connection.execute(statement)

    def delete_rows(self, after: Numbers, up_to: Numbers) -> int:
        """Delete the rows of a range of sequence numbers with their child rows; return the number of parents."""
        before = self._rows(after)
        for (account, feed), number in after.items():
            table = tables_of(SUPPLIERS.feed(feed))
            self.change_tables(
                f"DELETE FROM {feed} WHERE account = '{account}'"
                f" AND sequence_number > {number} AND sequence_number <= {up_to[account, feed]}",
                *(_without_orphans(table, child) for child in table.walk() if child is not table),
            )
        return before - self._rows(after)

    def _rows(self, feeds: Numbers) -> int:
        names = {feed for _, feed in feeds}
        return sum(self.syncing.rows(f"SELECT count(*) FROM {name}")[0][0] for name in names)

    def cursors(self, *feeds: str) -> Numbers:
        """Return the cursors of the feeds."""
        rows = self.syncing.rows("SELECT account, feed, cursor FROM sync.cursors")
        return {(account, feed): cursor for account, feed, cursor in rows if feed in feeds}

    def pages(self) -> dict[tuple[str | None, str], list[int]]:
        """Return the sequence numbers after which pages were requested since the calls were last cleared."""
        pages: dict[tuple[str | None, str], list[int]] = {}
        for feed in SUPPLIERS.feeds:
            pattern = re.escape(feed.endpoint.sync).replace(r"\{sequenceNumber\}", r"(\d+)")
            for call in self.sandbox.calls:
                if number := re.search(rf"v1{pattern}$", call.path):
                    pages.setdefault((call.account, feed.name), []).append(int(number[1]))
        return pages

    def pass_weeks(self, feeds: Sequence[str]) -> list[Numbers]:
        """Let four weeks pass, and add and sync records after each week.

        Returns:
            The cursors of this week, and of one, two, three and four weeks ago.
        """
        cursors = [self.cursors(*feeds)]
        for number in (1, 2, 3, 4):
            self.change_tables(*(_a_week_earlier(name, feeds) for name in _TIMES))
            for account in ACCOUNTS:
                for feed in feeds:
                    for record in valid_records(SUPPLIERS.feed(feed), seed=100 + number, count=3):
                        self.sandbox.book(feed, account).put(record)
            syncing = self.syncing
            syncing.runs = number
            syncing.sync(*feeds)
            cursors.insert(0, self.cursors(*feeds))
        return cursors


def _a_week_earlier(table: str, feeds: Sequence[str]) -> str:
    earlier = f"timezone('{TIME_ZONE}', timezone('{TIME_ZONE}', {{}}) - INTERVAL 7 DAY)"
    changes = ", ".join(f"{column} = {earlier.format(column)}" for column in _TIMES[table])
    return f"UPDATE {table} SET {changes} WHERE feed IN ({', '.join(map(repr, feeds))})"


def _without_orphans(table: Table, child: Table) -> str:
    same = " AND ".join(f"p.{name} = c.{name}" for name in table.key)
    child_name, parent_name = child.qualified_name, table.qualified_name
    return f"DELETE FROM {child_name} AS c WHERE NOT EXISTS (SELECT 1 FROM {parent_name} AS p WHERE {same})"


@contextmanager
def control_room(folder: Path, **settings: str) -> Iterator[ControlRoom]:
    """Start a Dagster without runs and a sandbox with two accounts and a few records of each feed.

    Args:
        folder: an empty folder for the project.
        settings: FLORIDAY_ variables beside those that point at the sandbox.
    """
    weeks = {"FLORIDAY_HISTORY_START": week(WEEKS - 1), "FLORIDAY_BASE_SUPPLY_WEEKS": "0..0"}
    with Sandbox(empty=True, accounts=ACCOUNTS) as sandbox:
        fill(sandbox)
        with control_room_of(sandbox, folder, **weeks, **settings) as room:
            yield room


@contextmanager
def control_room_of(sandbox: Sandbox, folder: Path, **settings: str) -> Iterator[ControlRoom]:
    """Start the same with a sandbox that is already started."""
    variables = {**sandbox.environment(), **settings}
    dotenv = project_folder(folder) / ".env"
    dotenv.write_text("".join(f"{name}={text}\n" for name, text in variables.items()))
    dotenv.chmod(0o600)
    with dagster_dev(folder, GUARDED_DEV) as dagster:
        yield ControlRoom(dagster, sandbox, folder)


def process_of(dagster: DagsterDev, run_id: str) -> int:
    """Return the id of the process that executes a run."""
    messages = " ".join(event["message"] for event in dagster.events(run_id, "EngineEvent"))
    match = re.search(r"Started process for run \(pid: (\d+)\)", messages)
    assert match is not None, messages
    return int(match[1])


def this_week() -> str:
    """Return the current week's partition."""
    return week_of(real_now())


def week(ago: int) -> str:
    """Return the partition of so many weeks ago."""
    return (dt.date.fromisoformat(this_week()) - dt.timedelta(weeks=ago)).isoformat()


def sunday(ago: int) -> str:
    """Return the last day of the week so many weeks ago."""
    return (dt.date.fromisoformat(week(ago)) + dt.timedelta(days=6)).isoformat()
