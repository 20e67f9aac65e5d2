"""Lakes for tests: a PostgreSQL of their own, and a folder for each lake.

The tests of syncs use files. With WAREHOUSES=lake they use lakes, where PostgreSQL and the
packages of the extra ``scale`` are installed.
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
from functools import cache
from pathlib import Path

import pytest

from pipelines.lake_address import LakeAddress, parse_lake

KIND = os.environ.get("WAREHOUSES", "file")
"""``file`` or ``lake``: what the tests of syncs store in."""


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
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    control = str(programs / "pg_ctl"), "-D", str(data), "-w"
    _run(user, *control, "-l", str(folder / "log"), "-o", options, "start")
    atexit.register(_run, user, *control, "-m", "immediate", "stop")
    return f"dbname=postgres host=127.0.0.1 port={port} user=postgres"


def lake_at(path: Path) -> LakeAddress:
    """Return the lake that stands for a DuckDB file at a path; it need not exist."""
    schema = f"lake_{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"
    return parse_lake(f"ducklake:postgres:{postgres()}", str(path.with_suffix(".parquet")), schema, path.parent)


def lake_settings(path: Path) -> dict[str, str]:
    """Return the settings of the lake that stands for a file at a path."""
    lake = lake_at(path)
    return {
        "FLORIDAY_WAREHOUSE": lake.attach_string,
        "FLORIDAY_LAKE_DATA": lake.data,
        "FLORIDAY_LAKE_SCHEMA": lake.schema,
    }


def _unprivileged(folder: Path) -> int | None:
    """Give the folder to a user whom PostgreSQL accepts, because it refuses to run as root."""
    if os.getuid() != 0:
        return None
    user = pwd.getpwnam("nobody").pw_uid
    os.chown(folder, user, -1)
    return user


def _run(user: int | None, *command: str) -> None:
    subprocess.run(command, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
