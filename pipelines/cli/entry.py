"""Where the command begins and ends: exit codes, and one line on standard error for whatever goes wrong."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from typer.exceptions import Exit, TyperException
from typer.main import get_command

from pipelines.cli.app import app
from pipelines.cli.console import complain
from pipelines.defects import print_if_debugging, summary
from pipelines.errors import PipelineError

FAILED, MISUSED, INTERRUPTED, UNHEARD, TERMINATED = 1, 2, 130, 141, 143
"""Exit codes: something failed, a setting or the usage is wrong, Ctrl-C, nobody reads the output, SIGTERM."""


def main() -> None:
    """Run the command of the process's arguments and end the process with its exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    gc.set_threshold(200_000)  # what is imported is no garbage, and would be looked through a hundred times
    sys.setswitchinterval(0.001)  # whoever comes back from DuckDB or the network waits this long for its turn
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's algebra is not used here, and its threads would spin
    try:
        code = run(sys.argv[1:])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else FAILED
    _end(code)


def _end(code: int) -> NoReturn:
    """End the process at once.

    To take Python down, library by library, costs a tenth of a second; and threads of DuckDB that are still at work
    after Ctrl-C would abort the process meanwhile.
    """
    with suppress(OSError):
        sys.stdout.flush()
    atexit._run_exitfuncs()  # noqa: SLF001 - what others asked for is done all the same
    os._exit(code)


def _terminate(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - what a handler is given
    """End as after an exception, so that nothing half-written is left."""
    raise SystemExit(TERMINATED)


def run(arguments: Sequence[str]) -> int:
    """Run a command; returns its exit code."""
    try:
        code = _invoke(arguments or ["--help"])
        sys.stdout.flush()
    except KeyboardInterrupt:
        return complain("stopped", INTERRUPTED)
    except BrokenPipeError:
        # Python flushes once more at the end, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNHEARD
    except PipelineError as error:
        return complain(str(error), error.exit_code)
    except OSError as error:
        return complain(": ".join(filter(None, (str(error.filename or ""), error.strerror or "no access"))), FAILED)
    except Exception as error:  # noqa: BLE001 - the last resort, so that nobody sees a traceback unasked
        return _unexpected(error)
    return code


def _invoke(arguments: Sequence[str]) -> int:
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


def _unexpected(error: Exception) -> int:
    """Tell the type alone: the message may hold anything."""
    print_if_debugging(error)
    return complain(summary(error), FAILED)
