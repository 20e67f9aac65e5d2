"""The jobs over assets, which a person, a schedule or a sensor starts by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import dagster as dg

from pipelines.catalogue.types import Source
from pipelines.orchestration.assets.keys import asset_key, op_name
from pipelines.orchestration.assets.request import CHANGES, EVERYTHING, READS
from pipelines.orchestration.dagster_private import AssetJob


def ops_config(sources: Iterable[Source], **config: Any) -> dict[str, Any]:
    """Run config with the same values for every feed; the names are those of the fields of ``SyncConfig``."""
    return {"ops": {op_name(source): {"config": dict(config)} for source in sources}}


def sync_job(sources: Sequence[Source], reports: Sequence[dg.AssetKey]) -> AssetJob:
    """The changes of every feed since the last sync, then the reports."""
    return dg.define_asset_job(
        "sync",
        dg.AssetSelection.assets(*map(asset_key, sources), *reports),
        config=ops_config(sources, incremental=True),
        tags={READS: CHANGES},
        description="Reads what changed at Floriday since the last sync, for every feed and account; then the reports.",
    )


def dashboard_job(dashboard: dg.AssetKey) -> AssetJob:
    """The dashboard alone."""
    return dg.define_asset_job(
        "dashboard",
        dg.AssetSelection.assets(dashboard),
        description="Writes the dashboard from the content of the warehouse, whether or not the last sync succeeded.",
    )


def full_sync_job(sources: Sequence[Source]) -> AssetJob:
    """Everything that Floriday still serves, for every feed."""
    return dg.define_asset_job(
        "full_sync",
        dg.AssetSelection.assets(*map(asset_key, sources)),
        config=ops_config(sources, full=True),
        tags={READS: EVERYTHING},
        description="Reads everything that Floriday still serves again, which repairs rows that were lost here.",
    )
