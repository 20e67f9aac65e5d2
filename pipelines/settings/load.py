"""Load the settings from variables, and report all problems in one error."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails

from pipelines.errors import SettingError
from pipelines.lake_address import PREFIX as LAKE_PREFIX
from pipelines.lake_address import LakeText
from pipelines.settings import values
from pipelines.settings.cell_accounts import check_cell_accounts
from pipelines.settings.environments import mixture
from pipelines.settings.model import AlertSettings, LocalSettings, Settings
from pipelines.settings.overrides import current
from pipelines.settings.variables import (
    PASSED,
    PREFIX,
    Env,
    Variables,
    checkout,
    dotenv_file,
    gather,
    home_folder,
    serialized,
    warn_about_unknown,
)

_LOCAL_SECRETS = ("ALERTS", "PERSONAL_DATA_KEY", "MCP_TOKEN")
SECRETS = ("CLIENT_SECRET", "API_KEY", "API_KEYS", *_LOCAL_SECRETS)

_CREDENTIALS = ("CLIENT_ID", "CLIENT_SECRET", "API_KEY", "AUTH_URL", "BASE_URL")
NAMES = {
    *(name.upper() for name in Settings.model_fields),
    *(f"{name}_FILE" for name in SECRETS),
    "DEBUG",  # `unexpected_errors` reads it
    "HOME",
}
"""All variables without the prefix."""

_Kind = TypeVar("_Kind", bound=AlertSettings)


def load_settings(environ: Env = None, directory: Path | None = None, *, dotenv: bool = True) -> Settings:
    """All settings, with the credentials for Floriday.

    Variables of ``environ``, or of the process, override those of the `.env` file. That is looked for first in
    ``directory``, or the working directory.

    Raises:
        SettingError: one line with each variable that is missing or malformed, and what it expects.
    """
    variables = gather(environ, directory, SECRETS, dotenv=dotenv)
    _check_keys(variables)
    try:
        settings = _validated(Settings, variables)
    except SettingError as error:
        if not dotenv or not any(f"{PREFIX}{name} is missing" in error.message for name in _CREDENTIALS):
            raise
        raise _with_next_step(error, variables.dotenv, directory or home_folder()) from None
    if problem := mixture(settings.auth_url, settings.base_url):
        raise SettingError(problem)
    check_cell_accounts(settings, current().cell)
    return _in_chosen_cell(settings)


_Local = TypeVar("_Local", bound=LocalSettings)


def _in_chosen_cell(settings: _Local) -> _Local:
    cell = current().cell
    return settings if cell is None else settings.in_cell(cell)


def load_local_settings(environ: Env = None, directory: Path | None = None, *, dotenv: bool = True) -> LocalSettings:
    """The settings of a command that makes no calls, none of which is required; otherwise as ``load_settings``."""
    return _in_chosen_cell(_validated(LocalSettings, gather(environ, directory, _LOCAL_SECRETS, dotenv=dotenv)))


def load_alerts(environ: Env = None, directory: Path | None = None, *, dotenv: bool = True) -> tuple[SecretStr, ...]:
    """The addresses for alerts, even if other settings are malformed; otherwise as ``load_settings``."""
    return _validated(AlertSettings, gather(environ, directory, ("ALERTS",), dotenv=dotenv)).alerts


def load_account_names(environ: Env = None, directory: Path | None = None) -> tuple[str, ...]:
    """The names of the accounts whose API keys are set, possibly none; otherwise as ``load_settings``."""
    variables = gather(environ, directory, ("API_KEY", "API_KEYS"))
    given = variables.texts.keys() | variables.problems.keys()
    if not given & {"API_KEY", "API_KEYS"}:
        return ()
    _check_keys(variables)
    if variables.problems:
        raise SettingError("; ".join(variables.problems.values()))
    if "API_KEY" in variables.texts:
        return ("main",)
    try:
        return tuple(values.named_keys(variables.texts["API_KEYS"]))
    except ValueError as problem:
        raise SettingError(f"{PREFIX}API_KEYS {problem}") from None


def dotenv_in_use() -> Path | None:
    """The `.env` file that the settings of this process come from; None if there is none.

    Raises:
        SettingError: there is no file of ``--env-file``, or no folder of FLORIDAY_HOME.
    """
    return None if PASSED in os.environ else dotenv_file(home_folder())


def given_variables(environ: Env = None, directory: Path | None = None) -> tuple[dict[str, str], Path]:
    """The FLORIDAY_ variables without any checks and blank ones, and the folder that their relative paths start from.

    Raises:
        SettingError: the `.env` file cannot be read.
    """
    variables = gather(environ, directory, SECRETS, secret_files=False)
    return {f"{PREFIX}{name}": text for name, text in variables.texts.items()}, variables.base


def child_environment(variables: Mapping[str, str], directory: Path | None = None) -> dict[str, str]:
    """The environment that makes a child process use the given FLORIDAY_ variables and no others.

    Secrets that the child process can read itself are left out: those in the `.env` file and in a `…_FILE`.
    """
    return {PASSED: serialized(variables, directory or home_folder(), SECRETS)}


def without_secrets(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables without secrets; a ``…_FILE`` only names the file of one, and is kept."""
    secrets = {f"{PREFIX}{name}" for name in SECRETS}
    return {name: text for name, text in variables.items() if name not in secrets}


