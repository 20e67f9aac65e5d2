"""``floriday up``: start Dagster, and the sandbox if no credentials are set."""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines import extras
from pipelines.cli import sandbox_or_floriday
from pipelines.cli.console import print_error_line, print_line
from pipelines.cli.stop_signals import StopSignals, counted_signals

if TYPE_CHECKING:
    from pipelines.lake_address import WarehouseAddress
    from pipelines.orchestration.serving.dagster_dev import DagsterDev
    from pipelines.orchestration.serving.server_log import ServerLog
    from pipelines.settings import Settings

LOOPBACK = "127.0.0.1"
PORT = 3000  # the default port of Dagster's pages; another one is used if this one is in use
_STARTING = {
    True: "No credentials are set. Starting the sandbox and Dagster, in half a minute or so …",
    False: "Starting Dagster …",
}
_POLL_INTERVAL = 0.3
_LAST_LINES = 15

PortOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=0,
        max=65535,
        help="Port of Dagster's pages; 0 for any free port. Default: 3000, or a free port if 3000 is in use.",
    ),
]
ApiOption = Annotated[
    str | None, typer.Option(metavar="API", help="API of the sandbox: suppliers (the default) or customers.")
]
AllowHostOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME", help="Host name, without port, under which a proxy serves Dagster's pages. May be repeated."
    ),
]
ListenOption = Annotated[
    str,
    typer.Option(
        metavar="ADDRESS",
        help="Address that Dagster's pages listen on. Only in a container, which publishes its port itself, another"
        " than that of this machine: there is no log-in.",
    ),
]


def up(
    port: PortOption = None,
    api: ApiOption = None,
    allow_host: AllowHostOption = None,
    listen: ListenOption = LOOPBACK,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show Dagster's output.")] = False,
) -> None:
    """Start Dagster, which syncs on its schedules, and print the addresses of its pages.

    If neither the environment nor the .env file contains credentials for Floriday, a built-in Floriday with simulated
    trade is used. Its warehouse starts empty each time: data/sandbox.duckdb or data/sandbox-customers.duckdb. So do the
    runs that Dagster shows of it, which are in data/sandbox-dagster, apart from those of your own data.

    Dagster accepts only requests from its own pages and from programs of this machine, and only under the names of the
    loopback interface; requests that other web sites cause are refused. --allow-host adds the name of a proxy.

    Everything listens on this machine only, unless --listen names another address, until Ctrl-C or SIGTERM; a second
    signal stops it faster. Runs are ended too, and the next sync continues where they stopped. The exit code is then
    130 or 143; it is 1 when Dagster does not start, or ends by itself. Dagster's output is stored in
    data/dagster/up.log.

    For example:

        floriday up

        floriday up --api customers --port 0

        floriday up --allow-host floriday.example.com
    """
    extras.require(extras.DAGSTER, "floriday up")
    from pipelines.orchestration.serving.dagster_dev import DagsterDev
    from pipelines.orchestration.serving.dagster_home import emptied_sandbox_home, prepared_home
    from pipelines.orchestration.serving.lock_files import one_at_a_time
    from pipelines.settings import given_variables
    from pipelines.web_guard import host_name

    names = [host_name(name) for name in allow_host or ()]
    variables, root = given_variables()
    sandbox_or_floriday.check(variables, root, api)
    home = prepared_home(root, _environment(root))
    with one_at_a_time(home, print_line) as lock:
        free_port = _free_port(listen, port)
        is_sandbox = not sandbox_or_floriday.has_credentials(variables)
        print_line(_STARTING[is_sandbox])
        with sandbox_or_floriday.dagster_variables(variables, root, api) as complete:
            settings = sandbox_or_floriday.checked_settings(complete, root)
            with counted_signals() as stop:  # from here on, a child process has to be ended
                history = emptied_sandbox_home(root) if is_sandbox else home
                dagster = DagsterDev(root, home, free_port, complete, lock, names=names, listen=listen, history=history)
                _serve(dagster, _addresses(dagster, settings, is_sandbox=is_sandbox), stop, verbose=verbose)


