"""``dagster dev`` with the guarded web server.

``python -m pipelines.orchestration.serving.guarded_dev`` takes the options of ``dagster dev``, and ``--allow-host``
as the guarded web server does. `floriday up` stops with an error if the web server turns out not to be guarded.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from pipelines.errors import UsageError
from pipelines.orchestration.dagster_private import WEBSERVER_MODULE, run_dagster_dev
from pipelines.orchestration.serving import guarded_webserver
from pipelines.orchestration.serving.guarded_webserver import ALLOW_HOST, split_names
from pipelines.settings import without_secrets

Process = TypeVar("Process")


def with_guarded_webserver(start: Callable[..., Process], names: Sequence[str]) -> Callable[..., Process]:
    """Make ``start``, which starts ``dagster dev``'s processes, use the guarded web server, which allows ``names``."""
    guarded = [guarded_webserver.__name__, *(word for name in names for word in (ALLOW_HOST, name))]

    def start_guarded(command: Sequence[str], **options: Any) -> Process:
        words = [other for word in command for other in (guarded if word == WEBSERVER_MODULE else [word])]
        return start(words, **options)

    return start_guarded


def read_without_secrets(read: Callable[[str], dict[str, str]]) -> Callable[[str], dict[str, str]]:
    """A function that reads the `.env` file of a folder for Dagster's processes, without this project's secrets."""
    return lambda folder: without_secrets(read(folder))


def main() -> None:
    """Start ``dagster dev`` with the arguments of this process."""
    try:
        names, others = split_names(sys.argv[1:])
    except UsageError as error:
        sys.exit(f"guarded_dev: {error}")
    run_dagster_dev(others, partial(with_guarded_webserver, names=names), read_without_secrets)


if __name__ == "__main__":
    main()
