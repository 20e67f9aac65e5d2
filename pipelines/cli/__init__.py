"""The command ``floriday``: thin commands over the other parts.

Each module is one command or what several share. A command imports what it needs when it runs, so that ``--help`` is
quick; what a command does belongs to the part that does it.
"""

from __future__ import annotations

import os
import sys

from pipelines import interruption

__all__ = ["main"]


def main() -> None:
    """Run the command of the process's arguments and end the process with its exit code."""
    _open_standard_streams()
    try:
        interruption.install()  # before the imports, of which the first second consists
        from pipelines.private_files import protect_process

        protect_process()
        from pipelines.cli.entry import main as run

        run()
    except BaseException:
        if not interruption.recorded():
            raise
        interruption.decide()
    interruption.end(1)


def _open_standard_streams() -> None:
    """Have something stand at descriptors 0 to 2: whoever closed one would get our next file as its output."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the system gives the lowest free number
            setattr(sys, name, os.fdopen(descriptor, "r" if name == "stdin" else "w"))
