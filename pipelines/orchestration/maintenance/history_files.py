"""The SQLite files of Dagster's history: removes what deleted runs leave in them.

Deleting a run empties its file and leaves it in place; its logs, check results and snapshots stay too, and no file
becomes smaller by itself. `tests/integration/test_pruning.py` compares what Dagster shows before and after.
"""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TypeVar

import dagster as dg

from pipelines.orchestration import dagster_private as private

_Item = TypeVar("_Item")
_log = logging.getLogger(__name__)

PAGE = 500  # number of rows that are read, or deleted, at a time
TICK_LOGS_KEPT = timedelta(days=30)  # logs of sensors and schedules: as long as failed ticks (`dagster.yaml`)
BUSY_TIMEOUT = 30.0  # seconds to wait while another process writes; Dagster waits as long for the index
_RUN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class HistoryFiles(private.SqliteFiles):
    """The files of one instance, and the work on them."""

    def size(self) -> int:
        """Size of all files in bytes."""
        folders = (self.events.parent, self.logs)
        return sum(_size(path) for folder in folders for path in folder.rglob("*"))

    def runs_shown(self) -> set[str]:
        """The ids of the runs that checks show, and of the run whose event has the highest id."""
        with _opened(self.index) as connection:
            return {run_id for (run_id,) in connection.execute(private.RUNS_SHOWN) if run_id}

    def tidy(self, before: datetime) -> None:
        """Remove what belongs to no run, is not shown and older than ``before``, and return its space to the disk."""
        self._remove_files()
        moment = before.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        self._delete_check_results(moment)
        for path in filter(Path.is_file, (self.index, self.runless)):
            _delete_events(path, moment)
        self._delete_snapshots()
        for path in filter(Path.is_file, (self.runs, self.index, self.runless)):
            _vacuum(path)

    def _remove_files(self) -> None:
        # First list the files, then the runs: so the files of a run that begins in between are not removed.
        names = {path.stem for path in self.events.glob("*.db")} | {path.name for path in self.logs.glob("*")}
        for page in in_pages(filter(_RUN_ID.fullmatch, names)):
            for run_id in set(page) - set(self.instance.get_run_ids(dg.RunsFilter(run_ids=page))):
                for path in self.events.glob(f"{run_id}.db*"):
                    path.unlink(missing_ok=True)
                self.instance.compute_log_manager.delete_logs(prefix=[run_id])
        oldest = (datetime.now(UTC) - TICK_LOGS_KEPT).timestamp()
        for path in self.logs.glob("*/*/*.err"):  # repository of the code location / sensor or schedule / tick
            if path.stem.isdigit() and path.stat().st_mtime < oldest:
                path.unlink()

    def _delete_check_results(self, moment: str) -> None:
        with _opened(self.index) as connection:
            connection.execute("ATTACH DATABASE ? AS history", (str(self.runs),))
            connection.execute(f"CREATE TEMP TABLE shown AS {private.SHOWN_CHECKS}")
            _delete(connection, private.DELETE_OLD_CHECKS, moment)

    def _delete_snapshots(self) -> None:
        """Delete unused snapshots. A run that refers to one at this very moment fails; the next one stores it again."""
        with _opened(self.runs) as connection:
            connection.execute("CREATE TEMP TABLE parents (id TEXT)")
            used = connection.execute(private.USED_SNAPSHOTS).fetchall()
            parents = filter(None, (self._parent(snapshot_id) for (snapshot_id,) in used))
            connection.executemany("INSERT INTO parents VALUES (?)", ((parent,) for parent in parents))
            _delete(connection, private.DELETE_UNUSED_SNAPSHOTS)

    def _parent(self, snapshot_id: str) -> str | None:
        """The id of the whole job's snapshot, if only a part of the job was executed."""
        lineage = self.instance.get_job_snapshot(snapshot_id).lineage_snapshot
        return lineage.parent_snapshot_id if lineage else None


def in_pages(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """The items in lists that are short enough for the parameters of one statement."""
    rest = iter(items)
    while page := list(islice(rest, PAGE)):
        yield page


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection on which each statement is a transaction of its own."""
    with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None)) as connection:
        yield connection


def _delete(connection: sqlite3.Connection, statement: str, moment: str = "") -> None:
    """Repeat a statement that deletes one page of rows, so that other processes can write in between."""
    while connection.execute(statement, {"page": PAGE, "before": moment}).rowcount > 0:
        pass


def _delete_events(path: Path, moment: str) -> None:
    with _opened(path) as connection:
        connection.execute(f"CREATE TEMP TABLE shown AS {private.SHOWN_EVENTS}")
        _delete(connection, private.DELETE_OLD_EVENTS, moment)
        _delete(connection, private.DELETE_TAGS_WITHOUT_EVENT)


def _vacuum(path: Path) -> None:
    """Rewrite the file if a third of it is empty; less empty space is used up by new events.

    That takes as long as a copy of the remaining data. Other processes can read meanwhile, and wait to write. If the
    disk is full or another process holds the file, it is left to the next time.
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
        _log.warning("%s cannot be made smaller now: %s", path, error)


def _size(path: Path) -> int:
    """Size of a file in bytes; 0 for a folder, and for a file that another process has just removed."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0
