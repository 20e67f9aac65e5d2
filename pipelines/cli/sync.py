"""``floriday sync``: from the cursors to the end of the feeds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import complain
from pipelines.cli.versions import tell_another_version

if TYPE_CHECKING:
    from pipelines.catalogue.types import Source
    from pipelines.cli.progress import Progress
    from pipelines.outcome import FeedOutcome
    from pipelines.pipeline import Pipeline
    from pipelines.settings import Settings


def sync(
    feeds: Annotated[
        list[str] | None,
        typer.Argument(metavar="FEED", help="sales_orders or orders.sales_orders; all of FLORIDAY_FEEDS without."),
    ] = None,
    account: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this account; may be given several times.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Read again from sequence number 0; repairs what was lost here.")
    ] = False,
) -> None:
    """Read what is new and changed into the warehouse.

    A sync that is stopped goes on where it was. The exit code is 0 when every feed is current or was skipped for a
    reason that is told, and 1 when something failed; the other feeds are done then.

    For example:

        floriday sync

        floriday sync sales_orders supply.batches --account main

        floriday sync organizations --full
    """
    from pipelines.cli.outcomes import print_outcomes
    from pipelines.pipeline import open_pipeline
    from pipelines.settings import load_settings
    from pipelines.warehouse.lock import one_sync_at_a_time

    settings = _narrowed(load_settings(), feeds or [])
    with open_pipeline(settings, accounts=account or None) as pipeline:
        with one_sync_at_a_time(settings.warehouse, "floriday sync"):
            outcomes = _synced(pipeline, full=full)
        print_outcomes(outcomes)
        tell_another_version(settings)
    failures = [complain(str(error.about(account=name))) for name, error in pipeline.failures.items()]
    if failures or any(outcome.error for outcome in outcomes):
        raise typer.Exit(1)


def _narrowed(settings: Settings, names: list[str]) -> Settings:
    """The settings as if FLORIDAY_FEEDS were the feeds that were named, so that their scopes are asked for."""
    from pipelines.catalogue import catalogue_of

    if not names:
        return settings
    catalogue = catalogue_of(settings.api)
    return settings.model_copy(update={"feeds": tuple(catalogue.feed(name).name for name in names)})


def _synced(pipeline: Pipeline, *, full: bool) -> list[FeedOutcome]:
    from pipelines.cli.progress import progress

    pipeline.prepare()
    with progress() as shown:
        return list(_each(pipeline, shown, full=full))


def _each(pipeline: Pipeline, shown: Progress, *, full: bool) -> Iterator[FeedOutcome]:
    from pipelines.pipeline import new_run_id

    run_id = new_run_id()
    for account, feed in _work(pipeline):
        outcome = pipeline.sync(feed, account, run_id=run_id, full=full, listener=shown.tell)
        shown.finish(outcome)
        yield outcome


def _work(pipeline: Pipeline) -> Iterator[tuple[str, Source]]:
    """What is to be done; an account whose key was refused is told once, not for every feed."""
    for account in pipeline.identities:
        for feed in pipeline.sources:
            yield account, feed
