"""Run a command: exit codes, and one line on standard error for each failure."""

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
from pipelines.cli.console import print_error, print_list
from pipelines.cli.terminal.encoding import print_in_any_encoding
from pipelines.cli.usage_errors import usage_error
from pipelines.errors import PipelineError
from pipelines.unexpected_errors import print_if_debugging, summary

_COMPLETION = "_FLORIDAY_COMPLETE"  # set by the functions that --install-completion gives to a shell
_WARNING = ("pipelines.settings", "pipelines.warehouse")  # by name: the imports take long
FAILED, USAGE_ERROR, INTERRUPTED, OUTPUT_CLOSED = 1, 2, 130, 141  # exit codes: 130 for Ctrl-C, 141 for a closed pipe


def main() -> NoReturn:
    """Run the command in the process's arguments and end the process with its exit code."""
    interruption.install()
    print_in_any_encoding()
    gc.set_threshold(200_000)  # imported modules are no garbage, and would be scanned a hundred times
    sys.setswitchinterval(0.001)  # a thread that returns from DuckDB or the network waits at most this long
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's linear algebra is unused, and its threads would spin
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
    except BaseException as error:  # noqa: BLE001 - the last handler, so that nobody sees an unwanted traceback
        # Libraries turn an interruption into other errors, such as ImportError or DuckDB's InterruptException.
        if not interruption.is_stopping():
            return _failed(error)
        interruption.ignore_signals()
        return interruption.report_stop()
    return code


def _invoke(arguments: Sequence[str]) -> int:
    for name in _WARNING:
        logging.getLogger(name).addHandler(_WARNINGS)
    try:
        command = get_command(app)
        if _COMPLETION in os.environ:
            command.main(prog_name="floriday")  # prints the completions that the shell asks for, and exits
        with command.make_context("floriday", [*arguments]) as context:
            command.invoke(context)
    except Exit as end:
        return end.exit_code
    except TyperException as error:
        return print_error(usage_error(error, arguments), USAGE_ERROR)
    return 0


def _failed(error: BaseException) -> int:
    match error:
        case KeyboardInterrupt():
            return print_error("stopped", INTERRUPTED)
        case BrokenPipeError():
            # Python flushes standard output once more at exit, and would print an error.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return OUTPUT_CLOSED
        case PipelineError() if error.details and sys.stderr.isatty():
            is_incomplete = any(" is missing" in line for line in error.details)
            title = "the settings are not complete" if is_incomplete else "the settings are not valid"
            return print_list(title, error.details, error.exit_code)
        case PipelineError():
            return print_error(str(error), error.exit_code)
        case OSError():
            parts = (str(error.filename or ""), error.strerror or "no access")
            return print_error(": ".join(filter(None, parts)), FAILED)
        case _:
            print_if_debugging(error)
            return print_error(summary(error), FAILED)  # only the type: the message may contain anything


class _Warnings(logging.Handler):
    """Prints each warning of the settings and the warehouse as a line on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one warning."""
        print_error(record.getMessage())


_WARNINGS = _Warnings()
