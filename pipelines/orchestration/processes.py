"""The processes of this machine, from `/proc` on Linux and from `ps` on other systems."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")


class Process(NamedTuple):
    """A process that has not ended; it began at a time in seconds since 1970, without fractions where `ps` is read."""

    pid: int
    group: int
    began_at: float
    command: str


def find_process(pid: int) -> Process | None:
    """The process with this id; None if it has ended, also while its parent has not yet waited for it (a zombie)."""
    return next(_from_proc(str(pid)) if (PROC / "self").exists() else _from_ps("-p", str(pid)), None)


def all_processes() -> Iterator[Process]:
    """Every process that has not ended."""
    return _from_proc("[0-9]*") if (PROC / "self").exists() else _from_ps("-A")


def _from_proc(pattern: str) -> Iterator[Process]:
    for folder in PROC.glob(pattern):
        with suppress(OSError):  # the process has ended meanwhile
            # The name, in parentheses, may itself contain spaces and parentheses.
            state, *numbers = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            command = (folder / "cmdline").read_text(errors="replace")
            since_boot = int(numbers[18]) / os.sysconf("SC_CLK_TCK")
            age = time.clock_gettime(time.CLOCK_BOOTTIME) - since_boot  # `btime` in /proc/stat may be of another boot
            if state != "Z":
                yield Process(int(folder.name), int(numbers[1]), time.time() - age, command)


def _from_ps(*which: str) -> Iterator[Process]:
    columns = ("ps", "-o", "pid=,stat=,pgid=,lstart=,command=", *which)
    listing = subprocess.run(columns, env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True, check=False)  # noqa: S603 - only a number varies
    for line in listing.stdout.splitlines():
        pid, state, group, *rest = line.split(maxsplit=8)
        began_at = time.mktime(time.strptime(" ".join(rest[:5]), "%a %b %d %H:%M:%S %Y"))
        if not state.startswith("Z"):
            yield Process(int(pid), int(group), began_at, " ".join(rest[5:]))
