"""Where the command begins and ends: exit codes, and one line on standard error for whatever goes wrong."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from typer.exceptions import Exit, TyperException
from typer.main import get_command

from pipelines import interruption
from pipelines.cli.app import app
from pipelines.cli.console import complain
from pipelines.errors import PipelineError
from pipelines.unexpected_errors import print_if_debugging, summary

FAILED, MISUSED, INTERRUPTED, UNHEARD = 1, 2, 130, 141
"""Exit codes: something failed, a setting or the usage is wrong, Ctrl-C, nobody reads the output."""


def main() -> NoReturn:
    """Run the command of the process's arguments and end the process with its exit code."""
    interruption.install()
    gc.set_threshold(200_000)  # what is imported is no garbage, and would be looked through a hundred times
    sys.setswitchinterval(0.001)  # whoever comes back from DuckDB or the network waits this long for its turn
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's algebra is not used here, and its threads would spin
    try:
        code = run(sys.argv[1:])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else FAILED
    interruption.end(code)


def run(arguments: Sequence[str]) -> int:
    """Run a command; returns its exit code."""
    try:
        code = _invoke(arguments or ["--help"])
        sys.stdout.flush()
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - the last resort, so that nobody sees a traceback unasked
        # Libraries make many errors of an interruption, such as an ImportError or DuckDB's InterruptException.
        return _stopped() if interruption.recorded() else _failed(error)
    return code


def _stopped() -> int:
    interruption.decide()
    return interruption.tell()


def _failed(error: BaseException) -> int:
    """Tell what went wrong, in one line; returns the exit code."""
    match error:
        case KeyboardInterrupt():
            return complain("stopped", INTERRUPTED)
        case BrokenPipeError():
            # Python flushes once more at the end, and would complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return UNHEARD
        case PipelineError():
            return complain(str(error), error.exit_code)
        case OSError():
            return complain(": ".join(filter(None, (str(error.filename or ""), error.strerror or "no access"))), FAILED)
        case _:
            return _unexpected(error)


def _invoke(arguments: Sequence[str]) -> int:
    logging.getLogger("pipelines.settings").addHandler(_COMPLAINTS)  # by its name: importing it takes long
    try:
        command = get_command(app)
        with command.make_context("floriday", [*arguments]) as context:
            command.invoke(context)
    except Exit as end:
        return end.exit_code
    except TyperException as misuse:
        place = getattr(misuse, "ctx", None)
        path = place.command_path if place else "floriday"
        return complain(f"{misuse.format_message().rstrip('.')} (see: {path} --help)", MISUSED)
    return 0


class _Complaints(logging.Handler):
    """Prints each warning as a line of the command."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one."""
        complain(record.getMessage())


_COMPLAINTS = _Complaints()


def _unexpected(error: BaseException) -> int:
    """Tell the type alone: the message may hold anything."""
    print_if_debugging(error)
    return complain(summary(error), FAILED)
