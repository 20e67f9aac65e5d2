"""The asset of the dashboard: materializing it writes the page."""

# No `from __future__ import annotations` here: Dagster reads the annotations of an asset's function at run time.

from collections.abc import Iterable, Sequence
from typing import Any

import dagster as dg

from pipelines.dashboard import Dashboard, path_beside, write_dashboard
from pipelines.orchestration.assets.keys import POOL
from pipelines.orchestration.assets.reports import GROUP
from pipelines.orchestration.assets.step_errors import step_errors
from pipelines.orchestration.resources import WarehouseResource

DASHBOARD = dg.AssetKey([GROUP, "dashboard"])


def dashboard_asset(reports: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    """The asset, downstream of the reports that it shows.

    It has a schedule of its own: in the run of a sync Dagster would skip it when one feed fails, which its top shows.
    """

    @dg.asset(
        key=DASHBOARD,
        group_name=GROUP,
        kinds={"html"},
        description=(
            "The reports as one page: `dashboard.html` in the folder of the warehouse. It can be mailed, printed and"
            " opened without a network. Materializing writes it again; `daily_dashboard` does so every morning."
        ),
        deps=reports,
        output_required=False,
        pool=POOL,  # after a sync in progress
    )
    def write(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Iterable[dg.MaterializeResult[None]]:
        with step_errors(context.log, "dashboard: "):
            file = warehouse.file()
            if not file.exists():
                context.log.warning("there is no warehouse yet: sync first")
                return
            yield dg.MaterializeResult(metadata=_metadata(write_dashboard(file, path_beside(file.path))))

    return write


def _metadata(written: Dashboard) -> dict[str, Any]:
    return {
        "page": dg.MetadataValue.url(written.path.resolve().as_uri()),
        "path": dg.MetadataValue.path(written.path),
        "bytes": dg.MetadataValue.int(written.size),
        "orders": dg.MetadataValue.int(written.orders),
    }
