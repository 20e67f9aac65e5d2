"""One asset a feed: materializing it syncs the feed."""

# No `from __future__ import annotations` here: Dagster reads the annotations of an asset's function as they stand.

import datetime as dt
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
from pipelines.orchestration.assets.concurrent_feeds import Asked
from pipelines.orchestration.assets.freshness import policy
from pipelines.orchestration.assets.partitions import covered, weeks
from pipelines.orchestration.assets.request import READS, SyncConfig, what_to_read
from pipelines.orchestration.assets.step_errors import step_errors
from pipelines.orchestration.resources import FloridaySession, WarehouseResource
from pipelines.sync.outcome import FeedOutcome, Listener
from pipelines.sync.selection import check_accounts, is_in_parts
from pipelines.sync.session import Connected
from pipelines.sync.what_to_read import WhatToRead
from pipelines.warehouse.file.connection import Warehouse

POOL = "duckdb"
"""One run at a time writes to the warehouse (`dagster.yaml`)."""

PROGRESS_EVERY = 10.0
"""Seconds between two lines about one feed's progress."""

_IN_ONE_PROCESS = frozenset({dg.in_process_executor.name, "execute_in_process_executor"})
"""Executors whose steps share what the first of them has begun; the second is that of ``execute_in_process``."""

SyncEvent = dg.MaterializeResult[None] | dg.AssetCheckResult


def asset_key(source: Source) -> dg.AssetKey:
    """Schema and table."""
    return dg.AssetKey([source.schema, source.table])


def op_name(source: Source) -> str:
    """What a run's config calls the asset."""
    return f"{source.schema}__{source.table}"


