"""Ctrl-C and SIGTERM raise an exception in the main thread, and the process ends with 130 or 143 and one line."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from tests.command_line import ROOT, without_coverage
from tests.examples import cases

START_OF_PROGRAM = """
import os, signal, sys, threading, time
from pipelines import interruption
interruption.install()
interruption.CLEAN_UP_SECONDS = float(sys.argv[1])
def interrupt(number=signal.SIGINT):
    os.kill(os.getpid(), number)
def main():
"""
END_OF_PROGRAM = """
try:
    main()
except BaseException as error:
    interruption.ignore_signals()
    print(type(error).__name__, flush=True)
interruption.end(0)
"""


def run_program(program: str, clean_up: float = 60) -> tuple[int, str, str]:
    """Run a program, and return its exit code, its output and its standard error."""
    complete = START_OF_PROGRAM + "".join(f"    {line}\n" for line in program.splitlines()) + END_OF_PROGRAM
    finished = subprocess.run(
        [sys.executable, "-c", complete, str(clean_up)],
        cwd=ROOT,
        env=without_coverage(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return finished.returncode, finished.stdout, finished.stderr


class TestOneSignal:
    """One signal, and a second one during the clean-up."""

    @pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
    def test_a_signal_ends_the_process_with_its_exit_code(self, number: str, code: int) -> None:
        """A signal is raised as an exception, and the process ends with its code and prints that it was stopped."""
        result = run_program(f"interrupt(signal.{number})\ntime.sleep(60)")

        assert result == (code, "Interrupted\n", "floriday: stopped\n")

    def test_a_second_signal_does_not_interrupt_the_clean_up(self) -> None:
        """A second signal is ignored while ``finally`` blocks run."""
        program = "try:\n    interrupt()\n    time.sleep(60)\nfinally:\n    interrupt()\n    print('cleaned up')"

        assert run_program(program) == (130, "cleaned up\nInterrupted\n", "floriday: stopped\n")

    def test_without_a_signal_the_exit_code_is_that_of_the_command(self) -> None:
        """Without a signal nothing is printed, and the exit code is that of the command."""
        assert run_program("pass") == (0, "", "")

    def test_a_signal_after_the_work_is_ignored(self) -> None:
        """A signal after the command has finished its work is ignored."""
        assert run_program("interruption.ignore_signals()\ninterrupt()\ntime.sleep(0)") == (0, "", "")

    def test_errors_of_threads_are_not_printed(self) -> None:
        """Errors of threads are printed before a signal, and not after it, because they follow from it."""
        program = (
            "def fail():\n    raise ValueError('of a thread')\n"
            "def failing():\n    thread = threading.Thread(target=fail)\n    thread.start()\n    thread.join()\n"
            "{}try:\n    interrupt()\n    time.sleep(60)\nfinally:\n    failing()"
        )

        assert run_program(program.format(""))[2] == "floriday: stopped\n"
        assert "of a thread" in run_program(program.format("failing()\n"))[2]


class TestLibraries:
    """Libraries that handle the exception or the signal."""

    def test_an_exception_that_is_swallowed_is_raised_again(self) -> None:
        """If a library swallows the exception it is raised again, so that the command does not continue."""
        program = "try:\n    interrupt()\n    time.sleep(60)\nexcept BaseException:\n    pass\ntime.sleep(60)"

        assert run_program(program) == (130, "Interrupted\n", "floriday: stopped\n")

    def test_a_handler_of_a_library_does_not_prevent_the_end(self) -> None:
        """If a library replaces the handler, the process ends without a clean-up, after its last-resort functions."""
        program = (
            "signal.signal(signal.SIGINT, lambda *_: None)\n"
            "with interruption.last_resort(lambda: print('last', flush=True)):\n"
            "    interrupt()\n    threading.Event().wait(60)"
        )

        assert run_program(program, clean_up=0.2) == (130, "last\n", "floriday: stopped\n")

    def test_a_clean_up_that_takes_too_long_is_ended(self) -> None:
        """A clean-up that waits too long is ended, for example by a thread that waits for a response."""
        program = "try:\n    interrupt()\n    time.sleep(60)\nfinally:\n    threading.Event().wait(60)"

        assert run_program(program, clean_up=0.2) == (130, "", "floriday: stopped\n")

    def test_a_call_without_interruption_finishes_first(self) -> None:
        """During ``without_interruption`` the exception is raised after the call."""
        program = (
            "def call():\n    interrupt()\n    print('done')\ninterruption.without_interruption(call)\ntime.sleep(60)"
        )

        assert run_program(program) == (130, "done\nInterrupted\n", "floriday: stopped\n")

    def test_a_command_with_its_own_handler_continues(self) -> None:
        """During ``handled_by`` a signal only calls the handler; afterwards a signal ends the process."""
        program = (
            "signals = []\nwith interruption.handled_by(lambda *received: signals.append(received)):\n"
            "    interrupt()\n    interrupt(signal.SIGTERM)\n    print(len(signals), interruption.is_stopping())\n"
            "interrupt()\ntime.sleep(60)"
        )

        assert run_program(program) == (130, "2 False\nInterrupted\n", "floriday: stopped\n")


class TestDuckDB:
    """Long statements in the main thread."""

    LONG = (
        "WITH first AS MATERIALIZED (SELECT kick('') k) SELECT count(*) FROM first, range(100000000000) a (i)"
        " WHERE i > k"
    )

    def test_a_statement_is_interrupted_and_rolled_back(self, tmp_path: Path) -> None:
        """A signal during a statement ends it and rolls the transaction back."""
        program = (
            "from pathlib import Path\n"
            "from pipelines.warehouse.file.connection import Warehouse, transaction\n"
            "def kick(_):\n    interrupt()\n    return 0\n"
            f"warehouse = Warehouse(Path({str(tmp_path / 'w.duckdb')!r}))\n"
            "with warehouse.writing() as connection, transaction(connection):\n"
            "    connection.execute('CREATE TABLE t (a INTEGER)')\n"
            "    connection.create_function('kick', kick, ['VARCHAR'], 'BIGINT', side_effects=True)\n"
            f"    connection.execute({self.LONG!r})"
        )
        began = time.monotonic()

        code, out, err = run_program(program)

        assert (code, out, err) == (130, "Interrupted\n", "floriday: stopped\n")
        assert time.monotonic() - began < 30
        assert [path.name for path in tmp_path.iterdir()] == ["w.duckdb"]


def run_command(folder: Path, program: str, *arguments: str) -> tuple[int, str, str]:
    """Run a program, which runs a command on a new warehouse; returns its exit code, output and standard error."""
    duckdb.connect(str(folder / "w.duckdb")).close()
    finished = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env=without_coverage(FLORIDAY_WAREHOUSE="w.duckdb"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return finished.returncode, finished.stdout, finished.stderr


# Sends SIGINT when a module is imported for the first time.
INTERRUPTED_IMPORT = """
import os, signal, sys
class Kick:
    def find_spec(self, name, path=None, target=None):
        if name == wanted:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)
