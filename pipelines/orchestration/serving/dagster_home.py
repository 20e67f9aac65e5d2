"""DAGSTER_HOME of a Dagster that `floriday up` starts: the folder of its files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from pipelines.errors import DagsterError
from pipelines.orchestration.instance.opening import dagster_home, instance_settings
from pipelines.orchestration.run_in_process import STORAGE
from pipelines.private_files import private_files

CONFIGURATION = "dagster.yaml"
SANDBOX_STORAGE = Path("data") / "sandbox-dagster"  # relative to the project's folder

_HEADER = """\
# Written at each start of `floriday up`. To change these settings, put a dagster.yaml into the project's folder.
"""


def prepared_home(root: Path, environ: Mapping[str, str]) -> Path:
    """The folder of Dagster's files, with access for this user only, and a `dagster.yaml` in it.

    The configuration is a copy of the `dagster.yaml` in the project's folder; without one it is the default with
    absolute paths. A folder that DAGSTER_HOME names is used without changes.

    Raises:
        SettingError: DAGSTER_HOME is set to something other than a folder.
        DagsterError: the folder cannot be created.
    """
    if named := dagster_home(environ):
        return named
    own = root / CONFIGURATION
    return _written(root / STORAGE, lambda home: own.read_text(encoding="utf-8") if own.is_file() else _default(home))


def emptied_sandbox_home(root: Path) -> Path:
    """The folder of the runs of a sandbox, empty but for its configuration: the sandbox's warehouse is empty too.

    It is never the folder of the own history, whatever DAGSTER_HOME and a `dagster.yaml` name. No Dagster may use it.

    Raises:
        DagsterError: the folder cannot be used.
    """
    home = root / SANDBOX_STORAGE
    shutil.rmtree(home, ignore_errors=True)
    return _written(home, _default)


def _default(home: Path) -> str:
    """The default configuration, with absolute paths."""
    return _HEADER + json.dumps(instance_settings(home), indent=2)


def _written(home: Path, configuration: Callable[[Path], str]) -> Path:
    """The folder, created if necessary and accessible to this user only, with a new configuration in it."""
    try:
        with private_files():
            home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o700)
        (home / CONFIGURATION).write_text(configuration(home), encoding="utf-8")
    except OSError as error:
        raise DagsterError(f"{home} cannot be used for Dagster's files: {error.strerror}") from None
    return home
