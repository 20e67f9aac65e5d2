"""Send the written dashboard to the addresses for alerts: the file, and the first screen's figures as text."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from pipelines.alerts import Alert, bounded, send
from pipelines.dashboard import Dashboard
from pipelines.errors import PipelineError
from pipelines.settings import LocalSettings

SEND_SECONDS = 60.0  # time limit for all addresses together: the file takes longer than a message


def mail_of(written: Dashboard, language: str) -> Alert:
    """The message, in Dutch for ``nl``, else in English."""
    title = (
        "Floriday-dashboard: laatste 13 volle weken" if language == "nl" else "Floriday dashboard: last 13 full weeks"
    )
    return Alert(title, bounded(_lines(written, language)), "info", written.path)


def _lines(written: Dashboard, language: str) -> Iterator[str]:
    for account in written.figures:
        if len(written.figures) > 1:
            yield f"{account.account}:"
        yield from account.lines(language)


def mail_dashboard(written: Dashboard, settings: LocalSettings, log: logging.Logger) -> None:
    """Send the dashboard to all addresses of FLORIDAY_ALERTS.

    Raises:
        PipelineError: there is no address, or none accepted the message.
    """
    if not settings.alerts:
        raise PipelineError("FLORIDAY_ALERTS is missing: it expects the addresses that the dashboard is sent to")
    failures = send(settings.alerts, mail_of(written, settings.language), seconds=SEND_SECONDS)
    for failure in failures:
        log.warning("%s (FLORIDAY_ALERTS)", failure)
    if len(failures) == len(settings.alerts):
        raise PipelineError("no address of FLORIDAY_ALERTS accepted the dashboard")
    log.info("sent to %d of %d addresses", len(settings.alerts) - len(failures), len(settings.alerts))
