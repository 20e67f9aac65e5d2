"""``floriday check``: whether the token, the API keys and the scopes work."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.api_version import print_version_notices
from pipelines.cli.console import print_error, print_line, print_table
from pipelines.cli.terminal.layout import Heading, titled
from pipelines.text_format import moment, one_line, span

if TYPE_CHECKING:
    from pipelines.errors import PipelineError
    from pipelines.floriday.http.auth import TokenSession
    from pipelines.floriday.identity import Identity


AlertOption = Annotated[
    bool, typer.Option("--alert", help="Only send a test message to FLORIDAY_ALERTS. Floriday is not called.")
]


def check(alert: AlertOption = False) -> None:
    """Check the token, the API keys and the scopes.

    It shows the organization of each key, and for each feed whether its scope is granted. Nothing is written, and no
    secret is shown. The exit code is 1 when there is no token, when an account cannot be identified, such as with a
    refused API key, or when an address does not accept the test message.

    For example:

        floriday check

        floriday check --alert
    """
    if alert:
        _send_test_message()
    else:
        _check()


def _send_test_message() -> None:
    from pipelines.alerts import Alert, send
    from pipelines.errors import SettingError
    from pipelines.settings import load_alerts

    addresses = load_alerts()
    if not addresses:
        raise SettingError("FLORIDAY_ALERTS is missing: it expects the addresses that alerts go to, comma separated")
    failures = send(addresses, Alert("Floriday: a test", "Alerts of floriday-warehouse arrive here."))
    print_line(f"{len(addresses) - len(failures)} of {len(addresses)} addresses accepted the test message")
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
        _print_token(connected.token_session)
        results = [_print_account(account, identity) for account, identity in identify_all(connected.clients)]
        granted = connected.token_session.granted
        print_table(
            [Heading("feed"), Heading("scope"), Heading("granted")],
            [(feed.name, feed.scope, "yes" if granted is None or feed.scope in granted else "no") for feed in feeds],
            (titled("scope"),),
        )
        print_version_notices(connected.settings)
    if not all(results):
        raise typer.Exit(1)


def _print_token(session: TokenSession) -> None:
    ends = session.expires_at
    print_line(f"token    from {session.host} until {moment(ends)}, for {span(ends - datetime.now(UTC))}")
    granted = " ".join(sorted(session.granted)) if session.granted is not None else "all that were requested"
    print_line(f"granted  {one_line(granted)}")
    if session.refused:
        print_line(f"refused  {one_line(' '.join(session.refused))}")


def _print_account(account: str, identity: Identity | PipelineError) -> bool:
    """Print the organization of an account's key; returns whether the account was identified."""
    from pipelines.errors import PipelineError

    if isinstance(identity, PipelineError):
        print_error(str(identity.about(account=account)))
        return False
    version = f", API version {identity.api_version}" if identity.api_version else ""
    name = identity.organization_name or "an organization without a name"
    print_line(one_line(f"account  {account}: {name} ({identity.organization_id}){version}"))
    return True
