"""Which runs Dagster may forget: the old ones that nothing shows any more.

Dagster keeps every run for ever. Forgetting one forgets its events, and with them what the grid of partitions, an
asset's page or a check tells. So a run stays for as long as one of these still comes from it. What deleted runs leave
in the files of SQLite is removed by ``history_files``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import dagster as dg

from pipelines.orchestration.maintenance.history_files import PAGE, HistoryFiles, in_pages

AT_ONCE = 5_000
"""Runs that one prune deletes at most, the oldest first; the next one goes on."""

_BACKFILL_TAG = "dagster/backfill"
_OPEN_BACKFILL = {"REQUESTED", "CANCELING", "FAILING"}


@dataclass(frozen=True)
class Pruned:
    """What a prune came to.

    Args:
        deleted: runs that are gone.
        kept: old runs that stay, because something still shows them.
        freed_bytes: by which Dagster's files became smaller; 0 where it does not keep its history in SQLite.
    """

    deleted: int
    kept: int
    freed_bytes: int


def prune(instance: dg.DagsterInstance, older_than: timedelta, newest: int) -> Pruned:
    """Delete the finished runs that nothing shows any more, and what they leave behind.

    Runs that have not finished are never touched. Safe to repeat, to stop in the middle, and to do while Dagster's
    servers and other runs are at work. With another storage than SQLite, runs are deleted and files are left alone.

    Args:
        instance: where the runs are.
        older_than: age, since their end, of the runs that may go.
        newest: so many of the newest runs stay, whatever they are: SQLite gives the ids of deleted events out again
            when they were the highest, and what Dagster caches for each asset counts on ids that only rise.
    """
    before = datetime.now(UTC) - older_than
    files = HistoryFiles.of(instance)
    size = files.size() if files else 0
    shown = _shown(instance) | (files.runs_shown() if files else set())
    forgotten, kept = _forgotten(instance, shown, before, newest)
    for run_id in forgotten:
        instance.delete_run(run_id)
    if files:
        files.tidy(before)
    return Pruned(len(forgotten), kept, max(0, size - files.size()) if files else 0)


def _shown(instance: dg.DagsterInstance) -> set[str]:
    """The runs that assets and their partitions are shown with."""
    shown: set[str | None] = set()
    for record in instance.get_asset_records():
        entry = record.asset_entry
        shown |= {entry.last_run_id, entry.last_materialization and entry.last_materialization.run_id}
        shown |= {each.run_id for each in instance.fetch_observations(entry.asset_key, limit=1).records}
        shown |= set(_runs_of_partitions(instance, entry.asset_key))
    return {run_id for run_id in shown if run_id}


def _runs_of_partitions(instance: dg.DagsterInstance, key: dg.AssetKey) -> Iterator[str]:
    """The run of each partition's newest materialization, and of each attempt after it that brought none."""
    newest = instance.get_latest_storage_id_by_partition(key, dg.DagsterEventType.ASSET_MATERIALIZATION)
    for page in in_pages(newest.values()):
        chosen = dg.AssetRecordsFilter(asset_key=key, storage_ids=page)
        yield from (record.run_id for record in instance.fetch_materializations(chosen, limit=PAGE).records)
    storage = instance.event_log_storage
    attempts = storage.get_latest_asset_partition_materialization_attempts_without_materializations(key)
    yield from (run_id for run_id, _ in attempts.values())


def _forgotten(instance: dg.DagsterInstance, shown: set[str], before: datetime, newest: int) -> tuple[list[str], int]:
    """The ids of the runs that may go, and how many old ones may not.

    A run that stays keeps those of which it is a repetition: its page shows them.
    """
    keep, jobs, forgotten, kept = set(shown), set[str](), list[str](), 0
    is_open = cache(lambda backfill: _is_open(instance, backfill))
    for position, record in enumerate(_newest_first(instance)):
        run = record.dagster_run
        old = run.is_finished and _ended_at(record) < before
        needed = position < newest or run.job_name not in jobs or run.run_id in keep
        jobs.add(run.job_name)
        if old and not needed and not is_open(run.tags.get(_BACKFILL_TAG)):
            forgotten.append(run.run_id)
        else:
            kept += old
            keep |= {repeated for repeated in (run.parent_run_id, run.root_run_id) if repeated}
    return forgotten[-AT_ONCE:], kept


def _newest_first(instance: dg.DagsterInstance) -> Iterator[dg.RunRecord]:
    cursor = None
    while records := instance.get_run_records(limit=PAGE, cursor=cursor):
        yield from records
        cursor = records[-1].dagster_run.run_id


def _ended_at(record: dg.RunRecord) -> datetime:
    return datetime.fromtimestamp(record.end_time, UTC) if record.end_time else record.update_timestamp


def _is_open(instance: dg.DagsterInstance, backfill_id: str | None) -> bool:
    """Whether the backfill still has to find its runs to know that it is done."""
    backfill = instance.get_backfill(backfill_id) if backfill_id else None
    return backfill is not None and backfill.status.value in _OPEN_BACKFILL
