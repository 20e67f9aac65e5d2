"""Print notices about the version of the API, one line each."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from pipelines.cli.console import print_line

if TYPE_CHECKING:
    from pipelines.catalogue.versions import Notice
    from pipelines.settings import LocalSettings


def today() -> date:
    """The current date in UTC."""
    return datetime.now(UTC).date()


def print_version_notices(settings: LocalSettings) -> None:
    """Print whether the version differs from the catalogue's, and whether it is deprecated, ends soon or has ended."""
    from pipelines.catalogue import catalogue_of
    from pipelines.catalogue.versions import notices

    if settings.version is not None:
        for notice in notices(settings.version, catalogue_of(settings.api).version, today()):
            _print(notice)


def print_version_difference(settings: LocalSettings) -> None:
    """Print only whether the version differs from the catalogue's."""
    from pipelines.catalogue import catalogue_of
    from pipelines.catalogue.versions import another_version

    if settings.version is not None:
        notice = another_version(settings.version, catalogue_of(settings.api).version)
        if notice:
            _print(notice)


def _print(notice: Notice) -> None:
    print_line(notice.text, "bold red" if notice.is_urgent else "yellow")
