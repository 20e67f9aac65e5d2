"""The lines of the resident sync: one for each round that changed something."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pipelines.cli.syncs.outcomes import remarks, subject
from pipelines.sync.outcome import FeedOutcome
from pipelines.text_format import counted

FEEDS_SHOWN = 5  # feeds with counts of their own in a line
_KINDS = ("new", "changed", "rejected")


def changes_line(outcomes: Sequence[FeedOutcome], *, with_accounts: bool) -> str:
    """The counts of the feeds that changed, most changes first: ``orders.sales_orders: 3 new, 9 changed; …``."""
    found = sorted((each for each in outcomes if _size(each)), key=lambda each: -_size(each))
    shown = [f"{subject(each) if with_accounts else each.feed}: {_counts([each])}" for each in found[:FEEDS_SHOWN]]
    others = found[FEEDS_SHOWN:]
    if others:
        shown.append(f"{counted(len(others), 'other feed')}: {_counts(others)}")
    return "; ".join(shown)


def further_remarks(outcomes: Sequence[FeedOutcome]) -> Iterator[str]:
    """Restarted numberings, unknown fields and values, and shared numbers, a line each, with account and feed."""
    for outcome in outcomes:
        for remark in remarks(replace(outcome, skipped=None, error=None, current=True, rejected=0)):
            yield f"{subject(outcome)}: {remark}"


def _size(outcome: FeedOutcome) -> int:
    return outcome.new + outcome.changed + outcome.rejected


def _counts(outcomes: Sequence[FeedOutcome]) -> str:
    sums = {kind: sum(getattr(each, kind) for each in outcomes) for kind in _KINDS}
    return ", ".join(f"{count:,} {kind}" for kind, count in sums.items() if count)
