"""The checks that every feed and snapshot carries, evaluated after each sync of it.

How each is judged stands in ``verdicts``. What is lost or corrupt is an error, all else a warning; none fails a run.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import dagster as dg
import duckdb

from pipelines.catalogue.suppliers.supply import BATCH_MUTATIONS
from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Source
from pipelines.orchestration.assets import check_results
from pipelines.orchestration.assets.check_results import Subject, Verdict
from pipelines.sync.outcome import FeedOutcome
from pipelines.warehouse.read import integrity

WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR

_REPAIR = (
    "`floriday rebuild {name}` makes the tables anew from `raw`; `floriday sync {name} --full` reads everything again"
    " that Floriday still serves."
)


def _always(_: Source) -> bool:
    return True


def _has_children(source: Source) -> bool:
    return bool(tables_of(source).children)


@dataclass(frozen=True)
class Check:
    """A question that is asked after each sync.

    Args:
        name: of the check.
        description: what it means and what to do when it fails; ``{name}`` stands for the feed's.
        severity: of a failure.
        judge: answers it.
        applies: whether it is asked of a feed or snapshot.
    """

    name: str
    description: str
    severity: dg.AssetCheckSeverity
    judge: Callable[[Subject], Verdict]
    applies: Callable[[Source], bool] = _always


CHECKS = (
    Check(
        "current",
        "Every account that was synced is read to the end of Floriday's feed. If not, the sync failed or Floriday is"
        " rebuilding the feed: the run says which, and the next one goes on where this one was. An account whose token"
        " lacks the scope is left out.",
        WARN,
        check_results.current,
    ),
    Check(
        "unique_key",
        "No two rows of the table have the same key, nor two rows of its child tables the same place. Only a change"
        f" made by hand, or a defect of this program, could double one. {_REPAIR}",
        ERROR,
        check_results.unique_key,
    ),
    Check(
        "no_orphans",
        "Every row of the child tables, at any depth, has its parent row. Only a change made by hand, or a defect of"
        f" this program, could part them. {_REPAIR}",
        ERROR,
        check_results.no_orphans,
        _has_children,
    ),
    Check(
        "raw_equals_current",
        "Every record that was ever received has its current row and its child rows, they say what its newest version"
        f" says, and no others stand there. {_REPAIR} Of a feed with more than {integrity.WHOLE_UP_TO:,} versions"
        " only a run that reads the whole feed looks at all, any other at the records of which it stores a version.",
        ERROR,
        check_results.raw_equals_current,
    ),
    Check(
        "rejected_records",
        "Every record that Floriday served could be read. Those that could not stand in `sync.rejected_records` with"
        " the reason, and the last good row of such a record stays; each sync asks for them again, and most heal by"
        " themselves. `floriday rejected` lists them; tell Floriday about those that stay.",
        WARN,
        check_results.rejected_records,
    ),
    Check(
        "schema_drift",
        "Floriday serves no field and no value of an enumeration that the catalogue does not know. Nothing is lost"
        " where it does: unknown fields are kept in `raw`, unknown values in their column too. Use a newer version of"
        " this program, or add them to the catalogue (docs/new-api-version.md); then `floriday rebuild {name}` fills"
        " their columns.",
        WARN,
        check_results.unknown_content,
    ),
    Check(
        "retention",
        "Nothing that Floriday forgets was, or soon would be, missed. It warns when an account's feed was not read to"
        f" its end for so long that unread changes may be lost within {check_results.NOTICE.days} days: get its syncs"
        " to end well before that. It also warns, once, after a gap that was longer: what came and went in the window"
        " that it tells cannot be read any more.",
        WARN,
        check_results.retention,
        lambda source: source.retention is not None,
    ),
    Check(
        "batch_ledger",
        "The initial pieces of a batch and all its mutations come to the pieces that it tells. Only quiet batches whose"
        " mutations must all be known are judged. If some do not add up, read both feeds again with"
        " `floriday sync supply.batches supply.batch_mutations --full`; what stays is served like that by Floriday.",
        WARN,
        check_results.batch_ledger,
        lambda source: source.name == BATCH_MUTATIONS.name,
    ),
)
"""All checks, in the order in which they are listed."""


def _asked_of(source: Source) -> Iterator[Check]:
    return (check for check in CHECKS if check.applies(source))


def specs(source: Source) -> list[dg.AssetCheckSpec]:
    """The checks of a feed's asset, for ``check_specs``."""
    key = dg.AssetKey([source.schema, source.table])
    return [
        dg.AssetCheckSpec(check.name, asset=key, description=check.description.format(name=source.name))
        for check in _asked_of(source)
    ]


def results(
    source: Source,
    outcomes: Sequence[FeedOutcome],
    connection: duckdb.DuckDBPyConnection,
    *,
    run_id: str,
    now: dt.datetime,
    asked: Collection[str] | None = None,
) -> list[dg.AssetCheckResult]:
    """Exactly one result for each of :func:`specs` that is asked for, whatever became of the sync.

    Args:
        source: the feed or snapshot that was synced.
        outcomes: how it went for each account; skipped and failed ones among them.
        connection: open for reading; it takes little memory and one core from here on.
        run_id: the run that synced it, as the ledger has it.
        now: the moment of asking.
        asked: names of the checks; all where not given.
    """
    wanted = [check for check in _asked_of(source) if asked is None or check.name in asked]
    if not wanted:
        return []
    connection.execute(integrity.INSPECTION_SETTINGS)
    table = tables_of(source)
    whole = any(outcome.whole for outcome in outcomes)
    within = integrity.scope(connection, table, run_id, whole=whole)
    subject = Subject(source, table, tuple(outcomes), connection, within, now)
    return [_result(check, subject) for check in wanted]


def _result(check: Check, subject: Subject) -> dg.AssetCheckResult:
    verdict = check.judge(subject)
    return dg.AssetCheckResult(
        passed=verdict.passed,
        asset_key=dg.AssetKey([subject.source.schema, subject.source.table]),
        check_name=check.name,
        severity=check.severity,
        description=verdict.told,
        metadata=verdict.metadata,
    )
