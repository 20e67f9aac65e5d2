"""What a sync came to, as a table and remarks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from pipelines.cli.console import Heading, complain, one_line, print_table, say
from pipelines.errors import PipelineError
from pipelines.outcome import FeedOutcome

if TYPE_CHECKING:
    from pipelines.pipeline import Pipeline

_HEADINGS = (
    Heading("account"),
    Heading("feed"),
    Heading("read", is_number=True),
    Heading("new", is_number=True),
    Heading("changed", is_number=True),
    Heading("rejected", is_number=True),
    Heading("cursor", is_number=True),
    Heading("current"),
    Heading("time", is_number=True),
)
_VALUES_NAMED = 5


def print_outcomes(outcomes: Sequence[FeedOutcome]) -> None:
    """Print a row a feed, then what needs a sentence; failures go to standard error."""
    print_table(_HEADINGS, [_row(outcome) for outcome in outcomes])
    for outcome in outcomes:
        for remark in remarks(outcome):
            say(f"{subject(outcome)}: {one_line(remark)}")
        if outcome.error:
            complain(f"{subject(outcome)}: {outcome.error}")


def publish(pipeline: Pipeline) -> None:
    """The copy for readers that stay connected; a sync that could not renew it has not failed for that."""
    try:
        pipeline.publish()
    except PipelineError as error:
        complain(str(error))


def is_well(pipeline: Pipeline, outcomes: Collection[FeedOutcome]) -> bool:
    """Report the accounts whose key was refused; whether there are none, and every feed is current or was skipped."""
    for name, error in pipeline.failures.items():
        complain(str(error.about(account=name)))
    return not pipeline.failures and all(outcome.is_well for outcome in outcomes)


def subject(outcome: FeedOutcome) -> str:
    """Which feed of which account it is about."""
    return " · ".join(filter(None, (outcome.account, outcome.feed)))


def told(outcome: FeedOutcome) -> str:
    """An outcome in a few words."""
    if outcome.skipped or outcome.error:
        return one_line(f"skipped, {outcome.skipped}" if outcome.skipped else f"failed, {outcome.error}")
    return (
        f"{counted(outcome.records, 'record')} read, {outcome.new:,} new, {outcome.changed:,} changed,"
        f" {outcome.rejected:,} rejected in {outcome.seconds:.1f} s"
    )


def counted(number: int, thing: str) -> str:
    """``1 page``, ``2,000 records``."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _not_current(outcome: FeedOutcome) -> str:
    """Why a feed that did not fail is not current."""
    if outcome.maximum is None or outcome.maximum <= outcome.cursor:
        return "not current: Floriday's answers do not prove that it was read to its end; the next sync goes on"
    return (
        f"not current: Floriday says that its numbers reach {outcome.maximum}, and serves nothing after"
        f" {outcome.cursor}; the next sync goes on from there"
    )


def _row(outcome: FeedOutcome) -> tuple[str, ...]:
    if outcome.skipped:
        return (outcome.account, outcome.feed, "", "", "", "", "", "skipped", "")
    counts = (outcome.records, outcome.new, outcome.changed, outcome.rejected)
    current = "failed" if outcome.error else "yes" if outcome.current else "no"
    told_counts = tuple(f"{count:,}" for count in counts)
    return (outcome.account, outcome.feed, *told_counts, str(outcome.cursor), current, f"{outcome.seconds:.1f} s")


def remarks(outcome: FeedOutcome) -> Iterator[str]:
    """What of an outcome needs a sentence."""
    if outcome.skipped:
        yield f"skipped: {outcome.skipped}"
    elif outcome.lacks:
        yield f"not current: {outcome.lacks}"
    elif not outcome.current and not outcome.error:
        yield _not_current(outcome)
    if outcome.shared_numbers:
        some = ", ".join(str(number) for number in sorted(outcome.shared_numbers)[:_VALUES_NAMED])
        yield (
            f"Floriday serves several records under one sequence number ({some}), which it says never happens: where"
            " two pages meet, one of them may be missing. Tell Floriday"
        )
    if outcome.restarted:
        yield f"Floriday restarted its numbering: read again from 0 as series {outcome.series}, all rows are kept"
    if outcome.rejected:
        yield f"{counted(outcome.rejected, 'record')} rejected; `floriday rejected` lists them with their reasons"
    for name, kind in sorted(outcome.unknown_fields.items()):
        yield f"Floriday serves a field {name} ({kind}) that this version does not know; it is kept in the raw log"
    for name, values in sorted(outcome.unknown_values.items()):
        first = ", ".join(sorted(values)[:_VALUES_NAMED])
        more = f" and {len(values) - _VALUES_NAMED} more" if len(values) > _VALUES_NAMED else ""
        yield f"{name} has values that this version does not know: {first}{more}; they are stored as they are"
