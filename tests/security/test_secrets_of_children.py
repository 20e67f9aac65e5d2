"""The environment of a child process contains no secret that the child can read from its file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.errors import SettingError
from pipelines.orchestration.serving import sessions
from pipelines.sandbox import Sandbox
from pipelines.settings import child_environment, forget_secrets, load_settings
from tests.end_to_end.floriday_up import Up, running
from tests.moments import NOW

ALERTS = "jsons://hooks.example.com/t0k3n-7hat-must-not-show"
PERSONAL_DATA_KEY = "k3y-of-personal-data-7hat-must-stay"
PROC = Path("/proc")


def test_a_childs_environment_has_no_secrets_of_files(tmp_path: Path) -> None:
    """A child's environment contains no secret of the ``.env`` file, and contains those of the parent's environment."""
    (tmp_path / ".env").write_text("FLORIDAY_CLIENT_SECRET=s3cr3t\nFLORIDAY_API_KEY=another\nFLORIDAY_FEEDS=batches\n")
    variables = {
        "FLORIDAY_CLIENT_ID": "client-1",
        "FLORIDAY_CLIENT_SECRET": "s3cr3t",
        "FLORIDAY_API_KEY": "k3y",
        "FLORIDAY_BASE_URL": "https://floriday.example/suppliers-api-2026v1",
        "FLORIDAY_AUTH_URL": "https://floriday.example/token",
    }

    environment = child_environment(variables, tmp_path)
    settings = load_settings({**environment, "FLORIDAY_API_KEY": "of a stranger"}, tmp_path)

    assert "s3cr3t" not in str(environment)
    assert settings.client_secret.get_secret_value() == "s3cr3t"
    assert settings.accounts["main"].get_secret_value() == "k3y"
    assert settings.feeds is None


def test_a_secret_that_was_removed_from_its_file(tmp_path: Path) -> None:
    """A child that does not find a secret in its file reports which one is missing."""
    (tmp_path / ".env").write_text("FLORIDAY_CLIENT_SECRET=s3cr3t\n")
    environment = child_environment({"FLORIDAY_CLIENT_SECRET": "s3cr3t"}, tmp_path)
    (tmp_path / ".env").write_text("")

    with pytest.raises(SettingError, match="FLORIDAY_CLIENT_SECRET is missing"):
        load_settings(environment, tmp_path)


def test_other_secrets_are_removed() -> None:
    """With settings of a parent process, other secrets of the environment are removed, and nothing else is."""
    secrets_and_others = {"FLORIDAY_API_KEY": "k3y", "FLORIDAY_API_KEY_FILE": "key", "API_KEY": "of another program"}
    environ = {**secrets_and_others, "FLORIDAY_SETTINGS": "{}"}

    forget_secrets(environ)
    assert environ.keys() == {"FLORIDAY_API_KEY_FILE", "API_KEY", "FLORIDAY_SETTINGS"}

    forget_secrets(secrets_and_others)
    assert len(secrets_and_others) == 3


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox with a small world."""
    with Sandbox(now=NOW, scale=0.02) as sandbox:
        yield sandbox


@pytest.fixture
def folder(sandbox: Sandbox, tmp_path: Path) -> Path:
    """A project with a secret in its ``.env`` file, and another in a separate file."""
    variables = sandbox.environment()
    key = tmp_path / "api-key"
    key.write_text(variables.pop("FLORIDAY_API_KEY"))
    variables |= {"FLORIDAY_API_KEY_FILE": str(key), "FLORIDAY_ALERTS": ALERTS, "FLORIDAY_FEEDS": "trade_items"}
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    return tmp_path


def environments(up: Up) -> dict[str, str]:
    """The initial environment of each of Dagster's processes, by its command."""
    found = {}
    for process in sessions.members(up.session):
        try:
            command = (PROC / str(process) / "cmdline").read_text().replace("\0", " ")
            found[command] = (PROC / str(process) / "environ").read_text()
        except OSError:  # the process has ended
            continue
    return found


@pytest.mark.slow
@pytest.mark.skipif(not (PROC / "self" / "environ").exists(), reason="there is no /proc")
def test_dagsters_processes_have_no_secrets_of_files(sandbox: Sandbox, folder: Path) -> None:
    """No process from the web server to a run has a secret of a file in its environment."""
    personal_data = {"FLORIDAY_PERSONAL_DATA": "hash", "FLORIDAY_PERSONAL_DATA_KEY": PERSONAL_DATA_KEY}
    seen: dict[str, str] = {}
    with running(folder, "--port", "0", **personal_data) as up:
        ends = time.monotonic() + 180
        while (status := up.first_ended()) is None and time.monotonic() < ends:
            seen |= environments(up)
            time.sleep(0.05)

    assert status == "SUCCESS"
    for part in ("guarded_dev", "guarded_webserver", "_daemon", "code-server", "api grpc", "multiprocessing"):
        assert any(part in command for command in seen), part
    secrets = {sandbox.client_secret, min(sandbox.api_keys.values()), ALERTS}
    assert {command: [s for s in secrets if s in text] for command, text in seen.items()} == {key: [] for key in seen}
    assert all(PERSONAL_DATA_KEY in text for command, text in seen.items() if "dagster" in command)
