"""From variables to settings, with every problem told at once."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails

from pipelines.errors import SettingError
from pipelines.settings import values
from pipelines.settings.model import AlertSettings, LocalSettings, Settings
from pipelines.settings.variables import HANDED, PREFIX, Variables, gather, hand, merge

_LOCAL_SECRETS = ("ALERTS", "PERSONAL_DATA_KEY")
_SECRETS = ("CLIENT_SECRET", "API_KEY", "API_KEYS", *_LOCAL_SECRETS)

_Kind = TypeVar("_Kind", bound=AlertSettings)


def load_settings(
    environ: Mapping[str, str] | None = None, directory: Path | None = None, *, dotenv: bool = True
) -> Settings:
    """All settings, with the credentials that calling Floriday needs.

    Args:
        environ: the environment; the process's own by default. It wins over the `.env` file.
        directory: where a `.env` file is looked for first; the working directory by default.
        dotenv: False where the given variables are all that counts.

    Raises:
        SettingError: one line that names each variable that is missing or malformed and what it expects.
    """
    variables = _gather(environ, directory, _SECRETS, dotenv=dotenv)
    _check_keys(variables)
    return _validated(Settings, variables)


def load_local_settings(
    environ: Mapping[str, str] | None = None, directory: Path | None = None, *, dotenv: bool = True
) -> LocalSettings:
    """The settings of a command that calls nobody: nothing needs to be set. As ``load_settings`` otherwise."""
    return _validated(LocalSettings, _gather(environ, directory, _LOCAL_SECRETS, dotenv=dotenv))


def load_alerts(
    environ: Mapping[str, str] | None = None, directory: Path | None = None, *, dotenv: bool = True
) -> tuple[SecretStr, ...]:
    """Where alerts go, whatever else is malformed, for that has to be told too. As ``load_settings`` otherwise."""
    return _validated(AlertSettings, _gather(environ, directory, ("ALERTS",), dotenv=dotenv)).alerts


def load_account_names(environ: Mapping[str, str] | None = None, directory: Path | None = None) -> tuple[str, ...]:
    """The names of the accounts whose keys are set, none where none is. As ``load_settings`` otherwise."""
    variables = _gather(environ, directory, ("API_KEY", "API_KEYS"), dotenv=True)
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


def given_variables(
    environ: Mapping[str, str] | None = None, directory: Path | None = None
) -> tuple[dict[str, str], Path]:
    """The FLORIDAY_ variables as they were given, and the folder that relative paths in them count from.

    They are those of the environment over those of the `.env` file, without the blank ones; nothing is checked.

    Args:
        environ: the environment; the process's own by default.
        directory: where a `.env` file is looked for first; the working directory by default.

    Raises:
        SettingError: the `.env` file cannot be read.
    """
    texts, base = merge(os.environ if environ is None else environ, directory or Path.cwd(), _SECRETS)
    return {f"{PREFIX}{name}": text for name, text in texts.items()}, base


def handed(variables: Mapping[str, str], directory: Path | None = None) -> dict[str, str]:
    """The environment of a process for which the given FLORIDAY_ variables count and no others.

    It does not hold the secrets that the process can read: those that the `.env` file has as well, and what a `…_FILE`
    names.

    Args:
        variables: the variables, as ``given_variables`` has them.
        directory: where a `.env` file is looked for first; the working directory by default.
    """
    return {HANDED: hand(variables, directory or Path.cwd(), _SECRETS)}


def without_secrets(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables without those that hold a secret of Floriday's; a ``…_FILE`` only names one, and stays."""
    secrets = {f"{PREFIX}{name}" for name in _SECRETS}
    return {name: text for name, text in variables.items() if name not in secrets}


def forget_secrets(environ: MutableMapping[str, str]) -> None:
    """Remove the secrets from an environment in which others' settings count, those that were handed over.

    Dagster puts the whole `.env` file into the environment of its processes, and their children would inherit it.
    """
    if HANDED in environ:
        for name in environ.keys() - without_secrets(environ).keys():
            del environ[name]


def _gather(
    environ: Mapping[str, str] | None, directory: Path | None, secrets: tuple[str, ...], *, dotenv: bool
) -> Variables:
    return gather(os.environ if environ is None else environ, directory or Path.cwd(), secrets, dotenv=dotenv)


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
        # Only names and phrases are taken from it: it also holds what was read.
        for error in failure.errors(include_url=False, include_input=False):
            name = str(error["loc"][0]).upper()
            problems.setdefault(name, f"{PREFIX}{name} {_phrase(kind, name.lower(), error)}")
    if settings is None or problems:
        raise SettingError("; ".join(problems.values()))
    return settings


def _values(variables: Variables) -> dict[str, Any]:
    texts = {"WAREHOUSE": "data/floriday.duckdb"} | variables.texts
    named = {"WAREHOUSE"} if texts.get("PUBLISHED", "off").casefold() == "off" else {"WAREHOUSE", "PUBLISHED"}
    paths = {name: str(variables.path(texts[name])) for name in named}
    return {name.lower(): text for name, text in (texts | paths).items()}


def _phrase(kind: type[AlertSettings], field: str, error: ErrorDetails) -> str:
    if error["type"] == "missing":
        return f"is missing: it expects {kind.model_fields[field].description}"
    return str(error.get("ctx", {}).get("error", "is malformed"))
