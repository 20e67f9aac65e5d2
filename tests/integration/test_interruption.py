"""Ctrl-C and SIGTERM in a process that takes them over: what is raised when, and how the process ends."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from tests.command_line import ROOT, unmeasured

BEGINNING = """
import os, signal, sys, threading, time
from pipelines import interruption
interruption.install()
interruption.CLEAN_UP_SECONDS = float(sys.argv[1])
def interrupt(number=signal.SIGINT):
    os.kill(os.getpid(), number)
def main():
"""
END = """
try:
    main()
except BaseException as error:
    interruption.ignore_signals()
    print(type(error).__name__, flush=True)
interruption.end(0)
"""


def ended(program: str, clean_up: float = 60) -> tuple[int, str, str]:
    """The exit code of a program, what it prints, and what stands on standard error."""
    whole = BEGINNING + "".join(f"    {line}\n" for line in program.splitlines()) + END
    done = subprocess.run(
        [sys.executable, "-c", whole, str(clean_up)],
        cwd=ROOT,
        env=unmeasured(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


class TestOneSignal:
    """The first one is raised in the main thread."""

    @pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
    def test_it_ends_the_process_with_its_code(self, number: str, code: int) -> None:
        """It is raised as an exception, and the process says in one line that it was stopped."""
        assert ended(f"interrupt(signal.{number})\ntime.sleep(60)") == (code, "Interrupted\n", "floriday: stopped\n")

    def test_a_second_one_leaves_the_clean_up_alone(self) -> None:
        """What a `finally` does is done to its end."""
        program = "try:\n    interrupt()\n    time.sleep(60)\nfinally:\n    interrupt()\n    print('cleaned up')"

        assert ended(program) == (130, "cleaned up\nInterrupted\n", "floriday: stopped\n")

    def test_without_one_the_exit_code_is_that_of_the_command(self) -> None:
        """Nothing is said."""
        assert ended("pass") == (0, "", "")

    def test_after_the_end_is_decided_it_changes_nothing(self) -> None:
        """The command had done its work."""
        assert ended("interruption.ignore_signals()\ninterrupt()\ntime.sleep(0)") == (0, "", "")

    def test_the_errors_of_threads_are_not_shown(self) -> None:
        """They follow from the signal; before it, they are shown."""
        program = (
            "def fail():\n    raise ValueError('of a thread')\n"
            "def failing():\n    thread = threading.Thread(target=fail)\n    thread.start()\n    thread.join()\n"
            "{}try:\n    interrupt()\n    time.sleep(60)\nfinally:\n    failing()"
        )

        assert ended(program.format(""))[2] == "floriday: stopped\n"
        assert "of a thread" in ended(program.format("failing()\n"))[2]


class TestLibraries:
    """What they make of the exception."""

    def test_one_that_swallows_it_gets_it_again(self) -> None:
        """The command does not go on as if nothing had happened."""
        program = "try:\n    interrupt()\n    time.sleep(60)\nexcept BaseException:\n    pass\ntime.sleep(60)"

        assert ended(program) == (130, "Interrupted\n", "floriday: stopped\n")

    def test_a_handler_of_their_own_does_not_keep_the_process(self) -> None:
        """It ends without a clean-up then, and does what nothing else would make up for."""
        program = (
            "signal.signal(signal.SIGINT, lambda *_: None)\n"
            "with interruption.last_resort(lambda: print('last', flush=True)):\n"
            "    interrupt()\n    threading.Event().wait(60)"
        )

        assert ended(program, clean_up=0.2) == (130, "last\n", "floriday: stopped\n")

    def test_a_clean_up_that_does_not_end_is_cut_off(self) -> None:
        """A thread that waits for an answer cannot be interrupted."""
        program = "try:\n    interrupt()\n    time.sleep(60)\nfinally:\n    threading.Event().wait(60)"

        assert ended(program, clean_up=0.2) == (130, "", "floriday: stopped\n")

    def test_one_that_may_not_be_broken_off_ends_first(self) -> None:
        """The exception is raised after its call."""
        program = (
            "def call():\n    interrupt()\n    print('done')\ninterruption.without_interruption(call)\ntime.sleep(60)"
        )

        assert ended(program) == (130, "done\nInterrupted\n", "floriday: stopped\n")

    def test_a_command_with_handlers_of_its_own_goes_on(self) -> None:
        """Until its block ends; the next signal ends it as ever."""
        program = (
            "told = []\nwith interruption.handled_by(lambda *told_of: told.append(told_of)):\n"
            "    interrupt()\n    interrupt(signal.SIGTERM)\n    print(len(told), interruption.is_stopping())\n"
            "interrupt()\ntime.sleep(60)"
        )

        assert ended(program) == (130, "2 False\nInterrupted\n", "floriday: stopped\n")


class TestDuckDB:
    """Statements that take long, in the main thread."""

    LONG = (
        "WITH first AS MATERIALIZED (SELECT kick('') k) SELECT count(*) FROM first, range(100000000000) a (i)"
        " WHERE i > k"
    )

    def test_a_statement_is_ended_and_the_transaction_rolled_back(self, tmp_path: Path) -> None:
        """The signal comes while DuckDB executes; nothing executes the rest of the statement afterwards."""
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

        code, out, err = ended(program)

        assert (code, out, err) == (130, "Interrupted\n", "floriday: stopped\n")
        assert time.monotonic() - began < 30
        assert [path.name for path in tmp_path.iterdir()] == ["w.duckdb"]


# Ctrl-C comes when a module is imported for the first time.
AT_AN_IMPORT = """
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
def test_an_import_is_interrupted(module: str, tmp_path: Path) -> None:
    """Whatever a half imported library raises, the command says that it was stopped."""
    duckdb.connect(str(tmp_path / "w.duckdb")).close()
    command = ("dashboard",) if module == "duckdb" else ("query", "SELECT 1")

    done = subprocess.run(
        [sys.executable, "-c", AT_AN_IMPORT, module, *command],
        cwd=tmp_path,
        env=unmeasured(FLORIDAY_WAREHOUSE="w.duckdb"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (130, "", "floriday: stopped\n")
