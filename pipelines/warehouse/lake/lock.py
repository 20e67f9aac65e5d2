"""The sync lock of a lake: an advisory lock of PostgreSQL, which is free as soon as the session of its holder ends.

DuckLake itself lets two writers that insert the same keys at the same time both commit, so no writer works without it.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from pipelines import extras
from pipelines.errors import WarehouseBusyError, WarehouseError
from pipelines.lake_address import LakeAddress
from pipelines.warehouse.lake.errors import no_session, reason_of

if TYPE_CHECKING:
    import psycopg2.extensions
    import psycopg2.sql

_LONGEST_NAME = 63  # bytes of an application's name that PostgreSQL keeps
_PAUSE = 0.2  # seconds between two attempts
_KEY = "hashtextextended('floriday-warehouse ' || %s, 0)"
_HOLDER = f"""
    SELECT a.application_name, a.pid, a.backend_start FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
        AND (CAST(CAST(l.classid AS BIGINT) << 32 AS BIGINT) | CAST(l.objid AS BIGINT)) = {_KEY}
"""


@contextmanager
def hold_sync_lock(address: LakeAddress, holder: str, *, timeout: float = 0.0) -> Iterator[None]:
    """Hold the lock of a lake during the block.

    Others are shown the name of the holder, a command or run, with its process and machine; ``timeout`` is how long to
    wait for one, in seconds.

    Raises:
        WarehouseBusyError: another sync holds it; the message names it.
        WarehouseError: PostgreSQL does not answer.
    """
    with closing(postgres_session(address, _with_process(holder))) as session:
        ends = time.monotonic() + timeout
        while not _row(session, f"SELECT pg_try_advisory_lock({_KEY})", address)[0]:
            if time.monotonic() >= ends:
                message = f"another sync holds {address}: {_named(session, address)}. Try again when it has finished"
                raise WarehouseBusyError(message)
            time.sleep(_PAUSE)
        try:
            yield
        finally:
            # Otherwise the lock would stay for the moments that PostgreSQL takes to end the session.
            with suppress(Exception):
                _row(session, f"SELECT pg_advisory_unlock({_KEY})", address)


def lock_holder(address: LakeAddress) -> str | None:
    """A phrase that names the current holder of the lock; None if it is free."""
    with closing(postgres_session(address, "floriday status")) as session:
        return _named(session, address)


def has_catalogue(address: LakeAddress) -> bool:
    """Whether the catalogue of a lake exists in PostgreSQL."""
    with closing(postgres_session(address, "floriday")) as session:
        sql = "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = %s AND tablename = 'ducklake_metadata')"
        return bool(_row(session, sql, address)[0])


def postgres_session(address: LakeAddress, name: str) -> psycopg2.extensions.connection:
    """A session of PostgreSQL without transactions, under a name that its lists of sessions show.

    Raises:
        WarehouseError: PostgreSQL does not answer, or psycopg2 is not installed.
    """
    try:
        import psycopg2  # noqa: PLC0415 - only a lake needs it
    except ImportError:
        message = f"a lake needs psycopg2, which is not installed: `{extras.how_to_install(extras.SCALE)}` installs it"
        raise WarehouseError(message) from None
    try:
        session = psycopg2.connect(address.catalogue, application_name=name[:_LONGEST_NAME])
    except psycopg2.Error as error:
        raise _no_answer(address, error) from None
    session.autocommit = True
    return session


def _with_process(holder: str) -> str:
    """The holder with its process and machine, as far as PostgreSQL keeps them whole."""
    process = f"{holder}, process {os.getpid()}"
    whole = f"{process} on {socket.gethostname()}"
    return next((name for name in (whole, process) if len(name.encode()) <= _LONGEST_NAME), holder)


def _named(session: psycopg2.extensions.connection, address: LakeAddress) -> str | None:
    row = _row(session, _HOLDER, address)
    return f"{row[0]}, session {row[1]} of PostgreSQL, since {row[2].isoformat(timespec='seconds')}" if row else None


def _row(session: psycopg2.extensions.connection, sql: str, address: LakeAddress) -> Any:
    rows = rows_of(session, address, sql, [address.schema])
    return rows[0] if rows else None


def rows_of(
    session: psycopg2.extensions.connection, address: LakeAddress, sql: str | psycopg2.sql.Composable, params: Any = ()
) -> list[tuple[Any, ...]]:
    """The rows of a query of PostgreSQL; a WarehouseError about a lake if there is no answer."""
    import psycopg2  # noqa: PLC0415 - only a lake needs it

    try:
        with session.cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.fetchall()
    except psycopg2.Error as error:
        raise _no_answer(address, error) from None


def _no_answer(address: LakeAddress, error: Exception) -> WarehouseError:
    return WarehouseError(no_session(address, reason_of(str(error))))
