"""What PostgreSQL did: processor time of its processes on this machine, and its own counters."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.lake_address import LakeAddress
from pipelines.warehouse.lake.lock import postgres_session

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Load:
    """What PostgreSQL did since it was started.

    Args:
        cpu: processor seconds of all its processes; 0 if it is on another machine.
        transactions: transactions that were committed in the database.
    """

    cpu: float
    transactions: int

    def __sub__(self, other: Load) -> Load:
        return Load(self.cpu - other.cpu, self.transactions - other.transactions)


def postgres_load(address: LakeAddress) -> Load:
    """What PostgreSQL did until now; the transactions of sessions that are open may be counted a second later."""
    with closing(postgres_session(address, "benchmark")) as session, session.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid(), xact_commit FROM pg_stat_database WHERE datname = current_database()")
        pid, commits = cursor.fetchone()
        return Load(_cpu_of_all(int(pid)), int(commits))


def execute(address: LakeAddress, sql: str) -> list[tuple[Any, ...]]:
    """Execute a statement in the database of a lake, and return its rows."""
    with closing(postgres_session(address, "benchmark")) as session, session.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def _cpu_of_all(pid: int) -> float:
    """Processor seconds of the server that the process of a session belongs to, with all its processes."""
    session = _stat(pid)
    if session is None or session.name != "postgres":
        return 0.0
    all_stats = [_stat(int(path.name)) for path in Path("/proc").glob("[0-9]*")]
    server = _stat(session.parent)
    children = [each for each in all_stats if each is not None and each.parent == session.parent]
    return (0.0 if server is None else server.cpu + server.cpu_of_ended) + sum(each.cpu for each in children)


@dataclass(frozen=True)
class _Stat:
    name: str
    parent: int
    cpu: float
    cpu_of_ended: float  # of its children that have ended


def _stat(pid: int) -> _Stat | None:
    """What Linux says of a process; None if there is none."""
    try:
        text = (Path("/proc") / str(pid) / "stat").read_text()
    except OSError:
        return None
    name = text[text.index("(") + 1 : text.rindex(")")]
    fields = text[text.rindex(")") + 2 :].split()  # from the third field of proc(5) on
    user, system, ended_user, ended_system = (int(each) / _TICKS for each in fields[11:15])
    return _Stat(name, int(fields[1]), user + system, ended_user + ended_system)
