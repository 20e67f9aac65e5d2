"""The session of PostgreSQL by which a run shows that it is alive.

The process of a run keeps a session open in the database of Dagster's storage; the name of the session is that of
the run. PostgreSQL ends it when the process ends, also by ``kill -9``, and some 20 seconds after its machine was
switched off. A worker of Celery that was killed reports nothing, and its task stays "started" at the broker.
"""

from __future__ import annotations

import threading
from typing import Self

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

CHECK_EVERY = 5.0  # seconds between two checks by the run whether its session still exists
_CONNECT_TIMEOUT = 10  # seconds
_KEEPALIVE = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
_IS_OPEN = text("SELECT count(*) FROM pg_stat_activity WHERE application_name = :name AND datname = current_database()")


class RunSession:
    """The session of one run. A thread opens it again after PostgreSQL was restarted."""

    def __init__(self, url: str, run_id: str) -> None:
        """Open the session; ``url`` is the address of the database, as SQLAlchemy reads it.

        Raises:
            SQLAlchemyError: PostgreSQL does not answer.
        """
        self._engine = _engine(url, session_name(run_id))
        self._connection: Connection | None = self._engine.connect()
        self._closed = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="session of the run", daemon=True)
        self._keeper.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the session."""
        self._closed.set()
        self._keeper.join()
        self._drop()

    def _keep(self) -> None:
        while not self._closed.wait(CHECK_EVERY):
            try:
                if self._connection is None:
                    self._connection = self._engine.connect()
                self._connection.execute(text("SELECT 1"))
            except SQLAlchemyError:
                self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None


def is_open(url: str, run_id: str) -> bool:
    """Whether the session of a run exists; ``url`` is as in :class:`RunSession`.

    Raises:
        SQLAlchemyError: PostgreSQL does not answer.
    """
    with _engine(url, "floriday run monitoring").connect() as connection:
        return bool(connection.execute(_IS_OPEN, {"name": session_name(run_id)}).scalar())


def session_name(run_id: str) -> str:
    """The name of a run's session in ``pg_stat_activity``."""
    return f"Dagster run {run_id}"


def _engine(url: str, name: str) -> Engine:
    arguments = {"application_name": name, "options": _KEEPALIVE, "connect_timeout": _CONNECT_TIMEOUT}
    return create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=arguments)
