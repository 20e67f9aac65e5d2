"""The sensor that reports syncs outside of Dagster, such as those of the command line, as materializations.

The warehouse contains when each feed was last current. If that is later than the feed's newest materialization, and no
run of the feed is in progress, the feed was synced outside of Dagster. Weeks that are complete and not materialized are
reported too: a run that came first reports only the weeks that it knows of. The checks get results with the
materialization. Runs of other feeds do not delay a report: while trade goes on, some run is nearly always in progress.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import dagster as dg
import duckdb

from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Source
from pipelines.errors import PipelineError
from pipelines.orchestration.assets import metadata
from pipelines.orchestration.assets.checks import checks_of, results
from pipelines.orchestration.assets.keys import asset_key
from pipelines.orchestration.assets.partitions import proven_weeks, weeks_between
from pipelines.orchestration.assets.repeated_results import repeated
from pipelines.orchestration.automation.triggers import LOCK_TIMEOUT, Automation, runs_in_progress, sync_in_progress
from pipelines.sync.outcome import FeedOutcome
from pipelines.warehouse.opening import open_warehouse
from pipelines.warehouse.read.feed_status import current_for_all

EVERY = 60  # seconds between two ticks
CLOCK_TOLERANCE = dt.timedelta(minutes=5)  # a feed that is current until later was synced while the clock was fast
SLACK = dt.timedelta(seconds=30)  # a feed that is current only this much later is reported only if it has new records


class ExternalSync(NamedTuple):
    """What syncs outside of Dagster did for a feed, current for all accounts, since its newest materialization."""

    source: Source
    current_at: dt.datetime
    changed: int  # new records and versions
    rejected: int


def external_syncs_sensor(automation: Automation, sources: Sequence[Source], start: dt.date) -> dg.SensorDefinition:
    """Reports what the command line synced. It is always switched on at first, because it calls no server."""

    @dg.sensor(
        name="syncs_elsewhere",
        minimum_interval_seconds=EVERY,
        default_status=dg.DefaultSensorStatus.RUNNING,
        asset_selection=dg.AssetSelection.assets(*map(asset_key, sources)),
        description="Shows syncs of the command line as materializations. It reads the warehouse and calls no server.",
    )
    def tick(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        runs = runs_in_progress(context.instance)
        idle = [source for source in sources if not any(_is_synced_by(run, source) for run in runs)]
        if (busy := sync_in_progress(context.instance, automation.settings)) and not (runs and idle):
            return dg.SkipReason(f"{busy}: the warehouse is read after it")
        try:
            events = list(_events(context.instance, automation, idle, start))
        except PipelineError as error:
            return dg.SkipReason(str(error))
        return dg.SensorResult(asset_events=events) if events else dg.SkipReason("no syncs outside of Dagster")

    return tick


def _is_synced_by(run: dg.DagsterRun, source: Source) -> bool:
    """Whether a run may sync a feed; a run without selected assets may sync all."""
    return run.asset_selection is None or asset_key(source) in run.asset_selection


def _events(
    instance: dg.DagsterInstance, automation: Automation, sources: Sequence[Source], start: dt.date
) -> Iterator[dg.AssetMaterialization | dg.AssetCheckEvaluation]:
    warehouse = open_warehouse(automation.settings.load_local().warehouse, lock_timeout=LOCK_TIMEOUT)
    if not warehouse.exists():
        return
    reported = _reported_at(instance, sources)
    with warehouse.reading() as connection:
        new = {found.source.name: found for found in external_syncs(connection, sources, reported)}
        current = current_for_all(connection)
        for source in sources:
            at, found = current.get(source.name), new.get(source.name)
            missing = _missing_weeks(instance, source, at, start)
            if at is None or not (found or missing):
                continue
            found = found or ExternalSync(source, min(at, dt.datetime.now(dt.UTC)), 0, 0)
            weeks = sorted({*missing, *weeks_between(reported[source.name], found.current_at, start)})
            yield from _materializations(connection, found, weeks)
            yield from _check_evaluations(instance, connection, source)


def _missing_weeks(
    instance: dg.DagsterInstance, source: Source, current_at: dt.datetime | None, start: dt.date
) -> set[str]:
    """The weeks that are complete and not materialized."""
    proven = proven_weeks(current_at, dt.datetime.now(dt.UTC), start)
    return set(proven) - instance.get_materialized_partitions(asset_key(source)) if proven else set()


def _check_evaluations(
    instance: dg.DagsterInstance, connection: duckdb.DuckDBPyConnection, source: Source
) -> Iterator[dg.AssetCheckEvaluation]:
    """The results of the checks of a feed that is current; those that read whole tables repeat their last one."""
    query = (
        "SELECT account, max(cursor), max(coalesce(maximum, cursor)) FROM sync.cursors WHERE feed = $feed GROUP BY ALL"
    )
    rows = connection.execute(query, {"feed": source.name}).fetchall()
    outcomes = [FeedOutcome(row[0], source.name, cursor=row[1], maximum=row[2], current=True) for row in rows]
    names = {check.name for check in checks_of(source) if not check.reads_tables}
    now = dt.datetime.now(dt.UTC)
    evaluated = results(source, outcomes, connection, run_id="", now=now, names=names)
    for result in (*evaluated, *repeated(instance, source)):
        yield dg.AssetCheckEvaluation(
            asset_key(source),
            str(result.check_name),
            result.passed,
            result.metadata,
            severity=result.severity,
            description=result.description,
        )


def _reported_at(instance: dg.DagsterInstance, sources: Sequence[Source]) -> dict[str, dt.datetime | None]:
    """The time of the newest materialization of each feed, by its name; None if there is none.

    A time in the future, from a clock that was fast, counts as None: the next event has the right time.
    """
    now = dt.datetime.now(dt.UTC)
    records = instance.get_asset_records([asset_key(source) for source in sources])
    newest = {record.asset_entry.asset_key: record.asset_entry.last_materialization for record in records}
    events = {source.name: newest.get(asset_key(source)) for source in sources}
    times = {name: dt.datetime.fromtimestamp(event.timestamp, dt.UTC) for name, event in events.items() if event}
    return {name: at if (at := times.get(name)) and at <= now else None for name in events}


def external_syncs(
    connection: duckdb.DuckDBPyConnection,
    sources: Sequence[Source],
    reported: Mapping[str, dt.datetime | None],
    now: dt.datetime | None = None,
) -> Iterator[ExternalSync]:
    """The feeds that were current later than ``reported``: the time of each one's newest materialization, or None.

    ``now`` is the clock's time if None. A feed that was synced while the clock was fast is left out, until the next
    sync stores when it was current.
    """
    now = now or dt.datetime.now(dt.UTC)
    current = current_for_all(connection)
    for source in sources:
        at, before = current.get(source.name), reported[source.name]
        if at is None or at > now + CLOCK_TOLERANCE or (before is not None and at <= before):
            continue
        ((changed, rejected),) = connection.execute(
            "SELECT coalesce(sum(changed), 0), coalesce(sum(rejected), 0) FROM sync.windows"
            " WHERE feed = $feed AND committed_at > coalesce($before, TIMESTAMPTZ '-infinity')",
            {"feed": source.name, "before": before},
        ).fetchall()
        if changed or before is None or at > before + SLACK:
            yield ExternalSync(source, at, int(changed), int(rejected))


def _materializations(
    connection: duckdb.DuckDBPyConnection, found: ExternalSync, weeks: Iterable[str]
) -> Iterator[dg.AssetMaterialization]:
    """One for each of the weeks, oldest first: the asset's page shows the last one."""
    shown: dict[str, Any] = {
        "changed": found.changed,
        "rejected": found.rejected,
        "current at": dg.MetadataValue.timestamp(found.current_at),
        **metadata.of_rows(connection, tables_of(found.source)),
    }
    for week in weeks:
        yield dg.AssetMaterialization(
            asset_key(found.source), partition=week, description="Synced outside of Dagster", metadata=shown
        )
