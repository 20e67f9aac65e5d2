"""Lakes for tests: a PostgreSQL of their own, with a database for each lake, and a folder for its Parquet files.

To create the tables of a lake takes seconds, to copy a database a tenth of one; so lakes are saved and restored.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from pipelines.lake_address import DEFAULT_SCHEMA, LakeAddress, parse_lake
from pipelines.warehouse.lake.connection import LakeWarehouse

WITH_PASSWORD = "writer"
"""The name of a user whom PostgreSQL asks for a password; a test creates it."""
_numbers = count()
_lakes: dict[str, Path] = {}
"""The folder of each lake by the name of its database."""
_warehouses: dict[LakeAddress, LakeWarehouse] = {}
_programs: dict[str, Callable[[], None]] = {}
"""Start and stop PostgreSQL."""


@cache
def postgres() -> str:
    """Start PostgreSQL for this process, and return the address of its database; skip the test where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found or importlib.util.find_spec("duckdb_extension_ducklake") is None:
        pytest.skip("PostgreSQL or the extra scale is not installed")
    folder = Path(tempfile.mkdtemp(prefix="floriday-postgres-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    programs, data = found[-1].parent, folder / "data"
    user = _unprivileged(folder)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    _run(user, str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync")
    rules = data / "pg_hba.conf"
    rules.write_text(f"host all {WITH_PASSWORD} 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    control = str(programs / "pg_ctl"), "-D", str(data), "-w"
    start, stop = (*control, "-l", str(folder / "log"), "-o", options, "start"), (*control, "-m", "immediate", "stop")
    _run(user, *start)
    atexit.register(subprocess.run, stop, user=user, cwd="/", check=False, stdout=subprocess.DEVNULL)
    _programs.update(start=lambda: _run(user, *start), stop=lambda: _run(user, *stop))
    return f"dbname=postgres host=127.0.0.1 port={port} user=postgres"


@contextmanager
def stopped_postgres() -> Iterator[None]:
    """Stop PostgreSQL during the block, as a failure of its machine would."""
    postgres()
    _programs["stop"]()
    try:
        yield
    finally:
        _programs["start"]()


@dataclass
class Statements:
    """How many statements PostgreSQL has executed."""

    count: int = 0


@contextmanager
def counted_statements() -> Iterator[Statements]:
    """Count the statements that sessions of PostgreSQL send which begin within the block."""
    counted, log = Statements(), Path(execute("SHOW unix_socket_directories")[0][0]) / "log"
    _log_statements(least="0")
    begin = log.stat().st_size
    try:
        yield counted
    finally:
        counted.count = log.read_bytes()[begin:].count(b" ms  ")
        _log_statements(least="-1")


def _log_statements(*, least: str) -> None:
    """Log all statements that take at least so many milliseconds, in sessions that begin after this."""
    execute(f"ALTER SYSTEM SET log_min_duration_statement = {least}")
    execute("SELECT pg_reload_conf()")
    while execute("SHOW log_min_duration_statement") != [(least,)]:
        pass


def lake_at(path: Path) -> LakeAddress:
    """Return the lake that stands for a DuckDB file at a path; it need not exist."""
    name = f"lake_{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"
    if name not in _lakes:
        _drop_unused()
        execute(f"CREATE DATABASE {name}")
        _lakes[name] = path.parent
    return _address(name, path.with_suffix(".parquet"))


def lake_warehouse(lake: LakeAddress) -> LakeWarehouse:
    """Return the warehouse of a lake, whose connection is kept, because tests look into it often."""
    return _warehouses.setdefault(lake, LakeWarehouse(lake))


def execute(sql: str, *parameters: object, dbname: str = "postgres") -> list[tuple[Any, ...]]:
    """Execute a statement in a database of PostgreSQL, and return its rows."""
    import psycopg2  # noqa: PLC0415 - only a lake needs it

    with closing(psycopg2.connect(postgres(), dbname=dbname)) as session:
        session.autocommit = True
        with session.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []


@dataclass(frozen=True)
class SavedLake:
    """The content of a lake at one time.

    Args:
        database: name of a copy of its database in PostgreSQL.
        files: copy of the folder with its Parquet files.
    """

    database: str
    files: Path

    @classmethod
    def of(cls, lake: LakeAddress) -> SavedLake:
        """Save a lake, which no other process has open."""
        saved = cls(f"saved_{next(_numbers)}", Path(tempfile.mkdtemp(prefix="floriday-lake-")))
        atexit.register(shutil.rmtree, saved.files, ignore_errors=True)
        _copy(lake, database_of(lake), Path(lake.data), saved.database, saved.files)
        return saved

    def restore(self, lake: LakeAddress) -> None:
        """Put this content at another address, in place of what is there."""
        name = database_of(lake)
        _close(lake)
        execute(f"DROP DATABASE {name} WITH (FORCE)")
        shutil.rmtree(lake.data, ignore_errors=True)
        _copy(lake, self.database, self.files, name, Path(lake.data))
        sql = f"UPDATE {lake.schema}.ducklake_metadata SET value = %s WHERE key = 'data_path'"
        execute(sql, lake.data, dbname=name)


def snapshot_of(lake: LakeAddress) -> int:
    """Return the number of a lake's newest snapshot, which each commit raises."""
    ((number,),) = execute(f"SELECT max(snapshot_id) FROM {lake.schema}.ducklake_snapshot", dbname=database_of(lake))
    return int(number)


def places_containing(lake: LakeAddress, text: str) -> list[str]:
    """Return the Parquet files and the tables of PostgreSQL that contain a text."""
    from pyarrow import parquet  # noqa: PLC0415 - few tests need it

    name = database_of(lake)
    found = [
        path.name
        for path in sorted(Path(lake.data).rglob("*.parquet"))
        if text.encode() in path.read_bytes() or text in str(parquet.read_table(path).to_pylist())
    ]
    tables = execute("SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", lake.schema, dbname=name)
    for (table,) in tables:
        sql = f"SELECT count(*) FROM {lake.schema}.{table} t WHERE strpos(t::text, %s) + strpos(t::text, %s) > 0"
        if execute(sql, text, text.encode().hex(), dbname=name) != [(0,)]:
            found.append(table)
    return found


def _copy(lake: LakeAddress, database: str, files: Path, to: str, folder: Path) -> None:
    _close(lake)
    execute(f"CREATE DATABASE {to} TEMPLATE {database}")
    if files.is_dir():
        shutil.copytree(files, folder, dirs_exist_ok=True)


def _address(database: str, files: Path) -> LakeAddress:
    catalogue = postgres().replace("dbname=postgres", f"dbname={database}")
    return parse_lake(f"ducklake:postgres:{catalogue}", str(files), DEFAULT_SCHEMA, files.parent)


def database_of(lake: LakeAddress) -> str:
    """Return the name of a lake's database in PostgreSQL."""
    return lake.catalogue.split()[0].removeprefix("dbname=")


def _close(lake: LakeAddress) -> None:
    if (warehouse := _warehouses.pop(lake, None)) is not None:
        warehouse.close()


def _drop_unused() -> None:
    """Drop the databases of lakes whose folder was removed, as those of tests that passed are."""
    for name in [name for name, folder in _lakes.items() if not folder.exists()]:
        for lake in [lake for lake in _warehouses if database_of(lake) == name]:
            _close(lake)
        execute(f"DROP DATABASE {name} WITH (FORCE)")
        del _lakes[name]


def _unprivileged(folder: Path) -> int | None:
    """Give the folder to a user whom PostgreSQL accepts, because it refuses to run as root."""
    if os.getuid() != 0:
        return None
    user = pwd.getpwnam("nobody").pw_uid
    os.chown(folder, user, -1)
    return user


def _run(user: int | None, *command: str) -> None:
    subprocess.run(command, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
