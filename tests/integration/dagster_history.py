"""A small Dagster project with weekly assets and checks, a history of its runs, and what Dagster's UI shows of it."""

# No `from __future__ import annotations` here: Dagster needs the annotations of an asset's function as types.

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.storage.partition_status_cache import (
    get_and_update_asset_status_cache_value,  # the grid of partitions
)

WEEKS = dg.WeeklyPartitionsDefinition(start_date="2026-01-05", end_date="2026-03-02", day_offset=1)
TULIPS, ROSES, STOCK = (dg.AssetKey(name) for name in ("tulips", "roses", "stock"))
KEYS = [TULIPS, ROSES, STOCK]
COUNTED = [dg.AssetCheckKey(key, "counted") for key in (TULIPS, ROSES)]
CHECKED = dg.AssetCheckKey(STOCK, "checked")

QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}


class Behavior(dg.Config):
    """What the assets do in a run: succeed, fail, or record an observation instead of a materialization."""

    fail: bool = False
    skip: bool = False


def _flowers(key: dg.AssetKey) -> dg.AssetsDefinition:
    @dg.asset(
        key=key, partitions_def=WEEKS, check_specs=[dg.AssetCheckSpec("counted", asset=key)], output_required=False
    )
    def grow(
        context: dg.AssetExecutionContext, config: Behavior
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
    **behavior: bool,
) -> str:
    """Run a job once.

    Args:
        instance: Dagster instance that stores the run.
        job: ``sync``, which needs a week, ``count`` or ``check``.
        week: index of the week, from 0.
        only: asset to which the run is limited.
        tags: tags of the run.
        **behavior: fields of :class:`Behavior` for each asset.

    Returns:
        The id of the run.
    """
    flowers = [only] if only else [TULIPS, ROSES]
    ops = {key.to_user_string(): {"config": behavior} for key in flowers}
    return (
        _DEFINITIONS.resolve_job_def(job)
        .execute_in_process(
            run_config={"ops": ops if behavior else {}, "loggers": QUIET},
            instance=instance,
            raise_on_error=False,
            partition_key=None if week is None else WEEKS.get_partition_keys()[week],
            asset_selection=[only] if only else None,
            tags=dict(tags or {}),
        )
        .run_id
    )


def make_history(instance: dg.DagsterInstance) -> None:
    """Run three weeks three times, then failures, skipped weeks, an asset without weeks, and its check alone."""
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


def displayed_state(instance: dg.DagsterInstance) -> dict[str, Any]:
    """Return what Dagster's UI shows of the assets: the grid, the newest events of each kind, and checks."""
    storage = instance.event_log_storage
    state: dict[str, Any] = {}
    for record in instance.get_asset_records(KEYS):
        entry, key = record.asset_entry, record.asset_entry.asset_key
        name = key.to_user_string()
        newest = instance.get_latest_storage_id_by_partition(key, dg.DagsterEventType.ASSET_MATERIALIZATION)
        events = _events(instance, key, list(newest.values()))
        state |= {
            f"newest of {name}": instance.get_latest_materialization_event(key),
            f"last run of {name}": entry.last_run_id,
            f"observation of {name}": instance.fetch_observations(key, limit=1).records,
            f"newest of each week of {name}": dict(newest),
            f"events of the weeks of {name}": events,
            f"grid of {name}": None if key == STOCK else _grid(instance, key),
        }
    state["checks"] = {
        str(key): (summary.last_check_execution_record, summary.last_completed_check_execution_record)
        for key, summary in storage.get_asset_check_summary_records([*COUNTED, CHECKED]).items()
    }
    state["checks of weeks"] = storage.get_asset_check_partition_info(COUNTED)
    return state


def _events(instance: dg.DagsterInstance, key: dg.AssetKey, ids: list[int]) -> dict[str | None, dg.EventLogEntry]:
    chosen = dg.AssetRecordsFilter(asset_key=key, storage_ids=[0, *ids])  # no ids would match all
    found = instance.fetch_materializations(chosen, limit=100).records
    return {record.partition_key: record.event_log_entry for record in found}


def _grid(instance: dg.DagsterInstance, key: dg.AssetKey) -> dict[str, set[str]]:
    status = get_and_update_asset_status_cache_value(instance, key, WEEKS)
    assert status is not None
    return {
        "materialized": set(status.deserialize_materialized_partition_subsets(WEEKS).get_partition_keys()),
        "failed": set(status.deserialize_failed_partition_subsets(WEEKS).get_partition_keys()),
    }


def run_ids(instance: dg.DagsterInstance) -> list[str]:
    """Return the ids of all runs, the oldest first."""
    return list(instance.get_run_ids())[::-1]


def query_rows(database: Path, query: str) -> list[tuple[Any, ...]]:
    """Return the result of a query on one of Dagster's SQLite files."""
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()
