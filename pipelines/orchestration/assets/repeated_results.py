"""Repeats the last results of the checks that read whole tables, for runs that do not evaluate them.

Dagster shows "Not evaluated" for each check without a result for the newest materialization, also for one that failed.
"""

from __future__ import annotations

import dagster as dg

from pipelines.catalogue.types import Source
from pipelines.orchestration.assets.checks import checks_of
from pipelines.orchestration.assets.keys import asset_key
from pipelines.orchestration.dagster_private import last_evaluations

REPEATS = "floriday/repeats_checks"
"""The tag of a run that repeats the last results of these checks; a check without a result is evaluated."""

EVALUATED_AT = "evaluated at"  # the name of the metadata with the time of a repeated result


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
