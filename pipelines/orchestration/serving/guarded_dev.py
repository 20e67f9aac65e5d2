"""``dagster dev`` whose web server stands behind the web guard.

``python -m pipelines.orchestration.serving.guarded_dev`` takes the options of ``dagster dev``, and ``--allow-host`` as
the guarded web server does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

# Private: `dagster dev` has no option that names another web server, and what it does for the servers of the code and
# for the daemon has no public name. `floriday up` refuses to go on when the web server turns out not to be guarded.
# Nor has it an option that keeps the `.env` file out of the environment of what it starts.
from dagster._cli import dev, utils
from dagster._cli import main as dagster

from pipelines.errors import UsageError
from pipelines.orchestration.serving import guarded_webserver
from pipelines.orchestration.serving.guarded_webserver import ALLOW_HOST, split_names
from pipelines.settings import without_secrets

Process = TypeVar("Process")


def with_guarded_webserver(start: Callable[..., Process], names: Sequence[str]) -> Callable[..., Process]:
    """A function that starts what ``dagster dev`` starts, but the guarded web server in place of Dagster's own.

    Args:
        start: starts a process; its first argument is the command.
        names: host names that are allowed beside those of the loopback.
    """
    guarded = [guarded_webserver.__name__, *(word for name in names for word in (ALLOW_HOST, name))]

    def start_guarded(command: Sequence[str], **options: Any) -> Process:
        words = [other for word in command for other in (guarded if word == "dagster_webserver" else [word])]
        return start(words, **options)

    return start_guarded


def read_without_secrets(read: Callable[[str], dict[str, str]]) -> Callable[[str], dict[str, str]]:
    """A function that reads a `.env` file for the environment of Dagster's processes, but none of our secrets.

    Args:
        read: reads the file in a folder.
    """
    return lambda folder: without_secrets(read(folder))


def main() -> None:
    """Start ``dagster dev`` with the arguments of this process."""
    try:
        names, others = split_names(sys.argv[1:])
    except UsageError as error:
        sys.exit(f"guarded_dev: {error}")
    dev.open_ipc_subprocess = with_guarded_webserver(dev.open_ipc_subprocess, names)  # type: ignore[attr-defined]
    utils.get_env_var_dict = read_without_secrets(utils.get_env_var_dict)  # type: ignore[assignment, attr-defined]
    sys.argv[1:] = ["dev", *others]
    dagster()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
