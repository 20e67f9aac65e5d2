"""Keep a lake small and quick: write inlined rows to files, merge small files, remove old snapshots and their files.

The caller holds the sync lock. Readers are not disturbed: files that a reader may still use are deleted an hour later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import duckdb

from pipelines.warehouse.lake.connection import ALIAS, LakeWarehouse

SNAPSHOTS_FOR = timedelta(hours=1)
"""How long a snapshot stays readable after it was replaced: longer than any query may take."""


@dataclass(frozen=True)
class UpkeepResult:
    """Number of Parquet files before and after, those of deletions included."""

    before: int
    after: int


def upkeep(warehouse: LakeWarehouse, *, keep: timedelta = SNAPSHOTS_FOR) -> UpkeepResult:
    """Do all upkeep of a lake; ``keep`` is the age from which snapshots and unused files are removed.

    Raises:
        PipelineError: PostgreSQL or the place of the files does not answer; no row is lost then.
    """
    with warehouse.writing() as connection:
        before = _files(connection)
        older = f"older_than => now() - INTERVAL {int(keep.total_seconds())} SECOND"
        for call in (
            f"ducklake_flush_inlined_data('{ALIAS}')",
            f"ducklake_rewrite_data_files('{ALIAS}')",
            f"ducklake_merge_adjacent_files('{ALIAS}')",
            f"ducklake_expire_snapshots('{ALIAS}', {older})",
            f"ducklake_cleanup_old_files('{ALIAS}', {older})",
        ):
            connection.execute(f"CALL {call}").fetchall()
        return UpkeepResult(before, _files(connection))


def _files(connection: duckdb.DuckDBPyConnection) -> int:
    sql = f"SELECT coalesce(sum(file_count + delete_file_count), 0) FROM ducklake_table_info('{ALIAS}')"
    ((count,),) = connection.execute(sql).fetchall()
    return int(count)
