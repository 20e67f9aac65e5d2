"""The job that reads some days again, of all feeds, without partitions: its config names the days once."""

# No `from __future__ import annotations` here: Dagster reads the annotations of an op's function as they stand.

from collections.abc import Sequence

import dagster as dg
from pydantic import Field

from pipelines.catalogue.types import Source
from pipelines.orchestration.assets import metadata
from pipelines.orchestration.assets.feeds import POOL, chosen_accounts
from pipelines.orchestration.assets.request import days_between
from pipelines.orchestration.assets.step_errors import step_errors
from pipelines.orchestration.resources import FloridaySession, WarehouseResource
from pipelines.sync.outcome import FeedOutcome


class DaysConfig(dg.Config):
    """Which days are read again, and of what."""

    from_date: str = Field(description="The first day, such as 2026-03-02, in Amsterdam")
    to_date: str | None = Field(default=None, description="The last day; today where it is not given")
    feeds: list[str] = Field(default=[], description="Feeds as schema.table; all where none is named")
    accounts: list[str] = Field(default=[], description="Names of the accounts; all where none is named")


def reread_days_job(sources: Sequence[Source]) -> dg.JobDefinition:
    """What is now numbered in some days, of some feeds or all.

    Args:
        sources: the feeds and snapshots in use.
    """

    @dg.op(name="reread", pool=POOL, out=dg.Out(dg.Nothing))
    def reread(
        context: dg.OpExecutionContext, config: DaysConfig, session: FloridaySession, warehouse: WarehouseResource
    ) -> None:
        """Read the days again, feed by feed."""
        with step_errors(context.log):
            days = days_between(config.from_date, config.to_date)
            connected = session.open()
            accounts = chosen_accounts(config.accounts, connected)
            chosen = [connected.catalogue.source(name).name for name in config.feeds]
            warehouse.hold(f"Dagster run {context.run_id}", context.log)
            outcomes = session.prepare().sync_all(
                [source for source in sources if not chosen or source.name in chosen],
                run_id=context.run_id,
                accounts=accounts,
                what=days,
            )
            failed = [line for outcome in outcomes if (line := _told(context, outcome))]
        if failed:
            raise dg.Failure("; ".join(sorted(failed)), allow_retries=False)

    @dg.job(
        name="reread_days",
        executor_def=dg.in_process_executor,
        description="Reads again what is now numbered in some days, which repairs what was lost here of them. The"
        " config names the days, and feeds and accounts where not all are meant.",
    )
    def job() -> None:
        reread()

    return job


def _told(context: dg.OpExecutionContext, outcome: FeedOutcome) -> str | None:
    """Show an outcome on the feed's asset; the line of its failure, where there is one."""
    schema, table = outcome.feed.split(".")
    context.log_event(dg.AssetObservation(dg.AssetKey([schema, table]), metadata=metadata.of_sync([outcome])))
    return f"{outcome.account} · {outcome.feed}: {outcome.error}" if outcome.error is not None else None
