"""The files in which Dagster keeps its history with SQLite, and what deleted runs leave in them.

`runs.db` has the runs and the snapshots of what they executed, `runs/index.db` the events that assets and checks are
shown with, `runs/<run id>.db` all events of one run, `runs/.db` the events that belong to no run. Deleting a run
empties its file and leaves it, and leaves its logs, check results and snapshots; nothing ever becomes smaller by
itself. The statements here follow Dagster's tables, which have no public names: `tests/integration/test_pruning.py`
holds them to what Dagster shows.
"""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TypeVar

import dagster as dg
from dagster._core.storage.event_log import SqliteEventLogStorage  # no public name
from dagster._core.storage.runs import SqliteRunStorage  # the same

_Item = TypeVar("_Item")
_log = logging.getLogger(__name__)

PAGE = 500
"""Rows that are read, or deleted, at a time."""

TICK_LOGS_KEPT = timedelta(days=30)
"""What sensors and schedules logged stays as long as a failed tick does (`dagster.yaml`)."""

PATIENCE = 30.0
"""Seconds to wait for whoever writes; Dagster itself waits as long for the index."""

_RUN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_SHOWN_CHECKS = """
SELECT max(id) AS id FROM asset_check_executions GROUP BY asset_key, check_name, partition
UNION
SELECT max(id) FROM asset_check_executions WHERE execution_status <> 'PLANNED' GROUP BY asset_key, check_name, partition
"""
"""Newest result of each check and partition, and the newest that is more than a plan."""

_SHOWN_EVENTS = "SELECT max(id) AS id FROM event_logs GROUP BY asset_key, dagster_event_type, partition"
"""Newest event of each kind for each asset and partition; the highest id of all is among them."""

_RUNS_SHOWN = f"""
SELECT DISTINCT run_id FROM asset_check_executions WHERE id IN ({_SHOWN_CHECKS})
UNION
SELECT run_id FROM event_logs WHERE id = (SELECT max(id) FROM event_logs)
"""  # noqa: S608 - constants of this module

_OLD_CHECKS = """
DELETE FROM asset_check_executions WHERE id IN (
  SELECT id FROM asset_check_executions
  WHERE id NOT IN (SELECT id FROM shown) AND CASE coalesce(run_id, '')
    WHEN '' THEN evaluation_event_timestamp < :before
    ELSE run_id NOT IN (SELECT run_id FROM history.runs) END
  LIMIT :page)
"""

_OLD_EVENTS = """
DELETE FROM event_logs WHERE id IN (
  SELECT id FROM event_logs
  WHERE run_id = '' AND timestamp < :before AND id NOT IN (SELECT id FROM shown)
  LIMIT :page)
"""

_LOST_TAGS = """
DELETE FROM asset_event_tags WHERE id IN (
  SELECT id FROM asset_event_tags WHERE event_id NOT IN (SELECT id FROM event_logs) LIMIT :page)
"""

_UNUSED_SNAPSHOTS = """
DELETE FROM snapshots WHERE id IN (
  SELECT id FROM snapshots WHERE snapshot_id NOT IN (
    SELECT id FROM parents
    UNION
    SELECT snapshot_id FROM runs WHERE snapshot_id IS NOT NULL
    UNION
    SELECT json_extract(run_body, '$.execution_plan_snapshot_id') FROM runs
    WHERE json_extract(run_body, '$.execution_plan_snapshot_id') IS NOT NULL)
  LIMIT :page)
"""


