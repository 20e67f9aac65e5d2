"""Dagster's SQLite storage with an event log that keeps its connections open.

Dagster opens and closes a connection for every event, with a new engine that compiles each statement again, and looks
for its tables before it stores the result of a check. A run over all feeds with their checks writes 760 events; this
takes a third of the time.
"""

from __future__ import annotations

import os
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Self

from sqlalchemy import create_engine, text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.event import listen
from sqlalchemy.exc import OperationalError

from pipelines.orchestration.dagster_private import HAS_TABLES, DagsterSqliteStorage, SqliteEventLogStorage
from pipelines.private_files import protect_process

BUSY_TIMEOUT = 30  # seconds to wait while another process writes
KEPT = 8  # number of databases that stay open, the index among them: the most recently used ones


class KeepingEventLog(SqliteEventLogStorage):
    """The event log in SQLite files, one for each run and an index; the most recently used ones stay open."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._found: set[str] = set()  # tables, and columns of the table of assets, that the index has
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                if not _has_tables(engine):
                    self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def _engine(self, shard: str) -> Engine:
        if not os.path.exists(self.path_for_shard(shard)):  # noqa: PTH110 - called for every event
            self._forget(shard)
        engine = self._engines.pop(shard, None) or self._new_engine(shard)
        self._engines[shard] = engine
        while len(self._engines) > KEPT:
            self._engines.popitem(last=False)[1].dispose()
        return engine

    def _new_engine(self, shard: str) -> Engine:
        engine = create_engine(self.conn_string_for_shard(shard), connect_args={"timeout": BUSY_TIMEOUT})
        listen(engine, "connect", _write_without_sync)
        return engine

    def _forget(self, shard: str) -> None:
        """Close a database whose file was pruned; the next use creates a new file."""
        self._initialized_dbs.discard(shard)
        self._found.clear()
        if engine := self._engines.pop(shard, None):
            engine.dispose()

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table; a table that was found stays there."""
        return self._is_found(table_name, lambda: super(KeepingEventLog, self).has_table(table_name))

    def _has_asset_key_col_on_connection(self, conn: Connection, column_name: str) -> bool:
        return self._is_found(
            f"column {column_name}",
            lambda: super(KeepingEventLog, self)._has_asset_key_col_on_connection(conn, column_name),
        )

    def _is_found(self, name: str, find: Callable[[], bool]) -> bool:
        if name not in self._found and find():
            self._found.add(name)
        return name in self._found

    @property
    def open_databases(self) -> int:
        """The number of open databases."""
        return len(self._engines)

    def dispose(self) -> None:
        """Close everything."""
        while self._engines:
            self._engines.popitem()[1].dispose()
        super().dispose()


def _has_tables(engine: Engine) -> bool:
    """Whether a database has its tables; to compare their version, Dagster reads the files of all its migrations."""
    with suppress(OperationalError), engine.connect() as connection:
        return bool(connection.execute(text(HAS_TABLES)).scalar())
    return False


def _write_without_sync(connection: sqlite3.Connection, _: object) -> None:
    """With a write-ahead log, a power cut may then lose the last events; it cannot damage the file."""
    connection.execute("PRAGMA synchronous = NORMAL")


class KeepingSqliteStorage(DagsterSqliteStorage):
    """All of Dagster's storage in SQLite files below one folder (`dagster.yaml`)."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = KeepingEventLog(os.path.join(base_dir, "history", "runs", ""))  # noqa: PTH118 - as in Dagster

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Mapping[str, Any]) -> Self:
        """From `dagster.yaml`. Each process of Dagster calls this, and keeps its new files private from then on."""
        protect_process()
        return cls.from_local(inst_data=inst_data, **config_value)
