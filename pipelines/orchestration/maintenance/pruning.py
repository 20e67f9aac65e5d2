"""Deletes old runs that Dagster shows nowhere any more.

Dagster keeps every run forever. Deleting a run deletes its events, and with them what the grid of partitions and the
pages of assets and checks show. So a run is kept while any of these still shows it. ``history_files`` removes what
deleted runs leave in the SQLite files, and ``history_tables`` what they leave in PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import dagster as dg

from pipelines.orchestration.assets.check_events import REPEATS
from pipelines.orchestration.dagster_private import BACKFILL_ID_TAG, partitions_without_success
from pipelines.orchestration.maintenance.history_files import PAGE, HistoryFiles, in_pages
from pipelines.orchestration.maintenance.history_tables import HistoryTables

AT_ONCE = 5_000  # most runs that one prune deletes, the oldest first; the next prune goes on
_OPEN_BACKFILL = {"REQUESTED", "CANCELING", "FAILING"}


@dataclass(frozen=True)
class Pruned:
    """The number of deleted runs, the number of old runs that something still shows, and by how much files shrank."""

    deleted: int
    kept: int
    freed_bytes: int


def prune(
    instance: dg.DagsterInstance, older_than: timedelta, small_older_than: timedelta | None = None, *, newest: int
) -> Pruned:
    """Delete finished runs that nothing shows any more and that ended longer ago than ``older_than``, with their files.

    ``small_older_than`` is the same for the small runs of ``changed_feeds``; None: as for other runs.

    Safe to repeat, to interrupt, and to call while Dagster's servers and other runs are active. With another storage
    than SQLite and PostgreSQL, only runs are deleted. The ``newest`` runs are kept in any case: SQLite reuses the
    highest ids after their events are deleted, and Dagster's cache for each asset relies on ids that only rise.
    """
    now = datetime.now(UTC)
    before, small_before = now - older_than, now - (older_than if small_older_than is None else small_older_than)
    files = HistoryFiles.of(instance) or HistoryTables.of(instance)
    size = files.size() if files else 0
    shown = _shown(instance) | (files.runs_shown() if files else set())
    to_delete, kept = _to_delete(instance, shown, before=before, small_before=small_before, newest=newest)
    for run_id in to_delete:
        instance.delete_run(run_id)
    if files:
        files.tidy(before)
    return Pruned(len(to_delete), kept, max(0, size - files.size()) if files else 0)


def _shown(instance: dg.DagsterInstance) -> set[str]:
    """The ids of the runs that the pages of assets and their partitions show."""
    shown: set[str | None] = set()
    for record in instance.get_asset_records():
        entry = record.asset_entry
        shown |= {entry.last_run_id, entry.last_materialization and entry.last_materialization.run_id}
        shown |= {each.run_id for each in instance.fetch_observations(entry.asset_key, limit=1).records}
        shown |= set(_runs_of_partitions(instance, entry.asset_key))
    return {run_id for run_id in shown if run_id}


def _runs_of_partitions(instance: dg.DagsterInstance, key: dg.AssetKey) -> Iterator[str]:
    """The run of each partition's newest materialization, and of each later run that did not materialize it."""
    newest = instance.get_latest_storage_id_by_partition(key, dg.DagsterEventType.ASSET_MATERIALIZATION)
    for page in in_pages(newest.values()):
        chosen = dg.AssetRecordsFilter(asset_key=key, storage_ids=page)
        yield from (record.run_id for record in instance.fetch_materializations(chosen, limit=PAGE).records)
    yield from (run_id for run_id, _ in partitions_without_success(instance, key).values())


def _to_delete(
    instance: dg.DagsterInstance, shown: set[str], *, before: datetime, small_before: datetime, newest: int
) -> tuple[list[str], int]:
    """The ids of the runs to delete, and the number of old runs that are kept.

    A run is old if it ended before ``before``, a small one if it ended before ``small_before``.

    A kept run also keeps the runs that it repeats, because its page shows them.
    """
    keep, jobs, to_delete, kept = set(shown), set[str](), list[str](), 0
    is_open = cache(lambda backfill: _is_open(instance, backfill))
    for position, record in enumerate(_newest_first(instance)):
        run = record.dagster_run
        is_old = run.is_finished and _ended_at(record) < (small_before if REPEATS in run.tags else before)
        is_needed = position < newest or run.job_name not in jobs or run.run_id in keep
        jobs.add(run.job_name)
        if is_old and not is_needed and not is_open(run.tags.get(BACKFILL_ID_TAG)):
            to_delete.append(run.run_id)
        else:
            kept += is_old
            keep |= {repeated for repeated in (run.parent_run_id, run.root_run_id) if repeated}
    return to_delete[-AT_ONCE:], kept


def _newest_first(instance: dg.DagsterInstance) -> Iterator[dg.RunRecord]:
    cursor = None
    while records := instance.get_run_records(limit=PAGE, cursor=cursor):
        yield from records
        cursor = records[-1].dagster_run.run_id


def _ended_at(record: dg.RunRecord) -> datetime:
    return datetime.fromtimestamp(record.end_time, UTC) if record.end_time else record.update_timestamp


def _is_open(instance: dg.DagsterInstance, backfill_id: str | None) -> bool:
    """Whether the backfill is not finished; until then it needs its runs to see which ones are done."""
    backfill = instance.get_backfill(backfill_id) if backfill_id else None
    return backfill is not None and backfill.status.value in _OPEN_BACKFILL
