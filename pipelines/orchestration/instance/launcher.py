"""Which runs are still alive: Dagster's own launcher, plus the health check that run monitoring asks for.

Dagster's launcher notices when a run's process dies under its eyes. After a power cut nobody saw it die: the run would
stay "started", and the next one would wait for it for ever. So run monitoring looks for the process that the run named.
"""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import dagster as dg

# What run monitoring is answered with; Dagster has no public name for these two, and only this module imports them.
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus

PROC = Path("/proc")
"""Where Linux tells of processes; elsewhere `ps` does."""

TOLERANCE = 2.0
"""Seconds by which the ways to tell when a process began may differ; `ps` leaves out fractions."""

LOADED_AT = time.time()


class CheckedRunLauncher(dg.DefaultRunLauncher):
    """Launches runs as Dagster does, and tells by its process whether a run is still alive."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Run monitoring may ask."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the process that executes a run is there.

        A run that named no process counts as alive: failing one that goes on would be worse than waiting.
        """
        worker = _worker_of(self._instance, run.run_id)
        if worker is None or is_alive(*worker):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"its process {worker[0]} is gone")


def _worker_of(instance: dg.DagsterInstance, run_id: str) -> tuple[int, float] | None:
    """The id of the process that executes a run, and when the run first told it."""
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        told = entry.get_dagster_event().engine_event_data.metadata.get("pid")
        if told is not None:
            return int(str(told.value)), entry.timestamp
    return None


def is_alive(pid: int, seen_at: float) -> bool:
    """Whether the Python process that had this id at that moment is still there.

    An id is given out again, in a container that was started anew within seconds: a process that began after
    ``seen_at`` is another one. That is left out of account once the machine's clock was set, which moves the beginning
    of every process.

    Args:
        pid: the process's id on this machine.
        seen_at: when it was there for sure, in seconds since the epoch.
    """
    process, own = _look_up(pid), _look_up(os.getpid())
    if process is None or "python" not in process.command.lower():
        return False
    clock_was_set = own is None or own.began_at > LOADED_AT + TOLERANCE
    return clock_was_set or process.began_at <= seen_at + TOLERANCE


class _Process(NamedTuple):
    """A process that has not ended."""

    command: str
    began_at: float


def _look_up(pid: int) -> _Process | None:
    return _in_proc(pid) if (PROC / "self").exists() else _from_ps(pid)


def _in_proc(pid: int) -> _Process | None:
    folder = PROC / str(pid)
    try:
        command = (folder / "cmdline").read_text(errors="replace")
        state, *numbers = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    since_boot = int(numbers[18]) / os.sysconf("SC_CLK_TCK")
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - since_boot  # `btime` in /proc/stat may be that of another boot
    return None if state == "Z" else _Process(command, time.time() - age)


def _from_ps(pid: int) -> _Process | None:
    command = ("ps", "-o", "stat=,lstart=,command=", "-p", str(pid))
    told = subprocess.run(command, env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True, check=False)  # noqa: S603 - only a number varies
    if told.returncode != 0:
        return None
    state, *began, command_line = told.stdout.split(maxsplit=6)
    began_at = time.mktime(time.strptime(" ".join(began), "%a %b %d %H:%M:%S %Y"))
    return None if state.startswith("Z") else _Process(command_line, began_at)
