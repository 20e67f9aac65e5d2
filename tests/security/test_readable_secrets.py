"""A command warns of files with secrets that other users of the machine can read."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pipelines.cli.entry import run
from pipelines.settings.variables import is_exposed
from tests.command_line import floriday

Warnings = Callable[..., list[str]]
DOTENV = "FLORIDAY_WAREHOUSE=w.duckdb\n"


@pytest.fixture
def warnings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Warnings:
    """Runs a command in the folder of the test; gives its warnings about files with secrets."""
    monkeypatch.chdir(tmp_path)

    def run_it(*arguments: str, **variables: str) -> list[str]:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        run(arguments)
        return about_secrets(capsys.readouterr().err)

    return run_it


def about_secrets(printed: str) -> list[str]:
    """The lines that are warnings about files with secrets."""
    return [line for line in printed.splitlines() if "chmod" in line]


def write(folder: Path, modes: Mapping[str, int]) -> None:
    """Write files with these modes."""
    for name, mode in modes.items():
        (folder / name).write_text(DOTENV if name == ".env" else "a-secret-of-the-tests")
        (folder / name).chmod(mode)


def expected(folder: Path) -> list[str]:
    """The warning about the ``.env`` of a folder."""
    return [f"floriday: other users of this machine can read secrets: chmod 600 {shlex.quote(str(folder / '.env'))}"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_readable_env_file_causes_one_warning(mode: int, tmp_path: Path, warnings: Warnings) -> None:
    """A readable ``.env`` causes one warning with the command that makes it private, although it is read repeatedly."""
    write(tmp_path, {".env": mode})

    assert warnings("status") == expected(tmp_path)


def test_a_process_prints_the_warning(tmp_path: Path) -> None:
    """The warning is printed by the command as a user starts it, too."""
    write(tmp_path, {".env": 0o644})

    assert about_secrets(floriday("status", folder=tmp_path).err) == expected(tmp_path)


def test_a_private_env_file_causes_no_warning(tmp_path: Path, warnings: Warnings) -> None:
    """A private, empty or missing ``.env`` causes no warning."""
    assert warnings("status") == []
    write(tmp_path, {".env": 0o600})
    assert warnings("status") == []
    (tmp_path / ".env").write_text("")
    (tmp_path / ".env").chmod(0o644)
    assert warnings("status") == []


@pytest.mark.usefixtures("no_waits_between_retries")
def test_secret_files_are_named_in_the_same_warning(tmp_path: Path, warnings: Warnings) -> None:
    """The same warning names readable files with secrets, and neither private files nor secrets."""
    write(tmp_path, {".env": 0o644, "secret": 0o644, "key": 0o600})

    (line,) = warnings(
        "check",
        FLORIDAY_CLIENT_SECRET_FILE=str(tmp_path / "secret"),
        FLORIDAY_API_KEY_FILE=str(tmp_path / "key"),
        FLORIDAY_CLIENT_ID="client",
        FLORIDAY_BASE_URL="http://127.0.0.1:9/suppliers-api-2026v1",
        FLORIDAY_AUTH_URL="http://127.0.0.1:9/token",
    )

    assert line.endswith(f": chmod 600 {tmp_path / '.env'} {tmp_path / 'secret'}")


def test_a_file_that_only_our_group_can_read_is_private(tmp_path: Path) -> None:
    """A file of another user is private if only its group can read it, as a service's ``.env`` that belongs to root."""
    if os.geteuid():
        pytest.skip("only root can make files of another user")
    write(tmp_path, {".env": 0o640})
    os.chown(tmp_path / ".env", 54_321, -1)

    assert not is_exposed(tmp_path / ".env")
    (tmp_path / ".env").chmod(0o644)
    assert is_exposed(tmp_path / ".env")
