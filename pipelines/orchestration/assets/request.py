"""What a run reads: its config and its partitions, as one value for the sync."""

# No `from __future__ import annotations` here: Dagster reads the annotations of a config at run time.

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dagster as dg
from pydantic import Field

from pipelines.errors import UsageError
from pipelines.orchestration.assets.partitions import days_of
from pipelines.sync.selection import Changes, Everything, WhatToRead, check_accounts, past_days
from pipelines.warehouse.load.days_to_sequence import Days

READS = "floriday/reads"
"""The tag by which a job defines what its runs read if their config is empty: Dagster fills in a job's config only if
a person opens the launchpad, not for runs that are launched by GraphQL."""

CHANGES, EVERYTHING = "changes", "everything"


class SyncConfig(dg.Config):
    """How a feed is synced. If it is empty, the run's job decides; a run of no job reads its weeks again."""

    incremental: bool = Field(
        default=False, description="Read only the changes since the last sync, whatever weeks the run is for"
    )
    full: bool = Field(default=False, description="Read everything that Floriday still serves")
    from_date: str | None = Field(
        default=None,
        description="Read again the records whose sequence numbers lie in the days from this one on, such as"
        " 2026-03-02, in Amsterdam",
    )
    to_date: str | None = Field(default=None, description="The last of these days; today if empty")
    accounts: list[str] = Field(default=[], description="Names of the accounts to sync; all if empty")


@dataclass(frozen=True)
class SyncRequest:
    """What a step reads of its feed; the accounts are in the order of the outcomes."""

    what: WhatToRead
    accounts: tuple[str, ...]


def what_to_read(config: SyncConfig, weeks: dg.PartitionKeyRange | None, reads: str | None = None) -> WhatToRead:
    """What a run reads of a feed: its config, else the value of its tag :data:`READS`, else its weeks define it.

    Raises:
        UsageError: the config contradicts itself, or contains an invalid day.
    """
    given = [name for name in ("incremental", "full", "from_date") if getattr(config, name)]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} exclude each other in the run's config: keep one of them")
    if config.full or config.incremental:
        return Everything() if config.full else Changes()
    if config.from_date is not None or config.to_date is not None:
        return days_between(config.from_date, config.to_date)
    if reads is not None:
        return Everything() if reads == EVERYTHING else Changes()
    return Changes() if weeks is None else days_of(weeks)


def days_between(from_date: str | None, to_date: str | None) -> Days:
    """The days that a run's config names, up to today if ``to_date`` is None. Raises a UsageError for invalid ones."""
    if from_date is None:
        raise UsageError("to_date needs from_date in the run's config, the first day to read again")
    last = None if to_date is None else _day("to_date", to_date)
    return past_days(_day("from_date", from_date), last, ("from_date", "to_date"))


def _day(name: str, text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{name} in the run's config expects a day such as 2026-03-02") from None


def chosen_accounts(names: Sequence[str], known: Mapping[str, object]) -> tuple[str, ...]:
    """The accounts that a run's config names; all if it names none. Raises a UsageError for unknown ones."""
    check_accounts(names, known, "the settings have")
    return tuple(names) or tuple(known)