def forget_secrets(environ: MutableMapping[str, str]) -> None:
    """Remove the secrets from the environment of a process whose settings a parent process has passed.

    Dagster copies the whole `.env` file into the environment of its processes, and their children would inherit it.
    """
    if PASSED in environ:
        for name in environ.keys() - without_secrets(environ).keys():
            del environ[name]


def _check_keys(variables: Variables) -> None:
    given = {"API_KEY", "API_KEYS"} & (variables.texts.keys() | variables.problems.keys())
    if len(given) == 2:
        variables.problems.setdefault("API_KEY", f"{PREFIX}API_KEY and {PREFIX}API_KEYS exclude each other")
    if not given:
        variables.problems["API_KEY"] = (
            f"{PREFIX}API_KEY is missing: it expects an organization's API key (or {PREFIX}API_KEYS those of several)"
        )


def _validated(kind: type[_Kind], variables: Variables) -> _Kind:
    problems = dict(variables.problems)
    settings = None
    try:
        settings = kind(**_values(variables))
    except ValidationError as failure:
        # Only names and phrases are used, because the error also contains the values, which may be secrets.
        for error in failure.errors(include_url=False, include_input=False):
            name = str(error["loc"][0]).upper()
            problems.setdefault(name, f"{_origin(name)} {_phrase(kind, name.lower(), error)}")
    warn_about_unknown(variables.texts, NAMES)
    if settings is None or problems:
        places = tuple(_places(problems, variables))
        found = SettingError(". ".join(("; ".join(problems.values()), *places)))
        found.details = (*problems.values(), *places)
        raise found
    return settings


def _places(problems: Mapping[str, str], variables: Variables) -> Iterator[str]:
    """Where malformed variables of a `.env` file are set, and others that are malformed too: a line for each place."""
    given = sorted(problems.keys() & variables.texts.keys())
    in_file = [PREFIX + name for name in given if name in variables.in_dotenv]
    others = [PREFIX + name for name in given if PREFIX + name not in in_file]
    if in_file:
        yield f"{variables.dotenv} sets {', '.join(in_file)}"
        if others:
            yield f"The environment sets {', '.join(others)}"


def _origin(name: str) -> str:
    """The variable that has a value, or the option that overrides it."""
    return "--warehouse" if name == "WAREHOUSE" and current().warehouse else f"{PREFIX}{name}"


def _with_next_step(error: SettingError, dotenv: Path | None, folder: Path) -> SettingError:
    """The error about missing settings with the `.env` file that was read or looked for, and how to write one."""
    place = f"{dotenv} was read" if dotenv else f"there is no .env in {folder} or a folder above it"
    command, what = ("floriday init --force", "it anew") if dotenv else ("floriday init", "one")
    step = f"{place}; `{command}` asks for the credentials and writes {what}"
    explained = [f"{source / '.env.example'} explains all settings"] if (source := checkout()) else []
    complete = SettingError(f"{error.message}. {step[0].upper()}{step[1:]}")
    complete.details = (*error.details, step, *explained)
    return complete


def _values(variables: Variables) -> dict[str, Any]:
    texts = {"WAREHOUSE": "data/floriday.duckdb"} | variables.texts
    paths = {name: str(variables.path(texts[name])) for name in _PATHS if _is_path(name, texts.get(name))}
    given: dict[str, Any] = {name.lower(): text for name, text in (texts | paths).items()}
    if texts["WAREHOUSE"].startswith(LAKE_PREFIX):
        given["warehouse"] = LakeText(texts["WAREHOUSE"], variables.base)
    return given


_PATHS = ("WAREHOUSE", "PUBLISHED", "LAKE_DATA")


def _is_path(name: str, text: str | None) -> bool:
    """Whether a value is the path of a file or folder, and neither missing, ``off``, nor an address."""
    if text is None or text.casefold() == "off" or text.startswith(LAKE_PREFIX):
        return False
    return name != "LAKE_DATA" or "://" not in text


def _phrase(kind: type[AlertSettings], field: str, error: ErrorDetails) -> str:
    if error["type"] == "missing":
        return f"is missing: it expects {kind.model_fields[field].description}"
    return str(error.get("ctx", {}).get("error", "is malformed"))
