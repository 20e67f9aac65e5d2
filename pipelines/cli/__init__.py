"""The command ``floriday``: one module for each command, and what several commands share.

A command imports the other parts of the package when it runs, so that ``--help`` is quick.
"""

from __future__ import annotations

import os
import signal
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command in the process's arguments and end the process with its exit code."""
    _open_standard_streams()
    _end_at_once_by_ctrl_c()
    from pipelines import interruption

    try:
        interruption.install()  # before the imports, which take most of the first second
        from pipelines.private_files import protect_process

        protect_process()
        from pipelines.cli.entry import main as run

        run()
    except BaseException:
        if not interruption.is_stopping():
            raise
        interruption.ignore_signals()
    interruption.end(1)


def _end_at_once_by_ctrl_c() -> None:
    """Let Ctrl-C end the process until the signals are handled: Python may lose an exception within an import."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _open_standard_streams() -> None:
    """Open descriptors 0 to 2 where they are closed; otherwise the next file opened would receive our output."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the system assigns the lowest free number
            setattr(sys, name, os.fdopen(descriptor, "r" if name == "stdin" else "w"))
