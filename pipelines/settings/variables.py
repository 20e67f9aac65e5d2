"""Where the text of a variable comes from: the environment, a `.env` file, a file that holds one secret."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv.parser import parse_stream

from pipelines.errors import SettingError
from pipelines.settings.exposure import warn_if_exposed

PREFIX = "FLORIDAY_"
HANDED = f"{PREFIX}SETTINGS"
"""All variables as one JSON object; where it is set, nothing else counts. `floriday up` hands the settings to Dagster's
processes so: each of them puts the `.env` file, blank lines too, over the environment that it was given. Null stands
for a secret that is to be read from the `.env` file: it is in no process's environment then."""

_SECRET_FILE_BYTES = 64 * 1024


def dotenv_file(directory: Path) -> Path | None:
    """The `.env` of ``directory``, else that of the checkout this package runs from, else None."""
    checkout = Path(__file__).resolve().parents[2]
    folders = [directory] + ([checkout] if (checkout / "workspace.yaml").is_file() else [])
    return next((path for folder in folders if (path := folder.absolute() / ".env").is_file()), None)


def read_dotenv(path: Path) -> dict[str, str]:
    """The variables of a `.env` file, taken literally: a ``$`` in a secret is just a ``$``.

    Raises:
        SettingError: the file cannot be read, or the line that is not one.
    """
    try:
        with path.open(encoding="utf-8-sig") as stream:
            bindings = list(parse_stream(stream))
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingError(f"{path} cannot be read: {_reason(problem)}") from None
    broken = next((binding.original.line for binding in bindings if binding.error), None)
    if broken is not None:
        raise SettingError(f"{path}: line {broken} is not NAME=value")
    return {binding.key: binding.value for binding in bindings if binding.key and binding.value}


@dataclass(frozen=True)
class Variables:
    """Floriday's variables by the part of their name after the prefix; blank ones are not there.

    Args:
        texts: what is set, secrets read from their files.
        problems: what is wrong already, by the same names.
        base: the folder that relative paths count from.
    """

    texts: dict[str, str]
    problems: dict[str, str]
    base: Path

    def path(self, text: str) -> Path:
        """The absolute path that ``text`` means."""
        return (self.base / os.path.expanduser(text)).absolute()  # noqa: PTH111 - Path's own raises for ~nobody


def gather(environ: Mapping[str, str], directory: Path, secrets: Collection[str], *, dotenv: bool = True) -> Variables:
    """The variables of ``environ`` over those of the `.env` file.

    Args:
        environ: the environment.
        directory: where a `.env` file is looked for first.
        secrets: the names whose ``…_FILE`` is read; no other file is touched.
        dotenv: whether there may be a `.env` file at all.

    Raises:
        SettingError: the `.env` file cannot be read.
    """
    path = _dotenv_of(environ, directory) if dotenv else None
    texts, base = _merged(environ, directory, secrets, path)
    gathered = Variables(texts, {}, base)
    read = [_take_file(gathered, name) for name in secrets]
    warn_if_exposed(each for each in (path, *read) if each)
    return gathered


def merge(environ: Mapping[str, str], directory: Path, secrets: Collection[str]) -> tuple[dict[str, str], Path]:
    """The same without reading what a ``…_FILE`` names: the texts, and the folder that relative paths count from.

    Raises:
        SettingError: the `.env` file cannot be read.
    """
    path = _dotenv_of(environ, directory)
    warn_if_exposed([path] if path else [])
    return _merged(environ, directory, secrets, path)


def _dotenv_of(environ: Mapping[str, str], directory: Path) -> Path | None:
    """The `.env` file that counts; none where all variables are handed over."""
    return None if HANDED in environ else dotenv_file(directory)


def _merged(
    environ: Mapping[str, str], directory: Path, secrets: Collection[str], path: Path | None
) -> tuple[dict[str, str], Path]:
    if HANDED in environ:
        return _floriday(_handed(environ[HANDED], directory)), directory.absolute()
    texts, above = _floriday(read_dotenv(path) if path else {}), _floriday(environ)
    for name in secrets:
        if name in above or f"{name}_FILE" in above:
            texts.pop(name, None)
            texts.pop(f"{name}_FILE", None)
    return texts | above, path.parent if path else directory.absolute()


def hand(variables: Mapping[str, str], directory: Path, secrets: Collection[str]) -> str:
    """The variables as one text, without the secrets that the `.env` file has as well.

    Args:
        variables: with the prefix in their names.
        directory: where a `.env` file is looked for first.
        secrets: the names, without the prefix, of those that are left out then.

    Raises:
        SettingError: the `.env` file cannot be read.
    """
    path = dotenv_file(directory)
    kept = _floriday(read_dotenv(path) if path else {})
    left_out = {
        f"{PREFIX}{name}" for name in secrets if name in kept and variables.get(f"{PREFIX}{name}") == kept[name]
    }
    return json.dumps({name: None if name in left_out else text for name, text in variables.items()})


def _handed(text: str, directory: Path) -> dict[str, str]:
    try:
        variables = json.loads(text)
    except ValueError:
        variables = None
    if not isinstance(variables, dict) or not all(isinstance(each, str | None) for each in variables.values()):
        raise SettingError(f"{HANDED} is set by `floriday up` alone: leave it out")
    if None not in variables.values():
        return variables
    path = dotenv_file(directory)
    kept = read_dotenv(path) if path else {}
    return {name: kept.get(name, "") if text is None else text for name, text in variables.items()}


def _floriday(variables: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(PREFIX): text.strip()
        for name, text in variables.items()
        if name.startswith(PREFIX) and text.strip()
    }


def _take_file(variables: Variables, name: str) -> Path | None:
    """Read the secret that a ``…_FILE`` names; returns the path of a file that was read."""
    path = variables.texts.pop(f"{name}_FILE", None)
    if path is None:
        return None
    if name in variables.texts:
        variables.problems[name] = f"{PREFIX}{name} and {PREFIX}{name}_FILE exclude each other"
        return None
    try:
        variables.texts[name] = _secret_of(variables.path(path))
    except (OSError, ValueError) as problem:
        # The path is not told: it may be the secret itself, in the wrong variable.
        variables.problems[name] = f"{PREFIX}{name}_FILE expects the path of a readable file: {_reason(problem)}"
        return None
    return variables.path(path)


def _secret_of(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(_SECRET_FILE_BYTES + 1)
    if len(content) > _SECRET_FILE_BYTES:
        raise ValueError("it is too long for a secret")
    text = content.decode("utf-8-sig").strip()
    if not text:
        raise ValueError("it is empty")
    return text


def _reason(problem: Exception) -> str:
    if isinstance(problem, UnicodeDecodeError):
        return "it is not UTF-8 text"
    return str(getattr(problem, "strerror", None) or problem)
