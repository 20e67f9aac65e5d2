"""The command as a whole: its help, its exit codes, and one line for every error."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from typer.main import get_group

from pipelines.cli import entry
from pipelines.cli.app import COMMANDS, app
from pipelines.cli.docs.command_reference import reference
from pipelines.cli.entry import run
from pipelines.cli.options import path_value
from pipelines.errors import PipelineError, SettingError, WarehouseBusyError
from pipelines.text_format import one_line
from tests.command_line import ROOT, floriday
from tests.examples import cases

HEAVY = ("dagster", "mcp", "pandas", "pyarrow", "duckdb", "numpy", "requests", "uvicorn", "pipelines.settings")
NAMES = [command.__name__ for command in COMMANDS]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], int]:
    """Return a function that runs a command that raises, and returns its exit code."""

    def run(problem: BaseException) -> int:
        broken = typer.Typer()

        @broken.callback(invoke_without_command=True)
        def command() -> None:
            raise problem

        monkeypatch.setattr(entry, "app", broken)
        return entry.run(["--"])

    return run


@cases("arguments", [["--help"], ["--version"], *([name, "--help"] for name in NAMES)], quick=4)
def test_help_imports_no_slow_module(arguments: list[str]) -> None:
    """Help imports neither Dagster nor DuckDB nor any other module that takes long to load."""
    program = (
        "import sys\nfrom pipelines.cli.entry import run\n"
        f"code = run({arguments!r})\n"
        f"sys.exit(code or ' '.join(sorted(set({HEAVY!r}) & set(sys.modules))) or None)"
    )

    process = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (process.returncode, process.stderr) == (0, "")


def test_a_sync_starts_without_dagster_and_pandas() -> None:
    """A sync does not import Dagster, and imports pandas only while it waits for Floriday."""
    program = (
        "import sys, pipelines.cli.syncs.outcomes, pipelines.cli.terminal.progress\n"
        "import pipelines.sync.session, pipelines.warehouse.file.sync_lock\n"
        "sys.exit(bool({'dagster', 'pandas'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_exit_handlers_run() -> None:
    """Functions registered with atexit run before the process ends with its exit code."""
    program = (
        "import atexit, sys\nfrom pipelines.cli.entry import main\n"
        "atexit.register(print, 'done', flush=True)\nsys.argv[1:] = ['nosuch']\nmain()"
    )

    process = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (process.returncode, process.stdout) == (entry.USAGE_ERROR, "done\n")


def test_every_command_has_an_example() -> None:
    """Each command's help ends in examples of that command."""
    texts = {command.__name__: inspect.getdoc(command) or "" for command in COMMANDS}

    assert [name for name, text in texts.items() if f"For example:\n\n    floriday {name}" not in text] == []


def test_the_reference_is_up_to_date() -> None:
    """docs/cli.md contains the help of the commands; ``make docs`` updates it."""
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == reference()


def test_without_a_command_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """``floriday`` without a command lists the commands."""
    assert entry.run([]) == 0
    assert "Commands:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["synk"], "No such command 'synk'"),
        (["sync", "--quick"], "No such option: --quick (see: floriday sync --help)"),
        (["up", "--verbosely"], "No such option: --verbosely, did you mean --verbose? (see: "),
        (["status", "--max-age"], "Option '--max-age' requires an argument (see: floriday status --help)"),
        (["sync", "--from", "last week"], "expects a day such as 2026-11-20"),
        (["sync", "--to", "2026-03-08"], "--to needs --from"),
        (["sync", "--from", "2026-03-08", "--to", "2026-03-02"], "--to 2026-03-02 is before --from 2026-03-08"),
        (["sync", "--from", "9000-01-01"], "9000-01-01 is still to come"),
        (["sync", "--from", "2026-03-02", "--to", "9000-01-01"], "9000-01-01 is still to come"),
        (["sync", "--from", "2026-03-02", "--full"], "--full reads everything"),
        (["query"], "one statement is expected"),
        (["query", "SELECT 1", "--file", "x.sql"], "two statements are given: leave out SQL, or --file FILE"),
        (["query", "SELECT", "1"], 'unexpected extra argument(s) (1): put the whole SQL in quotes, such as "SELECT 1"'),
        (["report", "a", "b"], "unexpected extra argument(s) (b): it takes only NAME; put a value with spaces in"),
        (["query", "-- all\nSELECT 1"], "an argument that begins with -- is read as an option: write -- and a space"),
        (["check", "main"], "unexpected extra argument(s) (main): it takes none (see: floriday check --help)"),
        (["sync", "--from", "2026-11-31"], "--from expects a day such as 2026-11-20; there is no day 2026-11-31"),
        (["query", "SELECT 1", "-o", "x.xls"], "no format has the ending .xls. The endings are .csv, .json, .parquet"),
        (["status", "-o", "s.pdf"], "--output s.pdf: no format has the ending .pdf"),
        (["dashboard", "-o", "x.pdf"], "--output x.pdf: the page is HTML; name it x.html"),
        (["report", "revenue_by_week", "--from", "soon"], "expects a day such as 2026-11-20"),
        (["sandbox", "--port", "70000"], "--port expects a whole number of at most 65535, not '70000' (see: "),
        (["report", "x", "--grace-days", "-1"], "--grace-days expects a whole number of at least 0, not '-1'"),
        (["mcp", "--http", "x"], "--http expects a whole number, not 'x' (see: floriday mcp --help)"),
        (["query", "SELECT 1", "-f", "yaml"], "--format expects table, csv, json, parquet or xlsx, not 'yaml' (see: "),
        (["dashboard", "--language", "de"], "--language expects auto, en or nl, not 'de' (see: floriday dashboard "),
        (["query", "SELECT 1", "--output", "/"], "--output / is a folder: name a file, such as /result.csv"),
        (["dashboard", "--output", "/"], "--output / is a folder: name a file"),
        (["lookup", "save", "x.csv"], "ACTION expects load, not 'save' (see: "),
        (["demo", "--api", "buyers"], "--api is suppliers or customers"),
        (["sandbox", "--api", "buyers"], "--api is suppliers or customers"),
        (["up", "--api", "buyers"], "--api is suppliers or customers"),
    ],
)
def test_a_usage_error_is_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A usage error ends the command with exit code 2 and one line that describes the error."""
    assert entry.run(arguments) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("floriday: ")
    assert err.count("\n") == 1
    assert message in err


@pytest.mark.parametrize(
    ("problem", "code", "line"),
    [
        (SettingError("FLORIDAY_API_KEY is missing"), 2, "FLORIDAY_API_KEY is missing"),
        (PipelineError("two\n\x1b[31mlines", account="main", feed="a.b"), 1, "main · a.b: two [31mlines"),
        (WarehouseBusyError("another sync is under way"), 1, "another sync is under way"),
        (KeyboardInterrupt(), 130, "stopped"),
        (OSError(28, "No space left on device"), 1, "No space left on device"),
        (PermissionError(13, "Permission denied", "/data"), 1, "/data: Permission denied"),
    ],
    ids=["setting", "lines", "busy", "interrupted", "full", "forbidden"],
)
def test_an_expected_failure_is_one_line(
    problem: BaseException,
    code: int,
    line: str,
    failing: Callable[[BaseException], int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each kind of failure has its exit code, and its message is one line on standard error."""
    assert failing(problem) == code
    assert capsys.readouterr().err == f"floriday: {line}\n"


