"""The sources of variables: the environment, a `.env` file, and files with one secret each."""

from __future__ import annotations

import json
import logging
import os
import shlex
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv.parser import parse_stream

from pipelines.errors import SettingError
from pipelines.settings.overrides import current
from pipelines.text_format import nearest

PREFIX = "FLORIDAY_"
PASSED = f"{PREFIX}SETTINGS"
"""Contains all variables as one JSON object; if it is set, all others are ignored. `floriday up` passes the settings to
Dagster's processes in it, because Dagster overrides their environment with the `.env` file, blank variables included.
The value null stands for a secret that the process reads from the `.env` file, so that no environment contains it;
ENV_FILE is the path of that file if ``--env-file`` named it."""
ENV_FILE = "ENV_FILE"
HOME = f"{PREFIX}HOME"
"""Names the folder to use instead of the working directory: for the `.env` file, and for relative paths without one."""

_SECRET_FILE_BYTES = 64 * 1024
_LOG = logging.getLogger(__name__)
_warned: set[Path] = set()
_unknown: set[str] = set()  # names that were warned about


def home_folder(environ: Mapping[str, str] | None = None) -> Path:
    """The folder of FLORIDAY_HOME, else the working directory. None: the variable of this process's environment.

    Raises:
        SettingError: FLORIDAY_HOME names no folder.
    """
    home = (os.environ if environ is None else environ).get(HOME, "").strip()
    if not home:
        return Path.cwd()
    folder = Path(os.path.expanduser(home)).absolute()  # noqa: PTH111 - Path's own raises for ~nobody
    if not os.path.isdir(folder):  # noqa: PTH112 - raises nothing
        is_file = os.path.exists(folder)  # noqa: PTH110 - raises nothing
        step = "name a folder" if is_file else f"create it with `mkdir -p {shlex.quote(str(folder))}`, or name another"
        raise SettingError(f"{HOME}: {folder} {'is a file' if is_file else 'does not exist'}: {step}")
    return folder


def dotenv_file(directory: Path) -> Path | None:
    """The file of ``--env-file``, else the nearest `.env`; None if there is none.

    It is looked for in ``directory`` and in the folders above it up to the home or the root.

    Raises:
        SettingError: there is no file of ``--env-file``.
    """
    if named := current().env_file:
        if not named.is_file():
            raise SettingError(f"--env-file {named} is {'a folder' if named.is_dir() else 'missing'}: name a file")
        return named
    directory = directory.absolute()
    own, above = directory / ".env", (folder / ".env" for folder in _folders_above(directory))
    if own.is_file():
        return own
    return next((path for path in filter(_is_own, above) if os.path.isfile(path)), None)  # noqa: PTH113 - raises nothing


def checkout() -> Path | None:
    """The folder of the checkout that this package runs from; None if it is installed without one."""
    folder = Path(__file__).resolve().parents[2]
    return folder if (folder / "workspace.yaml").is_file() else None


