"""Renew the published copy after a command that changed the warehouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.cli.console import print_error

if TYPE_CHECKING:
    from pipelines.settings import LocalSettings
    from pipelines.warehouse.file.connection import Warehouse


def is_published(settings: LocalSettings) -> bool:
    """Whether there is a published copy."""
    return settings.published is not None and settings.published.exists()


def renew_published_copy(warehouse: Warehouse, settings: LocalSettings) -> None:
    """Renew the published copy if there is one. A failure is printed; the warehouse stays as it is."""
    from pipelines.errors import PipelineError
    from pipelines.warehouse.file.publish import publish

    try:
        if settings.published is not None and is_published(settings):
            publish(warehouse, settings.published)
    except PipelineError as error:
        print_error(str(error))
