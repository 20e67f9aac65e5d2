"""The cell of a run: by its tag, or by its partition."""

from __future__ import annotations

import dagster as dg

from pipelines.orchestration.dagster_private import ASSET_PARTITION_RANGE_START_TAG, PARTITION_NAME_TAG

CELL = "floriday/cell"
"""The tag with the name of a run's cell; Dagster's queue allows one run of each cell at a time."""
BETWEEN = "|"  # what Dagster writes between the cell and the week of a partition


def cell_of_run(run: dg.DagsterRun) -> str | None:
    """The name of the run's cell; None if neither a tag nor a partition names one."""
    partition = run.tags.get(PARTITION_NAME_TAG) or run.tags.get(ASSET_PARTITION_RANGE_START_TAG) or ""
    return run.tags.get(CELL) or partition.rpartition(BETWEEN)[0] or None
