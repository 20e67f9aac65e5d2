"""A small history of runs in Dagster: assets with weeks and checks, run over and over, and what Dagster shows of it."""

# No `from __future__ import annotations` here: Dagster reads the annotations of an asset's function as they stand.

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value  # what the grid shows

WEEKS = dg.WeeklyPartitionsDefinition(start_date="2026-01-05", end_date="2026-03-02", day_offset=1)
TULIPS, ROSES, STOCK = (dg.AssetKey(name) for name in ("tulips", "roses", "stock"))
KEYS = [TULIPS, ROSES, STOCK]
COUNTED = [dg.AssetCheckKey(key, "counted") for key in (TULIPS, ROSES)]
CHECKED = dg.AssetCheckKey(STOCK, "checked")

QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}


class Wish(dg.Config):
    """What a run is to come to."""

    fail: bool = False
    skip: bool = False


def _flowers(key: dg.AssetKey) -> dg.AssetsDefinition:
    @dg.asset(
        key=key, partitions_def=WEEKS, check_specs=[dg.AssetCheckSpec("counted", asset=key)], output_required=False
    )
    def grow(
        context: dg.AssetExecutionContext, config: Wish
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        if config.fail:
            raise dg.Failure("frost")
        print("stems")  # noqa: T201 - so that there are logs
        if config.skip:
            context.log_event(dg.AssetObservation(key))
        else:
            yield dg.MaterializeResult(metadata={"text": "stem " * 500})
        yield dg.AssetCheckResult(check_name="counted", passed=True)

    return grow


@dg.asset(key=STOCK)
def _stock() -> None: ...


@dg.asset_check(asset=_stock, name="checked")
def _checked() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


_DEFINITIONS = dg.Definitions(
    assets=[_flowers(TULIPS), _flowers(ROSES), _stock],
    asset_checks=[_checked],
    jobs=[
        dg.define_asset_job("sync", [TULIPS, ROSES]),
        dg.define_asset_job("count", dg.AssetSelection.assets(STOCK) - dg.AssetSelection.all_asset_checks()),
        dg.define_asset_job("check", dg.AssetSelection.checks(CHECKED)),
    ],
    executor=dg.in_process_executor,
)


def run(
    instance: dg.DagsterInstance,
    job: str,
    week: int | None = None,
    *,
    only: dg.AssetKey | None = None,
    tags: Mapping[str, str] | None = None,
    **wish: bool,
) -> str:
    """Run a job once.

    Args:
        instance: remembers it.
        job: ``sync``, which is for a week, ``count`` or ``check``.
        week: from 0.
        only: the asset to which it is limited.
        tags: of the run.
        **wish: what each asset is to do, see :class:`Wish`.

    Returns:
        The run's id.
    """
    flowers = [only] if only else [TULIPS, ROSES]
    ops = {key.to_user_string(): {"config": wish} for key in flowers}
    return (
        _DEFINITIONS.resolve_job_def(job)
        .execute_in_process(
            run_config={"ops": ops if wish else {}, "loggers": QUIET},
            instance=instance,
            raise_on_error=False,
            partition_key=None if week is None else WEEKS.get_partition_keys()[week],
            asset_selection=[only] if only else None,
            tags=dict(tags or {}),
        )
        .run_id
    )


def make_history(instance: dg.DagsterInstance) -> None:
    """Three weeks three times over, then failures, what was skipped, an asset without weeks, and its check alone."""
    for week in 3 * [0, 1, 2]:
        run(instance, "sync", week)
    run(instance, "check")
    for _ in range(2):
        run(instance, "sync", 3, fail=True)
        run(instance, "sync", 4, skip=True)
        run(instance, "count")
    run(instance, "sync", 2, fail=True)
    run(instance, "sync", 1, only=ROSES)
    run(instance, "count")


def shown(instance: dg.DagsterInstance) -> dict[str, Any]:
    """What Dagster shows of the assets: the grid, newest events of all kinds with their runs, and checks."""
    storage = instance.event_log_storage
    told: dict[str, Any] = {}
    for record in instance.get_asset_records(KEYS):
        entry, key = record.asset_entry, record.asset_entry.asset_key
        name = key.to_user_string()
        newest = instance.get_latest_storage_id_by_partition(key, dg.DagsterEventType.ASSET_MATERIALIZATION)
        events = _events(instance, key, list(newest.values()))
        told |= {
            f"newest of {name}": instance.get_latest_materialization_event(key),
            f"last run of {name}": entry.last_run_id,
            f"observation of {name}": instance.fetch_observations(key, limit=1).records,
            f"newest of each week of {name}": dict(newest),
            f"events of the weeks of {name}": events,
            f"grid of {name}": None if key == STOCK else _grid(instance, key),
        }
    told["checks"] = {
        str(key): (summary.last_check_execution_record, summary.last_completed_check_execution_record)
        for key, summary in storage.get_asset_check_summary_records([*COUNTED, CHECKED]).items()
    }
    told["checks of weeks"] = storage.get_asset_check_partition_info(COUNTED)
    return told


def _events(instance: dg.DagsterInstance, key: dg.AssetKey, ids: list[int]) -> dict[str | None, dg.EventLogEntry]:
    chosen = dg.AssetRecordsFilter(asset_key=key, storage_ids=[0, *ids])  # none at all would stand for any
    found = instance.fetch_materializations(chosen, limit=100).records
    return {each.partition_key: each.event_log_entry for each in found}


def _grid(instance: dg.DagsterInstance, key: dg.AssetKey) -> dict[str, set[str]]:
    status = get_and_update_asset_status_cache_value(instance, key, WEEKS)
    assert status is not None
    return {
        "materialized": set(status.deserialize_materialized_partition_subsets(WEEKS).get_partition_keys()),
        "failed": set(status.deserialize_failed_partition_subsets(WEEKS).get_partition_keys()),
    }


def run_ids(instance: dg.DagsterInstance) -> list[str]:
    """All runs, the oldest first."""
    return list(instance.get_run_ids())[::-1]


def rows(database: Path, query: str) -> list[tuple[Any, ...]]:
    """What a query finds in one of Dagster's files."""
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()
