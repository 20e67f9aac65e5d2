"""``floriday up``: Dagster, and the sandbox where no credentials are set."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli import sandbox_or_floriday
from pipelines.cli.console import print_line
from pipelines.cli.stop_signals import StopSignals, counted_signals

if TYPE_CHECKING:
    from pipelines.orchestration.serving.dagster_dev import DagsterDev
    from pipelines.orchestration.serving.server_log import ServerLog
    from pipelines.settings import Settings

PORT = 3000
"""Where Dagster's pages are, unless another program is there."""

_LOOK_AGAIN = 0.3
_LAST_LINES = 15


def up(
    port: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, max=65535, help="Where Dagster's pages are; 3000 if that is free, with 0 any free port."
        ),
    ] = None,
    api: Annotated[
        str | None, typer.Option(metavar="API", help="Of the sandbox: suppliers or customers; the first if not given.")
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A host name under which a proxy serves Dagster's pages, without port; may be given several times.",
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show what Dagster says.")] = False,
) -> None:
    """Start Dagster, which syncs by its schedules, and say where its pages are.

    Where nothing is set for Floriday, neither in the environment nor in the .env file, a built-in one that trades
    stands in, with a warehouse that begins anew each time: data/sandbox.duckdb or data/sandbox-customers.duckdb.

    Dagster answers under the names of the loopback only, and only what its own pages or programs of this machine ask:
    requests that other web sites cause are refused. --allow-host adds the name of a proxy before it.

    Everything listens on this machine only, until Ctrl-C or SIGTERM; a second one makes haste. Runs are ended with it,
    and the next sync goes on where they were. The exit code is 130 or 143 then, and 1 when Dagster does not start, or
    ends by itself. What Dagster says is kept in data/dagster/up.log.

    For example:

        floriday up

        floriday up --api customers --port 0

        floriday up --allow-host floriday.example.com
    """
    from pipelines.orchestration.serving.dagster_dev import DagsterDev
    from pipelines.orchestration.serving.dagster_home import prepared_home
    from pipelines.orchestration.serving.lock_files import one_at_a_time
    from pipelines.settings import given_variables
    from pipelines.web_guard import host_name

    names = [host_name(name) for name in allow_host or ()]
    variables, root = given_variables()
    sandbox_or_floriday.check(variables, root, api)
    home = prepared_home(root, _environment(root))
    with one_at_a_time(home, print_line) as lock:
        chosen = _free_port(port)
        is_sandbox = not sandbox_or_floriday.has_credentials(variables)
        print_line("Starting the sandbox and Dagster …" if is_sandbox else "Starting Dagster …")
        with sandbox_or_floriday.dagster_variables(variables, root, api) as pointed:
            settings = sandbox_or_floriday.checked_settings(pointed, root)
            with counted_signals() as stop:  # from here on there is a child to be ended
                dagster = DagsterDev(root, home, chosen, pointed, lock, names=names)
                told = _addresses(dagster, settings, is_sandbox=is_sandbox)
                _attend(dagster, told, stop, verbose=verbose)


def _environment(root: Path) -> dict[str, str]:
    """The environment as Dagster gets to see it: with the `.env` file over it."""
    from pipelines.settings.variables import read_dotenv

    dotenv = root / ".env"
    return {**os.environ, **(read_dotenv(dotenv) if dotenv.is_file() else {})}


def _free_port(wanted: int | None) -> int:
    from pipelines.errors import UsageError

    try:
        return _bound(PORT if wanted is None else wanted)
    except OSError as error:
        if wanted is not None:
            raise UsageError(
                f"--port {wanted} cannot be used ({error.strerror}): choose another, or 0 for a free one"
            ) from None
        print_line(f"Port {PORT} is taken, so Dagster gets another one.")
        return _bound(0)


def _bound(port: int) -> int:
    with socket.create_server(("127.0.0.1", port)) as server:
        return int(server.getsockname()[1])


def _addresses(dagster: DagsterDev, settings: Settings, *, is_sandbox: bool) -> Iterator[str]:
    """What is told once Dagster serves."""
    sandbox = " (the sandbox; it forgets everything when it stops)" if is_sandbox else ""
    yield f"Dagster    {dagster.address}"
    yield f"Floriday   {settings.base_url}{sandbox}"
    yield f"warehouse  {_shown(settings.warehouse)}"
    yield f"log        {_shown(dagster.log.path)}"
    if not settings.automation:
        yield "FLORIDAY_AUTOMATION is off: schedules and sensors wait until they are switched on in Dagster."
    yield f"Ctrl-C stops it, and so does: kill {os.getpid()}"


def _shown(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _attend(dagster: DagsterDev, told: Iterator[str], stop: StopSignals, *, verbose: bool) -> None:
    """Tell what is to be told once it serves, and stay until it is to stop, or ends by itself.

    Raises:
        DagsterError: it did not start, or ended by itself.
    """
    from pipelines.errors import DagsterError

    try:
        if _until_it_serves(dagster, stop, verbose=verbose):
            for line in told:
                print_line(line)
        while not stop.wait(_LOOK_AGAIN):
            dagster.check()
            _follow(dagster.log, verbose=verbose)
        print_line("Stopping …")
    except DagsterError:
        if not verbose:
            sys.stderr.write("".join(f"{line}\n" for line in dagster.log.last_lines(_LAST_LINES)))
        raise
    finally:
        dagster.stop(stop.is_urgent)
        _follow(dagster.log, verbose=verbose)


def _until_it_serves(dagster: DagsterDev, stop: StopSignals, *, verbose: bool) -> bool:
    """Whether it serves; it may be asked to stop before it does."""
    from pipelines.errors import DagsterError
    from pipelines.orchestration.serving.dagster_dev import START_TIMEOUT

    ends = time.monotonic() + START_TIMEOUT
    while not stop.wait(_LOOK_AGAIN):
        _follow(dagster.log, verbose=verbose)
        if dagster.serves():
            return True
        if time.monotonic() > ends:
            raise DagsterError(
                f"Dagster has not begun to serve after {START_TIMEOUT:.0f} s; {dagster.log.path} may tell why"
            )
    return False


def _follow(log: ServerLog, *, verbose: bool) -> None:
    if verbose:
        for line in log.new_lines():
            print_line(line)
    log.keep_short()
