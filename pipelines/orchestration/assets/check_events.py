"""The events in which a step stores the results of its feed's checks, those included that a small run repeats.

A result that a step yields is an output of the step, too, and Dagster stores an event for it. Results are logged
instead: that is one event for each, and the pages of assets and checks show the same.

Dagster shows "Not evaluated" for each check without a result for the newest materialization, also for one that failed.
So runs that do not evaluate the checks that read whole tables repeat their last results.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

import dagster as dg

from pipelines.catalogue.types import Source
from pipelines.orchestration.assets.checks import checks_of
from pipelines.orchestration.assets.keys import asset_key
from pipelines.orchestration.dagster_private import CheckedMaterialization, last_evaluations

EVALUATES = "floriday/evaluates_checks"
"""The tag of a run that evaluates the checks of its feeds although it selects none of them. For each selected check,
Dagster stores a further event when it creates the run."""

REPEATS = "floriday/repeats_checks"
"""The tag of a run that repeats the last results of these checks; a check without a result is evaluated."""

EVALUATED_AT = "evaluated at"  # the name of the metadata with the time of a repeated result


def log_results(
    context: dg.AssetExecutionContext, key: dg.AssetKey, results: Iterable[dg.AssetCheckResult], *, of_partition: bool
) -> None:
    """Store the results of an asset's checks, after its materialization if the step has one.

    ``of_partition``: whether the checks have results of their own for each partition.
    """
    context.log.addFilter(_is_of_interest)
    checked = _checked(context, key)
    for result in results:
        assert result.check_name is not None
        context.log_event(
            dg.AssetCheckEvaluation(
                asset_key=key,
                check_name=result.check_name,
                passed=result.passed,
                metadata=result.metadata,
                target_materialization_data=checked,
                severity=result.severity,
                description=result.description,
                blocking=False,
                partition=context.partition_key if of_partition and context.has_partition_key else None,
            )
        )


def _is_of_interest(record: logging.LogRecord) -> bool:
    """Whether a line is not Dagster's remark that checks were no outputs, which is what this module is for."""
    return "did not yield or return expected outputs" not in record.getMessage()


def _checked(context: dg.AssetExecutionContext, key: dg.AssetKey) -> CheckedMaterialization | None:
    """The newest materialization, of the run's partition if it has a single one; without it, results look outdated."""
    partitions = [context.partition_key] if context.has_partition_key else None
    newest = dg.AssetRecordsFilter(asset_key=key, asset_partitions=partitions)
    found = context.instance.fetch_materializations(newest, limit=1).records
    return next(
        (
            CheckedMaterialization(storage_id=each.storage_id, run_id=each.run_id, timestamp=each.timestamp)
            for each in found
        ),
        None,
    )


def repeated(instance: dg.DagsterInstance, source: Source) -> list[dg.AssetCheckResult]:
    """The last result of each check of a feed that reads tables, with the time at which it was evaluated."""
    key = asset_key(source)
    keys = [dg.AssetCheckKey(key, check.name) for check in checks_of(source) if check.reads_tables]
    return [
        dg.AssetCheckResult(
            passed=last.passed,
            asset_key=key,
            check_name=last.check_name,
            severity=last.severity,
            description=last.description,
            metadata={EVALUATED_AT: dg.MetadataValue.timestamp(at), **last.metadata},
        )
        for last, at in last_evaluations(instance, keys)
    ]
