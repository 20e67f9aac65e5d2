"""Groups of accounts with a lake each, in Dagster: the cell of a run, and the partitions by cell and week.

A run belongs to one cell, by its tag or by its partition. Its resources then have the settings of this cell alone.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg

from pipelines.errors import UsageError
from pipelines.lake_address import LakeCells
from pipelines.orchestration.assets.partitions import weeks
from pipelines.orchestration.dagster_private import ASSET_PARTITION_RANGE_START_TAG, PARTITION_NAME_TAG
from pipelines.settings import LocalSettings

CELL = "floriday/cell"
"""The tag with the name of a run's cell; Dagster's queue allows one run of each cell at a time (`dagster.yaml`)."""
_BETWEEN = "|"  # what Dagster writes between the cell and the week of a partition
_WEEK = re.compile(r"\d{4}-\d{2}-\d{2}")


def cells_of(settings: LocalSettings) -> tuple[str, ...]:
    """The names of the cells; none for a file, and for a lake that is not divided into cells."""
    return settings.warehouse.names if isinstance(settings.warehouse, LakeCells) else ()


def cell_of_run(run: dg.DagsterRun) -> str | None:
    """The name of the run's cell; None if neither a tag nor a partition names one."""
    partition = run.tags.get(PARTITION_NAME_TAG) or run.tags.get(ASSET_PARTITION_RANGE_START_TAG) or ""
    first = partition.split(_BETWEEN)[0]
    return run.tags.get(CELL) or (first if first and not _WEEK.fullmatch(first) else None)


def tags_of(cell: str | None) -> dict[str, str]:
    """The tags of a run of a cell; none without cells."""
    return {} if cell is None else {CELL: cell}


def name_in(cell: str | None, name: str) -> str:
    """The name of a sensor of a cell, from its name without cells."""
    return name if cell is None else f"{name}_{cell}"


def partitions(start: dt.date, cells: Sequence[str]) -> dg.PartitionsDefinition[str]:
    """The partitions of feeds from ``start`` on: weeks, or the weeks of each cell."""
    if not cells:
        return weeks(start)
    return dg.MultiPartitionsDefinition({"cell": dg.StaticPartitionsDefinition([*cells]), "week": weeks(start)})


def partitions_of_cells(cells: Sequence[str]) -> dg.StaticPartitionsDefinition | None:
    """The partitions of a job without weeks: the cells; None without cells."""
    return dg.StaticPartitionsDefinition([*cells]) if cells else None


@dataclass(frozen=True)
class CellWeeks:
    """The partitions of one cell, or all partitions where there are no cells."""

    cell: str | None

    def key(self, week: str) -> str:
        """The partition of a week."""
        return week if self.cell is None else dg.MultiPartitionKey({"cell": self.cell, "week": week})

    def weeks(self, keys: dg.PartitionKeyRange) -> dg.PartitionKeyRange:
        """The weeks of a range of partitions.

        Raises:
            UsageError: the range contains partitions of another cell.
        """
        if self.cell is None:
            return keys
        parts = [key.split(_BETWEEN) for key in (keys.start, keys.end)]
        if others := {cell for cell, _ in parts} - {self.cell}:
            raise UsageError(
                f"a run belongs to one cell: this one is of {self.cell}, and its partitions name {', '.join(others)};"
                " start a run for each cell"
            )
        return dg.PartitionKeyRange(parts[0][1], parts[1][1])
