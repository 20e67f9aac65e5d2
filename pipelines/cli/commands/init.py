"""``floriday init``: the credentials, tried at once and written to `.env`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import print_error, print_line
from pipelines.cli.options import check_api

if TYPE_CHECKING:
    from pipelines.settings.environments import Environment

ClientIdOption = Annotated[str | None, typer.Option("--client-id", metavar="ID", help="The application's client id.")]
SecretOption = Annotated[
    str | None,
    typer.Option(
        "--client-secret", metavar="SECRET", help="Its client secret. Others may see it here: rather let it ask."
    ),
]
KeyOption = Annotated[
    str | None,
    typer.Option("--api-key", metavar="KEY", help="The organization's API key. Others may see it here, too."),
]
KeysOption = Annotated[
    list[str] | None,
    typer.Option("--account", metavar="NAME=KEY", help="Name and API key of one of several organizations. Repeat it."),
]
EnvironmentOption = Annotated[
    str | None,
    typer.Option("--environment", metavar="NAME", help="live or staging; chooses the addresses that are written."),
]
ApiOption = Annotated[str | None, typer.Option("--api", metavar="API", help="suppliers or customers.")]
AuthOption = Annotated[
    str | None,
    typer.Option("--auth-url", metavar="URL", help="Address of the token endpoint, instead of that of --environment."),
]
BaseOption = Annotated[
    str | None,
    typer.Option(
        "--base-url", metavar="URL", help="Address of the API with its version, instead of --environment and --api."
    ),
]

_WITHOUT_CHECK = "; --no-check writes the settings without trying them"


def init(
    client_id: ClientIdOption = None,
    client_secret: SecretOption = None,
    api_key: KeyOption = None,
    account: KeysOption = None,
    environment: EnvironmentOption = None,
    api: ApiOption = None,
    auth_url: AuthOption = None,
    base_url: BaseOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the credentials in an existing .env.")] = False,
    check: Annotated[bool, typer.Option("--check/--no-check", help="Try the credentials before writing.")] = True,
) -> None:
    """Ask for the credentials, try them, and write them to .env.

    What is given as an option or as a FLORIDAY_ variable of the environment is not asked for. Without a terminal
    nothing is asked: what is missing is an error. The credentials are tried as `floriday check` does, and nothing is
    written if Floriday refuses them. The file is .env in the working directory, or that of --env-file; only you can
    read it. With --force, the other settings in it stay.

    For example:

        floriday init

        floriday init --environment live --api suppliers

        FLORIDAY_CLIENT_SECRET=... FLORIDAY_API_KEY=... floriday init --client-id 0oa1 --environment live
    """
    from pipelines.settings.env_file import with_variables

    check_api(api)
    path = _path()
    _check_place(path, is_replaced=force)
    before = _text(path)
    given_keys = _given_keys(api_key, account or [])
    addresses = _addresses(environment, api, auth_url, base_url)
    credentials = {
        "FLORIDAY_CLIENT_ID": _value("CLIENT_ID", client_id, "Client id of the application", "--client-id"),
        "FLORIDAY_CLIENT_SECRET": _value("CLIENT_SECRET", client_secret, "Client secret", "--client-secret"),
        **_keys(api_key, given_keys),
    }
    variables = addresses | credentials
    if check:
        _check(variables)
    removed = dict.fromkeys((f"FLORIDAY_{name}_FILE" for name in ("CLIENT_SECRET", "API_KEY", "API_KEYS")), "")
    _write(path, with_variables(before, removed | variables))
    print_line(f"{path} is written; only you can read it. Next: `floriday sync`, or `floriday up` for Dagster")
    if other := os.environ.get("FLORIDAY_WAREHOUSE"):
        print_line(f"Both will use {other}, which FLORIDAY_WAREHOUSE names in the environment.")


def _path() -> Path:
    from pipelines.settings import home_folder
    from pipelines.settings.overrides import current

    return current().env_file or home_folder() / ".env"


def _check_place(path: Path, *, is_replaced: bool) -> None:
    """A UsageError if the file cannot be written, so that nobody answers questions in vain."""
    from pipelines.errors import UsageError

    if path.is_dir():
        raise UsageError(f"{path} is a folder: name a file, such as --env-file {path / '.env'}")
    if path.exists() and not is_replaced:
        raise UsageError(f"{path} exists: add --force to replace the credentials in it, or name another --env-file")
    folder = path.absolute().parent
    if not folder.is_dir():
        raise UsageError(
            f"{path} cannot be written: there is no folder {folder}; create it, or name another --env-file"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"{path} cannot be written: you may not write in {folder}; name another --env-file")


def _value(name: str, given: str | None, question: str, option: str) -> str:
    """The value of an option or of a variable of the environment, else the answer to a question."""
    value = given or os.environ.get(f"FLORIDAY_{name}")
    return value or _ask(question, option, is_secret=name != "CLIENT_ID")


def _ask(question: str, option: str, *, is_secret: bool = False) -> str:
    from pipelines.errors import UsageError

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(f"{option} is missing, and there is no terminal to ask on")
    try:
        answer = _hidden(question) if is_secret else str(typer.prompt(question))
    except (typer.Abort, EOFError, KeyboardInterrupt):
        if not is_secret:
            print_line()  # ends the line of the question, which stays open unless the answer is hidden
        raise UsageError(f"{option} is missing: the question was not answered") from None
    return answer.strip()


def _hidden(question: str) -> str:
    """The answer to a question, which the terminal does not show.

    ``typer.prompt`` asks before it turns the echo off, so that a quickly pasted secret would be shown and lost.
    """
    from getpass import getpass

    while not (answer := getpass(f"{question}: ", stream=sys.stdout)):
        pass
    return answer


def _choice(given: str | None, question: str, option: str, choices: tuple[str, ...]) -> str:
    from pipelines.errors import UsageError

    answer = given or _ask(f"{question} ({' or '.join(choices)})", option)
    while given is None and answer not in choices:
        print_line(f"Please answer with {' or '.join(choices)}; for other addresses, see --auth-url and --base-url.")
        answer = _ask(question, option)
    if answer not in choices:
        raise UsageError(f"{option} is {' or '.join(choices)}, not {answer!r}")
    return answer


def _addresses(environment: str | None, api: str | None, auth_url: str | None, base_url: str | None) -> dict[str, str]:
    """The addresses of the options or the environment's variables, else those of staging or live."""
    from pipelines.settings import environments

    auth_url = auth_url or (None if environment else os.environ.get("FLORIDAY_AUTH_URL"))
    base_url = base_url or (None if environment or api else os.environ.get("FLORIDAY_BASE_URL"))
    if not (auth_url and base_url):
        chosen: Environment = _choice(environment, "Environment", "--environment", ("live", "staging"))  # type: ignore[assignment]
        auth_url = auth_url or environments.AUTH_URLS[chosen]
        base_url = base_url or environments.base_url(
            chosen, _choice(api, "API: for growers or for buyers", "--api", ("suppliers", "customers"))
        )
    return {"FLORIDAY_AUTH_URL": auth_url, "FLORIDAY_BASE_URL": base_url}


