"""``floriday check``: whether token, keys and scopes are as a sync needs them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.api_version import print_version_notices
from pipelines.cli.console import Heading, print_error, print_line, print_table
from pipelines.text_format import one_line

if TYPE_CHECKING:
    from pipelines.errors import PipelineError
    from pipelines.floriday.identity import Identity
    from pipelines.sync.session import Connected


def check(
    alert: Annotated[
        bool, typer.Option("--alert", help="Ask Floriday nothing, but send a test message to FLORIDAY_ALERTS.")
    ] = False,
) -> None:
    """Ask Floriday whose keys these are and what they may read.

    Nothing is written, and no secret is shown. The exit code is 1 when the token or a key is refused, or when an
    address does not take the test message.

    For example:

        floriday check

        floriday check --alert
    """
    if alert:
        _send_test()
    else:
        _check()


def _send_test() -> None:
    from pipelines.alerts import Alert, send
    from pipelines.errors import SettingError
    from pipelines.settings import load_alerts

    addresses = load_alerts()
    if not addresses:
        raise SettingError("FLORIDAY_ALERTS is missing: it expects the addresses that alerts go to, comma separated")
    failures = send(addresses, Alert("Floriday: a test", "Alerts of floriday-warehouse arrive here."))
    print_line(f"{len(addresses) - len(failures)} of {len(addresses)} addresses took the test message")
    for failure in failures:
        print_error(f"FLORIDAY_ALERTS: {failure}")
    if failures:
        raise typer.Exit(1)


def _check() -> None:
    from pipelines.floriday.client import identify_all
    from pipelines.settings import load_settings
    from pipelines.sync.session import open_clients

    with open_clients(load_settings()) as connected:
        feeds = connected.sources
        _tell_token(connected)
        known = identify_all(connected.clients)
        refused = [account for account, identity in known if not _tell_account(account, identity)]
        granted = connected.token_session.granted
        print_table(
            [Heading("feed"), Heading("scope"), Heading("granted")],
            [(feed.name, feed.scope, "yes" if granted is None or feed.scope in granted else "no") for feed in feeds],
        )
        print_version_notices(connected.settings)
    if refused:
        raise typer.Exit(1)


def _tell_token(connected: Connected) -> None:
    from pipelines.text_format import moment, span

    session = connected.token_session
    ends = session.expires_at
    print_line(f"token    from {session.host} until {moment(ends)}, for {span(ends - datetime.now(UTC))}")
    granted = " ".join(sorted(session.granted)) if session.granted is not None else "all that were asked for"
    print_line(f"granted  {one_line(granted)}")
    if session.refused:
        print_line(f"refused  {one_line(' '.join(session.refused))}")


def _tell_account(account: str, identity: Identity | PipelineError) -> bool:
    """Tell whose key an account's is; returns whether Floriday knows."""
    from pipelines.errors import PipelineError

    if isinstance(identity, PipelineError):
        print_error(str(identity.about(account=account)))
        return False
    version = f", API version {identity.api_version}" if identity.api_version else ""
    name = identity.organization_name or "an organization without a name"
    print_line(one_line(f"account  {account}: {name} ({identity.organization_id}){version}"))
    return True
