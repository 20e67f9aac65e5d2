"""A sandbox with two accounts and a guarded ``dagster dev`` that syncs from it, for tests of what a person does."""

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
from tests.end_to_end.dagster_dev import ASSETS_JOB, DagsterDev, dagster_dev, for_weeks, project_folder
from tests.integration.dagster_project import SUPPLIERS, fill
from tests.integration.syncing import Syncing
from tests.moments import real_now
from tests.records import valid_records

ACCOUNTS = ("north", "south")
WEEKS = 8
"""Partitions of each feed, this week's with them; a year of them would take a run of all feeds three times as long."""

FEEDS = [feed.name for feed in SUPPLIERS.feeds]

Numbers = dict[tuple[str, str], int]
"""A sequence number for each account and feed."""

_STANDING = """{
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
class Again:
    """A run that read something again.

    Args:
        run_id: its id.
        status: how it ended.
        pages: after which numbers it asked for pages, by account and feed.
        lost: rows that had been lost before it.
    """

    run_id: str
    status: str
    pages: Mapping[tuple[str | None, str], list[int]]
    lost: int = 0


@dataclass
class ControlRoom:
    """Everything that such a test has to do with.

    Args:
        dagster: the running ``dagster dev``.
        sandbox: what it syncs from.
        folder: in which it was started.
    """

    dagster: DagsterDev
    sandbox: Sandbox
    folder: Path

    @property
    def syncing(self) -> Syncing:
        """The warehouse beside what Floriday serves."""
        return Syncing(self.sandbox, self.folder / "data" / "floriday.duckdb")

    def standing(self) -> dict[str, dict[str, Any]]:
        """How many weeks of each asset are filled, and what its checks said of the newest materialization."""
        return {".".join(node["assetKey"]["path"]): node for node in self.dagster.ask(_STANDING)["assetNodes"]}

    def load(self, *assets: str) -> str:
        """A run of assets for this week, as *Materialize* starts it, of all without names; its id once it has ended."""
        known = [".".join(node["assetKey"]["path"]) for node in self.dagster.assets()]
        run_id = self.dagster.run(ASSETS_JOB, assets=assets or known, tags=for_weeks(this_week()))
        assert self.dagster.status(run_id) == "SUCCESS"
        return run_id

    def assert_equal(self, *feeds: str) -> None:
        """The tables of the feeds, of all without names, hold what is served to both accounts."""
        for account in ACCOUNTS:
            self.syncing.assert_equal(*feeds, account=account)

    def again(self, launch: Callable[[], str]) -> Again:
        """A run to its end, with the pages that it asked for.

        Args:
            launch: starts it; returns its id at once.
        """
        self.sandbox.calls.clear()
        run_id = launch()
        return Again(run_id, self.dagster.until_ended(run_id), self.pages())

    def change_tables(self, *statements: str) -> None:
        """Have somebody change the warehouse by hand."""
        with Warehouse(self.syncing.path).writing() as connection:
            for statement in statements:
                connection.execute(statement)

    def lose(self, after: Numbers, up_to: Numbers) -> int:
        """Have somebody delete the rows of a range of numbers, with their child rows; returns how many parents went."""
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
        """How far the feeds are read."""
        rows = self.syncing.rows("SELECT account, feed, cursor FROM sync.cursors")
        return {(account, feed): cursor for account, feed, cursor in rows if feed in feeds}

    def pages(self) -> dict[tuple[str | None, str], list[int]]:
        """The numbers after which pages were asked for since the calls were last cleared, by account and feed."""
        asked: dict[tuple[str | None, str], list[int]] = {}
        for feed in SUPPLIERS.feeds:
            pattern = re.escape(feed.endpoint.sync).replace(r"\{sequenceNumber\}", r"(\d+)")
            for call in self.sandbox.calls:
                if number := re.search(rf"v1{pattern}$", call.path):
                    asked.setdefault((call.account, feed.name), []).append(int(number[1]))
        return asked

    def pass_weeks(self, feeds: Sequence[str]) -> list[Numbers]:
        """Let four weeks pass, and sync after each of them what came in it.

        Returns:
            How far the feeds were read this week, and one, two, three and four weeks ago.
        """
        reached = [self.cursors(*feeds)]
        for number in (1, 2, 3, 4):
            self.change_tables(*(_a_week_earlier(name, feeds) for name in _TIMES))
            for account in ACCOUNTS:
                for feed in feeds:
                    for record in valid_records(SUPPLIERS.feed(feed), seed=100 + number, count=3):
                        self.sandbox.book(feed, account).put(record)
            syncing = self.syncing
            syncing.runs = number
            syncing.sync(*feeds)
            reached.insert(0, self.cursors(*feeds))
        return reached


def _a_week_earlier(table: str, feeds: Sequence[str]) -> str:
    clock = f"timezone('{TIME_ZONE}', timezone('{TIME_ZONE}', {{}}) - INTERVAL 7 DAY)"
    moved = ", ".join(f"{column} = {clock.format(column)}" for column in _TIMES[table])
    return f"UPDATE {table} SET {moved} WHERE feed IN ({', '.join(map(repr, feeds))})"


def _without_orphans(table: Table, child: Table) -> str:
    same = " AND ".join(f"p.{name} = c.{name}" for name in table.key)
    here, above = child.qualified_name, table.qualified_name
    return f"DELETE FROM {here} AS c WHERE NOT EXISTS (SELECT 1 FROM {above} AS p WHERE {same})"


@contextmanager
def control_room(folder: Path, **settings: str) -> Iterator[ControlRoom]:
    """Two accounts, a few records of each feed, and a Dagster in which nothing has run.

    Args:
        folder: empty.
        settings: FLORIDAY_ variables beside those that point at the sandbox.
    """
    weeks = {"FLORIDAY_HISTORY_START": week(WEEKS - 1), "FLORIDAY_BASE_SUPPLY_WEEKS": "0..0"}
    with Sandbox(empty=True, accounts=ACCOUNTS) as sandbox:
        fill(sandbox)
        with control_room_of(sandbox, folder, **weeks, **settings) as room:
            yield room


@contextmanager
def control_room_of(sandbox: Sandbox, folder: Path, **settings: str) -> Iterator[ControlRoom]:
    """The same over a sandbox of one's own, which was started."""
    known = {**sandbox.environment(), **settings}
    dotenv = project_folder(folder) / ".env"
    dotenv.write_text("".join(f"{name}={text}\n" for name, text in known.items()))
    dotenv.chmod(0o600)
    with dagster_dev(folder, is_guarded=True) as dagster:
        yield ControlRoom(dagster, sandbox, folder)


def process_of(dagster: DagsterDev, run_id: str) -> int:
    """The id of the process that executes a run."""
    told = " ".join(event["message"] for event in dagster.events(run_id, "EngineEvent"))
    named = re.search(r"Started process for run \(pid: (\d+)\)", told)
    assert named is not None, told
    return int(named[1])


def this_week() -> str:
    """The partition of this moment."""
    return week_of(real_now())


def week(ago: int) -> str:
    """The partition of so many weeks ago."""
    return (dt.date.fromisoformat(this_week()) - dt.timedelta(weeks=ago)).isoformat()


def sunday(ago: int) -> str:
    """The last day of the week of so many weeks ago."""
    return (dt.date.fromisoformat(week(ago)) + dt.timedelta(days=6)).isoformat()
