"""`dagster dev` as a child process: started quietly, watched, and stopped together with all that it started."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.errors import DagsterError
from pipelines.orchestration.serving import sessions
from pipelines.orchestration.serving.lock_files import LockFile
from pipelines.orchestration.serving.server_log import ServerLog
from pipelines.private_files import replaced_file
from pipelines.settings import child_environment

LOOPBACK = "127.0.0.1"
_GUARDED_DEV = "pipelines.orchestration.serving.guarded_dev"
_FOREIGN_NAME = "foreign.invalid"
START_TIMEOUT = 240.0  # seconds for a start; the first one on a slow disk takes most of a minute
_TERM_SECONDS, _KILL_SECONDS = 3.0, 1.0  # after SIGTERM, Dagster ends and a run records that it was stopped
LONGEST_STOP = _TERM_SECONDS + _KILL_SECONDS  # the timeout of a service manager has to be longer
_SUPERSEDED = "ignore:Function `dev_command` is superseded:FutureWarning"
LOCATION = "floriday"  # the name of the code location in Dagster's pages
_OWN_WORKSPACE = {
    "load_from": [
        {
            "python_module": {
                "module_name": "pipelines.definitions",
                "working_directory": str(Path(__file__).parents[3]),
                "location_name": LOCATION,
            }
        }
    ]
}
_WORKSPACE = """{
  workspaceOrError {
    ... on PythonError {message}
    ... on Workspace {
      locationEntries {locationOrLoadError {__typename ... on PythonError {message causes {message}}}}
    }
  }
}"""


class DagsterDev:
    """A running `dagster dev`, in a session of its own. Of the FLORIDAY_ variables it gets ``settings`` alone.

    Ctrl-C on the terminal does not reach it: this process passes the signal on. It starts with the default handlers of
    SIGINT and SIGTERM as long as this process handles both; if this process ignored SIGINT, it would ignore SIGTERM. It
    holds ``lock`` while it runs. Browsers may reach it under ``names`` besides those of the loopback. Its web server
    listens on the address ``listen``. Its log is in ``home``, its runs in ``history``; None: also in ``home``.
    """

    def __init__(
        self,
        root: Path,
        home: Path,
        port: int,
        settings: Mapping[str, str],
        lock: LockFile,
        *,
        names: Sequence[str],
        listen: str = LOOPBACK,
        history: Path | None = None,
    ) -> None:
        self.port = port
        self.log = ServerLog(home / "up.log")
        output = self.log.opened()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - every word of it is ours
                _command(_workspace(root, home), (listen, port), names),
                cwd=root,
                env=surroundings(os.environ, history or home, settings),
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
        """The address for a browser."""
        return f"http://{LOOPBACK}:{self.port}"

    def serves(self) -> bool:
        """Whether it has loaded the assets. A DagsterError if it cannot, has ended, or answers foreign web pages."""
        self.check()
        try:
            workspace = self._query(_WORKSPACE)["workspaceOrError"]
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            return False
        locations = [entry["locationOrLoadError"] for entry in workspace.get("locationEntries", ())]
        for each in (workspace, *filter(None, locations)):
            if "message" in each:
                raise DagsterError(f"Dagster could not load the assets: {_innermost(each)}")
        if not (locations and all(locations)):
            return False
        if not refuses_foreign_names(self.port):
            raise DagsterError(
                "Dagster's web server responds to any host name, so any web page could control it: install the"
                " versions of dagster and dagster-webserver that requirements.lock pins"
            )
        return True

    def check(self) -> None:
        """Raise a DagsterError if it has ended."""
        code = self._process.poll()
        if code is not None:
            how = f"exit code {code}" if code >= 0 else f"signal {-code}"
            raise DagsterError(f"Dagster ended by itself ({how}); its last output is in {self.log.path}")

    def _query(self, query: str) -> dict[str, Any]:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=5)
        try:
            connection.request("POST", "/graphql", json.dumps({"query": query}), {"Content-Type": "application/json"})
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return dict(answer["data"])

    def stop(self, hurry: Callable[[], bool]) -> None:
        """Stop it and all processes that it started, runs too; ``hurry`` returns whether to kill them at once."""
        sessions.stop(self._process.pid, _TERM_SECONDS, _KILL_SECONDS, hurry)
        self._process.poll()


def refuses_foreign_names(port: int) -> bool:
    """Whether the web guard protects a server on the loopback, found out by a request with a foreign host name.

    Dagster has no interface that guarantees it.
    """
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", "/server_info", headers={"Host": _FOREIGN_NAME})
        return connection.getresponse().status == http.HTTPStatus.FORBIDDEN
    finally:
        connection.close()


def surroundings(environ: Mapping[str, str], home: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of Dagster's processes: ``environ``, but the FLORIDAY_ variables of ``settings`` alone."""
    kept = {name: text for name, text in environ.items() if not name.startswith("FLORIDAY_")}
    return {
        **kept,
        **child_environment(settings),
        "DAGSTER_HOME": str(home),
        "PYTHONSAFEPATH": "1",  # a package `pipelines` in the project's folder is not ours
        "DAGSTER_DISABLE_TELEMETRY": "true",
        "PYTHONWARNINGS": ",".join(filter(None, (environ.get("PYTHONWARNINGS"), _SUPERSEDED))),
    }


def _workspace(root: Path, home: Path) -> Path:
    """The workspace file of the project's folder; without one, a new one in ``home`` that loads this package."""
    if (given := root / "workspace.yaml").is_file():
        return given
    own = home / "workspace.yaml"
    with replaced_file(own) as stream:
        stream.write(json.dumps(_OWN_WORKSPACE, indent=2).encode())
    return own


def _command(workspace: Path, at: tuple[str, int], names: Sequence[str]) -> list[str]:
    allowed = [word for name in names for word in ("--allow-host", name)]
    host, port = at
    address = ("--host", host, "--port", str(port))
    return [sys.executable, "-P", "-m", _GUARDED_DEV, *allowed, *address, "--workspace", str(workspace)]


def _innermost(error: Mapping[str, Any]) -> str:
    """The message of the last cause of an error, or its own message if it has no cause."""
    return str([error, *(error.get("causes") or ())][-1]["message"]).strip()
