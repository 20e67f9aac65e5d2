"""The outcome of a sync, for people and for Dagster."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from pipelines.catalogue.types import Source


@dataclass(frozen=True)
class FeedOutcome:
    """The outcome of the sync of one feed of one account."""

    account: str
    feed: str  # `schema.table`
    records: int = 0
    new: int = 0  # number of records that were not known
    changed: int = 0  # number of versions of known records
    rejected: int = 0  # number of records that could not be stored
    vacant_numbers: frozenset[int] = frozenset()  # numbers of rejected records at which no record is served any more
    pages: int = 0
    cursor: int = 0  # the last sequence number committed
    allowed: float | None = None  # pages per second that Floriday allows beyond a burst; None where that is unknown
    left: int | None = None  # numbers that are still to be read up to the maximum; None where that is unknown
    maximum: int | None = None  # what Floriday's max-sequence operation returned; None where it is unknown
    series: int = 1  # counts the restarts of the feed's numbering, from 1
    current: bool = False  # whether the feed is proven read to its end
    days_read: bool = False  # whether days were to be read again, and were read completely; newer changes may be unread
    current_before: datetime | None = None  # when it was last proven so before this sync; None for never
    whole: bool = False  # whether it was read from number 0 to its end: by a first load, a re-read, or as a snapshot
    restarted: bool = False  # whether a restart of the numbering was detected
    fell_from: int | None = None  # the cursor before, if Floriday serves nothing there or above: it was read from 0
    shared_numbers: frozenset[int] = frozenset()  # numbers that several records carried, see `shared`
    lacks: str | None = None  # what is missing to read the feed to its end, in one line; None for nothing
    seconds: float = 0.0
    skipped: str | None = None  # why the feed was skipped; None where it was not
    error: str | None = None  # what failed, in one line; None for nothing
    stack: str | None = None  # of an unexpected error, the stack without messages and values
    unknown_fields: dict[str, str] = field(default_factory=dict)  # those that the catalogue does not know, with type
    unknown_values: dict[str, set[str]] = field(default_factory=dict)  # those of enumerations, by column

    @property
    def why_not_current(self) -> str | None:
        """Why a feed that was neither skipped nor failed is not current, in one line; None for all others."""
        if self.current or self.skipped is not None or self.error is not None:
            return None
        if self.lacks is not None:
            return self.lacks
        if self.days_read:
            return "the days were read completely; the next sync reads what changed after them"
        if self.maximum is None or self.maximum <= self.cursor:
            return "Floriday's answers do not prove that it was read to its end; the next sync continues"
        return (
            f"Floriday reports {self.maximum} as its highest number, but serves nothing after {self.cursor}; the next"
            " sync continues from there"
        )

    @property
    def reread(self) -> str | None:
        """Why the feed was read again from number 0 although nobody requested it, in one line; None if it was not."""
        if self.restarted:
            return f"Floriday restarted its numbering: read again from 0 as series {self.series}, all rows are kept"
        if self.fell_from is None:
            return None
        return (
            f"Floriday serves no number from {self.fell_from} on, which was read before: it was restored to an older"
            " state, or an answer was wrong. Read again from 0, twice if rows had such numbers; all rows are kept"
        )

    @property
    def shared(self) -> str | None:
        """The warning about sequence numbers that several records carried, in one line; None where there were none."""
        if not self.shared_numbers:
            return None
        some = ", ".join(str(number) for number in sorted(self.shared_numbers)[:5])
        return (
            f"Floriday serves several records under one sequence number ({some}), although it documents that numbers"
            " are unique: where two pages meet, one of them may be missing. Report it to Floriday"
        )

    @property
    def is_well(self) -> bool:
        """Whether all that was to be read was read, or the feed was skipped for a reason that is no failure."""
        return self.skipped is not None or ((self.current or self.days_read) and self.error is None)


Listener = Callable[[FeedOutcome], None]  # called after each page with the outcome so far


class Progress:
    """The outcome of a sync that is running: each update replaces it, and calls the listener with it."""

    def __init__(self, outcome: FeedOutcome, listener: Listener) -> None:
        self.outcome = outcome
        self._listener = listener
        self._began = time.monotonic()

    def update(self, **changes: object) -> None:
        """Change fields of the outcome, and report it."""
        seconds = time.monotonic() - self._began
        self.outcome = replace(self.outcome, seconds=seconds, **changes)  # type: ignore[arg-type]
        self._listener(self.outcome)

    def count_page(self, records: int, shared: frozenset[int]) -> None:
        """Count a page and the sequence numbers that several of its records share; the next update reports it."""
        before = self.outcome
        self.outcome = replace(
            before,
            pages=before.pages + 1,
            records=before.records + records,
            shared_numbers=before.shared_numbers | shared,
        )


_COUNTED = ("records", "new", "changed", "rejected", "pages", "seconds")


def combined(outcomes: Sequence[FeedOutcome]) -> FeedOutcome:
    """One outcome of those of a feed's sub-feeds."""
    first = outcomes[0]
    if len(outcomes) == 1:
        return first
    before = [each.current_before for each in outcomes]
    return replace(
        first,
        **{name: sum(getattr(each, name) for each in outcomes) for name in _COUNTED},
        cursor=max(each.cursor for each in outcomes),
        series=max(each.series for each in outcomes),
        current=all(each.current for each in outcomes),
        days_read=all(each.current or each.days_read for each in outcomes),
        current_before=None if None in before else min(filter(None, before)),
        whole=all(each.whole for each in outcomes),
        restarted=any(each.restarted for each in outcomes),
        fell_from=max((each.fell_from for each in outcomes if each.fell_from is not None), default=None),
        shared_numbers=frozenset().union(*(each.shared_numbers for each in outcomes)),
        unknown_fields={path: kind for each in outcomes for path, kind in each.unknown_fields.items()},
        unknown_values=united(*(each.unknown_values for each in outcomes)),
    )


def united(*found: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """All values that were found of each name."""
    values: dict[str, set[str]] = {}
    for some in found:
        for name, more in some.items():
            values[name] = values.get(name, set()) | more
    return values


def in_order(outcomes: Iterable[FeedOutcome], accounts: Sequence[str], sources: Sequence[Source]) -> list[FeedOutcome]:
    """The outcomes of feeds that were synced concurrently, by account and then by feed."""
    found = {(outcome.account, outcome.feed): outcome for outcome in outcomes}
    return [found[account, source.name] for account in accounts for source in sources]
