"""One asset for each feed: materializing it syncs the feed."""

# No `from __future__ import annotations` here: Dagster reads the annotations of an asset's function at run time.

import datetime as dt
import hashlib
import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import dagster as dg

from pipelines.catalogue.relations import Relation
from pipelines.catalogue.tables import Table, tables_of
from pipelines.catalogue.types import Source
from pipelines.errors import UsageError
from pipelines.orchestration.assets import checks, metadata
from pipelines.orchestration.assets.check_events import EVALUATES, REPEATS, log_results, repeated
from pipelines.orchestration.assets.freshness import policy
from pipelines.orchestration.assets.keys import OWNERS, POOL, asset_key, op_name
from pipelines.orchestration.assets.partitions import covered, proven_weeks
from pipelines.orchestration.assets.request import READS, SyncConfig, SyncRequest, chosen_accounts, what_to_read
from pipelines.orchestration.assets.step_errors import step_errors
from pipelines.orchestration.cells import CellWeeks, cell_of_run, partitions
from pipelines.orchestration.resources import FloridaySession, WarehouseResource
from pipelines.sync.outcome import FeedOutcome, Listener
from pipelines.sync.selection import is_in_parts
from pipelines.sync.session import Connected
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.read.feed_status import current_for_all

PROGRESS_EVERY = 10.0  # seconds between two log lines about the progress of one feed
_IN_ONE_PROCESS = frozenset({dg.in_process_executor.name, "execute_in_process_executor"})
"""Executors whose steps run in one process, so that the first step can start all feeds; the second is that of
``execute_in_process``."""

_MARKED: dict[str, Any] = {"completed by": "the sync of this run; the weeks of the run show its counts"}


def feed_asset(
    source: Source, start: dt.date, relations: Iterable[Relation], cells: Sequence[str] = ()
) -> dg.AssetsDefinition:
    """The asset of a feed or snapshot; its partitions begin at ``start``, and ``relations`` are those of all tables.

    With ``cells``, each partition is a week of a cell, and a backfill has a run for each: Dagster would put several
    cells into one run. Instead of a pool, Dagster's queue keeps the runs of one cell apart.
    """
    table, parts = tables_of(source), partitions(start, cells)

    @dg.multi_asset(
        name=op_name(source),
        specs=[_spec(source, table, relations)],
        check_specs=checks.specs(source, parts if cells else None),
        can_subset=True,  # a person may run a check alone
        pool=None if cells else POOL,
        partitions_def=parts,
        backfill_policy=dg.BackfillPolicy.multi_run(1) if cells else dg.BackfillPolicy.single_run(),
    )
    def sync(
        context: dg.AssetExecutionContext, config: SyncConfig, session: FloridaySession, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[None]]:
        step = _Step(source, table, context, start)
        with step_errors(context.log):
            outcomes = step.read(config, session, warehouse)
            log_outcomes(context.log, outcomes)
            yield from step.events(outcomes, session.open().warehouse)

    return sync


def _spec(source: Source, table: Table, relations: Iterable[Relation]) -> dg.AssetSpec:
    return dg.AssetSpec(
        asset_key(source),
        group_name=source.schema,
        owners=OWNERS,
        code_version=_code_version(table),
        kinds={"duckdb", "pandas"},
        description=_description(table),
        tags={"tier": source.tier, "scope": source.scope.replace(":", ".")},
        metadata=metadata.of_feed(source, table, relations),
        # The connections define the sub-feeds of a feed that has any.
        deps=[dg.AssetKey(["organizations", "connections"])] if is_in_parts(source) else [],
        skippable=True,
        freshness_policy=policy(source.tier),
    )


def _code_version(table: Table) -> str:
    """A text that changes when the table, its columns or its child tables change."""
    tables = [(each.qualified_name, each.key, [(c.name, c.type) for c in each.columns]) for each in table.walk()]
    return hashlib.sha256(repr(tables).encode()).hexdigest()[:12]


def _description(table: Table) -> str:
    names = [f"`{child.qualified_name}`" for child in table.walk() if child is not table]
    children = f" and its child tables {', '.join(names)}" if names else ""
    return (
        f"{table.description}\n\nA partition is a week of change. Materializing weeks reads again, for every account,"
        " the records whose sequence numbers lie *now* in these weeks at Floriday. It reads whole pages, so later"
        " records too, up to the end of a page, and for the newest week up to the end of the feed. They are stored in"
        f" `{table.qualified_name}`{children}. That is harmless, and restores rows that were lost here. Records that"
        " Floriday no longer serves stay as they were stored, and cannot be restored. In the run's config,"
        " `incremental` reads only what is new, `full` everything that Floriday still serves, `from_date` and `to_date`"
        " single days."
    )


