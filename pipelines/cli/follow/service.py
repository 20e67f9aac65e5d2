"""Messages to the service manager, as sd_notify(3) and systemd.service(5) define them, without a library."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from pipelines.text_format import one_line

LONGEST_SILENCE = 900.0  # seconds without a sign of progress after which the watchdog gets no more messages
_MICROSECONDS = 1e6
_STARTING_INTERVAL = 20.0  # seconds between messages while the start takes long
_LONGEST_STATUS = 200  # characters
_LONGEST_SEND = 1.0  # seconds; systemd reads its socket at once


class ServiceManager:
    """Sends messages to the socket that NOTIFY_SOCKET names; without it, nothing is sent.

    A thread sends WATCHDOG=1 at half of WATCHDOG_USEC, as long as the work makes progress: after
    :data:`LONGEST_SILENCE` without a sign of it, systemd may restart the process. Before READY=1, it asks for more time
    instead, because a large warehouse of an older version takes long to update.
    """

    def __init__(self, variables: Mapping[str, str] = os.environ, *, now: Callable[[], float] = time.monotonic) -> None:
        name = variables.get("NOTIFY_SOCKET", "")
        self._address = f"\0{name[1:]}" if name.startswith("@") else name
        self._watchdog = _watchdog_seconds(variables)
        self._now = now
        self._is_ready = False
        self._alive_until = now() + LONGEST_SILENCE
        self._status = ""

    @property
    def interval(self) -> float:
        """Seconds between two messages of the thread."""
        return _STARTING_INTERVAL if self._watchdog is None else min(_STARTING_INTERVAL, self._watchdog / 2)

    def ready(self) -> None:
        """Report once that the start is complete."""
        if not self._is_ready:
            self._is_ready = True
            self._send("READY=1")

    def status(self, text: str) -> None:
        """Report what the process does, in one line that `systemctl status` shows."""
        line = one_line(text, _LONGEST_STATUS)
        if line != self._status:
            self._status = line
            self._send(f"STATUS={line}", 0.0)

    def progress(self, pause: float = 0.0) -> None:
        """Note a sign of progress. The next one may come ``pause`` seconds later than usual: a round is not due yet."""
        self._alive_until = self._now() + pause + LONGEST_SILENCE

    def send_sign(self) -> None:
        """Send what is due now: WATCHDOG=1, more time for the start, or nothing."""
        if not self._is_ready:
            self._send(f"EXTEND_TIMEOUT_USEC={3 * self.interval * _MICROSECONDS:.0f}")
        if self._watchdog is not None and self._now() < self._alive_until:
            self._send("WATCHDOG=1")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send signs during the block, and STOPPING=1 at its end."""
        stopped = threading.Event()

        def run() -> None:
            while not stopped.is_set():
                self.send_sign()
                stopped.wait(self.interval)

        if self._address:
            threading.Thread(target=run, name="floriday service", daemon=True).start()
        try:
            yield
        finally:
            stopped.set()
            self._send("STOPPING=1")

    def _send(self, message: str, seconds: float = _LONGEST_SEND) -> None:
        """Send a message, and wait for room in the socket for so many seconds."""
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(seconds)
            sender.sendto(message.encode(), self._address)


def _watchdog_seconds(variables: Mapping[str, str]) -> float | None:
    """The time after which systemd restarts a process without a sign; None if it does not, or watches another one."""
    with suppress(ValueError):
        microseconds = int(variables.get("WATCHDOG_USEC", ""))
        if microseconds > 0 and int(variables.get("WATCHDOG_PID") or os.getpid()) == os.getpid():
            return microseconds / _MICROSECONDS
    return None