def feed_asset(source: Source, start: dt.date, relations: Iterable[Relation]) -> dg.AssetsDefinition:
    """The asset of a feed, with its table described.

    Args:
        source: the feed or snapshot.
        start: where its partitions begin.
        relations: of all tables.
    """
    table = tables_of(source)

    @dg.multi_asset(
        name=op_name(source),
        specs=[_spec(source, table, relations)],
        check_specs=checks.specs(source),
        can_subset=True,  # a run may leave the checks out: they take most of the events that it would write
        pool=POOL,
        partitions_def=weeks(start),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def sync(
        context: dg.AssetExecutionContext, config: SyncConfig, session: FloridaySession, warehouse: WarehouseResource
    ) -> Iterator[SyncEvent]:
        run = _Run(source, table, context, start)
        with step_errors(context.log):
            outcomes = run.read(run.what_to_read(config), config.accounts, session, warehouse)
            run.tell(outcomes)
            yield from run.events(outcomes, session.open().warehouse)

    return sync


def _spec(source: Source, table: Table, relations: Iterable[Relation]) -> dg.AssetSpec:
    return dg.AssetSpec(
        asset_key(source),
        group_name=source.schema,
        kinds={"duckdb", "pandas"},
        description=_description(table),
        tags={"tier": source.tier, "scope": source.scope.replace(":", ".")},
        metadata=metadata.of_feed(source, table, relations),
        deps=_read_first(source),
        skippable=True,
        freshness_policy=policy(source.tier),
    )


def _read_first(source: Source) -> list[dg.AssetKey]:
    """A feed that is read part by part learns from the connections which parts there are."""
    return [dg.AssetKey(["organizations", "connections"])] if is_in_parts(source) else []


def _description(table: Table) -> str:
    return (
        f"{table.description}\n\nA partition is a week of change. Materializing weeks reads again, for every account,"
        " what is *now* numbered in them at Floriday, and the newest week on to the end of the feed; it is stored in"
        f" `{table.qualified_name}`{_and_children(table)}. That is harmless, and brings back rows that were lost here."
        " What Floriday serves no more stays as it was stored, and cannot be brought back. In the run's config,"
        " `incremental` reads only what is new, `full` everything that Floriday still serves, `from_date` and `to_date`"
        " single days."
    )


def _and_children(table: Table) -> str:
    names = [f"`{child.qualified_name}`" for child in table.walk() if child is not table]
    return f" and its child tables {', '.join(names)}" if names else ""


@dataclass
class _Run:
    """The sync of a feed in a run.

    Args:
        source: the feed or snapshot.
        table: its table.
        context: Dagster's.
        start: where the partitions begin.
    """

    source: Source
    table: Table
    context: dg.AssetExecutionContext
    start: dt.date

    @property
    def key(self) -> dg.AssetKey:
        """The asset's."""
        return asset_key(self.source)

    @property
    def is_asked_to_materialize(self) -> bool:
        """Whether the run is for the asset, and not for checks of it alone."""
        return self.key in self.context.selected_asset_keys

    @property
    def checks(self) -> set[str]:
        """The names of the checks that the run is for."""
        return {key.name for key in self.context.selected_asset_check_keys}

    @property
    def weeks(self) -> dg.PartitionKeyRange | None:
        """The partitions that the run is for."""
        is_for_weeks = self.context.has_partition_key or self.context.has_partition_key_range
        return self.context.partition_key_range if is_for_weeks else None

    def what_to_read(self, config: SyncConfig) -> WhatToRead:
        """What is to be read.

        Raises:
            UsageError: the config makes no sense.
        """
        return what_to_read(config, self.weeks, self.context.run.tags.get(READS))

    def read(
        self, what: WhatToRead, accounts: Sequence[str], session: FloridaySession, warehouse: WarehouseResource
    ) -> list[FeedOutcome]:
        """Sync the feed of every account that is asked for; the outcomes in their order, whichever came first.

        The run's other feeds that ask for the same are begun with the first of them.
        """
        chosen = chosen_accounts(accounts, session.open())
        warehouse.hold(f"Dagster run {self.context.run_id}", self.context.log)
        together = session.together(self.context.run_id)
        asked = Asked(what, tuple(chosen))
        companions = partial(self._companions, what, accounts, session.open().sources)
        return together.outcomes(self.source, asked, _progress(self.context.log), companions)

    def _companions(self, what: WhatToRead, accounts: Sequence[str], sources: Sequence[Source]) -> list[Source]:
        """The other feeds of the run that ask for the same; none where every step is a process of its own."""
        if self.context.job_def.executor_def.name not in _IN_ONE_PROCESS:
            return []
        steps = self.context.run.step_keys_to_execute or self.context.job_def.graph.node_dict
        others = [one for one in sources if one != self.source and op_name(one) in steps]
        return [one for one in others if self._asks(one, what, accounts)]

    def _asks(self, source: Source, what: WhatToRead, accounts: Sequence[str]) -> bool:
        """Whether the run reads the same of another feed."""
        run_config: Mapping[str, Any] = self.context.run.run_config
        try:
            config = SyncConfig(**run_config.get("ops", {}).get(op_name(source), {}).get("config", {}))
            return self.what_to_read(config) == what and list(config.accounts) == list(accounts)
        except (UsageError, ValueError):
            return False  # it is refused in its own step

    def tell(self, outcomes: Sequence[FeedOutcome]) -> None:
        """Log how it went for each account."""
        for outcome in outcomes:
            if outcome.stack is not None:
                self.context.log.error("%s: %s\n%s", outcome.account, outcome.error, outcome.stack)
            if outcome.restarted:
                self.context.log.warning("%s: Floriday began the numbering of this feed anew", outcome.account)
            if outcome.why_not_current:
                self.context.log.warning("%s: not current: %s", outcome.account, outcome.why_not_current)
            if outcome.shared:
                self.context.log.warning("%s: %s", outcome.account, outcome.shared)
            if outcome.skipped is not None:
                self.context.log.warning("%s: skipped, %s", outcome.account, outcome.skipped)
            elif outcome.error is None:
                counts = (outcome.records, outcome.new, outcome.changed, outcome.rejected, outcome.seconds)
                told = "%s: %d records, %d new, %d changed, %d rejected, %.1f s; cursor %d"
                self.context.log.info(told, outcome.account, *counts, outcome.cursor)

    def events(self, outcomes: Sequence[FeedOutcome], warehouse: Warehouse) -> Iterator[SyncEvent]:
        """The materialization, where there was anything to sync, and the checks.

        Raises:
            dagster.Failure: an account failed, in one line; what the other accounts stored stays.
        """
        told = metadata.of_sync(outcomes)
        failed = [f"{outcome.account}: {outcome.error}" for outcome in outcomes if outcome.error is not None]
        if failed:
            raise dg.Failure("; ".join(failed), metadata=told, allow_retries=False)
        now = dt.datetime.now(dt.UTC)
        with warehouse.reading() as connection:
            rows = metadata.of_rows(connection, self.table)
            results = checks.results(
                self.source, outcomes, connection, run_id=self.context.run_id, now=now, asked=self.checks
            )
        if all(outcome.skipped is not None for outcome in outcomes) or not self.is_asked_to_materialize:
            self.context.log_event(dg.AssetObservation(self.key, metadata=told))
        else:
            self._mark_weeks(outcomes, now)
            yield dg.MaterializeResult(asset_key=self.key, metadata=told | rows)
        yield from results

    def _mark_weeks(self, outcomes: Sequence[FeedOutcome], now: dt.datetime) -> None:
        """Mark the weeks that are complete now beside those that the run is for, unless they were marked before."""
        for week in self._unmarked(covered(outcomes, now, self.start)):
            event = dg.AssetMaterialization(self.key, partition=week, metadata=_IN_PASSING)
            self.context.log_event(event)

    def _unmarked(self, keys: Sequence[str]) -> list[str]:
        asked = self.weeks
        others = [key for key in keys if asked is None or not asked.start <= key <= asked.end]
        if not others:
            return []
        marked = self.context.instance.get_materialized_partitions(self.key)
        return [key for key in others if key not in marked]


_IN_PASSING: dict[str, Any] = {"completed by": "the sync of this run; the weeks that it was for tell its counts"}


def chosen_accounts(accounts: Sequence[str], connected: Connected) -> list[str]:
    """The accounts that a run's config names, all where it names none.

    Raises:
        UsageError: there is no account of such a name.
    """
    check_accounts(accounts, connected.clients, "the settings have")
    return list(accounts) or list(connected.clients)


def _progress(log: logging.Logger) -> Listener:
    """Tells now and then how far a feed is."""
    said = time.monotonic()

    def listen(outcome: FeedOutcome) -> None:
        nonlocal said
        if time.monotonic() - said >= PROGRESS_EVERY:
            said = time.monotonic()
            log.info("%s: %d pages, %d records so far", outcome.account, outcome.pages, outcome.records)

    return listen
