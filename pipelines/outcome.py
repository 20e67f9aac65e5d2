"""What a sync came to, for people and for Dagster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class FeedOutcome:
    """What the sync of one feed of one account came to.

    Args:
        account: the account's name.
        feed: ``schema.table``.
        records: records read.
        new: records that were not known.
        changed: versions of known records.
        rejected: records that could not be stored.
        pages: pages read.
        cursor: the last sequence number committed.
        maximum: what Floriday's max-sequence operation said, None where it is unknown.
        series: counts the restarts of the feed's numbering, from 1.
        current: whether the feed is proven read to its end.
        restarted: whether a restart of the numbering was found.
        seconds: how long it took.
        skipped: why the feed was left out, where it was.
        error: what failed, in one line, where something did.
        unknown_fields: fields that the catalogue does not know, with their type.
        unknown_values: values of enumerations that the catalogue does not know.
    """

    account: str
    feed: str
    records: int = 0
    new: int = 0
    changed: int = 0
    rejected: int = 0
    pages: int = 0
    cursor: int = 0
    maximum: int | None = None
    series: int = 1
    current: bool = False
    restarted: bool = False
    seconds: float = 0.0
    skipped: str | None = None
    error: str | None = None
    unknown_fields: dict[str, str] = field(default_factory=dict)
    unknown_values: dict[str, set[str]] = field(default_factory=dict)


Listener = Callable[[FeedOutcome], None]
"""Told after each page what there is so far."""

_COUNTED = ("records", "new", "changed", "rejected", "pages", "seconds")


def together(outcomes: Sequence[FeedOutcome]) -> FeedOutcome:
    """One outcome of those of a feed's parts."""
    first = outcomes[0]
    if len(outcomes) == 1:
        return first
    return replace(
        first,
        **{name: sum(getattr(one, name) for one in outcomes) for name in _COUNTED},
        cursor=max(one.cursor for one in outcomes),
        series=max(one.series for one in outcomes),
        current=all(one.current for one in outcomes),
        restarted=any(one.restarted for one in outcomes),
        unknown_fields={path: kind for one in outcomes for path, kind in one.unknown_fields.items()},
        unknown_values={name: values for one in outcomes for name, values in one.unknown_values.items()},
    )
