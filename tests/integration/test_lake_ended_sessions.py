"""A process whose sessions of PostgreSQL end, within a transaction or after it, gets an error and goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from multiprocessing.synchronize import Event

import duckdb
import pytest

from pipelines.errors import WarehouseError
from pipelines.lake_address import LakeAddress
from pipelines.warehouse.file.connection import transaction
from pipelines.warehouse.lake.connection import LakeWarehouse
from tests.another_process import FORKED
from tests.lake_commits import end_sessions
from tests.lakes import lake_at, postgres

Opened = Callable[[LakeWarehouse], AbstractContextManager[duckdb.DuckDBPyConnection]]
TIMEOUT = 60.0


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> LakeAddress:
    """A lake with two tables of one row."""
    postgres()
    lake = lake_at(tmp_path_factory.mktemp("lake") / "w.duckdb")
    warehouse = LakeWarehouse(lake)
    with warehouse.writing() as connection:
        connection.execute("CREATE SCHEMA things")
        for name in ("read", "unread"):
            connection.execute(f"CREATE TABLE things.{name} AS SELECT 1 AS number")
    warehouse.close()
    return lake


@contextmanager
def changing(warehouse: LakeWarehouse) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a connection within a transaction that has written."""
    with warehouse.writing() as connection, transaction(connection):
        connection.execute("INSERT INTO things.read VALUES (2)")
        yield connection


def read_more(connection: duckdb.DuckDBPyConnection) -> None:
    """Read what needs PostgreSQL."""
    connection.execute("FROM things.unread").fetchall()


def fail_in_duckdb(connection: duckdb.DuckDBPyConnection) -> None:
    """Execute what DuckDB refuses."""
    connection.execute("SELEC")


def fail_in_python(_: duckdb.DuckDBPyConnection) -> None:
    """Raise an error that is not of DuckDB."""
    raise LookupError


def fail_later(
    lake: LakeAddress,
    opened: Opened,
    fail: Callable[[duckdb.DuckDBPyConnection], None],
    has_read: Event,
    has_ended: Event,
) -> None:
    """Read, wait for the end of the sessions, fail, and read again over new sessions."""
    warehouse, errors = LakeWarehouse(lake), (WarehouseError, LookupError, duckdb.Error)
    with suppress(*errors), opened(warehouse) as connection:
        connection.execute("FROM things.read").fetchall()
        has_read.set()
        has_ended.wait(TIMEOUT)
        fail(connection)
    with warehouse.reading() as connection:
        assert connection.execute("FROM things.read").fetchall() == [(1,)]
    warehouse.close()


@pytest.mark.parametrize("opened", [LakeWarehouse.reading, LakeWarehouse.writing, changing])
@pytest.mark.parametrize("fail", [read_more, fail_in_duckdb, fail_in_python])
def test_a_process_survives_the_end_of_its_sessions(
    lake: LakeAddress, opened: Opened, fail: Callable[[duckdb.DuckDBPyConnection], None]
) -> None:
    """Whatever it does then, it fails in Python, stores nothing, and reads again afterwards."""
    has_read, has_ended = FORKED.Event(), FORKED.Event()
    process = FORKED.Process(target=fail_later, args=(lake, opened, fail, has_read, has_ended))
    process.start()
    assert has_read.wait(TIMEOUT)
    assert end_sessions(lake) > 0
    has_ended.set()
    process.join(TIMEOUT)

    assert process.exitcode == 0