def _environment(root: Path) -> dict[str, str]:
    """The environment for Dagster, with the variables of the `.env` file."""
    from pipelines.settings.variables import dotenv_file, read_dotenv

    return {**os.environ, **read_dotenv(dotenv_file(root))}


def _free_port(listen: str, wanted: int | None) -> int:
    from pipelines.errors import UsageError

    try:
        return _bind(listen, PORT if wanted is None else wanted)
    except OSError as error:
        port = PORT if wanted is None else wanted
        if not (reason := _reason(error)):
            raise UsageError(f"--listen {listen} is no address of this machine: name one such as 127.0.0.1") from None
        if wanted is not None or listen != LOOPBACK:
            problem = f"--port {port} of {listen} cannot be used ({reason})"
            raise UsageError(f"{problem}: choose another, or 0 for a free one") from None
        print_line(f"Port {PORT} is in use, so Dagster gets another one.")
        return _bind(listen, 0)


def _reason(error: OSError) -> str:
    """Why a port cannot be opened; empty if the address is none of this machine."""
    number = error.errno or 0
    is_foreign = number <= 0 or number == errno.EADDRNOTAVAIL  # a name that is not found has a number of its own kind
    return "" if is_foreign else os.strerror(number)


def _bind(listen: str, port: int) -> int:
    with socket.create_server((listen, port)) as server:
        return int(server.getsockname()[1])


def _addresses(dagster: DagsterDev, settings: Settings, *, is_sandbox: bool) -> Iterator[str]:
    """The lines to print when Dagster has started."""
    from pipelines.warehouse.opening import open_warehouse

    sandbox = " (the sandbox; its data is lost when it stops)" if is_sandbox else ""
    yield f"Dagster    {dagster.address}"
    yield f"Floriday   {settings.base_url}{sandbox}"
    yield f"warehouse  {_short(settings.warehouse)}"
    yield f"log        {_short(dagster.log.path)}"
    if settings.automation and not open_warehouse(settings.warehouse).exists():
        yield "There is no warehouse yet: the first sync starts by itself within a minute; Dagster shows it under Runs."
    if not settings.automation:
        yield "FLORIDAY_AUTOMATION is off: schedules and sensors do not run until they are switched on in Dagster."
    yield f"Ctrl-C stops it, and so does: kill {os.getpid()}"


def _short(address: WarehouseAddress) -> WarehouseAddress:
    folder = Path.cwd()
    return address.relative_to(folder) if isinstance(address, Path) and address.is_relative_to(folder) else address


def _serve(dagster: DagsterDev, addresses: Iterator[str], stop: StopSignals, *, verbose: bool) -> None:
    """Print the addresses when Dagster serves, and wait for a stop signal. If Dagster ends first, that is an error."""
    from pipelines.errors import DagsterError

    try:
        if _is_serving(dagster, stop, verbose=verbose):
            for line in addresses:
                print_line(line)
        while not stop.wait(_POLL_INTERVAL):
            dagster.check()
            _follow(dagster.log, verbose=verbose)
        print_line("Stopping …")
    except DagsterError:
        if not verbose:
            for line in dagster.log.last_lines(_LAST_LINES):
                print_error_line(line)
        raise
    finally:
        dagster.stop(stop.is_urgent)
        _follow(dagster.log, verbose=verbose)


def _is_serving(dagster: DagsterDev, stop: StopSignals, *, verbose: bool) -> bool:
    """Wait until Dagster serves; returns False if a stop signal comes first."""
    from pipelines.errors import DagsterError
    from pipelines.orchestration.serving.dagster_dev import START_TIMEOUT

    ends = time.monotonic() + START_TIMEOUT
    while not stop.wait(_POLL_INTERVAL):
        _follow(dagster.log, verbose=verbose)
        if dagster.serves():
            return True
        if time.monotonic() > ends:
            raise DagsterError(
                f"Dagster has not started to serve after {START_TIMEOUT:.0f} s; {dagster.log.path} may show why"
            )
    return False


def _follow(log: ServerLog, *, verbose: bool) -> None:
    if verbose:
        for line in log.new_lines():
            print_line(line)
    log.keep_short()
