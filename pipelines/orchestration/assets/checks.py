"""The checks of feeds and snapshots.

Every run evaluates them. In the small runs of ``changed_feeds`` those that read whole tables repeat their last result,
with its time (``check_events``): Dagster shows only results of the newest materialization.

If the sync of an account fails, the step of its feed fails before its checks are evaluated (``feeds``).
``check_results`` evaluates them. Lost or corrupt data are an error, everything else is a warning. A check never fails
a run.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

import dagster as dg
import duckdb

from pipelines.catalogue.suppliers.supply import BATCH_MUTATIONS
from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Source
from pipelines.orchestration.assets import check_results
from pipelines.orchestration.assets.check_results import Result, SyncedFeed
from pipelines.orchestration.assets.keys import asset_key
from pipelines.sync.outcome import FeedOutcome
from pipelines.warehouse.read import integrity

WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR

_REPAIR = (
    "`floriday rebuild {name}` writes the tables again from `raw`; `floriday sync {name} --full` reads everything again"
    " that Floriday still serves."
)


class Check(NamedTuple):
    """A check; in its description ``{name}`` stands for the feed's name. ``applies``: whether a feed has the check.

    ``reads_tables``: whether it reads all rows of the feed's tables, so that small runs repeat its last result.
    """

    name: str
    description: str
    severity: dg.AssetCheckSeverity
    evaluate: Callable[[SyncedFeed], Result]
    applies: Callable[[Source], bool] = lambda _: True
    reads_tables: bool = False


CHECKS = (
    Check(
        "current",
        "Every account that was synced is read to the end of Floriday's feed. If not, Floriday is rebuilding the feed,"
        " or its answers do not prove that nothing follows: the result shows which, and the next run continues where"
        " this one stopped. An account whose token lacks the scope is left out. If the sync of an account fails, the"
        " run shows the error, and no check of the feed is evaluated.",
        WARN,
        check_results.current,
    ),
    Check(
        "unique_key",
        "No two rows of the table have the same key, and no two rows of its child tables the same position. Only a"
        f" change by hand, or a defect of this program, could cause that. {_REPAIR}",
        ERROR,
        check_results.unique_key,
        reads_tables=True,
    ),
    Check(
        "no_orphans",
        "Every row of the child tables, at any depth, has its parent row. Only a change by hand, or a defect of this"
        f" program, could cause anything else. {_REPAIR}",
        ERROR,
        check_results.no_orphans,
        lambda source: bool(tables_of(source).children),
        reads_tables=True,
    ),
    Check(
        "raw_equals_current",
        "Every record that was ever received has its current row and its child rows, their values are those of its"
        f" newest version, and there are no other rows. {_REPAIR} For a feed with more than"
        f" {integrity.WHOLE_UP_TO:,} versions only a run that reads the whole feed checks all records; other runs check"
        " the records of which they store a version.",
        ERROR,
        check_results.raw_equals_current,
        reads_tables=True,
    ),
    Check(
        "rejected_records",
        "Every record that Floriday served could be read. `sync.rejected_records` contains the others with the reason,"
        " and the last good row of such a record is kept. Each sync requests those with a sequence number again, at"
        " most 20 pages of a feed or sub-feed, and most can be read then."
        " `floriday rejected` lists them; report those that stay to Floriday.",
        WARN,
        check_results.rejected_records,
    ),
    Check(
        "schema_drift",
        "Floriday serves no field and no value of an enumeration that the catalogue does not know. If it does, nothing"
        " is lost: unknown fields are kept in `raw`, unknown values also in their column. Use a newer version of this"
        " program, or add them to the catalogue (docs/new-api-version.md); then `floriday rebuild {name}` fills their"
        " columns.",
        WARN,
        check_results.unknown_content,
    ),
    Check(
        "retention",
        "No change was lost, or soon will be, because Floriday stops serving it. The check fails when an account's"
        " feed was not read to its end for so long that unread changes may be lost within"
        f" {check_results.NOTICE.days} days: make its syncs succeed well before that. It also fails, once, after a gap"
        " that was longer: changes that appeared and disappeared in the shown time cannot be read any more.",
        WARN,
        check_results.retention,
        lambda source: source.retention is not None,
    ),
    Check(
        "batch_ledger",
        "The initial pieces of a batch and all its mutations add up to the pieces that the batch contains. Only batches"
        " without recent changes, whose mutations must all be known, are judged. If some do not add up, read both feeds"
        " again with `floriday sync supply.batches supply.batch_mutations --full`; if they still do not, Floriday"
        " serves them like that.",
        WARN,
        check_results.batch_ledger,
        lambda source: source.name == BATCH_MUTATIONS.name,
        reads_tables=True,
    ),
)
"""All checks, in the order in which they are listed."""


def checks_of(source: Source) -> Iterator[Check]:
    """The checks that a feed has."""
    return (check for check in CHECKS if check.applies(source))


def specs(source: Source, partitions: dg.PartitionsDefinition[str] | None = None) -> list[dg.AssetCheckSpec]:
    """The checks of a feed's asset, for ``check_specs``; with ``partitions``, each partition has results of its own."""
    return [
        dg.AssetCheckSpec(
            check.name,
            asset=asset_key(source),
            description=check.description.format(name=source.name),
            partitions_def=partitions,
        )
        for check in checks_of(source)
    ]


def results(
    source: Source,
    outcomes: Sequence[FeedOutcome],
    connection: duckdb.DuckDBPyConnection,
    *,
    run_id: str,
    now: dt.datetime,
    names: Collection[str] | None = None,
) -> list[dg.AssetCheckResult]:
    """The results of the named checks (None: all), also after a skipped sync.

    ``run_id`` is that of the sync. The memory and the threads of the connection are limited from here on.
    """
    checks = [check for check in checks_of(source) if names is None or check.name in names]
    if not checks:
        return []
    connection.execute(integrity.INSPECTION_SETTINGS)
    table = tables_of(source)
    within = integrity.scope(connection, table, run_id, whole=any(outcome.whole for outcome in outcomes))
    feed = SyncedFeed(source, table, tuple(outcomes), connection, within, now)
    return [_result(check, feed) for check in checks]


def _result(check: Check, feed: SyncedFeed) -> dg.AssetCheckResult:
    result = check.evaluate(feed)
    return dg.AssetCheckResult(
        passed=result.passed,
        asset_key=asset_key(feed.source),
        check_name=check.name,
        severity=check.severity,
        description=result.summary,
        metadata=result.metadata,
    )
