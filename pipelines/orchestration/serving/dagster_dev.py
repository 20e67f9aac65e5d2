"""`dagster dev` as a child process: started quietly, watched, and ended with all that it started.

What it is told of settings, and when it is to end, is known to who starts it.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.errors import DagsterError
from pipelines.orchestration.serving import sessions
from pipelines.orchestration.serving.lock_files import LockFile
from pipelines.orchestration.serving.server_log import ServerLog
from pipelines.settings import child_environment

LOOPBACK = "127.0.0.1"
_GUARDED_DEV = "pipelines.orchestration.serving.guarded_dev"
_FOREIGN_NAME = "foreign.invalid"
PATIENCE = 240.0
"""Seconds for a start; a first one on a slow disk takes most of a minute."""

_ENDS_WHEN_TOLD, _ENDS_WHEN_KILLED = 3.0, 1.0
"""Seconds for Dagster to end and for a run to note that it was ended, and for the system to end what is left."""

LONGEST_STOP = _ENDS_WHEN_TOLD + _ENDS_WHEN_KILLED
"""Seconds that it takes to stop at most; a service manager has to be more patient."""

_SUPERSEDED = "ignore:Function `dev_command` is superseded:FutureWarning"
_WORKSPACE = """{
  workspaceOrError {
    ... on PythonError {message}
    ... on Workspace {
      locationEntries {locationOrLoadError {__typename ... on PythonError {message causes {message}}}}
    }
  }
}"""


class DagsterDev:
    """A running `dagster dev`, in a session of its own.

    It leaves this process's signals alone: Ctrl-C on the terminal is for whoever started it to pass on. Its own are
    those of a fresh process as long as this one handles SIGINT and SIGTERM, which a child does not inherit; one that
    ignored SIGINT would ignore SIGTERM too.

    Args:
        root: the project's folder, in which it works.
        home: the folder of its own files.
        port: where it serves, on the loopback.
        settings: the FLORIDAY_ variables; no others count for it.
        lock: is held by it while it lives.
        names: host names under which browsers reach it, beside those of the loopback.
    """

    def __init__(
        self,
        root: Path,
        home: Path,
        port: int,
        settings: Mapping[str, str],
        lock: LockFile,
        *,
        names: Sequence[str] = (),
    ) -> None:
        self.port = port
        self.log = ServerLog(home / "up.log")
        output = self.log.opened()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - every word of it is ours
                _command(root, port, names),
                cwd=root,
                env=surroundings(os.environ, home, settings),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                umask=0o077,
                pass_fds=(lock.descriptor,),
            )
        finally:
            os.close(output)
        lock.write(self._process.pid, self.address)

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        return f"http://{LOOPBACK}:{self.port}"

    def serves(self) -> bool:
        """Whether it answers, with the assets loaded.

        Raises:
            DagsterError: it ended by itself, could not load them, or answers foreign web pages.
        """
        self.check()
        try:
            workspace = self._ask(_WORKSPACE)["workspaceOrError"]
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            return False
        locations = [entry["locationOrLoadError"] for entry in workspace.get("locationEntries", ())]
        for told in (workspace, *filter(None, locations)):
            if "message" in told:
                raise DagsterError(f"Dagster could not load the assets: {_innermost(told)}")
        if not (locations and all(locations)):
            return False
        if not refuses_foreign_names(self.port):
            raise DagsterError(
                "Dagster's web server answers under any host name, so any web page could command it: install the"
                " versions of dagster and dagster-webserver that requirements.lock pins"
            )
        return True

    def check(self) -> None:
        """See to it that it still runs.

        Raises:
            DagsterError: it ended by itself.
        """
        code = self._process.poll()
        if code is not None:
            how = f"exit code {code}" if code >= 0 else f"signal {-code}"
            raise DagsterError(f"Dagster ended by itself ({how}); what it said last is in {self.log.path}")

    def _ask(self, query: str) -> dict[str, Any]:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=5)
        try:
            connection.request("POST", "/graphql", json.dumps({"query": query}), {"Content-Type": "application/json"})
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return dict(answer["data"])

    def stop(self, hurry: Callable[[], bool]) -> None:
        """End it and everything that it started, all at once; a run that is under way is told to end, too.

        Args:
            hurry: whether to wait no longer.
        """
        session = self._process.pid
        if not sessions.end(session, signal.SIGTERM, _ENDS_WHEN_TOLD, hurry):
            sessions.end(session, signal.SIGKILL, _ENDS_WHEN_KILLED, lambda: False)
        self._process.poll()


def refuses_foreign_names(port: int) -> bool:
    """Whether the web guard stands before a server on the loopback.

    It is asked, for Dagster has no interface that promises to keep the guard in place.
    """
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", "/server_info", headers={"Host": _FOREIGN_NAME})
        return connection.getresponse().status == http.HTTPStatus.FORBIDDEN
    finally:
        connection.close()


def surroundings(environ: Mapping[str, str], home: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of Dagster's processes.

    Args:
        environ: that of this process; no FLORIDAY_ variable of it gets through.
        home: the folder of Dagster's own files.
        settings: the FLORIDAY_ variables that count.
    """
    kept = {name: text for name, text in environ.items() if not name.startswith("FLORIDAY_")}
    return {
        **kept,
        **child_environment(settings),
        "DAGSTER_HOME": str(home),
        "DAGSTER_DISABLE_TELEMETRY": "true",
        "PYTHONWARNINGS": ",".join(filter(None, (environ.get("PYTHONWARNINGS"), _SUPERSEDED))),
    }


def _command(root: Path, port: int, names: Sequence[str]) -> list[str]:
    workspace = root / "workspace.yaml"
    target = ["--workspace", str(workspace)] if workspace.is_file() else ["--module-name", "pipelines.definitions"]
    allowed = [word for name in names for word in ("--allow-host", name)]
    return [sys.executable, "-m", _GUARDED_DEV, *allowed, "--host", LOOPBACK, "--port", str(port), *target]


def _innermost(error: Mapping[str, Any]) -> str:
    """What caused an error, where it tells."""
    return str([error, *(error.get("causes") or ())][-1]["message"]).strip()