wanted = sys.argv.pop(1)
sys.meta_path.insert(0, Kick())
from pipelines.cli import main
main()
"""


@pytest.mark.parametrize("module", ["typer", "pipelines.cli.app", "duckdb", "pyarrow", "numpy"])
def test_an_interrupted_import_ends_the_command(module: str, tmp_path: Path) -> None:
    """A signal during an import ends the command with the usual line, whatever the import raises."""
    command = ("dashboard",) if module == "duckdb" else ("query", "SELECT 1")

    assert run_command(tmp_path, INTERRUPTED_IMPORT, module, *command) == (130, "", "floriday: stopped\n")


def test_ctrl_c_before_the_signals_are_handled_ends_the_command() -> None:
    """Until the signals are handled, Ctrl-C ends the process, also where Python would lose an exception."""
    program = """
import os, signal, sys, weakref
class Thing: ...
class Finder:
    def find_spec(self, name, *_):
        if name == "pipelines.interruption":
            thing = Thing()
            self.callback = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGINT))
sys.meta_path.insert(0, Finder())
from pipelines.cli import main
sys.argv = ["floriday", "--version"]
main()
"""
    finished = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=without_coverage(), capture_output=True, timeout=120, check=False
    )

    assert finished.returncode == -signal.SIGINT, finished.stdout


INTERRUPTED_INITIALIZATION = """
import os, signal, sys
from importlib.machinery import ExtensionFileLoader
wanted, calls = int(sys.argv.pop(1)), 0
def profile(frame, event, argument):
    global calls
    calls += event == "call"
    if calls == wanted and event == "call":
        os.kill(os.getpid(), signal.SIGINT)
def execute(self, module, load=ExtensionFileLoader.exec_module):
    is_duckdb = module.__name__ == "_duckdb"
    sys.setprofile(profile if is_duckdb else None)
    load(self, module)
    sys.setprofile(None)
ExtensionFileLoader.exec_module = execute
from pipelines.cli import main
main()
"""
"""Interrupts the n-th call of a Python function during the initialization of DuckDB's native module."""


@cases("call", [1, 50, 200, 300, 400], quick=2)
def test_an_interrupted_initialization_of_a_native_module_ends_the_command(call: int, tmp_path: Path) -> None:
    """A signal while a native module is initialized ends the command with the usual line, and does not abort it."""
    result = run_command(tmp_path, INTERRUPTED_INITIALIZATION, str(call), "query", "SELECT 1")

    assert result == (130, "", "floriday: stopped\n")
