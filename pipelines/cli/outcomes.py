"""What a sync came to, as a table and remarks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pipelines.cli.console import Heading, complain, print_table, say
from pipelines.errors import PipelineError
from pipelines.sync.outcome import FeedOutcome
from pipelines.text_format import counted, one_line

if TYPE_CHECKING:
    from pipelines.sync.session import Connected
    from pipelines.warehouse.file.dry_run import Difference

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
_DIFFERENCES = ("new", "changed", "deleted", "rejected")
_DIFFERENCE_HEADINGS = (Heading("account"), Heading("table"), *(Heading(name, is_number=True) for name in _DIFFERENCES))
_VALUES_NAMED = 5
_FIELDS_NAMED = 10


def print_outcomes(outcomes: Sequence[FeedOutcome]) -> None:
    """Print a row a feed, then what needs a sentence; failures go to standard error."""
    print_table(_HEADINGS, [_row(outcome) for outcome in outcomes])
    for outcome in outcomes:
        for remark in remarks(outcome):
            say(f"{subject(outcome)}: {one_line(remark)}")
    for error, failed in _by_error(outcomes).items():
        others = f" and {counted(len(failed) - 1, 'other feed')}" if len(failed) > 1 else ""
        complain(f"{subject(failed[0])}{others}: {error}")


def _by_error(outcomes: Sequence[FeedOutcome]) -> dict[str, list[FeedOutcome]]:
    """The failed feeds by what failed: a reason that many share is one line."""
    failed: dict[str, list[FeedOutcome]] = {}
    for outcome in outcomes:
        if outcome.error:
            failed.setdefault(outcome.error, []).append(outcome)
    return failed


def print_differences(found: Sequence[Difference], outcomes: Sequence[FeedOutcome]) -> None:
    """Print a row for each table that would change, then what was left out; failures go to standard error."""
    if found:
        print_table(
            _DIFFERENCE_HEADINGS,
            [(each.account, each.table, *(f"{getattr(each, name):,}" for name in _DIFFERENCES)) for each in found],
        )
        say("Nothing was written; no other table would change.")
    else:
        say("Nothing was written; no table would change.")
    print_failures(outcomes)


def print_failures(outcomes: Iterable[FeedOutcome]) -> None:
    """Print which feeds were skipped, and on standard error which failed."""
    for outcome in outcomes:
        if outcome.skipped:
            say(f"{subject(outcome)}: skipped: {one_line(outcome.skipped)}")
        if outcome.error:
            complain(f"{subject(outcome)}: {outcome.error}")


def publish(connected: Connected) -> None:
    """The copy for readers that stay connected; a sync that could not renew it has not failed for that."""
    try:
        connected.publish()
    except PipelineError as error:
        complain(str(error))


def is_well(failures: Mapping[str, PipelineError], outcomes: Collection[FeedOutcome]) -> bool:
    """Report the accounts whose key was refused; whether there are none, and every feed is current or was skipped."""
    for name, error in failures.items():
        complain(str(error.about(account=name)))
    return not failures and all(outcome.is_well for outcome in outcomes)


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
    if outcome.why_not_current:
        yield f"not current: {outcome.why_not_current}"
    if outcome.shared:
        yield outcome.shared
    if outcome.restarted:
        yield f"Floriday restarted its numbering: read again from 0 as series {outcome.series}, all rows are kept"
    if outcome.rejected:
        yield f"{counted(outcome.rejected, 'record')} rejected; `floriday rejected` lists them with their reasons"
    fields = sorted(outcome.unknown_fields.items())
    for name, kind in fields[:_FIELDS_NAMED]:
        yield f"Floriday serves a field {name} ({kind}) that this version does not know; it is kept in the raw log"
    if len(fields) > _FIELDS_NAMED:
        yield f"and {counted(len(fields) - _FIELDS_NAMED, 'more field')} that this version does not know"
    for name, values in sorted(outcome.unknown_values.items()):
        first = ", ".join(sorted(values)[:_VALUES_NAMED])
        more = f" and {len(values) - _VALUES_NAMED} more" if len(values) > _VALUES_NAMED else ""
        yield f"{name} has values that this version does not know: {first}{more}; they are stored as they are"
