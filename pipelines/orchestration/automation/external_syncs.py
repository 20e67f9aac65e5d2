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
from pipelines.orchestration.assets.check_events import repeated
from pipelines.orchestration.assets.checks import checks_of, results
from pipelines.orchestration.assets.keys import asset_key
from pipelines.orchestration.assets.partitions import proven_weeks, week_of, weeks_between
from pipelines.orchestration.automation.triggers import LOCK_TIMEOUT, Automation, runs_in_progress, sync_in_progress
from pipelines.orchestration.cells import CellWeeks, name_in
from pipelines.orchestration.resources import SettingsResource
from pipelines.sync.outcome import FeedOutcome
from pipelines.warehouse.opening import open_warehouse
from pipelines.warehouse.read.feed_status import current_for_all

EVERY = 60  # seconds between two ticks
EVERY_OF_CELLS = 300  # the same of the sensor of a cell, of which there may be dozens
A_WEEK = dt.timedelta(weeks=1)
CLOCK_TOLERANCE = dt.timedelta(minutes=5)  # a feed that is current until later was synced while the clock was fast
SLACK = dt.timedelta(seconds=30)  # a feed that is current only this much later is reported only if it has new records


class ExternalSync(NamedTuple):
    """What syncs outside of Dagster did for a feed, current for all accounts, since its newest materialization."""

    source: Source
    current_at: dt.datetime
    changed: int  # new records and versions
    rejected: int


def external_syncs_sensor(
    automation: Automation, sources: Sequence[Source], start: dt.date, cell: str | None = None
) -> dg.SensorDefinition:
    """Reports what the command line synced. It is always switched on at first, because it calls no server.

    Each cell has a sensor of its own.
    """
    settings = automation.settings.in_cell(cell)

    @dg.sensor(
        name=name_in(cell, "syncs_elsewhere"),
        minimum_interval_seconds=EVERY if cell is None else EVERY_OF_CELLS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        asset_selection=dg.AssetSelection.assets(*map(asset_key, sources)),
        description="Shows syncs of the command line as materializations. It reads the warehouse and calls no server.",
    )
    def tick(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        runs = runs_in_progress(context.instance, cell)
        idle = [source for source in sources if not any(_is_synced_by(run, source) for run in runs)]
        if (busy := sync_in_progress(context.instance, settings, cell)) and not (runs and idle):
            return dg.SkipReason(f"{busy}: the warehouse is read after it")
        try:
            events = list(_events(context.instance, settings, idle, start, cell))
        except PipelineError as error:
            return dg.SkipReason(str(error))
        return dg.SensorResult(asset_events=events) if events else dg.SkipReason("no syncs outside of Dagster")

    return tick


def _is_synced_by(run: dg.DagsterRun, source: Source) -> bool:
    """Whether a run may sync a feed; a run without selected assets may sync all."""
    return run.asset_selection is None or asset_key(source) in run.asset_selection


def _events(
    instance: dg.DagsterInstance,
    settings: SettingsResource,
    sources: Sequence[Source],
    start: dt.date,
    cell: str | None,
) -> Iterator[dg.AssetMaterialization | dg.AssetCheckEvaluation]:
    warehouse = open_warehouse(settings.load_local().warehouse, lock_timeout=LOCK_TIMEOUT)
    if not warehouse.exists():
        return
    partitions = CellWeeks(cell)
    reported = _reported_at(instance, sources) if cell is None else _reported_in(instance, sources, partitions)
    with warehouse.reading() as connection:
        new = {found.source.name: found for found in external_syncs(connection, sources, reported)}
        current = current_for_all(connection)
        for source in sources:
            at, found = current.get(source.name), new.get(source.name)
            missing = _missing_weeks(instance, source, at, start, partitions) if cell is None or found else set()
            if at is None or not (found or missing):
                continue
            found = found or ExternalSync(source, min(at, dt.datetime.now(dt.UTC)), 0, 0)
            weeks = sorted({*missing, *weeks_between(reported[source.name], found.current_at, start)})
            yield from _materializations(connection, found, map(partitions.key, weeks))
            yield from _check_evaluations(instance, connection, source, partitions.key(weeks[-1]) if cell else None)


def _missing_weeks(
    instance: dg.DagsterInstance,
    source: Source,
    current_at: dt.datetime | None,
    start: dt.date,
    partitions: CellWeeks,
) -> set[str]:
    """The weeks that are complete and not materialized."""
    proven = proven_weeks(current_at, dt.datetime.now(dt.UTC), start)
    marked = instance.get_materialized_partitions(asset_key(source)) if proven else set()
    return {week for week in proven if partitions.key(week) not in marked}


def _check_evaluations(
    instance: dg.DagsterInstance, connection: duckdb.DuckDBPyConnection, source: Source, partition: str | None
) -> Iterator[dg.AssetCheckEvaluation]:
    """The results of the checks of a feed that is current; those that read whole tables repeat their last one.

    ``partition`` is that of a cell, whose last results are not looked for: they stay visible in their partition.
    """
    query = (
        "SELECT account, max(cursor), max(coalesce(maximum, cursor)) FROM sync.cursors WHERE feed = $feed GROUP BY ALL"
    )
    rows = connection.execute(query, {"feed": source.name}).fetchall()
    outcomes = [FeedOutcome(row[0], source.name, cursor=row[1], maximum=row[2], current=True) for row in rows]
    names = {check.name for check in checks_of(source) if not check.reads_tables}
    now = dt.datetime.now(dt.UTC)
    evaluated = results(source, outcomes, connection, run_id="", now=now, names=names)
    for result in (*evaluated, *(repeated(instance, source) if partition is None else ())):
        yield dg.AssetCheckEvaluation(
            asset_key(source),
            str(result.check_name),
            result.passed,
            result.metadata,
            severity=result.severity,
            description=result.description,
            partition=partition,
        )


def _reported_in(
    instance: dg.DagsterInstance, sources: Sequence[Source], partitions: CellWeeks
) -> dict[str, dt.datetime | None]:
    """As :func:`_reported_at`, of the partitions of a cell; None if none of this week and the last one has an event."""
    now = dt.datetime.now(dt.UTC)
    keys = [partitions.key(week_of(moment)) for moment in (now - A_WEEK, now)]
    newest = {}
    for source in sources:
        chosen = dg.AssetRecordsFilter(asset_key=asset_key(source), asset_partitions=keys)
        times = (record.timestamp for record in instance.fetch_materializations(chosen, limit=1).records)
        newest[source.name] = next((dt.datetime.fromtimestamp(each, dt.UTC) for each in times), None)
    return {name: at if at and at <= now else None for name, at in newest.items()}


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
