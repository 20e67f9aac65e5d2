"""Dagster's own SQLite storage, with an event log that keeps its connections.

Dagster opens and closes a connection for every event, with an engine that compiles each statement anew. A run over
all feeds with their checks writes some 750 events; with connections that stay open they cost a third.
"""

# Private names: there are no public ones for the storage that Dagster uses by default.

from __future__ import annotations

import os
import sqlite3
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import create_engine
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.event import listen

from pipelines.private_files import protect_process

BUSY_TIMEOUT = 30
"""Seconds to wait for another process that writes."""

KEPT = 8
"""Databases of runs, and the index of them all, that stay open: those that were used last."""


class KeepingEventLog(SqliteEventLogStorage):
    """The event log in SQLite files, one a run and an index of all; the last used ones stay open."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def _engine(self, shard: str) -> Engine:
        if not os.path.exists(self.path_for_shard(shard)):  # noqa: PTH110 - once an event
            self._forget(shard)
        engine = self._engines.pop(shard, None) or self._opened(shard)
        self._engines[shard] = engine
        while len(self._engines) > KEPT:
            self._engines.popitem(last=False)[1].dispose()
        return engine

    def _opened(self, shard: str) -> Engine:
        engine = create_engine(self.conn_string_for_shard(shard), connect_args={"timeout": BUSY_TIMEOUT})
        listen(engine, "connect", _write_quickly)
        return engine

    def _forget(self, shard: str) -> None:
        """A file that is gone was pruned: whoever asks for it again gets a new one."""
        self._initialized_dbs.discard(shard)
        if engine := self._engines.pop(shard, None):
            engine.dispose()

    @property
    def open_databases(self) -> int:
        """How many are open."""
        return len(self._engines)

    def dispose(self) -> None:
        """Close everything."""
        while self._engines:
            self._engines.popitem()[1].dispose()
        super().dispose()


def _write_quickly(connection: sqlite3.Connection, _: object) -> None:
    """With a write-ahead log, a power cut may then cost the last events; it cannot damage the file."""
    connection.execute("PRAGMA synchronous = NORMAL")


class KeepingSqliteStorage(DagsterSqliteStorage):
    """All of Dagster's storage in SQLite files below one folder (`dagster.yaml`)."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = KeepingEventLog(os.path.join(base_dir, "history", "runs", ""))  # noqa: PTH118 - as Dagster has it

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """From `dagster.yaml`: in each of Dagster's processes, which keep their files private from then on."""
        protect_process()
        return cls.from_local(inst_data=inst_data, **config_value)
