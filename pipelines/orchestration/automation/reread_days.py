"""The job that reads some days again, without partitions: its config names the days once for all feeds."""

# No `from __future__ import annotations` here: Dagster reads the annotations of an op's function at run time.

from collections.abc import Sequence

import dagster as dg
from pydantic import Field

from pipelines.catalogue.types import Source
from pipelines.orchestration.assets import metadata
from pipelines.orchestration.assets.keys import POOL
from pipelines.orchestration.assets.request import chosen_accounts, days_between
from pipelines.orchestration.assets.step_errors import step_errors
from pipelines.orchestration.cells import partitions_of_cells
from pipelines.orchestration.resources import FloridaySession, WarehouseResource
from pipelines.sync.outcome import FeedOutcome


class DaysConfig(dg.Config):
    """The days to read again, and the feeds and accounts."""

    from_date: str = Field(description="The first day, such as 2026-03-02, in Amsterdam")
    to_date: str | None = Field(default=None, description="The last day; today if empty")
    feeds: list[str] = Field(default=[], description="Feeds as schema.table; all if empty")
    accounts: list[str] = Field(default=[], description="Names of the accounts; all if empty")


def reread_days_job(sources: Sequence[Source], cells: Sequence[str] = ()) -> dg.JobDefinition:
    """Reads the records whose sequence numbers lie in some days, for some or all of the given feeds.

    A run belongs to one of the cells, if there are any: they are the partitions of the job.
    """

    @dg.op(name="reread", pool=None if cells else POOL, out=dg.Out(dg.Nothing))
    def reread(
        context: dg.OpExecutionContext, config: DaysConfig, session: FloridaySession, warehouse: WarehouseResource
    ) -> None:
        """Read the days again, feed by feed."""
        with step_errors(context.log):
            days = days_between(config.from_date, config.to_date)
            connected = session.open()
            accounts = chosen_accounts(config.accounts, connected.clients)
            chosen = {source.name for source in connected.catalogue.selected(config.feeds)}
            warehouse.hold(context.run, context.log)
            outcomes = session.prepare().sync_all(
                [source for source in sources if not chosen or source.name in chosen],
                run_id=context.run.run_id,
                accounts=accounts,
                what=days,
            )
            failed = [line for outcome in outcomes if (line := _observe(context, outcome))]
        if failed:
            raise dg.Failure("; ".join(sorted(failed)), allow_retries=False)

    @dg.job(
        name="reread_days",
        executor_def=dg.in_process_executor,
        partitions_def=partitions_of_cells(cells),
        description="Reads the records whose sequence numbers now lie in some days again, which repairs rows that were"
        " lost here. The config names the days, and the feeds and accounts, which are all if empty.",
    )
    def job() -> None:
        reread()

    return job


def _observe(context: dg.OpExecutionContext, outcome: FeedOutcome) -> str | None:
    """Log an outcome as an observation of the feed's asset; returns the line of its failure, if it failed."""
    key = dg.AssetKey(outcome.feed.split("."))
    context.log_event(dg.AssetObservation(key, metadata=metadata.of_sync([outcome])))
    return f"{outcome.account} · {outcome.feed}: {outcome.error}" if outcome.error is not None else None
