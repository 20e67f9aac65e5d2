"""One asset a feed: materializing it syncs the feed."""

# No `from __future__ import annotations` here: Dagster reads the annotations of an asset's function as they stand.

import logging
import time
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
from pydantic import Field

from pipelines.catalogue.tables import Table, tables_of
from pipelines.catalogue.types import Feed
from pipelines.errors import PipelineError, UsageError
from pipelines.orchestration import metadata
from pipelines.orchestration.resources import FloridaySession, WarehouseResource
from pipelines.outcome import FeedOutcome, Listener
from pipelines.pipeline import Pipeline

POOL = "duckdb"
"""One run at a time writes to the warehouse (`dagster.yaml`)."""

PROGRESS_EVERY = 10.0
"""Seconds between two lines about one feed's progress."""


class SyncConfig(dg.Config):
    """How a feed is synced."""

    full: bool = Field(
        default=False, description="Read everything that Floriday still serves, instead of what changed since last time"
    )
    accounts: list[str] = Field(default=[], description="Names of the accounts to sync; all where none is named")


def asset_key(feed: Feed) -> dg.AssetKey:
    """Schema and table."""
    return dg.AssetKey([feed.schema, feed.table])


def op_name(feed: Feed) -> str:
    """What a run's config calls the asset."""
    return f"{feed.schema}__{feed.table}"


def feed_asset(feed: Feed) -> dg.AssetsDefinition:
    """The asset of a feed, with its table described."""
    table = tables_of(feed)

    @dg.asset(
        key=asset_key(feed),
        group_name=feed.schema,
        kinds={"duckdb", "pandas"},
        description=_description(table),
        tags={"tier": feed.tier, "scope": feed.scope.replace(":", ".")},
        metadata=metadata.of_feed(feed, table),
        pool=POOL,
        output_required=False,
    )
    def sync(
        context: dg.AssetExecutionContext, config: SyncConfig, session: FloridaySession, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[None]]:
        try:
            outcomes = _synced(feed, context, config, session, warehouse)
            told = metadata.of_sync(outcomes)
            _tell(context.log, outcomes)
            _raise_failures(outcomes, told)
            if all(outcome.skipped is not None for outcome in outcomes):
                context.log_event(dg.AssetObservation(context.asset_key, metadata=told))
                return
            told |= metadata.of_rows(warehouse.file(), table)
        except PipelineError as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        yield dg.MaterializeResult(metadata=told)

    return sync


def _description(table: Table) -> str:
    return (
        f"{table.description}\n\nMaterializing reads what changed at Floriday since the last time, for every account,"
        f" and stores it in `{table.qualified_name}`{_and_children(table)}. With `full` it reads everything that"
        " Floriday still serves once more: that is harmless, and brings back rows that were lost here. What Floriday"
        " serves no more stays as it was stored."
    )


def _and_children(table: Table) -> str:
    names = [f"`{child.qualified_name}`" for child in table.walk() if child is not table]
    return f" and its child tables {', '.join(names)}" if names else ""


def _synced(
    feed: Feed,
    context: dg.AssetExecutionContext,
    config: SyncConfig,
    session: FloridaySession,
    warehouse: WarehouseResource,
) -> list[FeedOutcome]:
    accounts = _chosen(config, session.open())
    with warehouse.held(f"Dagster run {context.run_id}", context.log):
        syncs = session.prepare().sync_all(
            [feed], run_id=context.run_id, accounts=accounts, full=config.full, listener=_progress(context.log)
        )
        return list(syncs)


def _chosen(config: SyncConfig, pipeline: Pipeline) -> list[str]:
    unknown = sorted(set(config.accounts) - set(pipeline.clients))
    if unknown:
        raise UsageError(f"no account is called {', '.join(unknown)}; there are: {', '.join(pipeline.clients)}")
    return config.accounts or list(pipeline.clients)


def _progress(log: logging.Logger) -> Listener:
    """Tells now and then how far a feed is."""
    said = time.monotonic()

    def listen(outcome: FeedOutcome) -> None:
        nonlocal said
        if time.monotonic() - said >= PROGRESS_EVERY:
            said = time.monotonic()
            log.info("%s: %d pages, %d records so far", outcome.account, outcome.pages, outcome.records)

    return listen


def _tell(log: logging.Logger, outcomes: Sequence[FeedOutcome]) -> None:
    for outcome in outcomes:
        if outcome.restarted:
            log.warning("%s: Floriday began the numbering of this feed anew", outcome.account)
        if outcome.skipped is not None:
            log.warning("%s: skipped, %s", outcome.account, outcome.skipped)
        elif outcome.error is None:
            counts = (outcome.records, outcome.new, outcome.changed, outcome.rejected, outcome.seconds, outcome.cursor)
            log.info("%s: %d records, %d new, %d changed, %d rejected, %.1f s; cursor %d", outcome.account, *counts)


def _raise_failures(outcomes: Sequence[FeedOutcome], told: dict[str, Any]) -> None:
    """Raise what failed, in one line; what the other accounts stored stays."""
    failed = [f"{outcome.account}: {outcome.error}" for outcome in outcomes if outcome.error is not None]
    if failed:
        raise dg.Failure("; ".join(failed), metadata=told, allow_retries=False)
