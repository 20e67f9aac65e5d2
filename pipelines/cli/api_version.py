"""What a command says about the API's version: a line each, beneath what it prints."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from pipelines.cli.console import say

if TYPE_CHECKING:
    from pipelines.catalogue.versions import Notice
    from pipelines.settings import LocalSettings


def today() -> date:
    """The day on which a command runs, in UTC."""
    return datetime.now(UTC).date()


def tell_version(settings: LocalSettings) -> None:
    """Say whether the version is another than the catalogue's, and whether it is deprecated, ends soon or is gone."""
    from pipelines.catalogue import catalogue_of
    from pipelines.catalogue.versions import notices

    if settings.version is not None:
        for notice in notices(settings.version, catalogue_of(settings.api).version, today()):
            _tell(notice)


def tell_another_version(settings: LocalSettings) -> None:
    """Say only whether the version is another than the catalogue's."""
    from pipelines.catalogue import catalogue_of
    from pipelines.catalogue.versions import another_version

    if settings.version is not None and (
        notice := another_version(settings.version, catalogue_of(settings.api).version)
    ):
        _tell(notice)


def _tell(notice: Notice) -> None:
    say(notice.text, "bold red" if notice.is_urgent else "yellow")
