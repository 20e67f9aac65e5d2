"""A lake is not written where its folder is missing, as if its disk were not mounted: rows would be hidden."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.errors import WarehouseError
from pipelines.warehouse.lake.connection import INLINED_ROWS, LakeWarehouse
from pipelines.warehouse.lake.upkeep import upkeep
from tests.lakes import lake_at, postgres, snapshot_of


@pytest.fixture
def warehouse(tmp_path: Path) -> LakeWarehouse:
    """A lake with an empty table and no file."""
    postgres()
    warehouse = LakeWarehouse(lake_at(tmp_path / "w.duckdb"))
    execute(warehouse, "CREATE TABLE pots (number INTEGER)")
    return warehouse


def execute(warehouse: LakeWarehouse, sql: str) -> None:
    """Execute a statement in a lake, with a connection of its own."""
    with warehouse.writing() as connection:
        connection.execute(sql)
    warehouse.close()


def insert(warehouse: LakeWarehouse, count: int = 1) -> None:
    """Insert rows."""
    execute(warehouse, f"INSERT INTO pots FROM range({count})")


def test_a_lake_without_files_keeps_its_folder(warehouse: LakeWarehouse) -> None:
    """A missing folder is not made anew, and nothing is written; a lake without any file is written otherwise."""
    insert(warehouse)
    before, folder = snapshot_of(warehouse.lake), Path(warehouse.lake.data)
    shutil.rmtree(folder)

    for write in (insert, upkeep):
        with pytest.raises(WarehouseError, match=r"does not exist: is its disk mounted\?"):
            write(warehouse)
    assert not folder.exists()
    assert snapshot_of(warehouse.lake) == before


def test_a_folder_without_the_files_of_the_lake(warehouse: LakeWarehouse) -> None:
    """It is refused, as the place of a disk that is not mounted is empty; with the files, everything works."""
    insert(warehouse, INLINED_ROWS + 1)
    before, folder = snapshot_of(warehouse.lake), Path(warehouse.lake.data)
    away = folder.rename(folder.with_name("away"))
    folder.mkdir()

    for write in (insert, upkeep):
        with pytest.raises(WarehouseError, match=r"it has none of its files\. Is its disk mounted\?"):
            write(warehouse)
    assert list(folder.iterdir()) == []
    assert snapshot_of(warehouse.lake) == before

    folder.rmdir()
    away.rename(folder)
    insert(warehouse)


def test_a_lake_is_written_after_upkeep_removed_all_files(warehouse: LakeWarehouse) -> None:
    """Files that upkeep removes are no longer listed."""
    insert(warehouse, INLINED_ROWS + 1)
    execute(warehouse, "DELETE FROM pots")
    for _ in range(2):
        upkeep(warehouse, keep=timedelta(0))
        warehouse.close()

    assert list(Path(warehouse.lake.data).rglob("*.parquet")) == []
    insert(warehouse)
