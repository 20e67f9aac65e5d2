"""Runs that a person, a schedule or a sensor starts by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import dagster as dg

from pipelines.catalogue.types import Source
from pipelines.orchestration.assets.feeds import asset_key, op_name
from pipelines.orchestration.assets.request import CHANGES, EVERYTHING, READS
from pipelines.orchestration.dagster_private import AssetJob


def ops_config(sources: Iterable[Source], **asked: Any) -> dict[str, Any]:
    """Config of a run in which every feed is asked for alike, by the fields of ``SyncConfig``."""
    return {"ops": {op_name(source): {"config": dict(asked)} for source in sources}}


def sync_job(sources: Sequence[Source], reports: Sequence[dg.AssetKey]) -> AssetJob:
    """What changed since the last time, of every feed, and the reports on it."""
    return dg.define_asset_job(
        "sync",
        dg.AssetSelection.assets(*map(asset_key, sources), *reports),
        config=ops_config(sources, incremental=True),
        tags={READS: CHANGES},
        description="Reads what changed at Floriday since the last time, of every feed and account; then the reports.",
    )


def dashboard_job(dashboard: dg.AssetKey) -> AssetJob:
    """The dashboard alone, of what the warehouse holds."""
    return dg.define_asset_job(
        "dashboard",
        dg.AssetSelection.assets(dashboard),
        description="Writes the dashboard anew, of what the warehouse holds, whatever became of the last sync.",
    )


def full_sync_job(sources: Sequence[Source]) -> AssetJob:
    """Everything that Floriday still serves, of every feed."""
    return dg.define_asset_job(
        "full_sync",
        dg.AssetSelection.assets(*map(asset_key, sources)),
        config=ops_config(sources, full=True),
        tags={READS: EVERYTHING},
        description="Reads everything that Floriday still serves once more, which repairs what was lost here.",
    )