def test_an_unexpected_failure_shows_its_type_and_place(
    failing: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]
) -> None:
    """The message of a bug may contain secrets, so only its type and place are shown."""
    assert failing(ValueError("secret 123")) == 1

    err = capsys.readouterr().err
    assert err.startswith("floriday: unexpected ValueError at test_cli_entry.py:")
    assert "secret" not in err
    assert "Traceback" not in err


def test_debug_shows_the_traceback(
    failing: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With FLORIDAY_DEBUG the traceback of a bug is shown."""
    monkeypatch.setenv("FLORIDAY_DEBUG", "1")

    failing(ValueError("what it was"))

    assert "ValueError: what it was" in capsys.readouterr().err


def test_missing_settings_are_one_line(tmp_path: Path) -> None:
    """A command without its credentials names every missing variable, with exit code 2."""
    process = floriday("sync", folder=tmp_path)

    assert process.code == 2
    for variable in ("CLIENT_ID", "CLIENT_SECRET", "API_KEY", "AUTH_URL", "BASE_URL"):
        assert f"FLORIDAY_{variable} is missing" in process.error_line
    assert list(tmp_path.iterdir()) == []


def test_control_characters_are_removed() -> None:
    """Control characters and line breaks become spaces, so that no text can control the terminal."""
    assert one_line("a\x1b[2J\n\r\tb\x07 ©") == "a [2J b ©"


def test_all_commands_are_listed() -> None:
    """Every command of the application is in the list that these tests use."""
    assert [info.callback.__name__ for info in app.registered_commands if info.callback] == NAMES


PATHS = [
    (name, each)
    for name, command in get_group(app).commands.items()
    for each in command.params
    if each.metavar in {"FILE", "DIR", "SPECIFICATION"}
]
"""All parameters of all commands that are paths."""


def test_each_path_is_read_by_one_rule() -> None:
    """No command has a parameter of the type Path that accepts an empty text."""
    read: list[Any] = [each for name in NAMES for each in get_group(app).commands[name].params if is_path(each)]

    assert {each.type_descriptor.parameter_info.parser for each in read} == {path_value}
    assert len(read) == len(PATHS)


def is_path(parameter: Any) -> bool:
    """Return whether the value of a parameter is a path."""
    return Path in {kind := parameter.type_descriptor.annotation, *get_args(kind)}


@pytest.mark.parametrize("text", ["", " "])
def test_an_empty_path_is_refused(text: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """An empty path, as of an unset variable of a shell, ends with code 2 and one line, and nothing is done."""
    for name, each in PATHS:
        option = next((option for option in each.opts if option.startswith("--")), None)
        others = ["load"] if name == "lookup" else []
        required = [] if option is None else ["x"] * sum(each.required for each in get_group(app).commands[name].params)

        code = run([name, *others, *required[len(others) :], *([option] if option else []), text])

        expected = f"{option or each.metavar} expects a path; it was empty"
        assert (code, expected in capsys.readouterr().err) == (2, True), name
    assert not list(tmp_path.iterdir())
