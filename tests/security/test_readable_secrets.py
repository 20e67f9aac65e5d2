"""Files with secrets that other users of the machine can read are warned about."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipelines.settings.exposure import is_exposed
from tests.command_line import floriday

DOTENV = "FLORIDAY_WAREHOUSE=w.duckdb\n"


def warnings(folder: Path, *arguments: str, **variables: str) -> list[str]:
    """The lines that a command prints about files with secrets."""
    printed = floriday(*arguments, folder=folder, **variables).err
    return [line for line in printed.splitlines() if "chmod" in line]


def write(folder: Path, modes: Mapping[str, int]) -> None:
    """Write files with these modes."""
    for name, mode in modes.items():
        (folder / name).write_text(DOTENV if name == ".env" else "a-secret-of-the-tests")
        (folder / name).chmod(mode)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_readable_env_file_is_warned_about_once(mode: int, tmp_path: Path) -> None:
    """In one line that says how to close it, though a command reads it several times."""
    write(tmp_path, {".env": mode})

    assert warnings(tmp_path, "status") == [
        f"floriday: other users of this machine can read secrets: chmod 600 {shlex.quote(str(tmp_path / '.env'))}"
    ]


def test_a_private_env_file_is_not(tmp_path: Path) -> None:
    """Nor an empty one, nor one that is not there."""
    assert warnings(tmp_path, "status") == []
    write(tmp_path, {".env": 0o600})
    assert warnings(tmp_path, "status") == []
    (tmp_path / ".env").write_text("")
    (tmp_path / ".env").chmod(0o644)
    assert warnings(tmp_path, "status") == []


def test_secrets_in_files_of_their_own_are_warned_about_in_the_same_line(tmp_path: Path) -> None:
    """Without the secret; files that are private are not named."""
    write(tmp_path, {".env": 0o644, "secret": 0o644, "key": 0o600})

    (line,) = warnings(
        tmp_path,
        "check",
        FLORIDAY_CLIENT_SECRET_FILE=str(tmp_path / "secret"),
        FLORIDAY_API_KEY_FILE=str(tmp_path / "key"),
        FLORIDAY_CLIENT_ID="client",
        FLORIDAY_BASE_URL="http://127.0.0.1:9/suppliers-api-2026v1",
        FLORIDAY_AUTH_URL="http://127.0.0.1:9/token",
    )

    assert line.endswith(f": chmod 600 {tmp_path / '.env'} {tmp_path / 'secret'}")


def test_a_file_that_its_owner_lets_us_read_through_our_group_is_private(tmp_path: Path) -> None:
    """A service's `.env` may belong to root; only a file that everybody can read is open then."""
    if os.geteuid():
        pytest.skip("only root can make files of another user")
    write(tmp_path, {".env": 0o640})
    os.chown(tmp_path / ".env", 54_321, -1)

    assert not is_exposed(tmp_path / ".env")
    (tmp_path / ".env").chmod(0o644)
    assert is_exposed(tmp_path / ".env")
