"""Run several commands, each in a child process that has the modules already imported.

``tests.command_line`` runs one command in a new process, which takes longer.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.command_line import process_environment

_RUN = """
import json, os, sys, tempfile

import pipelines.cli
import pipelines.cli.entry, pipelines.cli.output, pipelines.dashboard
import pipelines.sync.session, pipelines.warehouse.read.parquet_export


def run(arguments):
    with tempfile.TemporaryFile() as printed:
        child = os.fork()
        if not child:
            os.dup2(printed.fileno(), 1)
            os.dup2(printed.fileno(), 2)
            sys.argv = ["floriday", *arguments]
            pipelines.cli.main()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        printed.seek(0)
        return [code, printed.read().decode()]


def modes(folder):
    found = [os.path.join(place, name) for place, *names in os.walk(folder) for name in (*names[0], *names[1])]
    return {os.path.relpath(path, folder): os.lstat(path).st_mode & 0o777 for path in found}


print(json.dumps([[*run(arguments), modes(".")] for arguments in json.loads(sys.argv[1])]))
"""


def several_commands(
    commands: Sequence[Sequence[str]], folder: Path, umask: int, **variables: str
) -> list[tuple[int, str, dict[str, int]]]:
    """Run commands; return the exit code, the output, and the file modes after each.

    Args:
        commands: arguments of each command.
        folder: working directory, whose files and folders are listed.
        umask: umask of the processes at their start.
        variables: environment variables to add.
    """
    ended = subprocess.run(
        [sys.executable, "-c", _RUN, json.dumps(commands)],
        cwd=folder,
        env=process_environment(**variables),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        umask=umask,
    )
    assert ended.returncode == 0, ended.stderr
    results: list[tuple[int, str, dict[str, Any]]] = [
        (code, text, modes) for code, text, modes in json.loads(ended.stdout)
    ]
    return results
