"""Lock files: one `floriday up` for each project. The system releases a lock when its holders end.

A lock belongs to the opened file, so a child that inherits the descriptor shares it. `up.lock` is held by the command
alone, `dagster.lock` also by its `dagster dev`: so a command that runs differs from one that was killed while its
Dagster runs on.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pipelines.errors import DagsterError
from pipelines.orchestration.serving import sessions

_POLL_SECONDS = 0.1
_TERM_SECONDS, _KILL_SECONDS = 15.0, 5.0


class LockFile:
    """A file that can be locked, for this user only; it contains the process id and the address of its holder."""

    def __init__(self, path: Path) -> None:
        try:
            self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise DagsterError(f"{path} cannot be written ({error.strerror}): make its folder writable") from None

    def take(self, timeout: float = 0.0) -> bool:
        """Lock the file and clear its content; False if another process still holds it after ``timeout`` seconds."""
        ends = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= ends:
                    return False
                time.sleep(_POLL_SECONDS)
            else:
                os.ftruncate(self.descriptor, 0)
                return True

    def write(self, process: int, address: str) -> None:
        """Write the holder's process id, and the address where it serves."""
        text = json.dumps({"process": process, "address": address}).encode()
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, text, 0)

    def read(self) -> tuple[int, str]:
        """The holder's process id, and the address where it serves; 0 and an empty text before it has written them."""
        try:
            content = json.loads(os.pread(self.descriptor, 4096, 0))
            return int(content["process"]), str(content["address"])
        except (ValueError, KeyError, TypeError):
            return 0, ""

    def close(self) -> None:
        """Release the file; a child that inherited the descriptor still holds it."""
        os.close(self.descriptor)


@contextmanager
def one_at_a_time(home: Path, report: Callable[[str], None]) -> Iterator[LockFile]:
    """Hold the lock of this `floriday up`, after stopping the Dagster of one that was killed, which is reported.

    Yields the lock file for the `dagster dev` that is started next.

    Raises:
        DagsterError: another one runs; the message contains its process id and address.
    """
    with closing(LockFile(home / "up.lock")) as own, closing(LockFile(home / "dagster.lock")) as dagsters:
        if not own.take():
            process, address = own.read()[0], dagsters.read()[1]
            at = f", at {address}" if address else ""
            raise DagsterError(f"`floriday up` runs here already (process {process}{at}): use that one, or stop it")
        own.write(os.getpid(), "")
        if not dagsters.take():
            _stop_orphan(dagsters, report)
        yield dagsters


def _stop_orphan(dagsters: LockFile, report: Callable[[str], None]) -> None:
    process, _ = dagsters.read()
    if process:
        report(f"An earlier `floriday up` was killed and left its Dagster behind (process {process}); stopping it now")
        sessions.stop(process, _TERM_SECONDS, _KILL_SECONDS)
    if not dagsters.take(_KILL_SECONDS):
        raise DagsterError(f"the Dagster that an earlier `floriday up` left behind (process {process}) does not end")
