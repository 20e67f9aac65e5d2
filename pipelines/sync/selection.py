"""What a sync reads: the feeds and snapshots that the settings choose, their filters and scopes, and what of each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from pipelines.catalogue import Catalogue
from pipelines.catalogue.types import Feed, Source
from pipelines.errors import SettingError, UsageError
from pipelines.floriday.http.auth import BASE_SCOPES
from pipelines.settings import LocalSettings, Settings
from pipelines.settings.values import today
from pipelines.warehouse.load.days_to_sequence import Days


@dataclass(frozen=True)
class Changes:
    """What is new since the last sync: from the cursor to the end of the feed."""


@dataclass(frozen=True)
class Everything:
    """All that Floriday still serves, from sequence number 0; harmless, and it repairs what was lost here."""


@dataclass(frozen=True)
class RejectedOnly:
    """The rejected records alone, by their sequence numbers, however many there are."""


# Days: what is numbered in them now, which is as harmless; everything where the feed was never read.
WhatToRead = Changes | Everything | Days | RejectedOnly


def past_days(first: dt.date, last: dt.date | None, names: tuple[str, str]) -> Days:
    """The days from one to another, inclusive, in Amsterdam; to today if ``last`` is None. Errors use the ``names``.

    Raises:
        UsageError: the first day is in the future, or after the last one.
    """
    if first > today():
        raise UsageError(f"{names[0]} {first} is still to come: today is {today()}")
    last = last or today()
    if last < first:
        raise UsageError(f"{names[1]} {last} is before {names[0]} {first}")
    return Days(first, last)


def chosen_sources(settings: LocalSettings, catalogue: Catalogue) -> tuple[Source, ...]:
    """The feeds and snapshots that FLORIDAY_FEEDS names, all where it names none, with the filters of the settings.

    Feeds with sub-feeds come last: another feed lists their sub-feeds. A SettingError if a feed does not exist.
    """
    try:
        named = {source.name for source in catalogue.selected(settings.feeds or ())}
    except UsageError as error:
        raise SettingError(f"FLORIDAY_FEEDS: {error.message}") from None
    chosen = [source for source in catalogue.sources if not named or source.name in named]
    return tuple(as_asked(source, settings) for source in sorted(chosen, key=is_in_parts))


def check_accounts(names: Iterable[str], known: Collection[str], place: str) -> None:
    """Raise a UsageError if a name is unknown; ``place`` begins it, such as ``the warehouse has``."""
    if unknown := sorted({*names} - {*known}):
        raise UsageError(f"{place} no account {', '.join(unknown)}; there are: {', '.join(known)}")


def as_asked(source: Source, settings: LocalSettings) -> Source:
    """The source with the filters that FLORIDAY_SELECTED_ASSORTMENT_ONLY defines."""
    if not (
        settings.selected_assortment_only and isinstance(source, Feed) and source.endpoint.selected_only_parameters
    ):
        return source
    endpoint = replace(source.endpoint, parameters=source.endpoint.selected_only_parameters)
    return replace(source, endpoint=endpoint, widened_by=(*source.widened_by, *source.selected_only_widened_by))


def is_in_parts(source: Source) -> bool:
    """Whether a feed has sub-feeds, each with a cursor of its own."""
    return isinstance(source, Feed) and source.endpoint.part_parameter is not None


def scopes_to_ask(settings: Settings, catalogue: Catalogue) -> tuple[str, ...]:
    """The scopes of FLORIDAY_SCOPES, else those that the chosen feeds need, never one that writes."""
    if settings.scopes:
        return settings.scopes
    return tuple(
        dict.fromkeys((*BASE_SCOPES, *sorted({source.scope for source in chosen_sources(settings, catalogue)})))
    )
