"""Print the outcomes of a sync: a table, remarks, and failures on standard error."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pipelines.cli.console import print_error, print_line, print_table
from pipelines.cli.terminal.layout import Heading, by_schema, omitted, same, spilled, titled
from pipelines.errors import PipelineError
from pipelines.sync.outcome import FeedOutcome
from pipelines.text_format import counted, one_line

if TYPE_CHECKING:
    from pipelines.sync.session import Connected
    from pipelines.warehouse.file.dry_run import Difference

_COUNTS = ("read", "new", "changed", "rejected")
HEADINGS = (
    *(Heading("account"), Heading("feed")),
    *(Heading(name, is_number=True) for name in (*_COUNTS, "cursor")),
    *(Heading("current"), Heading("time", is_number=True)),
)
STEPS = (  # on a narrow terminal, in this order; docs/operations/terminal.md names it
    *(same("account"), omitted("time"), same("rejected"), by_schema("feed"), omitted("cursor"), titled("account")),
    *(same("current"), same("changed"), same("new"), omitted("read"), omitted("changed"), omitted("new")),
)
_DIFFERENCES = ("new", "changed", "deleted", "rejected")
DIFFERENCE_HEADINGS = (Heading("account"), Heading("table"), *(Heading(name, is_number=True) for name in _DIFFERENCES))
DIFFERENCE_STEPS = (
    *(same("account"), same("rejected"), by_schema("table"), titled("account")),
    *(same("deleted"), same("changed"), same("new"), spilled),
)
_VALUES_SHOWN = 5
_FIELDS_SHOWN = 10


def print_outcomes(outcomes: Sequence[FeedOutcome], seconds: float | None = None) -> None:
    """Print a row for each feed, the total with the seconds of the sync, and remarks; failures go to standard error."""
    print_table(HEADINGS, [_row(outcome) for outcome in outcomes], STEPS)
    if len(outcomes) > 1:
        print_line(total(outcomes) if seconds is None else f"{total(outcomes)} in {seconds:.1f} s")
    for outcome in outcomes:
        for remark in remarks(outcome):
            print_line(f"{subject(outcome)}: {one_line(remark)}")
    failed: dict[str, list[FeedOutcome]] = {}
    for outcome in outcomes:
        if outcome.error:
            failed.setdefault(outcome.error, []).append(outcome)
    for error, feeds in failed.items():  # one line for feeds that failed for the same reason
        others = f" and {counted(len(feeds) - 1, 'other feed')}" if len(feeds) > 1 else ""
        print_error(f"{subject(feeds[0])}{others}: {error}")


def print_differences(found: Sequence[Difference], outcomes: Sequence[FeedOutcome]) -> None:
    """Print a row for each table that a sync would change, then skipped feeds; failures go to standard error."""
    if found:
        rows = [(each.account, each.table, *(f"{getattr(each, name):,}" for name in _DIFFERENCES)) for each in found]
        print_table(DIFFERENCE_HEADINGS, rows, DIFFERENCE_STEPS)
    print_line(f"Nothing was written; no {'other ' if found else ''}table would change.")
    print_failures(outcomes)


def print_failures(outcomes: Iterable[FeedOutcome], *, reads_to_end: bool = True) -> None:
    """Print why feeds were skipped and, if they were to be read to their ends, are not current.

    Failed feeds go to standard error.
    """
    for outcome in outcomes:
        for remark in _reasons(outcome) if reads_to_end or outcome.skipped else ():
            print_line(f"{subject(outcome)}: {one_line(remark)}")
        if outcome.error:
            print_error(f"{subject(outcome)}: {outcome.error}")


def print_unidentified_accounts(unidentified: Mapping[str, PipelineError]) -> None:
    """Print the accounts that could not be identified, with the reasons, on standard error."""
    for name, error in unidentified.items():
        print_error(str(error.about(account=name)))


def publish(connected: Connected) -> None:
    """Renew the published copy. A failure is printed, but does not make the sync fail."""
    try:
        connected.publish()
    except PipelineError as error:
        print_error(str(error))


def is_well(unidentified: Mapping[str, PipelineError], outcomes: Collection[FeedOutcome]) -> bool:
    """Whether each account was identified, and each feed is current or was skipped."""
    return not unidentified and all(outcome.is_well for outcome in outcomes)


def subject(outcome: FeedOutcome) -> str:
    """The account and the feed of an outcome."""
    return " · ".join(filter(None, (outcome.account, outcome.feed)))


def summary(outcome: FeedOutcome) -> str:
    """An outcome in one line, without its account and feed."""
    if outcome.skipped or outcome.error:
        return one_line(f"skipped, {outcome.skipped}" if outcome.skipped else f"failed, {outcome.error}")
    return (
        f"{counted(outcome.records, 'record')} read, {outcome.new:,} new, {outcome.changed:,} changed,"
        f" {outcome.rejected:,} rejected in {outcome.seconds:.1f} s"
    )


def total(outcomes: Sequence[FeedOutcome]) -> str:
    """The counts of all feeds together, in one line."""
    records = counted(sum(outcome.records for outcome in outcomes), "record")
    kinds = ("new", "changed", "rejected")
    counts = ", ".join(f"{sum(getattr(outcome, kind) for outcome in outcomes):,} {kind}" for kind in kinds)
    return f"{counted(len(outcomes), 'feed')}: {records} read, {counts}"


def _row(outcome: FeedOutcome) -> tuple[str, ...]:
    if outcome.skipped:
        return (outcome.account, outcome.feed, "", "", "", "", "", "skipped", "")
    counts = (outcome.records, outcome.new, outcome.changed, outcome.rejected)
    current = "failed" if outcome.error else "yes" if outcome.current else "no"
    texts = (f"{count:,}" for count in counts)
    cursor = str(outcome.cursor) if outcome.cursor or outcome.maximum is not None else "–"  # a snapshot has no numbers
    return (outcome.account, outcome.feed, *texts, cursor, current, f"{outcome.seconds:.1f} s")


def remarks(outcome: FeedOutcome) -> Iterator[str]:
    """The sentences about an outcome: why it is not current, a restart, rejected records, unknown fields and values."""
    yield from _reasons(outcome)
    if outcome.shared:
        yield outcome.shared
    if outcome.reread:
        yield outcome.reread
    if outcome.rejected:
        yield f"{counted(outcome.rejected, 'record')} rejected; `floriday rejected` lists them with their reasons"
    yield from _unknown_fields(outcome.unknown_fields)
    for name, values in sorted(outcome.unknown_values.items()):
        first = ", ".join(sorted(values)[:_VALUES_SHOWN])
        more = f" and {len(values) - _VALUES_SHOWN} more" if len(values) > _VALUES_SHOWN else ""
        yield f"{name} has values that this version does not know: {first}{more}; they are stored unchanged"


def _reasons(outcome: FeedOutcome) -> Iterator[str]:
    """Why a feed was skipped or is not current, unless it failed."""
    if outcome.skipped:
        yield f"skipped: {outcome.skipped}"
    if outcome.why_not_current:
        yield f"not current: {outcome.why_not_current}"


def _unknown_fields(fields: Mapping[str, str]) -> Iterator[str]:
    for name, kind in sorted(fields.items())[:_FIELDS_SHOWN]:
        yield f"Floriday serves a field {name} ({kind}) that this version does not know; it is kept in the raw log"
    if len(fields) > _FIELDS_SHOWN:
        yield f"and {counted(len(fields) - _FIELDS_SHOWN, 'more field')} that this version does not know"