@dataclass
class _Step:
    """The step of a feed in a run."""

    source: Source
    table: Table
    context: dg.AssetExecutionContext
    start: dt.date

    @property
    def weeks(self) -> dg.PartitionKeyRange | None:
        """The weeks of the run; None if it has none."""
        has_weeks = self.context.has_partition_key or self.context.has_partition_key_range
        return self.partitions.weeks(self.context.partition_key_range) if has_weeks else None

    @property
    def partitions(self) -> CellWeeks:
        """The partitions of the run's cell."""
        return CellWeeks(cell_of_run(self.context.run))

    def read(self, config: SyncConfig, session: FloridaySession, warehouse: WarehouseResource) -> list[FeedOutcome]:
        """Sync the feed for every account of the config; the outcomes are in the order of these accounts."""
        request = self._request(config, session.open())
        warehouse.hold(self.context.run, self.context.log)
        others = partial(self._others, request, session.open())
        feeds = session.concurrent_feeds(self.context.run.run_id)
        return feeds.outcomes(self.source, request, _log_progress(self.context.log), others)

    def _request(self, config: SyncConfig, connected: Connected) -> SyncRequest:
        what = what_to_read(config, self.weeks, self.context.run.tags.get(READS))
        return SyncRequest(what, chosen_accounts(config.accounts, connected.clients))

    def _others(self, request: SyncRequest, connected: Connected) -> list[Source]:
        """The other feeds of the run with the same request; none if every step is a process of its own."""
        if self.context.job_def.executor_def.name not in _IN_ONE_PROCESS:
            return []
        steps = self.context.run.step_keys_to_execute or self.context.job_def.graph.node_dict
        others = [each for each in connected.sources if each != self.source and op_name(each) in steps]
        return [each for each in others if self._has_request(each, request, connected)]

    def _has_request(self, source: Source, request: SyncRequest, connected: Connected) -> bool:
        run_config: Mapping[str, Any] = self.context.run.run_config
        try:
            config = SyncConfig(**run_config.get("ops", {}).get(op_name(source), {}).get("config", {}))
            return self._request(config, connected) == request
        except (UsageError, ValueError):
            return False  # its own step raises the error

    def events(self, outcomes: Sequence[FeedOutcome], warehouse: Warehouse) -> Iterator[dg.MaterializeResult[None]]:
        """The materialization, or an observation if the feed was skipped; then the results of the checks are stored.

        Raises:
            dagster.Failure: an account failed, in one line; what the other accounts stored is kept.
        """
        shown = metadata.of_sync(outcomes)
        failed = [f"{outcome.account}: {outcome.error}" for outcome in outcomes if outcome.error is not None]
        if failed:
            raise dg.Failure("; ".join(failed), metadata=shown, allow_retries=False)
        now, key = dt.datetime.now(dt.UTC), asset_key(self.source)
        last = self._repeated()
        names = self._checks - {each.check_name for each in last}
        with warehouse.reading() as connection:
            rows = metadata.of_rows(connection, self.table)
            proven = proven_weeks(current_for_all(connection).get(self.source.name), now, self.start)
            results = checks.results(
                self.source, outcomes, connection, run_id=self.context.run.run_id, now=now, names=names
            )
        is_skipped = all(outcome.skipped is not None for outcome in outcomes)
        if is_skipped or key not in self.context.selected_asset_keys:  # a run may be for checks alone
            self.context.log_event(dg.AssetObservation(key, metadata=shown))
        else:
            for week in self._unmarked(sorted({*proven, *covered(outcomes, now, self.start)})):
                partition = self.partitions.key(week)
                self.context.log_event(dg.AssetMaterialization(key, partition=partition, metadata=_MARKED))
            yield dg.MaterializeResult(asset_key=key, metadata=shown | rows)
        log_results(self.context, key, (*results, *last), of_partition=self.partitions.cell is not None)

    @property
    def _checks(self) -> set[str]:
        """The names of the checks that the run evaluates or repeats."""
        if EVALUATES in self.context.run.tags:
            return {check.name for check in checks.checks_of(self.source)}
        return {check.name for check in self.context.selected_asset_check_keys}

    def _repeated(self) -> list[dg.AssetCheckResult]:
        """The results that a small run repeats."""
        names = self._checks if REPEATS in self.context.run.tags else set()
        return (
            [each for each in repeated(self.context.instance, self.source) if each.check_name in names] if names else []
        )

    def _unmarked(self, keys: Sequence[str]) -> list[str]:
        """The weeks, besides those of the run, that no materialization has marked as complete yet."""
        own = self.weeks
        others = [key for key in keys if own is None or not own.start <= key <= own.end]
        marked = self.context.instance.get_materialized_partitions(asset_key(self.source)) if others else set()
        return [key for key in others if self.partitions.key(key) not in marked]


def log_outcomes(log: logging.Logger, outcomes: Sequence[FeedOutcome]) -> None:
    """Log a line for each account; one for all without records, because each line is a row of the event log."""
    quiet = {each.account for each in outcomes if each.is_well and each.skipped is None and not each.records}
    for outcome in outcomes:
        _log_outcome(log, outcome, with_counts=len(outcomes) == 1 or outcome.account not in quiet)
    if quiet and len(outcomes) > 1:
        log.info("%d of %d accounts: 0 records", len(quiet), len(outcomes))


def _log_outcome(log: logging.Logger, outcome: FeedOutcome, *, with_counts: bool) -> None:
    if outcome.stack is not None:
        log.error("%s: %s\n%s", outcome.account, outcome.error, outcome.stack)
    if outcome.reread:
        log.warning("%s: %s", outcome.account, outcome.reread)
    if outcome.why_not_current:
        level = logging.INFO if outcome.is_well else logging.WARNING
        log.log(level, "%s: not current: %s", outcome.account, outcome.why_not_current)
    if outcome.shared:
        log.warning("%s: %s", outcome.account, outcome.shared)
    if outcome.skipped is not None:
        log.warning("%s: skipped, %s", outcome.account, outcome.skipped)
    elif outcome.error is None and with_counts:
        counts = (outcome.records, outcome.new, outcome.changed, outcome.rejected, outcome.seconds)
        text = "%s: %d records, %d new, %d changed, %d rejected, %.1f s; cursor %d"
        log.info(text, outcome.account, *counts, outcome.cursor)


def _log_progress(log: logging.Logger) -> Listener:
    """A listener that logs the progress of a feed at intervals."""
    logged_at = time.monotonic()

    def listen(outcome: FeedOutcome) -> None:
        nonlocal logged_at
        if time.monotonic() - logged_at >= PROGRESS_EVERY:
            logged_at = time.monotonic()
            log.info("%s: %d pages, %d records so far", outcome.account, outcome.pages, outcome.records)

    return listen
