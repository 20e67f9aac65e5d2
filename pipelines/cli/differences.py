"""What a sync would change, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.cli.console import Heading, complain, one_line, print_table, say
from pipelines.cli.outcomes import subject
from pipelines.sync.outcome import FeedOutcome

if TYPE_CHECKING:
    from pipelines.warehouse.file.dry_run import Difference

_COUNTS = ("new", "changed", "deleted", "rejected")
_HEADINGS = (Heading("account"), Heading("table"), *(Heading(name, is_number=True) for name in _COUNTS))


def print_differences(found: Sequence[Difference], outcomes: Sequence[FeedOutcome]) -> None:
    """Print a row for each table that would change, then what was left out; failures go to standard error."""
    if found:
        print_table(
            _HEADINGS,
            [(each.account, each.table, *(f"{getattr(each, name):,}" for name in _COUNTS)) for each in found],
        )
        say("Nothing was written; no other table would change.")
    else:
        say("Nothing was written; no table would change.")
    for outcome in outcomes:
        if outcome.skipped:
            say(f"{subject(outcome)}: {one_line(f'skipped: {outcome.skipped}')}")
        if outcome.error:
            complain(f"{subject(outcome)}: {outcome.error}")
