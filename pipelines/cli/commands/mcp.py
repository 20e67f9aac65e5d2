"""``floriday mcp``: let an assistant read the warehouse."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import print_error, print_line
from pipelines.cli.options import duration_option
from pipelines.cli.stop_signals import counted_signals

if TYPE_CHECKING:
    from pipelines.mcp_server.server import Served
    from pipelines.mcp_server.transports import Transport
    from pipelines.settings import LocalSettings

_POLL_INTERVAL = 0.1  # seconds


def mcp(
    http: Annotated[
        int | None,
        typer.Option("--http", metavar="PORT", min=0, max=65535, help="Serve HTTP on this port; 0 for a free one."),
    ] = None,
    published: Annotated[bool, typer.Option("--published", help="Read the published copy.")] = False,
    timeout: Annotated[
        timedelta | None,
        typer.Option(
            "--timeout", metavar="TIME", parser=duration_option, help="End a query after this time. Default: 20s."
        ),
    ] = None,
) -> None:
    """Let an assistant read the warehouse (Model Context Protocol).

    An assistant starts this command itself and uses standard input and output: add "floriday", with the argument
    "mcp", to its configuration. With --http it listens on this machine, at http://127.0.0.1:PORT/mcp, for clients that
    send the token: that of FLORIDAY_MCP_TOKEN, else of a private file that is created beside the warehouse.

    The assistant gets tables, reports and read-only SQL, and can change nothing. What it reads, it may send to those
    who operate it. docs/mcp.md shows how to add it to assistants, and its limits.

    For example:

        floriday mcp

        floriday mcp --http 8765 --published
    """
    from pipelines import extras
    from pipelines.settings import load_local_settings

    extras.require(extras.MCP, "floriday mcp")
    settings = load_local_settings()
    served = _served(settings, timeout, published=published)
    _print_if_missing(served)
    with counted_signals() as stop:
        transport = _http(served, settings, http) if http is not None else _stdio(served)
        while not transport.ended.wait(_POLL_INTERVAL) and not stop.is_stopping():
            pass
        if transport.error is not None and not stop.is_stopping():
            raise transport.error


def _served(settings: LocalSettings, timeout: timedelta | None, *, published: bool) -> Served:
    from pipelines.errors import UsageError
    from pipelines.mcp_server.limits import ServerLimits
    from pipelines.mcp_server.server import Served
    from pipelines.sync.selection import chosen_sources

    if published and settings.published is None:
        raise UsageError("--published: there is no published copy, because FLORIDAY_PUBLISHED is off")
    limits = ServerLimits(timeout.total_seconds()) if timeout else ServerLimits()
    address = settings.published if published and settings.published else settings.warehouse
    return Served(address, published, lambda catalogue: chosen_sources(settings, catalogue), limits)


def _print_if_missing(served: Served) -> None:
    """Print on standard error that the file does not exist; the server starts, because a sync may create it."""
    from pipelines.warehouse.opening import open_warehouse

    if not open_warehouse(served.address).exists():
        what, step = ("published copy", "a sync writes it") if served.is_copy else ("warehouse", "check its path")
        print_error(f"there is no {what} at {served.address} yet: {step}; every answer says so until it exists", 0)


def _stdio(served: Served) -> Transport:
    from pipelines.mcp_server.server import build_server
    from pipelines.mcp_server.transports import serve_stdio

    if sys.stdin.isatty():
        print_error("an assistant starts this command and writes to it: docs/mcp.md shows how; Ctrl-C ends it", 0)
    return serve_stdio(build_server(served))


def _http(served: Served, settings: LocalSettings, port: int) -> Transport:
    import socket

    from pipelines.errors import UsageError
    from pipelines.mcp_server.server import build_server
    from pipelines.mcp_server.token import kept_token, token_path
    from pipelines.mcp_server.transports import LOOPBACK, PATH, serve_http

    path = token_path(settings.beside)
    token = settings.mcp_token.get_secret_value() if settings.mcp_token else kept_token(path)
    try:
        listening = socket.create_server((LOOPBACK, port))
    except OSError as error:
        raise UsageError(
            f"--http {port} cannot be used ({error.strerror}): choose another, or 0 for a free one"
        ) from None
    transport = serve_http(build_server(served), listening, token)
    where = "of FLORIDAY_MCP_TOKEN" if settings.mcp_token else f"in {path.name}, beside the warehouse"
    print_line(f"An MCP server listens at http://{LOOPBACK}:{listening.getsockname()[1]}{PATH} until Ctrl-C.")
    print_line(f"Clients send the header Authorization: Bearer TOKEN, with the token {where}.")
    return transport