def _given_keys(api_key: str | None, accounts: list[str]) -> str:
    """The keys of several organizations as JSON, from the options or the environment; empty for one organization."""
    from pipelines.errors import UsageError

    if accounts and api_key:
        raise UsageError("--api-key is for one organization, --account for several: leave one of them out")
    pairs = [each.partition("=") for each in accounts]
    if not all(name and key for name, _, key in pairs):
        raise UsageError("--account expects NAME=KEY")
    if pairs:
        return json.dumps({name: key for name, _, key in pairs})
    return "" if api_key else os.environ.get("FLORIDAY_API_KEYS", "")


def _keys(api_key: str | None, several: str) -> dict[str, str]:
    """The variables of one key or of several; the other one is removed from the file."""
    if several:
        return {"FLORIDAY_API_KEY": "", "FLORIDAY_API_KEYS": several}
    key = _value("API_KEY", api_key, "API key of the organization", "--api-key")
    return {"FLORIDAY_API_KEY": key, "FLORIDAY_API_KEYS": ""}


def _check(variables: dict[str, str]) -> None:
    """Load the settings and try the credentials; an error if an account cannot be identified."""
    from pipelines.cli.access import access_of, print_credentials
    from pipelines.errors import PipelineError, SettingError
    from pipelines.settings import load_settings
    from pipelines.sync.session import open_clients

    try:
        with open_clients(load_settings(variables, dotenv=False)) as connected:
            access = access_of(connected)
            print_credentials(access)
    except PipelineError as error:
        step = "" if isinstance(error, SettingError) else _WITHOUT_CHECK
        error.message += f". Nothing was written{step}"
        raise
    if not access.is_well:
        print_error(f"nothing was written{_WITHOUT_CHECK}")
        raise typer.Exit(1)


def _text(path: Path) -> str:
    from pipelines.errors import UsageError

    if not path.exists():
        return ""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(f"{path} cannot be read: {reason}") from None


def _write(path: Path, text: str) -> None:
    from pipelines.errors import PipelineError
    from pipelines.private_files import replaced_file

    try:
        with replaced_file(path) as stream:
            stream.write(text.encode())
        path.chmod(0o600)
    except OSError as error:
        raise PipelineError(f"{path} cannot be written: {error.strerror}") from None
