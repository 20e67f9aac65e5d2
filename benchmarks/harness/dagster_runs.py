"""Runs of a cell in Dagster, executed in this process, and the rows of their event logs."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from pipelines.orchestration.assets.keys import asset_key
from pipelines.orchestration.assets.partitions import week_of
from pipelines.orchestration.cells import CellWeeks
from pipelines.orchestration.code_location import build_definitions, feeds_of
from pipelines.orchestration.resources import given_settings

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class RunCost:
    """What a run took.

    Args:
        cpu: processor seconds of this process.
        events: rows of its event log.
    """

    cpu: float
    events: int


class DagsterRuns:
    """The job ``sync`` of a code location with these FLORIDAY_ variables."""

    def __init__(self, variables: Mapping[str, str], folder: Path) -> None:
        settings = given_settings(variables, folder)
        self._feeds = feeds_of(settings)
        self._job = build_definitions(settings).get_repository_def().get_job("sync")

    def run(self, instance: dg.DagsterInstance, cell: str, *, checks: bool) -> RunCost:
        """Execute a run of a cell, without checks as sensors start it, or with them as schedules do."""
        keys = {asset_key(source) for source in self._feeds}
        job = self._job.get_subset(asset_selection=keys, asset_check_selection=None if checks else set())
        partition, began = CellWeeks(cell).key(week_of(dt.datetime.now(dt.UTC))), time.process_time()
        config = {**_QUIET, "ops": {key.to_python_identifier(): {"config": {"incremental": True}} for key in keys}}
        result = job.execute_in_process(config, instance, partition_key=partition)
        took = time.process_time() - began
        assert result.success
        return RunCost(took, len(instance.all_logs(result.run_id)))