def _folders_above(directory: Path) -> Iterator[Path]:
    """The folders above one, up to the user's home, or to the root for a folder outside of it."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path's own raises where there is no home
    for folder in () if directory == home else directory.parents:
        yield folder
        if folder == home:
            return


def _is_own(path: Path) -> bool:
    """Whether a file exists that the user or the administrator wrote: others could plant one in a shared folder."""
    try:
        found = path.stat()
    except OSError:
        return False
    is_trusted = found.st_uid in {0, os.geteuid()} and not found.st_mode & stat.S_IWOTH
    if not is_trusted and path not in _warned:
        _warned.add(path)
        _LOG.warning(
            "%s belongs to another user, or others can change it, and is ignored: name it with --env-file", path
        )
    return is_trusted


def read_dotenv(path: Path | None) -> dict[str, str]:
    """The variables of a `.env` file, without interpolation: a ``$`` in a secret is just a ``$``. None has none.

    Raises:
        SettingError: the file cannot be read, or a line is malformed.
    """
    if path is None:
        return {}
    try:
        with path.open(encoding="utf-8-sig") as stream:
            bindings = list(parse_stream(stream))
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingError(f"{path} cannot be read: {_reason(problem)}") from None
    broken = next((binding.original.line for binding in bindings if binding.error), None)
    if broken is not None:
        raise SettingError(f"{path}: line {broken} is not NAME=value")
    return {binding.key: binding.value for binding in bindings if binding.key and binding.value}


Env = Mapping[str, str] | None  # None for the environment of this process


@dataclass(frozen=True)
class Variables:
    """The FLORIDAY_ variables by name without the prefix; blank ones are left out."""

    texts: dict[str, str]  # values by name, with secrets that were read from their files
    problems: dict[str, str]  # messages of problems by name
    base: Path  # folder that relative paths start from
    dotenv: Path | None = None  # the `.env` file that was read
    in_dotenv: frozenset[str] = frozenset()  # names of the variables whose values are those of the `.env` file

    def path(self, text: str) -> Path:
        """The absolute path for a path in a variable."""
        return (self.base / os.path.expanduser(text)).absolute()  # noqa: PTH111 - Path's own raises for ~nobody


def gather(
    environ: Env,
    directory: Path | None,
    secrets: Collection[str],
    *,
    dotenv: bool = True,
    secret_files: bool = True,
) -> Variables:
    """The FLORIDAY_ variables of the environment, and those of the `.env` file that it does not override.

    ``secrets`` are names without the prefix; with ``secret_files``, the files that their ``…_FILE`` variables name are
    read.

    Raises:
        SettingError: the `.env` file cannot be read.
    """
    overridden = current().warehouse if environ is None else None
    environ = os.environ if environ is None else environ
    directory = directory or home_folder(environ)
    path = dotenv_file(directory) if dotenv and PASSED not in environ else None
    in_dotenv: frozenset[str] = frozenset()
    if PASSED in environ:
        texts = _without_prefix(_passed(environ[PASSED], directory))
    else:
        given = _without_prefix(environ)
        texts = _overridden(_without_prefix(read_dotenv(path)), given, secrets)
        in_dotenv = frozenset(texts.keys() - given.keys())
    if overridden and PASSED not in environ:
        texts = _with_warehouse(texts, overridden)
    variables = Variables(texts, {}, path.parent if path else directory.absolute(), path, in_dotenv)
    read = [_read_secret(variables, name) for name in secrets] if secret_files else []
    warn_if_exposed(each for each in (path, *read) if each)
    return variables


def _with_warehouse(texts: dict[str, str], path: Path) -> dict[str, str]:
    """The variables with another warehouse; its published copy is beside it, because the given one is of another."""
    is_published = texts.get("PUBLISHED", "").casefold() != "off"
    kept = {name: text for name, text in texts.items() if name != "PUBLISHED" or not is_published}
    return {**kept, "WAREHOUSE": str(path)}


def _overridden(texts: dict[str, str], overriding: dict[str, str], secrets: Collection[str]) -> dict[str, str]:
    for name in secrets:
        if name in overriding or f"{name}_FILE" in overriding:
            texts.pop(name, None)
            texts.pop(f"{name}_FILE", None)
    return texts | overriding


def serialized(variables: Mapping[str, str], directory: Path, secrets: Collection[str]) -> str:
    """The variables as JSON for :data:`PASSED`, with null for secrets that the `.env` file contains as well.

    Raises:
        SettingError: the `.env` file cannot be read.
    """
    kept = _without_prefix(read_dotenv(dotenv_file(directory)))
    left_out = {PREFIX + name for name in secrets if name in kept and variables.get(PREFIX + name) == kept[name]}
    named = {ENV_FILE: str(path)} if (path := current().env_file) else {}
    return json.dumps({name: None if name in left_out else text for name, text in variables.items()} | named)


def _passed(text: str, directory: Path) -> dict[str, str]:
    try:
        variables = json.loads(text)
    except ValueError:
        variables = None
    if not isinstance(variables, dict) or not all(isinstance(each, str | None) for each in variables.values()):
        raise SettingError(f"{PASSED} is set by `floriday up` alone: leave it out")
    named = variables.pop(ENV_FILE, None)
    if None not in variables.values():
        return variables
    kept = read_dotenv(Path(named) if named else dotenv_file(directory))
    return {name: kept.get(name, "") if text is None else text for name, text in variables.items()}


def _without_prefix(variables: Mapping[str, str]) -> dict[str, str]:
    given = {name: text.strip() for name, text in variables.items() if name.startswith(PREFIX)}
    return {name.removeprefix(PREFIX): text for name, text in given.items() if text}


def _read_secret(variables: Variables, name: str) -> Path | None:
    """Read a secret from the file that ``…_FILE`` names; returns the path of the file, None if none was read."""
    path = variables.texts.pop(f"{name}_FILE", None)
    if path is None:
        return None
    if name in variables.texts:
        variables.problems[name] = f"{PREFIX}{name} and {PREFIX}{name}_FILE exclude each other"
        return None
    try:
        variables.texts[name] = _secret_in(variables.path(path))
    except (OSError, ValueError) as problem:
        # The message does not contain the path, which may be a secret in the wrong variable.
        variables.problems[name] = f"{PREFIX}{name}_FILE expects the path of a readable file: {_reason(problem)}"
        return None
    return variables.path(path)


def _secret_in(path: Path) -> str:
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


def is_exposed(path: Path) -> bool:
    """Whether other users than the owner can read a file that is not empty.

    A file of another user that the group may read counts as private: its owner shares it with this process.
    """
    try:
        found = path.stat()
    except OSError:
        return False
    by_group = found.st_mode & stat.S_IRGRP and found.st_uid == os.geteuid()
    return bool(found.st_size and (found.st_mode & stat.S_IROTH or by_group))


def warn_if_exposed(files: Iterable[Path]) -> None:
    """Warn in one line, once in a process, about files that other users can read."""
    exposed = [path for path in dict.fromkeys(files) if path not in _warned and is_exposed(path)]
    if exposed:
        _warned.update(exposed)
        names = " ".join(shlex.quote(str(path)) for path in exposed)
        _LOG.warning("other users of this machine can read secrets: chmod 600 %s", names)


_ALL_SETTINGS = "docs/settings.md lists all settings"


def warn_about_unknown(given: Iterable[str], known: Collection[str]) -> None:
    """Warn once in a process about each variable that does not exist, with the nearest one; without the prefix."""
    for name in sorted({*given} - {*known} - _unknown):
        _unknown.add(name)
        likely = [f"did you mean {PREFIX}{each}?" for each in nearest(name, known, 1)]
        _LOG.warning("%s%s is no setting, and is ignored: %s", PREFIX, name, *(likely or [_ALL_SETTINGS]))