@dataclass(frozen=True)
class HistoryFiles:
    """The files of one instance.

    Args:
        instance: keeps its history in them.
        events: the folder `history/runs`.
    """

    instance: dg.DagsterInstance
    events: Path

    @classmethod
    def of(cls, instance: dg.DagsterInstance) -> HistoryFiles | None:
        """The files, or None where the instance has another storage."""
        runs, events = instance.run_storage, instance.event_log_storage
        if not isinstance(runs, SqliteRunStorage) or not isinstance(events, SqliteEventLogStorage):
            return None
        files = cls(instance, Path(events.path_for_shard("index")).parent)
        return files if files.runs.is_file() else None

    @property
    def runs(self) -> Path:
        """The runs and the snapshots."""
        return self.events.parent / "runs.db"

    @property
    def index(self) -> Path:
        """The events that assets and checks are shown with."""
        return self.events / "index.db"

    @property
    def runless(self) -> Path:
        """The events that belong to no run."""
        return self.events / ".db"

    @property
    def logs(self) -> Path:
        """The folder of what runs and ticks wrote."""
        return Path(self.instance.storage_directory())

    def size(self) -> int:
        """Bytes of all of it."""
        folders = (self.events.parent, self.logs)
        return sum(_size(path) for folder in folders for path in folder.rglob("*"))

    def runs_shown(self) -> set[str]:
        """The runs that checks are shown with, and the one whose event has the highest id."""
        with _opened(self.index) as connection:
            return {run_id for (run_id,) in connection.execute(_RUNS_SHOWN) if run_id}

    def tidy(self, before: datetime) -> None:
        """Remove what belongs to no run and is not shown, and give its space back.

        Args:
            before: events without a run stay if they are younger.
        """
        self._remove_files()
        moment = before.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        self._forget_check_results(moment)
        for path in filter(Path.is_file, (self.index, self.runless)):
            _forget_events(path, moment)
        self._forget_snapshots()
        for path in filter(Path.is_file, (self.runs, self.index, self.runless)):
            _give_back(path)

    def _remove_files(self) -> None:
        # Files first, runs then: a run that begins in between is there when it is asked for.
        names = {path.stem for path in self.events.glob("*.db")} | {path.name for path in self.logs.glob("*")}
        for page in in_pages(filter(_RUN_ID.fullmatch, names)):
            for run_id in set(page) - set(self.instance.get_run_ids(dg.RunsFilter(run_ids=page))):
                for path in self.events.glob(f"{run_id}.db*"):
                    path.unlink(missing_ok=True)
                self.instance.compute_log_manager.delete_logs(prefix=[run_id])
        oldest = (datetime.now(UTC) - TICK_LOGS_KEPT).timestamp()
        for path in self.logs.glob("*/*/*.err"):  # code location's repository, sensor or schedule, tick
            if path.stem.isdigit() and path.stat().st_mtime < oldest:
                path.unlink()

    def _forget_check_results(self, moment: str) -> None:
        with _opened(self.index) as connection:
            connection.execute("ATTACH DATABASE ? AS history", (str(self.runs),))
            connection.execute(f"CREATE TEMP TABLE shown AS {_SHOWN_CHECKS}")
            _delete(connection, _OLD_CHECKS, moment)

    def _forget_snapshots(self) -> None:
        """A launch that takes up an unused snapshot in this very moment fails; the next one makes it anew."""
        with _opened(self.runs) as connection:
            connection.execute("CREATE TEMP TABLE parents (id TEXT)")
            used = connection.execute("SELECT snapshot_id FROM runs INTERSECT SELECT snapshot_id FROM snapshots")
            parents = filter(None, (self._parent(snapshot_id) for (snapshot_id,) in used.fetchall()))
            connection.executemany("INSERT INTO parents VALUES (?)", ((parent,) for parent in parents))
            _delete(connection, _UNUSED_SNAPSHOTS)

    def _parent(self, snapshot_id: str) -> str | None:
        """The snapshot of the whole job, where only a part of it was executed."""
        lineage = self.instance.get_job_snapshot(snapshot_id).lineage_snapshot
        return lineage.parent_snapshot_id if lineage else None


def in_pages(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """The items, so many at a time that a statement may name them all."""
    rest = iter(items)
    while page := list(islice(rest, PAGE)):
        yield page


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection on which each statement is a transaction of its own."""
    with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as connection:
        yield connection


def _delete(connection: sqlite3.Connection, statement: str, moment: str = "") -> None:
    """Repeat the statement, which deletes a page at a time so that others may write in between."""
    while connection.execute(statement, {"page": PAGE, "before": moment}).rowcount > 0:
        pass


def _forget_events(path: Path, moment: str) -> None:
    with _opened(path) as connection:
        connection.execute(f"CREATE TEMP TABLE shown AS {_SHOWN_EVENTS}")
        _delete(connection, _OLD_EVENTS, moment)
        _delete(connection, _LOST_TAGS)


def _give_back(path: Path) -> None:
    """Write the file anew where a third of it is empty; less than that is used up by what comes.

    That takes as long as copying what is left. Others may read meanwhile, and wait to write. What cannot be done now,
    for want of space or because somebody is in the way, is left to the next time.
    """
    try:
        with _opened(path) as connection:
            (empty,) = connection.execute("PRAGMA freelist_count").fetchone()
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            if empty * 3 > pages:
                connection.execute("VACUUM")
            connection.execute("PRAGMA busy_timeout = 1000")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as error:
        _log.warning("%s stays as large as it is for now: %s", path, error)


def _size(path: Path) -> int:
    """Bytes of a file, which another process may remove at any moment; a folder counts as nothing."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0
