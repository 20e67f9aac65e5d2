"""Print notices about the version of the API, one line each."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from pipelines.cli.console import print_line

if TYPE_CHECKING:
    from pipelines.settings import LocalSettings


def today() -> date:
    """The current date in UTC."""
    return datetime.now(UTC).date()


def print_version_notices(settings: LocalSettings, *, only_difference: bool = False) -> None:
    """Print whether the version differs from the catalogue's, and whether it is deprecated, ends soon or has ended."""
    from pipelines.catalogue import catalogue_of
    from pipelines.catalogue.versions import another_version, notices

    if settings.version is None:
        return
    versions = (settings.version, catalogue_of(settings.api, settings.version).version)
    found = (another_version(*versions),) if only_difference else notices(*versions, today())
    for notice in filter(None, found):
        print_line(notice.text, "bold red" if notice.is_urgent else "yellow")
