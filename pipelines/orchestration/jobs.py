"""Runs that a person or a schedule starts by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from pipelines.catalogue.types import Source
from pipelines.orchestration.assets import SyncConfig, asset_key, op_name

Job: TypeAlias = UnresolvedAssetJobDefinition
"""A job over assets, before Dagster knows them all; the library has no public name for it."""


def sync_job(sources: Sequence[Source]) -> Job:
    """What changed since the last time, of every feed."""
    return dg.define_asset_job(
        "sync",
        dg.AssetSelection.assets(*map(asset_key, sources)),
        description="Reads what changed at Floriday since the last time, of every feed and account.",
    )


def full_sync_job(sources: Sequence[Source]) -> Job:
    """Everything that Floriday still serves, of every feed."""
    return dg.define_asset_job(
        "full_sync",
        dg.AssetSelection.assets(*map(asset_key, sources)),
        config=dg.RunConfig(ops={op_name(source): SyncConfig(full=True) for source in sources}),
        description="Reads everything that Floriday still serves once more, which repairs what was lost here.",
    )
