"""The process of a run in Dagster, watched from outside: its processor time at the times of the run's events."""

from __future__ import annotations

import os
import threading
import time
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_INTERVAL = 0.02


def processor_seconds(pid: int) -> float | None:
    """The processor time of a process so far; ``None`` after its end."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / _TICK


def processes_of(session: int) -> dict[int, str]:
    """The processes of a session, with the words of their commands."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if int((folder / "stat").read_text(encoding="utf-8").rpartition(") ")[2].split()[3]) == session:
                found[int(folder.name)] = words
        except OSError:
            continue
    return found


@dataclass
class Watch:
    """Samples the processor time of all processes of a session, those that begin later too, until it is stopped.

    Args:
        session: id of the session.
    """

    session: int
    samples: dict[int, list[tuple[float, float]]] = field(default_factory=dict)
    commands: dict[int, str] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop."""
        self._stop.set()
        self._thread.join()

    def cpu(self, pid: int, at: float) -> float:
        """Processor seconds of a process at a time, in seconds since 1970; 0 before it began."""
        samples = self.samples.get(pid, [])
        index = bisect_right(samples, (at, float("inf")))
        return samples[index - 1][1] if index else 0.0

    def _run(self) -> None:
        rounds = 0
        while not self._stop.wait(_INTERVAL):
            if rounds % 5 == 0:
                self.commands |= processes_of(self.session)
            for pid in list(self.commands):
                if (seconds := processor_seconds(pid)) is not None:
                    self.samples.setdefault(pid, []).append((time.time(), seconds))
            rounds += 1
