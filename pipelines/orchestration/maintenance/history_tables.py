"""Dagster's history in PostgreSQL: removes what deleted runs leave in its tables.

Deleting a run deletes its events. The results of its checks, its snapshots, and events that belong to no run stay.
PostgreSQL reuses the space of deleted rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import dagster as dg
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from pipelines.orchestration import dagster_private as private

PAGE = 500  # number of rows that one statement deletes


@dataclass(frozen=True)
class HistoryTables:
    """The tables of one instance, and the work on them."""

    instance: dg.DagsterInstance
    url: str  # of the database, as SQLAlchemy reads it

    @classmethod
    def of(cls, instance: dg.DagsterInstance) -> Self | None:
        """The tables, or None if the instance has another storage."""
        return cls(instance, private.postgres_url(instance)) if private.is_in_postgres(instance) else None

    def size(self) -> int:
        """Size of the database in bytes."""
        with self._opened() as connection:
            return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())

    def runs_shown(self) -> set[str]:
        """The ids of the runs that checks show."""
        with self._opened() as connection:
            return {run_id for (run_id,) in connection.execute(text(private.RUNS_SHOWN)) if run_id}

    def tidy(self, before: datetime) -> None:
        """Remove what belongs to no run, is not shown and older than ``before``."""
        moment = before.astimezone(UTC).replace(tzinfo=None)
        with self._opened() as connection:
            connection.execute(text(f"CREATE TEMP TABLE shown AS {private.SHOWN_CHECKS}"))
            _delete(connection, private.IN_POSTGRES.delete_old_checks, moment)
            connection.execute(text(f"DROP TABLE shown; CREATE TEMP TABLE shown AS {private.SHOWN_EVENTS}"))
            _delete(connection, private.DELETE_OLD_EVENTS, moment)
            self._delete_snapshots(connection)

    def _delete_snapshots(self, connection: Connection) -> None:
        """Delete unused snapshots. A run that refers to one at this very moment fails; the next one stores it again."""
        connection.execute(text("CREATE TEMP TABLE parents (id TEXT)"))
        used = connection.execute(text(private.USED_SNAPSHOTS)).scalars().all()
        for parent in self._parents(used):
            connection.execute(text("INSERT INTO parents VALUES (:id)"), {"id": parent})
        _delete(connection, private.IN_POSTGRES.delete_unused_snapshots)

    def _parents(self, used: Iterable[str]) -> Iterator[str]:
        """The ids of the snapshots of whole jobs of which only a part was executed."""
        for snapshot_id in used:
            lineage = self.instance.get_job_snapshot(snapshot_id).lineage_snapshot
            if lineage:
                yield lineage.parent_snapshot_id

    @contextmanager
    def _opened(self) -> Iterator[Connection]:
        """A connection on which each statement is a transaction of its own."""
        with create_engine(self.url, poolclass=NullPool, isolation_level="AUTOCOMMIT").connect() as connection:
            yield connection


def _delete(connection: Connection, statement: str, moment: datetime | None = None) -> None:
    """Repeat a statement that deletes one page of rows."""
    values = {"page": PAGE} if moment is None else {"page": PAGE, "before": moment}
    while connection.execute(text(statement), values).rowcount > 0:
        pass
