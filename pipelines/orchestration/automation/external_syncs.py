"""Syncs that Dagster did not start: the command line's are reported as materializations without a run.

The warehouse tells when each feed was last current. A feed that is further than its newest materialization, while no
run is under way, was synced elsewhere.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
import duckdb

from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Source
from pipelines.errors import PipelineError
from pipelines.orchestration.assets import metadata
from pipelines.orchestration.assets.feeds import asset_key
from pipelines.orchestration.assets.partitions import weeks_between
from pipelines.orchestration.automation.busy import under_way
from pipelines.orchestration.automation.triggers import Automation
from pipelines.warehouse.file.connection import Warehouse

EVERY = 60
"""Seconds between two looks."""

AHEAD = dt.timedelta(minutes=5)
"""A feed that is current until so much later than now was synced under a clock that was ahead."""

SLACK = dt.timedelta(seconds=30)
"""By so much a feed may have been current later than it was told of: where nothing came, that is not worth telling."""

PATIENCE = 5.0
"""Seconds to wait for a warehouse that another process holds; then the next tick looks."""


@dataclass(frozen=True)
class SyncedElsewhere:
    """What a feed came to by syncs of which Dagster does not know.

    Args:
        source: the feed or snapshot.
        current_at: when it was last current, for all accounts.
        changed: new records and versions since the newest materialization.
        rejected: records rejected since then.
    """

    source: Source
    current_at: dt.datetime
    changed: int
    rejected: int


def syncs_elsewhere(automation: Automation, sources: Sequence[Source], start: dt.date) -> dg.SensorDefinition:
    """Report what the command line synced.

    Args:
        automation: the settings; the sensor runs whatever they say, it calls nobody.
        sources: the feeds and snapshots in use.
        start: where their partitions begin.
    """

    @dg.sensor(
        name="syncs_elsewhere",
        minimum_interval_seconds=EVERY,
        default_status=dg.DefaultSensorStatus.RUNNING,
        asset_selection=dg.AssetSelection.assets(*map(asset_key, sources)),
        description="Shows syncs from the command line as materializations. It reads the warehouse and calls nobody.",
    )
    def report(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        if busy := under_way(context.instance, automation.settings):
            return dg.SkipReason(f"{busy}: the warehouse is looked at after it")
        try:
            events = list(_events(context.instance, automation, sources, start))
        except PipelineError as error:
            return dg.SkipReason(str(error))
        return dg.SensorResult(asset_events=events) if events else dg.SkipReason("no sync but Dagster's own")

    return report


def _events(
    instance: dg.DagsterInstance, automation: Automation, sources: Sequence[Source], start: dt.date
) -> Iterator[dg.AssetMaterialization]:
    warehouse = Warehouse(automation.settings.load_local().warehouse, lock_timeout=PATIENCE)
    if not warehouse.exists():
        return
    told = _told_at(instance, sources)
    with warehouse.reading() as connection:
        for found in synced_elsewhere(connection, sources, told):
            yield from _materializations(connection, found, told[found.source.name], start)


def _told_at(instance: dg.DagsterInstance, sources: Sequence[Source]) -> dict[str, dt.datetime | None]:
    """When the newest materialization of each feed was told, by its name; None for never.

    None too for one that was told in the future, under a clock that was ahead: the next one tells the time again.
    """
    now = dt.datetime.now(dt.UTC)
    records = instance.get_asset_records([asset_key(source) for source in sources])
    newest = {record.asset_entry.asset_key: record.asset_entry.last_materialization for record in records}
    events = {source.name: newest.get(asset_key(source)) for source in sources}
    told = {name: dt.datetime.fromtimestamp(event.timestamp, dt.UTC) for name, event in events.items() if event}
    return {name: at if (at := told.get(name)) and at <= now else None for name in events}


def synced_elsewhere(
    connection: duckdb.DuckDBPyConnection,
    sources: Sequence[Source],
    told: dict[str, dt.datetime | None],
    now: dt.datetime | None = None,
) -> Iterator[SyncedElsewhere]:
    """The feeds that were current later than they were last told of.

    Args:
        connection: open for reading, laid out.
        sources: which.
        told: when each was last told of, by its name; None for never.
        now: the moment; of a feed that was synced under a clock that was ahead, the next sync says when it truly was
            current.
    """
    now = now or dt.datetime.now(dt.UTC)
    current = dict(
        connection.execute(
            "SELECT feed, min(current_at) FROM sync.cursors GROUP BY feed HAVING count(*) = count(current_at)"
        ).fetchall()
    )
    for source in sources:
        at, before = current.get(source.name), told[source.name]
        if at is None or at > now + AHEAD or (before is not None and at <= before):
            continue
        counts = connection.execute(
            "SELECT coalesce(sum(changed), 0), coalesce(sum(rejected), 0) FROM sync.windows"
            " WHERE feed = $feed AND committed_at > coalesce($before, TIMESTAMPTZ '-infinity')",
            {"feed": source.name, "before": before},
        ).fetchall()[0]
        if before is not None and at <= before + SLACK and not counts[0]:
            continue
        yield SyncedElsewhere(source, at, int(counts[0]), int(counts[1]))


def _materializations(
    connection: duckdb.DuckDBPyConnection, found: SyncedElsewhere, before: dt.datetime | None, start: dt.date
) -> Iterator[dg.AssetMaterialization]:
    """One for each week that is complete now, the oldest first: the newest told is the one that the asset shows."""
    told: dict[str, Any] = {
        "changed": found.changed,
        "rejected": found.rejected,
        "current at": dg.MetadataValue.timestamp(found.current_at),
        **metadata.of_rows(connection, tables_of(found.source)),
    }
    for week in weeks_between(before, found.current_at, start):
        yield dg.AssetMaterialization(
            asset_key(found.source), partition=week, description="Synced outside of Dagster", metadata=told
        )
