"""Dagster's queue of runs, in which each run carries the tag of its cell."""

from __future__ import annotations

import dagster as dg

from pipelines.orchestration.cells import CELL, cell_of_run


class CellRunCoordinator(dg.QueuedRunCoordinator):
    """Adds the tag of the cell to runs that a person starts, whose partitions name it.

    ``tag_concurrency_limits`` of `dagster.yaml` then allows one run of each cell at a time.
    """

    def submit_run(self, context: dg.SubmitRunContext) -> dg.DagsterRun:
        """Queue a run."""
        self.tag(context.dagster_run)
        return super().submit_run(context)

    def tag(self, run: dg.DagsterRun) -> None:
        """Add the tag of the run's cell, if it has none and its partition names one."""
        if CELL not in run.tags and (cell := cell_of_run(run)):
            self._instance.add_run_tags(run.run_id, {CELL: cell})
