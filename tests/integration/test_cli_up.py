"""What ``floriday up`` refuses before it starts anything."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.command_line import Printed
from tests.end_to_end.floriday_up import blank_folder


@pytest.mark.parametrize("where", ["environment", "file"])
def test_incomplete_credentials(where: str, printed: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The missing setting is named, and no file is created."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("FLORIDAY_CLIENT_ID=mine\n" if where == "file" else "")
    (tmp_path / ".env").chmod(0o600)
    if where == "environment":
        monkeypatch.setenv("FLORIDAY_CLIENT_ID", "mine")

    code, out, err = printed("up")

    assert (code, out) == (2, "")
    assert "FLORIDAY_CLIENT_SECRET is missing" in err
    assert [path.name for path in tmp_path.iterdir()] == [".env"]


def test_a_port_in_use(printed: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A given port that is in use is not replaced by another."""
    monkeypatch.chdir(blank_folder(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as in_use:
        port = in_use.getsockname()[1]

        code, _, err = printed("up", "--port", str(port))

    assert code == 2
    assert err == (
        f"floriday: --port {port} of 127.0.0.1 cannot be used (Address already in use): choose another, or 0 for a free"
        " one\n"
    )


def test_an_unknown_address(printed: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address to listen on that this machine does not have is an error."""
    monkeypatch.chdir(blank_folder(tmp_path))

    code, _, err = printed("up", "--listen", "not an address")

    assert code == 2
    assert "--listen not an address is no address of this machine" in err


@pytest.mark.parametrize("name", ["https://floriday.example.com", "*", "floriday.example.com:443", ""])
def test_a_malformed_host_name(name: str, printed: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error explains how to write a host name, and nothing is started."""
    monkeypatch.chdir(blank_folder(tmp_path))

    code, _, err = printed("up", "--allow-host", name)

    assert code == 2
    assert "is no host name: write it as" in err
    assert [path.name for path in tmp_path.iterdir()] == [".env"]
