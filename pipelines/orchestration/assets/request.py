"""What a run is asked to read: its config and its partitions, as the pipeline understands them."""

# No `from __future__ import annotations` here: Dagster reads the annotations of a config as they stand.

import datetime as dt

import dagster as dg
from pydantic import Field

from pipelines.errors import UsageError
from pipelines.orchestration.assets.partitions import days_of
from pipelines.sync.what_to_read import Changes, Everything, WhatToRead, past_days
from pipelines.warehouse.load.days_to_sequence import Days

READS = "floriday/reads"
"""The tag by which a job says what its runs read where their config asks for nothing: Dagster fills in a job's config
only where a person opens the launchpad, not for who launches it over GraphQL."""

CHANGES, EVERYTHING = "changes", "everything"


class SyncConfig(dg.Config):
    """How a feed is synced. Without any of it the run's job decides; that of no job reads the run's weeks again."""

    incremental: bool = Field(
        default=False, description="Read only what is new since the last sync, whatever weeks the run is for"
    )
    full: bool = Field(default=False, description="Read everything that Floriday still serves")
    from_date: str | None = Field(
        default=None, description="Read again what is now numbered from this day on, such as 2026-03-02, in Amsterdam"
    )
    to_date: str | None = Field(default=None, description="The last of these days; today where it is not given")
    accounts: list[str] = Field(default=[], description="Names of the accounts to sync; all where none is named")


def what_to_read(config: SyncConfig, weeks: dg.PartitionKeyRange | None, reads: str | None = None) -> WhatToRead:
    """What a run is to read.

    Args:
        config: the feed's in the run.
        weeks: the partitions of the run, where it has any.
        reads: the run's tag :data:`READS`, where its job has it.

    Raises:
        UsageError: the config contradicts itself, or a day is none.
    """
    asked = [name for name in ("incremental", "full", "from_date") if getattr(config, name)]
    if len(asked) > 1:
        raise UsageError(f"{' and '.join(asked)} exclude each other in the run's config: keep one of them")
    if config.full or config.incremental:
        return Everything() if config.full else Changes()
    if config.from_date is not None or config.to_date is not None:
        return days_between(config.from_date, config.to_date)
    if reads is not None:
        return Everything() if reads == EVERYTHING else Changes()
    return Changes() if weeks is None else days_of(weeks)


def days_between(from_date: str | None, to_date: str | None) -> Days:
    """The days that a run's config names; to_date is today where it is not given.

    Raises:
        UsageError: they are no days, or in the wrong order.
    """
    if from_date is None:
        raise UsageError("to_date needs from_date in the run's config, the first day to read again")
    last = None if to_date is None else _day("to_date", to_date)
    return past_days(_day("from_date", from_date), last, ("from_date", "to_date"))


def _day(name: str, text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{name} in the run's config expects a day such as 2026-03-02") from None
