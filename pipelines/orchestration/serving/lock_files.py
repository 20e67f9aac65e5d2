"""One `floriday up` a project: files that stay locked while their holders live, and that the system frees then.

A lock belongs to the opened file, so a child that inherits the descriptor shares it. `up.lock` is held by the command
alone, `dagster.lock` by its `dagster dev` too: that tells a command that runs from one that was killed and left its
Dagster behind.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pipelines.errors import DagsterError
from pipelines.orchestration.serving import sessions

_LOOK_AGAIN = 0.1
_ENDS_WHEN_TOLD, _ENDS_WHEN_KILLED = 15.0, 5.0


class LockFile:
    """A file to lock, and to be told by its holder who that is.

    Args:
        path: where it is, or will be made, for this user alone.

    Raises:
        DagsterError: the folder does not take files.
    """

    def __init__(self, path: Path) -> None:
        try:
            self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise DagsterError(f"{path} cannot be written ({error.strerror}): make its folder writable") from None

    def take(self, patience: float = 0.0) -> bool:
        """Lock it, and forget who held it; whether that was possible within ``patience`` seconds."""
        ends = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= ends:
                    return False
                time.sleep(_LOOK_AGAIN)
            else:
                os.ftruncate(self.descriptor, 0)
                return True

    def write(self, process: int, address: str) -> None:
        """Tell others who holds it, and where it serves."""
        text = json.dumps({"process": process, "address": address}).encode()
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, text, 0)

    def read(self) -> tuple[int, str]:
        """What the holder has written: its process, and where it serves; 0 and nothing before it has."""
        try:
            told = json.loads(os.pread(self.descriptor, 4096, 0))
            return int(told["process"]), str(told["address"])
        except (ValueError, KeyError, TypeError):
            return 0, ""

    def close(self) -> None:
        """Give it back, unless a child holds it too."""
        os.close(self.descriptor)


@contextmanager
def one_at_a_time(home: Path, tell: Callable[[str], None]) -> Iterator[LockFile]:
    """Keep others out, and end the Dagster that one which was killed has left behind.

    Args:
        home: the folder of Dagster's own files.
        tell: is told what is ended.

    Yields:
        The lock file for the `dagster dev` that is started now.

    Raises:
        DagsterError: another one runs; the message says which.
    """
    with closing(LockFile(home / "up.lock")) as own, closing(LockFile(home / "dagster.lock")) as dagsters:
        if not own.take():
            process, address = own.read()[0], dagsters.read()[1]
            where = f", at {address}" if address else ""
            raise DagsterError(f"`floriday up` runs here already (process {process}{where}): use that one, or stop it")
        own.write(os.getpid(), "")
        if not dagsters.take():
            _end(dagsters, tell)
        yield dagsters


def _end(dagsters: LockFile, tell: Callable[[str], None]) -> None:
    """End what a killed one has left, its runs too, as it would have done itself."""
    process, _ = dagsters.read()
    if process:
        tell(f"An earlier `floriday up` was killed and left its Dagster behind (process {process}), which is ended now")
        if not sessions.end(process, signal.SIGTERM, _ENDS_WHEN_TOLD, lambda: False):
            sessions.end(process, signal.SIGKILL, _ENDS_WHEN_KILLED, lambda: False)
    if not dagsters.take(_ENDS_WHEN_KILLED):
        raise DagsterError(f"the Dagster that an earlier `floriday up` left behind (process {process}) does not end")
