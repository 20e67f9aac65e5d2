"""The folder that a Dagster which is started here works with: DAGSTER_HOME."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pipelines.errors import DagsterError
from pipelines.orchestration.instance.opening import dagster_home, instance_settings
from pipelines.orchestration.run_in_process import STORAGE
from pipelines.private_files import private_files

CONFIGURATION = "dagster.yaml"

_OURS = """\
# Made anew at each start of `floriday up`. To change what stands here, put a dagster.yaml into the project's folder.
"""


def prepared_home(root: Path, environ: Mapping[str, str]) -> Path:
    """Dagster's own folder, which this user alone may enter, with the configuration in it.

    That is the `dagster.yaml` of the project's folder where it has one, else the same with absolute paths. The folder
    that DAGSTER_HOME names is left as it is.

    Args:
        root: the project's folder.
        environ: where DAGSTER_HOME may be set.

    Raises:
        SettingError: DAGSTER_HOME is set to something else than a folder.
        DagsterError: the folder cannot be made.
    """
    if named := dagster_home(environ):
        return named
    home = root / STORAGE
    own = root / CONFIGURATION
    try:
        with private_files():
            home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o700)
        text = (
            own.read_text(encoding="utf-8") if own.is_file() else _OURS + json.dumps(instance_settings(home), indent=2)
        )
        (home / CONFIGURATION).write_text(text, encoding="utf-8")
    except OSError as error:
        raise DagsterError(f"{home} cannot be used for Dagster's files: {error.strerror}") from None
    return home
