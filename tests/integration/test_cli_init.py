"""``floriday init`` tries the credentials and writes a private `.env`, which every command finds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.sandbox import Sandbox
from pipelines.settings import load_settings
from tests.command_line import Printed
from tests.pseudo_terminal import run_in_terminal


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox without records."""
    with Sandbox(empty=True) as sandbox:
        yield sandbox


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the working directory."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def options(sandbox: Sandbox, **changes: str) -> list[str]:
    """Return the options for the credentials of the sandbox."""
    names = ("CLIENT_ID", "CLIENT_SECRET", "API_KEY", "AUTH_URL", "BASE_URL")
    values = {name: sandbox.environment()[f"FLORIDAY_{name}"] for name in names} | changes
    return [text for name, value in values.items() for text in (f"--{name.lower().replace('_', '-')}", value)]


def test_options_are_tried_and_written(sandbox: Sandbox, project: Path, printed: Printed) -> None:
    """The file is private, `check` works with it from a folder below, and a second `init` changes nothing."""
    code, out, _ = printed("init", *options(sandbox))

    env = project / ".env"
    assert code == 0
    assert f"{env} is written" in out
    assert env.stat().st_mode & 0o777 == 0o600
    assert sandbox.environment()["FLORIDAY_CLIENT_SECRET"] not in out
    below = project / "a" / "b"
    below.mkdir(parents=True)
    os.chdir(below)
    assert printed("check")[0] == 0
    os.chdir(project)
    before = env.read_bytes()
    code, _, err = printed("init", *options(sandbox, CLIENT_ID="other"))
    assert (code, env.read_bytes()) == (2, before)
    assert "add --force" in err


def test_force_keeps_other_settings(sandbox: Sandbox, project: Path, printed: Printed) -> None:
    """With --force, the credentials are replaced, and other settings stay."""
    env = project / ".env"
    env.write_text('FLORIDAY_FEEDS=batches\nFLORIDAY_API_KEYS=\'{"x": "y"}\'\nFLORIDAY_CLIENT_SECRET_FILE=secret\n')

    code, _, err = printed("init", "--force", *options(sandbox))

    assert (code, err) == (0, "")
    settings = load_settings({}, project)
    assert settings.feeds == ("batches",)
    assert set(settings.accounts) == {"main"}


@pytest.mark.parametrize("wrong", ["CLIENT_SECRET", "API_KEY"])
def test_refused_credentials_are_not_written(sandbox: Sandbox, project: Path, printed: Printed, wrong: str) -> None:
    """If Floriday refuses the credentials, nothing is written; --no-check writes them all the same."""
    code, _, err = printed("init", *options(sandbox, **{wrong: "wrong-and-secret"}))
    assert code == 1
    assert "refuses" in err
    assert "wrong-and-secret" not in err
    assert "othing was written; --no-check writes the settings without trying them" in err
    assert not (project / ".env").exists()

    assert printed("init", "--no-check", *options(sandbox, **{wrong: "wrong-and-secret"}))[0] == 0
    assert (project / ".env").exists()


def test_several_accounts(sandbox: Sandbox, project: Path, printed: Printed) -> None:
    """Each --account is an organization with a key of its own."""
    arguments = options(sandbox)
    place = arguments.index("--api-key")
    key = arguments[place + 1]
    del arguments[place : place + 2]

    code, _, err = printed("init", *arguments, "--account", f"north={key}", "--env-file", "north.env")

    assert (code, err) == (0, "")
    assert not (project / ".env").exists()
    assert printed("check", "--env-file", "north.env")[1].count("account north:") == 1
    assert printed("init", *arguments, "--account", "north")[0] == 2


def test_without_a_terminal_nothing_is_asked(project: Path, printed: Printed) -> None:
    """A missing option is an error where nobody can answer."""
    code, _, err = printed("init")

    assert code == 2
    assert "--environment is missing, and there is no terminal to ask on" in err
    assert list(project.iterdir()) == []


@pytest.mark.parametrize(
    ("file", "arguments", "message"),
    [
        ("missing/.env", [], "missing; create it, or name another --env-file"),
        ("file.txt/.env", [], "there is no folder "),
        (".", [], "is a folder: name a file, such as --env-file "),
        ("new.env", ["--account", "north"], "--account expects NAME=KEY"),
        ("new.env", ["--account", "north=1", "--api-key", "2"], "--api-key is for one organization"),
        ("latin.env", ["--force"], "latin.env cannot be read: it is not UTF-8 text"),
    ],
)
def test_the_file_is_checked_before_anything_is_asked(
    file: str, arguments: list[str], message: str, project: Path, printed: Printed
) -> None:
    """A file that cannot be written is an error before the first question."""
    (project / "file.txt").touch()
    (project / "latin.env").write_bytes(b"NAME=\xe9\n")

    code, _, err = printed("init", *arguments, "--env-file", file)

    assert code == 2
    assert message in err
    assert "no terminal to ask on" not in err
    assert not (project / "missing").exists()


def test_a_terminal_is_asked(sandbox: Sandbox, project: Path) -> None:
    """On a terminal what is missing is asked for, and secrets are not shown while they are typed."""
    environment = sandbox.environment()
    addresses = {name: environment[name] for name in ("FLORIDAY_AUTH_URL", "FLORIDAY_BASE_URL")}
    with run_in_terminal("init", folder=project, **addresses) as init:
        for question, name in (("Client id", "CLIENT_ID"), ("Client secret", "CLIENT_SECRET"), ("API key", "API_KEY")):
            init.until_printed(question)
            os.write(init.leader, environment[f"FLORIDAY_{name}"].encode() + b"\n")
        assert init.ended(60) == 0, init.stderr
        shown = bytes(init.printed).decode()

    assert environment["FLORIDAY_CLIENT_SECRET"] not in shown
    assert environment["FLORIDAY_API_KEY"] not in shown
    assert load_settings({}, project).client_id == environment["FLORIDAY_CLIENT_ID"]


def test_an_unanswered_question_ends_its_line(project: Path) -> None:
    """Ctrl-D instead of an answer is an error on a line of its own."""
    with run_in_terminal("init", folder=project) as init:
        init.until_printed("Environment (live or staging)")
        os.write(init.leader, b"\x04")
        assert init.ended(60) == 2

    assert bytes(init.printed).endswith(b"):\r\n")  # all of it is read when the block has ended
    assert "--environment is missing: the question was not answered" in init.stderr


@pytest.mark.usefixtures("project")
def test_a_terminal_gets_a_list_of_missing_settings(printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal, missing settings and the next steps are a line each; in a pipe, all is one line."""
    assert printed("check")[2].count("\n") == 1
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)

    code, _, err = printed("check")

    assert code == 2
    first, *lines = err.splitlines()
    assert first.startswith("floriday: ")
    assert err.count(" is missing: ") == 5
    assert "`floriday init`" in " ".join(map(str.strip, lines))
