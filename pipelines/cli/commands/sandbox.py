"""``floriday sandbox``: run a local Floriday in the foreground."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import print_command, print_line
from pipelines.cli.options import WarehouseOption, check_api, refuse_warehouse
from pipelines.cli.stop_signals import StopSignals, counted_signals

if TYPE_CHECKING:
    from pipelines.sandbox import Sandbox

_POLL_INTERVAL = 60.0


def sandbox(
    api: Annotated[str, typer.Option(metavar="API", help="suppliers or customers.")] = "suppliers",
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="Port to listen on; 0 for a free port.")
    ] = 8321,
    account: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Name of an organization with an API key; repeatable. Default: main."),
    ] = None,
    warehouse: WarehouseOption = None,
) -> None:
    """Run a local Floriday with simulated trade, in the foreground.

    It prints the settings for it, with made-up credentials. It listens on this machine only, until Ctrl-C, and then
    loses its data; the next time it starts with the same organizations and keys. Begin a new warehouse then: a sync
    into the old one reads all feeds again, and keeps rows that the new sandbox does not have.

    For example:

        floriday sandbox

        floriday sandbox --api customers --port 0

        floriday sandbox --account aalsmeer --account venlo
    """
    from pipelines.errors import UsageError
    from pipelines.sandbox import TWO_YEARS, Sandbox

    check_api(api)
    accounts = _checked(account or ["main"])
    refuse_warehouse(warehouse, "the sandbox is a server and has no warehouse")
    try:
        server = Sandbox(api=api, port=port, history=TWO_YEARS, accounts=accounts).start()
    except OSError as error:
        raise UsageError(
            f"--port {port} cannot be used ({error.strerror}): choose another, or 0 for a free one"
        ) from None
    with counted_signals() as stop:
        _serve(server, stop)


def _checked(accounts: list[str]) -> list[str]:
    """The names, each once. Raises a UsageError for a name that an account cannot have."""
    from pipelines.errors import UsageError
    from pipelines.settings.values import account_name

    for name in accounts:
        try:
            account_name(name)
        except ValueError as error:
            raise UsageError(f"--account {name!r} {error}") from None
    return list(dict.fromkeys(accounts))


def _serve(server: Sandbox, stop: StopSignals) -> None:
    try:
        server.keep_trading()
        print_line(f"# A local Floriday listens at {server.url} until Ctrl-C. Its settings, with made-up credentials:")
        for name, value in server.environment().items():
            print_command(f"export {name}={shlex.quote(value)}")
        while not stop.wait(_POLL_INTERVAL):
            pass
    finally:
        server.stop()
