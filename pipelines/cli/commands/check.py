"""``floriday check``: whether the token, the API keys and the scopes work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.api_version import print_version_notices
from pipelines.cli.console import data_on_standard_output, print_error, print_error_line, print_line
from pipelines.cli.options import Format, FormatOption, OutputOption
from pipelines.text_format import one_line

if TYPE_CHECKING:
    from pipelines.cli.access import Access

AlertOption = Annotated[
    bool, typer.Option("--alert", help="Only send a test message to FLORIDAY_ALERTS. Floriday is not called.")
]


def check(alert: AlertOption = False, format: FormatOption = None, output: OutputOption = None) -> None:
    """Check the token, the API keys and the scopes.

    It shows the organization of each key, and for each feed whether its scope is granted. Nothing is written, and no
    secret is shown. The exit code is 1 when there is no token, when an account cannot be identified, such as with a
    refused API key, or when an address does not accept the test message.

    --format json prints one object with the keys token (host, expires_at, granted, refused), accounts (account,
    organization_id, organization, api_version, error) and feeds (feed, scope, granted).

    For example:

        floriday check

        floriday check --alert
    """
    if alert:
        _send_test_message()
    else:
        _check(format, output)


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


def _check(format: Format | None, output: Path | None) -> None:
    from pipelines.cli.access import access_of, print_access
    from pipelines.cli.output import chosen_format
    from pipelines.errors import UsageError
    from pipelines.settings import load_settings
    from pipelines.settings.load import dotenv_in_use
    from pipelines.sync.session import open_clients

    style, settings = chosen_format(format, output), load_settings()
    if style is not Format.JSON and (style is not Format.TABLE or output is not None):
        raise UsageError("check prints its result, or writes it as JSON: --format json")
    with data_on_standard_output(only=style is Format.JSON), open_clients(settings) as connected:
        access = access_of(connected)
        if style is Format.JSON:
            _write(access, output, settings.beside)
        else:
            if dotenv := dotenv_in_use():
                print_line(one_line(f"settings from {dotenv}"))
            print_access(access)
        print_version_notices(settings)
    if not access.is_well:
        raise typer.Exit(1)


def _write(access: Access, output: Path | None, warehouse: Path) -> None:
    from pipelines.cli.access import as_json
    from pipelines.cli.output import opened
    from pipelines.warehouse.read.value_text import encode_json

    with opened(output, warehouse) as stream:
        stream.write(encode_json(as_json(access)) + b"\n")
        stream.flush()
    if output:
        print_error_line(f"the result is in {one_line(str(output))}")
